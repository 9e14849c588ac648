// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubAPI
import Usage

extension UsageAPI {
    /// The calls of a period at another model's prices.
    @Sendable func compare(_ request: ServerRequest) async throws -> CompareDocument {
        let parameters = QueryParameters(request)
        let period = try parameters.period(in: config.timezone, now: now())
        guard let model = parameters["with"] else {
            throw APIError.invalid("with must name a model of the price table")
        }
        return try await compare(period, filter: parameters.filter(in: config.timezone, now: now()), with: model)
    }

    private func compare(_ period: Period, filter: UsageFilter, with model: String) async throws -> CompareDocument {
        guard let table = pricing?.table else {
            throw APIError(.serviceUnavailable, "no pricing processor is configured; add pricing to a pipeline")
        }
        let now = now()
        guard var comparison = ModelComparison(with: model, in: table, now: now) else {
            let near = table.suggestions(for: model).prefix(3).joined(separator: ", ")
            throw APIError.invalid(
                "no price is known for the model \"\(model.prefix(80))\""
                    + (near.isEmpty ? "" : "; did you mean \(near)?")
            )
        }
        let walk = CallWalk(store: try openStore(), filter: filter, now: now)
        try await walk.forEach(from: period.start, to: period.end) { comparison.add($0) }
        return CompareDocument(comparison, in: period)
    }

    /// What reads from caches saved in a period, day by day at the prices of the day; nil without prices.
    func cacheSavings(beside summary: UsageSummary, _ query: UsageQuery) async throws -> Money? {
        guard let table = pricing?.table else { return nil }
        guard summary.totals.counts.cacheRead > 0 else { return .zero }
        var days = summary
        if query.series != .model {
            var byModel = query
            (byModel.series, byModel.listsSessions) = (.model, false)
            days = try await openStore().summary(byModel)
        }
        return InsightQuestions.cacheSavings(of: days, by: table)
    }
}
