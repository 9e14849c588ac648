// SPDX-License-Identifier: Apache-2.0

import JSON

/// Reads LiteLLM's `model_prices_and_context_window.json`: one object per model, rates in dollars per single token.
enum LiteLLMFile {
    private static let modes: Set<String> = ["chat", "responses", "completion", "embedding"]

    /// The rows of the models that are billed by the token; others (images, audio, search) are left out.
    static func entries(_ bytes: [UInt8]) throws(PriceTableError) -> [PriceEntry] {
        var entries: [String: PriceEntry] = [:]
        var models = 0
        var reader = JSONReader(bytes, deepest: 32, takesMark: true)
        func read<Part>(_ part: (inout JSONReader) throws(JSONError) -> Part) throws(PriceTableError) -> Part {
            do throws(JSONError) {
                return try part(&reader)
            } catch {
                let line = bytes[..<min(error.offset, bytes.count)].count { $0 == 0x0A } + 1
                throw PriceTableError(line: line, error.message)
            }
        }
        try read { reader throws(JSONError) in try reader.enterObject() }
        while let key = try read({ reader throws(JSONError) in try reader.nextKey() }) {
            let value = try read { reader throws(JSONError) in try reader.value() }
            guard key != "sample_spec" else { continue }
            guard case .object(let fields) = value else { throw PriceTableError(key, "the model is not an object") }
            guard case .string(let provider)? = fields["litellm_provider"] else { continue }
            models += 1
            guard case .string(let mode)? = fields["mode"], modes.contains(mode) else { continue }
            var row = LiteLLMRow(key: key, provider: provider, mode: mode)
            try row.read(fields)
            guard let entry = row.finished else { continue }
            // A model may be listed under its bare name and again behind its provider's; the latter is the fuller row.
            let name = "\(entry.provider)/\(entry.model)"
            if entries[name] == nil || key.contains("/") { entries[name] = entry }
        }
        try read { reader throws(JSONError) in try reader.finish() }
        guard models > 0 else { throw PriceTableError(line: 1, "no model with a litellm_provider") }
        return Array(entries.values)
    }
}

/// One model of LiteLLM's file on its way to a row.
private struct LiteLLMRow {
    private let key: String
    private var entry: PriceEntry
    private var tiers: [Condition: Rates] = [:]

    private struct Condition: Hashable {
        var serviceTier = ServiceTier.standard
        var threshold: Int64 = 0
    }

    init(key: String, provider: String, mode: String) {
        self.key = key
        let scope = ProviderScope.scope(ofLiteLLM: provider)
        var model = key.lowercased()
        for prefix in [scope + "/", String(scope.map { $0 == "_" ? "-" : $0 }) + "/"] where model.hasPrefix(prefix) {
            model = String(model.dropFirst(prefix.count))
            break
        }
        entry = PriceEntry(provider: scope, model: model, mode: mode)
    }

    /// The row; nil when it has no rates or a name that a price file cannot hold.
    var finished: PriceEntry? {
        var result = entry
        result.rates = tiers[Condition()] ?? Rates()
        for (condition, rates) in tiers where condition != Condition() {
            let isInclusive = condition.threshold > 0 && entry.provider == "xai"
            let tier = PriceTier(
                serviceTier: condition.serviceTier,
                threshold: condition.threshold,
                isInclusive: isInclusive,
                rates: rates
            )
            result.add(tier)
        }
        // The table is searched in lines and columns, so a name that the line cannot give back is not taken.
        guard let parsed = try? PriceLine.parse(PriceLine.text(result)), parsed == result else { return nil }
        return result.canPrice(allowsFree: false) ? result : nil
    }

    mutating func read(_ fields: [String: JSONValue]) throws(PriceTableError) {
        for (name, value) in fields {
            if let (column, condition) = Self.column(name) {
                tiers[condition, default: Rates()][keyPath: column] = try rate(value, name)
            }
        }
        if case .array(let ranges)? = fields["tiered_pricing"] { try readRanges(ranges) }
        if case .object(let offPeak)? = fields["off_peak_pricing"] { try readOffPeak(offPeak) }
        try readFactors(fields)
        entry.webSearch = try webSearch(fields)
        if case .string(let date)? = fields["deprecation_date"], PriceDate.parse(date) != nil { entry.endDate = date }
    }

    private mutating func readRanges(_ ranges: [JSONValue]) throws(PriceTableError) {
        for case .object(let range) in ranges {
            guard case .array(let bounds)? = range["range"], let first = bounds.first, let from = Self.count(first)
            else {
                throw PriceTableError(key, "tiered_pricing has no range")
            }
            let rates = try rates(range)
            tiers[Condition(threshold: from), default: Rates()].overlay(rates)
        }
    }

    private mutating func readOffPeak(_ fields: [String: JSONValue]) throws(PriceTableError) {
        var windows: [OffPeakRates.Window] = []
        var groups = [fields]
        if case .array(let values)? = fields["windows"] {
            groups = values.compactMap { if case .object(let group) = $0 { group } else { nil } }
        }
        for group in groups {
            var days = OffPeakRates.Window.everyDay
            if case .array(let numbers)? = group["weekdays"] {
                days = numbers.compactMap(Self.count).filter { (1...7).contains($0) }.reduce(0) { $0 | 1 << UInt8($1) }
            }
            var ranges: [JSONValue] = []
            if let hours = group["hours_utc"] { ranges = if case .array(let list) = hours { list } else { [hours] } }
            for case .string(let range) in ranges {
                guard let window = OffPeakRates.window(range, days: days) else {
                    throw PriceTableError(key, "\"\(range.prefix(40))\" is not a range of hours")
                }
                windows.append(window)
            }
        }
        var offPeak = OffPeakRates(rates: try rates(fields), windows: windows)
        switch fields["weekday_timezone"] {
        case nil, .string("UTC"): break
        case .string("Asia/Shanghai"): offPeak.weekdayOffset = 480
        // The days of another zone are not known here; the list price is then the honest one.
        default: return
        }
        if !windows.isEmpty, !offPeak.rates.isEmpty { entry.offPeak = offPeak }
    }

    private mutating func readFactors(_ fields: [String: JSONValue]) throws(PriceTableError) {
        var factors: [String: JSONValue] = [:]
        factors["us"] = fields["regional_processing_uplift_multiplier_us"]
        factors["eu"] = fields["regional_processing_uplift_multiplier_eu"]
        if case .object(let specific)? = fields["provider_specific_entry"] { factors.merge(specific) { $1 } }
        for name in ["us", "eu", "fast"] {
            guard let value = factors[name], value != .null else { continue }
            guard let factor = Self.text(value).flatMap({ PriceFactor($0) }) else {
                throw PriceTableError(key, "\(name) is not a factor")
            }
            if name == "fast" { entry.fastFactor = factor } else { entry.regionFactors[name] = factor }
        }
    }

    /// The price of a web search, where it is the same for every size and nothing is free.
    private func webSearch(_ fields: [String: JSONValue]) throws(PriceTableError) -> Money? {
        guard fields["search_free_requests"] == nil, case .object(let sizes)? = fields["search_context_cost_per_query"]
        else { return nil }
        let prices = Set(sizes.values.compactMap(Self.text))
        guard prices.count == 1, let text = prices.first, let price = DecimalText.scaled(text.utf8, by: 9),
            (1...1_000_000_000_000).contains(price)
        else { return nil }
        return Money(nanodollars: price)
    }

    private func rates(_ fields: [String: JSONValue]) throws(PriceTableError) -> Rates {
        var rates = Rates()
        for (name, value) in fields {
            guard let (column, condition) = Self.column(name), condition == Condition() else { continue }
            rates[keyPath: column] = try rate(value, name)
        }
        return rates
    }

    private func rate(_ value: JSONValue, _ name: String) throws(PriceTableError) -> Rate? {
        if value == .null { return nil }
        guard let rate = Self.text(value).flatMap({ Rate(perToken: $0) }) else {
            throw PriceTableError(key, "\(name) is not a number of dollars per token")
        }
        return rate
    }

    /// Which rate a field holds, and under which condition; nil for a field that is no rate of tokens.
    private static func column(_ name: String) -> (WritableKeyPath<Rates, Rate?>, Condition)? {
        guard var (column, rest) = stem(name) else { return nil }
        var condition = Condition()
        while !rest.isEmpty {
            if rest.hasPrefix("_above_1hr"), column == \Rates.cacheWrite {
                column = \Rates.cacheWrite1h
                rest = rest.dropFirst("_above_1hr".count)
            } else if let (threshold, length) = threshold(rest) {
                condition.threshold = threshold
                rest = rest.dropFirst(length)
            } else if let tier = ServiceTier(name: String(rest.dropFirst())), tier != .standard {
                condition.serviceTier = tier
                rest = ""
            } else {
                return nil
            }
        }
        return (column, condition)
    }

    private static func stem(_ name: String) -> (WritableKeyPath<Rates, Rate?>, Substring)? {
        let stems: [(String, WritableKeyPath<Rates, Rate?>)] = [
            ("input_cost_per_token", \.input), ("output_cost_per_token", \.output),
            ("output_cost_per_reasoning_token", \.reasoning),
            ("cache_read_input_token_cost", \.cacheRead), ("cache_creation_input_token_cost", \.cacheWrite),
        ]
        return stems.first { name.hasPrefix($0.0) }.map { ($0.1, name.dropFirst($0.0.count)) }
    }

    /// The tokens of `_above_200k_tokens` and the length of the text.
    private static func threshold(_ text: Substring) -> (Int64, Int)? {
        guard text.hasPrefix("_above_") else { return nil }
        let digits = text.dropFirst("_above_".count).prefix { $0.isASCII && $0.isNumber }
        let end = "k_tokens"
        guard let thousands = Int64(digits), (1...1_000_000).contains(thousands),
            text[digits.endIndex...].hasPrefix(end)
        else { return nil }
        return (thousands * 1000, "_above_".count + digits.count + end.count)
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    private static func count(_ value: JSONValue) -> Int64? {
        guard let text = text(value), let count = DecimalText.scaled(text.utf8, by: 0), count <= TokenCounts.limit
        else { return nil }
        return count
    }
}
