// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The folder for the pictures; nil when none are requested.
enum Pictures {
    static var folder: String? { ProcessInfo.processInfo.environment["HAMMURABI_SCREENSHOTS"] }
}

/// Creates the pictures of the README again: `HAMMURABI_SCREENSHOTS=Tests/UITests/Screenshots swift test --filter ScreenshotTests`.
@Suite(.enabled(if: Chromium.isThere && Pictures.folder != nil), .onStage)
struct ScreenshotTests {
    @Test func `the overview of a month's work, light and dark`() async throws {
        let folder = URL(filePath: try #require(Pictures.folder))
        let hub = try await Hub("extensions:\n  hub:\n    budget: { monthly: 200 }\n")
        let events = SampleMonth().events
        for start in stride(from: 0, to: events.count, by: 500) {
            try await hub.ingest(Array(events[start..<min(start + 500, events.count)]))
        }
        // So high that the chart of the days is whole.
        let tab = try await Tab(of: hub, height: 960)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        for theme in ["light", "dark"] {
            try await tab.show(theme: theme)
            try await tab.wait(for: "document.querySelector('.pill').textContent === 'Live'")
            let picture = try await tab.picture()
            #expect(picture.count < 250_000)
            try picture.write(to: folder.appending(path: "overview-\(theme).png"))
        }
    }
}

/// A month of a small team up to now and the month before, the same for every run; six days ago one person migrated a database.
struct SampleMonth {
    private static let models = [
        ("claude-sonnet-4-5-20250929", "claude-code", 9), ("claude-opus-4-8", "claude-code", 4),
        ("gpt-5.2-codex", "codex", 3),
        ("claude-haiku-4-5-20251001", "claude-code", 2), ("gemini-3-pro-preview", "gemini-cli", 1),
    ]
    private static let tasks = [
        "fix-bug", "refactor-ledger", "add-login", "migrate-db", "speed-up-tests", "review-pr-482", "write-docs",
        "flaky-ci",
        "new-endpoint", "upgrade-deps", "trace-memory-leak", "rename-module", "csv-export", "dark-mode", "rate-limits",
    ]
    private static let projects = ["payments-api", "web-frontend", "data-pipeline", "infra", "mobile-app"]
    private static let users = ["amina", "jonas", "li"]

    private var state: UInt64 = 20_261_122

    /// A number below a limit, from a generator with a fixed seed.
    private mutating func next(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(limit))
    }

    /// The events, each as a body for `POST /api/telemetry/ingest`.
    var events: [JSON] {
        var month = self
        return (0..<47).flatMap { month.session($0) } + (47..<100).flatMap { month.session($0, daysAgo: 30...60) }
    }

    private mutating func session(_ number: Int, daysAgo: ClosedRange<Int> = 0...28) -> [JSON] {
        let choice = Self.models.flatMap { model in Array(repeating: model, count: model.2) }
        var (model, agent, _) = choice[next(choice.count)]
        let suffix = number < Self.tasks.count ? "" : "-\(number / Self.tasks.count + 1)"
        let name = Self.tasks[number % Self.tasks.count] + suffix
        var (project, user) = (Self.projects[next(Self.projects.count)], Self.users[next(Self.users.count)])
        var calls = 6 + next(34)
        // The first three are active now; the others are spread over the days.
        let day = daysAgo.lowerBound + next(daysAgo.count)
        var secondsAgo = number < 3 ? 10 : 1_800 + day * 86_400 + next(20_000)
        if (3...5).contains(number) {
            (model, agent, project, user) = ("claude-opus-4-8", "claude-code", "data-pipeline", "amina")
            (calls, secondsAgo) = (90, 6 * 86_400 + number * 900)
        }
        return (0..<calls).map { _ in
            defer { secondsAgo += 8 + next(60) }
            let time = Date(timeIntervalSinceNow: -Double(secondsAgo)).timeIntervalSince1970 * 1_000
            return [
                "sessionId": .string(name), "event": "token_usage", "model": .string(model),
                "agentName": .string(agent),
                "project": .string(project), "user": .string(user), "timestamp": .number(time.rounded()),
                "inputTokens": .number(Double(next(2_500))), "outputTokens": .number(Double(60 + next(2_800))),
                "cacheReadTokens": .number(Double(9_000 + next(110_000))),
                "cacheWriteTokens": .number(Double(next(11_000))),
                "duration": .number(Double(900 + next(24_000))),
            ]
        }
    }
}

/// The folder of the pictures.
enum Screenshots {
    static var folder: String? { ProcessInfo.processInfo.environment["HAMMURABI_SCREENSHOTS"] }
}
