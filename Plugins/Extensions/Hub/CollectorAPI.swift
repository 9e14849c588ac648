// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import HubAPI
import Usage

/// The API's answers about the collector itself.
struct CollectorAPI {
    let version: String
    let usage: UsageAPI
    let status: @Sendable () -> CollectorStatus
    let reload: @Sendable () async -> ReloadOutcome
    /// What is wrong, by the rules of the configuration.
    var alerts: @Sendable (Timestamp) async -> [AlertCondition] = { _ in [] }

    @Sendable func pipelines(_ request: ServerRequest) async throws -> PipelinesDocument {
        PipelinesDocument(status(), version: version, now: usage.now())
    }

    /// The health of the collector; the status of the answer is 200 in any case, because the hub is serving.
    func health() -> HealthDocument { HealthDocument(status(), version: version) }

    @Sendable func reload(_ request: ServerRequest) async throws -> ReloadDocument {
        switch await reload() {
        case .applied(let changes): return ReloadDocument(changes: changes)
        case .refused(let diagnostics): throw APIError(.unprocessableContent, diagnostics)
        case .unavailable:
            throw APIError(
                .serviceUnavailable,
                "this collector was not started from files; there is nothing to load again"
            )
        }
    }

    /// All metrics, in Prometheus' text format 0.0.4.
    @Sendable func metrics(_ request: ServerRequest) async throws -> ServerResponse {
        var text = MetricsText()
        text.addCollector(status(), version: version, now: usage.now(), residentBytes: Self.residentBytes())
        // When the store does not answer, the other metrics are still sent: they show why.
        if let store = usage.store, let month = try? Period(nil, timezone: usage.config.timezone, now: usage.now()) {
            var query = UsageQuery(month, now: usage.now())
            query.listsSessions = false
            if let summary = try? await store.summary(query) {
                text.addUsage(summary, budget: usage.config.monthlyBudget?.limit)
            }
        }
        if let series = try? await usage.series() { text.add(series) }
        let fields: HTTPFields = [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"]
        return ServerResponse(.ok, fields, body: .bytes(Array(text.text.utf8)))
    }

    /// The resident memory of the process; nil when the system does not report it.
    private static func residentBytes() -> Int? {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/self/statm")) else { return nil }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * 4_096 } : nil
    }
}
