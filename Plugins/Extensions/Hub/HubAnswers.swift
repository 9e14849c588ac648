// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HubAPI
import JSON
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
        return try OrderedJSONEncoder.text(of: await api.summary(question))
    }

    /// The document of `GET /api/telemetry/sessions`.
    public func sessions(_ query: SessionQuery) async throws -> String {
        try OrderedJSONEncoder.text(of: await api.sessions(query))
    }

    /// The document of `GET /api/telemetry/sessions/{id}`; nil when the session is unknown.
    public func session(id: String) async throws -> String? {
        try await api.session(id: id).map { try OrderedJSONEncoder.text(of: $0) }
    }

    /// The document of `GET /api/telemetry/prices`.
    public func prices() async throws -> String { try OrderedJSONEncoder.text(of: await api.prices()) }

    /// The document of `POST /api/telemetry/scan`.
    public static func scan(_ report: ScanReport) throws -> String {
        try OrderedJSONEncoder.text(of: ScanDocument(report))
    }

    /// The document of `GET /api/telemetry/quality`.
    public func quality(of period: Period) async throws -> String {
        try OrderedJSONEncoder.text(of: await api.quality(of: period))
    }
}
