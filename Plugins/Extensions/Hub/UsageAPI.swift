// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Usage

/// What the API answers about usage; each function takes a request and gives the document.
struct UsageAPI {
    let config: HubConfig
    let store: (any UsageStore)?
    let scanners: [any SessionScanner]
    let now: @Sendable () -> Timestamp

    @Sendable func summary(_ request: ServerRequest) async throws -> JSONValue {
        let now = now()
        return try await summary(of: period(of: request, now), now: now)
    }

    @Sendable func quality(_ request: ServerRequest) async throws -> JSONValue {
        let now = now()
        return try await quality(of: period(of: request, now), now: now)
    }

    /// The document about how well a period's calls are known.
    func quality(of period: Period, now: Timestamp) async throws -> JSONValue {
        let scans = scanners.compactMap(\.lastReport)
        return TelemetryJSON.quality(try await openStore().quality(of: period), of: period, scans: scans)
    }

    private func period(of request: ServerRequest, _ now: Timestamp) throws -> Period {
        let parameters = QueryParameters(request)
        do {
            return try Period(
                parameters["period"],
                from: parameters["from"],
                to: parameters["to"],
                timezone: parameters["timezone"] ?? config.timezone,
                now: now
            )
        } catch {
            throw APIError.invalid(error.description)
        }
    }

    /// The document about a period.
    func summary(of period: Period, now: Timestamp) async throws -> JSONValue {
        let summary = try await openStore().summary(of: period, now: now)
        return TelemetryJSON.summary(summary, budget: try await budget(beside: summary, now: now), now: now)
    }

    @Sendable func sessions(_ request: ServerRequest) async throws -> JSONValue {
        let now = now()
        let query = try SessionQuery(QueryParameters(request), now: now)
        return TelemetryJSON.page(try await openStore().sessions(query), now: now)
    }

    @Sendable func session(_ request: ServerRequest) async throws -> JSONValue {
        guard let id = request.parameters["id"], let detail = try await openStore().session(id: id) else {
            throw APIError(.notFound, "no session with this id is known")
        }
        return TelemetryJSON.detail(detail, now: now())
    }

    @Sendable func compact(_ request: ServerRequest) async throws -> JSONValue {
        let retention = try await CompactRequest(request.body)?.retention ?? config.retention.nanoseconds
        let border = Timestamp(nanoseconds: max(0, now().nanoseconds - retention))
        let removed = try await openStore().compact(before: border)
        // A retention in nanoseconds is 86,400 times as many billionths of a day.
        return ["ok": true, "retentionDays": .billionths(retention / 86_400), "removed": .integer(Int64(removed))]
    }

    @Sendable func scan(_ request: ServerRequest) async throws -> JSONValue {
        guard !scanners.isEmpty else {
            throw APIError(
                .serviceUnavailable,
                "no receiver of this configuration reads session directories; add agent_sessions to receivers and to a logs pipeline"
            )
        }
        var report = ScanReport()
        for scanner in scanners {
            do throws(ConsumeError) {
                let part = try await scanner.scan(progress: nil)
                report.add(part)
                report.durationMilliseconds += part.durationMilliseconds
            } catch {
                throw APIError(.serviceUnavailable, "what was read could not be kept: \(error.message)")
            }
        }
        return TelemetryJSON.scan(report)
    }

    /// The current month's state, whatever period was asked for.
    private func budget(beside summary: UsageSummary, now: Timestamp) async throws -> BudgetReport? {
        guard let limit = config.monthlyBudget else { return nil }
        let month = try Period(nil, timezone: config.timezone, now: now)
        let used =
            summary.period == month
            ? summary.totals.cost : try await openStore().summary(of: month, now: now).totals.cost
        return BudgetReport(limit: limit, used: used, month: month, now: now)
    }

    private func openStore() throws -> any UsageStore {
        guard let store else { throw StoreError("the store \"\(config.store)\" of the hub is not there") }
        return store
    }
}
