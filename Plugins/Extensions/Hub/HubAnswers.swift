// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Usage

/// The documents of the API for programs that read the store themselves, so that a command line prints what the API answers.
public struct HubAnswers: Sendable {
    private let api: UsageAPI

    /// Creates answers from a store.
    ///
    /// - Parameters:
    ///   - scanners: What reads session files; need not be started.
    ///   - pricing: How calls are priced, for what is said of prices; nil when nothing is known of them.
    public init(
        store: any UsageStore,
        scanners: [any SessionScanner] = [],
        config: HubConfig,
        pricing: Pricing? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) {
        api = UsageAPI(config: config, store: store, scanners: scanners, pricing: pricing, now: now)
    }

    /// The document of `GET /api/telemetry/summary`.
    public func summary(of period: Period) async throws -> String {
        try await summary(UsageQuery(period, now: api.now()))
    }

    /// The document of `GET /api/telemetry/summary` with conditions.
    ///
    /// - Parameter comparesPrevious: Whether the equally long time before is told of, too.
    public func summary(_ query: UsageQuery, comparesPrevious: Bool = false) async throws -> String {
        var question = SummaryQuestion(query)
        question.comparesPrevious = comparesPrevious
        return try await api.summary(question).text
    }

    /// The document of `GET /api/telemetry/sessions`.
    public func sessions(_ query: SessionQuery) async throws -> String { try await api.sessions(query).text }

    /// The document of `GET /api/telemetry/sessions/{id}`; nil when the session is unknown.
    public func session(id: String) async throws -> String? { try await api.session(id: id)?.text }

    /// The document of `GET /api/telemetry/prices`.
    public func prices() async throws -> String { try await api.prices().text }

    /// The document of `POST /api/telemetry/scan`.
    public static func scan(_ report: ScanReport) -> String { TelemetryJSON.scan(report).text }

    /// The document of `GET /api/telemetry/quality`.
    public func quality(of period: Period) async throws -> String { try await api.quality(of: period).text }
}
