// SPDX-License-Identifier: Apache-2.0

import Usage

extension TelemetryJSON {
    /// The answer about the price table in force and the models that are not in it.
    static func prices(_ entries: [PriceEntry], unpriced: [UnpricedModel], unmatched: [UnmatchedOverride]) -> JSONValue
    {
        [
            "models": .array(entries.map(price)), "unpriced": .array(unpricedModels(unpriced)),
            "aliases": .array(PriceTable.aliases.map(alias)), "unmatchedOverrides": self.unmatched(unmatched),
        ]
    }

    /// The user's prices that reach no stored call.
    static func unmatched(_ overrides: [UnmatchedOverride]) -> JSONValue {
        .array(overrides.map { ["model": .string($0.model), "nearest": JSONValue($0.nearest)] })
    }

    private static func alias(_ alias: PriceAlias) -> JSONValue {
        [
            "name": .string(alias.name), "model": .string(alias.model),
            "from": JSONValue(alias.from.map { String($0.iso8601.prefix(10)) }),
            "until": JSONValue(alias.until.map { String($0.iso8601.prefix(10)) }),
            "source": .string(alias.source),
        ]
    }

    private static func price(_ entry: PriceEntry) -> JSONValue {
        func dollars(_ rate: Rate?) -> JSONValue { rate.map { .decimal($0.perMillion) } ?? .null }
        return [
            "model": .string(entry.model),
            "provider": entry.provider == "override" ? .null : .string(entry.provider),
            "inputPerMillion": dollars(entry.rates.input),
            "outputPerMillion": dollars(entry.rates.output),
            "cacheReadPerMillion": dollars(entry.rates.cacheRead),
            "cacheWrite5mPerMillion": dollars(entry.rates.cacheWrite),
            "cacheWrite1hPerMillion": dollars(entry.rates.cacheWrite1h),
            "from": JSONValue(entry.validFrom.map { String($0.iso8601.prefix(10)) }),
        ]
    }

    /// What nobody named and what is called "unknown" are one.
    private static func unpricedModels(_ models: [UnpricedModel]) -> [JSONValue] {
        let named = Dictionary(models.map { (name($0.model), $0) }) { left, right in
            UnpricedModel(
                model: left.model,
                calls: left.calls + right.calls,
                lastSeenAt: max(left.lastSeenAt, right.lastSeenAt)
            )
        }
        return named.sorted { ($1.value.calls, $0.key) < ($0.value.calls, $1.key) }.map { name, model in
            [
                "model": .string(name), "calls": .integer(model.calls),
                "lastSeenAt": .string(model.lastSeenAt.iso8601),
            ]
        }
    }
}
