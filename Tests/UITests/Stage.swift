// SPDX-License-Identifier: Apache-2.0

import Testing

/// The shared objects of a suite: one browser, and one collector with calls in its store.
struct Stage: Sendable {
    let browser: Chromium
    let hub: Hub

    @TaskLocal static var current: Stage?

    static var shared: Stage {
        get throws { try #require(current, "the suite lacks the trait .onStage") }
    }
}

/// Creates the shared objects for a whole suite and removes them afterwards.
struct StageTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let hub = try await Hub()
        try await hub.send(SampleCalls.all)
        try await Stage.$current.withValue(Stage(browser: try Chromium(), hub: hub)) { try await function() }
        hub.stop()
    }
}

extension Trait where Self == StageTrait {
    /// One browser and one collector with ``SampleCalls`` for all tests of the suite.
    static var onStage: StageTrait { StageTrait() }
}

/// Six sessions of three users over three weeks; one of them used a model without a price.
enum SampleCalls {
    static let cheap = "11111111-0000-4000-8000-000000000001"
    static let dear = "22222222-0000-4000-8000-000000000002"
    static let ofJonas = "33333333-0000-4000-8000-000000000003"
    static let fresh = "66666666-0000-4000-8000-000000000006"
    static let opus = "claude-opus-4-8"
    static let unpriced = "house-model-1"
    private static let day = 86_400

    static let all: [AgentCall] = [
        AgentCall(session: cheap, secondsAgo: 20 * day, input: 100, output: 10, cacheRead: 0, cacheWrite: 0),
        AgentCall(session: dear, model: opus, secondsAgo: 9 * day + 40, input: 90_000, output: 9_000),
        AgentCall(session: dear, model: opus, secondsAgo: 9 * day, input: 70_000, output: 8_000),
        AgentCall(session: ofJonas, user: "jonas@example.com", secondsAgo: 5 * day),
        AgentCall(session: "44444444-0000-4000-8000-000000000004", model: unpriced, secondsAgo: 2 * day),
        AgentCall(session: "55555555-0000-4000-8000-000000000005", user: "li@example.com", secondsAgo: 2 * day),
        AgentCall(session: fresh, secondsAgo: 700, input: 5_000),
        AgentCall(session: fresh, secondsAgo: 20, input: 6_000, cacheRead: 120_000),
    ]
}
