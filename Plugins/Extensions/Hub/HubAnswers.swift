// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Usage

/// The documents of the API for programs that read the store themselves, so that a command line prints what the API answers.
public struct HubAnswers: Sendable {
    private let store: any UsageStore
    private let now: @Sendable () -> Timestamp

    /// Creates answers from a store.
    public init(store: any UsageStore, config: HubConfig, now: @escaping @Sendable () -> Timestamp) {
        self.store = store
        self.now = now
    }

    /// The document of `GET /api/telemetry/summary`.
    public func summary(of period: Period) async throws -> String {
        let summary = try await store.summary(of: period, now: now())
        return String(decoding: TelemetryJSON.summary(summary, budget: nil, now: now()).bytes, as: UTF8.self)
    }
}
