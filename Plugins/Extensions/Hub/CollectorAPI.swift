// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import HubAPI
import Usage

/// What the API answers about the collector itself.
struct CollectorAPI {
    let version: String
    let usage: UsageAPI
    let status: @Sendable () -> CollectorStatus
    let reload: @Sendable () async -> ReloadOutcome

    @Sendable func pipelines(_ request: ServerRequest) async throws -> PipelinesDocument {
        PipelinesDocument(status(), version: version, now: usage.now())
    }

    /// Whether everything runs; the answer is 200 either way, because it serves.
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

    /// Everything that is measured, in Prometheus' text format 0.0.4.
    @Sendable func metrics(_ request: ServerRequest) async throws -> ServerResponse {
        var text = MetricsText()
        text.addCollector(status(), version: version, now: usage.now(), residentBytes: Self.residentBytes())
        // A scrape that fails because the store rests would hide why it does.
        if let store = usage.store, let month = try? Period(nil, timezone: usage.config.timezone, now: usage.now()) {
            var query = UsageQuery(month, now: usage.now())
            query.listsSessions = false
            if let summary = try? await store.summary(query) {
                text.addUsage(summary, budget: usage.config.monthlyBudget)
            }
        }
        let fields: HTTPFields = [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"]
        return ServerResponse(.ok, fields, body: .bytes(Array(text.text.utf8)))
    }

    /// The memory that the process holds; nil where the system does not tell.
    private static func residentBytes() -> Int? {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/self/statm")) else { return nil }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * 4_096 } : nil
    }
}
