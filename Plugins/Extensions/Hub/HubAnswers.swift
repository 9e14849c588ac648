// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Usage

/// The documents of the API for programs that read the store themselves, so that a command line prints what the API answers.
public struct HubAnswers: Sendable {
    private let api: UsageAPI

    /// Creates answers from a store.
    public init(store: any UsageStore, config: HubConfig, now: @escaping @Sendable () -> Timestamp) {
        api = UsageAPI(config: config, store: store, scanners: [], now: now)
    }

    /// The document of `GET /api/telemetry/summary`.
    public func summary(of period: Period) async throws -> String {
        String(decoding: try await api.summary(of: period, now: api.now()).bytes, as: UTF8.self)
    }

    /// The document of `POST /api/telemetry/scan`.
    public static func scan(_ report: ScanReport) -> String {
        String(decoding: TelemetryJSON.scan(report).bytes, as: UTF8.self)
    }

    /// The document of `GET /api/telemetry/quality`, without what a running collector knows of its last scan.
    public func quality(of period: Period) async throws -> String {
        String(decoding: try await api.quality(of: period, now: api.now()).bytes, as: UTF8.self)
    }
}
