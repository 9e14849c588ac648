// SPDX-License-Identifier: Apache-2.0

/// The published prices of language models: a value made of price files and overrides, read where they lie.
///
/// Making a table from compiled-in bytes costs microseconds and no memory. A lookup costs up to a few hundred
/// microseconds, because rows are parsed when they are asked for; a ``PriceCache`` remembers them.
///
/// A model is found by its exact name, after known decoration was taken off, first in the list of the given provider,
/// then in the list of the vendor who makes it, then through a short table of aliases. Nothing is ever guessed from a
/// part of a name: a model that is not found is unpriced.
///
/// A row whose rates are both zero prices a call only when the file marks it `free`, the caller named the provider, and
/// the row is in that provider's own list. Everything else with zeros is taken for a placeholder, and the call is
/// unpriced.
public struct PriceTable: Sendable {
    /// The files, the one that wins first.
    private(set) var texts: [PriceText]
    /// Overrides by model in lower case.
    private(set) var overrides: [String: PriceOverride] = [:]

    /// Knows no price.
    public static let empty = PriceTable(texts: [])

    /// Takes a price file that is compiled into the program.
    ///
    /// The memory must stay valid and unchanged as long as the process lives. Only the header is read. Throws when it
    /// is none.
    public init(compiledIn bytes: UnsafeRawBufferPointer) throws(PriceTableError) {
        texts = [try PriceText(constant: bytes)]
    }

    /// Reads a price file of a user: LiteLLM's `model_prices_and_context_window.json` as it is published, or our own
    /// format.
    ///
    /// Every row is read and checked; the error names the line or the model.
    public init(contentsOf bytes: [UInt8]) throws(PriceTableError) {
        let entries: [PriceEntry]
        if bytes.starts(with: PriceText.signature.utf8) {
            entries = try PriceFile.entries(bytes)
        } else if bytes.first(where: { $0 > 0x20 && $0 < 0x80 }) == UInt8(ascii: "{") {
            entries = try LiteLLMFile.entries(bytes)
        } else {
            let expected = "LiteLLM's JSON object or a file that begins with \"\(PriceText.signature)\""
            throw PriceTableError(line: 1, "this is no price file; expected \(expected)")
        }
        texts = [PriceText(entries: entries)]
    }

    private init(texts: [PriceText]) {
        self.texts = texts
    }

    /// The table with the rows of a newer one laid over it.
    ///
    /// A row of the newer table replaces the current price of the same model of the same provider. Prices of earlier
    /// times stay, unless the newer table dates its own rows.
    public func updated(by newer: PriceTable) -> PriceTable {
        var result = PriceTable(texts: newer.texts + texts)
        result.overrides = overrides.merging(newer.overrides) { $1 }
        return result
    }

    /// The table with prices that the user sets; the last one for a model wins.
    public func overridden(by overrides: [PriceOverride]) -> PriceTable {
        var result = self
        for override in overrides { result.overrides[override.model.lowercased()] = override }
        return result
    }

    /// The rows of one model in one price list, through all files.
    func history(scope: String, model: String) -> PriceHistory? {
        var result: PriceHistory?
        for text in texts.reversed() {
            let entries = text.rows(provider: scope, model: model).compactMap { try? PriceLine.parse($0) }
            guard !entries.isEmpty else { continue }
            let history = PriceHistory(entries: entries)
            result = result?.updated(by: history) ?? history
        }
        return result
    }

    /// Divides what some calls of a model cost among the kinds of their tokens, in proportion to the list prices of that time.
    ///
    /// The parts sum up to the cost: tiers, discounts and reported costs change all parts alike.
    public func kinds(of totals: UsageTotals, model: String, at time: Timestamp) -> CostByKind {
        var result = CostByKind()
        let (cost, counts) = (totals.cost.nanodollars, totals.counts)
        guard cost > 0 else { return result }
        let rates = entry(model: model, provider: nil, at: time)?.rates ?? Rates()
        func weight(_ tokens: Int64, _ rate: Rate?) -> Int128 {
            Int128(max(0, tokens)) * Int128((rate ?? rates.input)?.attodollarsPerToken ?? 0)
        }
        let weights = [
            weight(counts.uncachedInput, rates.input), weight(counts.output, rates.output),
            weight(counts.cacheWrite5m, rates.cacheWrite)
                + weight(counts.cacheWrite1h, rates.cacheWrite1h ?? rates.cacheWrite),
            weight(counts.cacheRead, rates.cacheRead),
        ]
        let sum = weights.reduce(0, +)
        guard sum > 0 else {
            result.other = totals.cost
            return result
        }
        // The weights are cut to 40 bits, so that their products with a cost stay within 128.
        let unit = max(1, sum >> 40)
        let whole = weights.map { $0 / unit }.reduce(0, +)
        let parts = weights.map { Int64(clamping: Int128(cost) * ($0 / unit) / max(1, whole)) }
        // What rounding left over belongs to the largest part.
        let rest = cost - parts.reduce(0, +)
        let largest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
        let amounts = parts.indices.map { Money(nanodollars: parts[$0] + ($0 == largest ? rest : 0)) }
        (result.input, result.output, result.cacheWrite, result.cacheRead) = (
            amounts[0], amounts[1], amounts[2], amounts[3]
        )
        return result
    }

    /// What tokens read from a cache would have cost more as uncached input, at the list prices of that time.
    ///
    /// Nothing for a model without a price, and for one without a price of its own for such reads.
    public func savings(ofCacheReads tokens: Int64, model: String, at time: Timestamp) -> Money {
        guard tokens > 0, let entry = entry(model: model, provider: nil, at: time), let input = entry.rates.input,
            let read = entry.rates.cacheRead, input > read
        else { return .zero }
        let difference = Int128(input.attodollarsPerToken - read.attodollarsPerToken)
        // 10⁻¹⁸ dollar a token, in thousandths of the factor, rounded to the nearest 10⁻⁹ dollar.
        let (product, overflow) = (difference * Int128(entry.factor.thousandths))
            .multipliedReportingOverflow(by: Int128(tokens))
        guard !overflow else { return Money(nanodollars: .max) }
        return Money(nanodollars: Int64(clamping: (product + 500_000_000_000) / 1_000_000_000_000))
    }
}

// MARK: - Lookup

extension PriceTable {
    /// Finds the price of a model at an instant; nil when the model is unpriced.
    ///
    /// - Parameters:
    ///   - model: The model as the call names it, decorated or not.
    ///   - provider: Who answered, in OpenTelemetry's, LiteLLM's or an agent's spelling; nil when it is not known.
    ///   - time: When the call was made.
    public func entry(model: String, provider: String?, at time: Timestamp) -> PriceEntry? {
        history(model: model, provider: provider)?.entry(at: time)
    }

    /// Finds the prices of a model over time; nil when the model is unpriced.
    public func history(model: String, provider: String?) -> PriceHistory? {
        let override = effectiveOverride(for: model, provider: provider)
        if let entry = override?.entry { return PriceHistory(entries: [entry]) }
        guard var history = published(model: model, provider: provider) else { return nil }
        if let override {
            for index in history.entries.indices { history.entries[index].factor = override.multiplier }
        }
        return history
    }

    /// The user's price for a model: the one for its exact name, else the one for its name without decoration.
    ///
    /// A price for `claude-opus-6` reaches `claude-opus-6-20261201`, `claude-opus-6[1m]`, `anthropic/claude-opus-6@20261201` and
    /// `us.anthropic.claude-opus-6-20261201-v1:0`, as a row of a price list does (farion1231/cc-switch#2390), and a price for `grok-4`
    /// reaches `grok-4-0709`; one for a dated name reaches no other date.
    public func override(for model: String) -> PriceOverride? {
        guard !overrides.isEmpty else { return nil }
        if let exact = overrides[model.lowercased()] { return exact }
        return ModelName.ofOneModel(model).lazy.compactMap { overrides[$0] }.first
    }

    /// The user's price for a model that no list has, under any name that the model may have there: without a gateway's prefix, without
    /// Bedrock's region and the like, else without an ending that leaves the price as it is (``ModelAlias``).
    private func lastResort(for model: String) -> PriceOverride? {
        guard !overrides.isEmpty, let name = ModelName(model) else { return nil }
        let spellings = name.spellings.filter { !$0.isFast }.map(\.text)
        return spellings.lazy.compactMap { overrides[$0] }.first
            ?? spellings.lazy.compactMap { override(withoutEndingOf: $0) }.first
    }

    /// A name may lose one ending after the other, each of which makes it shorter or another one's beginning.
    private func override(withoutEndingOf name: String) -> PriceOverride? {
        for base in ModelAlias.bases(of: name) {
            for form in [base] + ModelName.undecorated(base) {
                if let found = overrides[form] ?? override(withoutEndingOf: form) { return found }
            }
        }
        return nil
    }

    /// The user's price that a model has, by whatever rule; nil when it has none of the user's.
    func effectiveOverride(for model: String, provider: String? = nil) -> PriceOverride? {
        guard !overrides.isEmpty else { return nil }
        if let override = override(for: model) { return override }
        return row(for: model, provider: provider) == nil ? lastResort(for: model) : nil
    }

    private func published(model: String, provider: String?) -> PriceHistory? {
        if let found = row(for: model, provider: provider) { return found }
        guard let name = listed(model, provider) else { return nil }
        return alias(of: name, scopes: (provider.map(ProviderScope.scopes) ?? []) + name.impliedScopes)
    }

    /// A model's name where a price list may have it; nil for a model that runs locally.
    private func listed(_ model: String, _ provider: String?) -> ModelName? {
        if let provider, ProviderScope.isLocal(provider) { return nil }
        guard let name = ModelName(model), !name.impliedScopes.contains(where: ProviderScope.isLocal) else {
            return nil
        }
        return name
    }

    /// The rows of the price lists that are the model's own, not those of a model that it is billed as.
    private func row(for model: String, provider: String?) -> PriceHistory? {
        guard let name = listed(model, provider) else { return nil }
        let own = provider.map(ProviderScope.scopes) ?? []
        if let found = find(name, in: own, allowsFree: true) { return found }
        if let found = find(name, in: name.impliedScopes, allowsFree: false) { return found }
        for spelling in name.spellings {
            let scopes = ProviderScope.firstParty(of: spelling.text)
            if let found = find(spelling, in: scopes, allowsFree: false) { return found }
        }
        return nil
    }

    private func find(_ name: ModelName, in scopes: [String], allowsFree: Bool) -> PriceHistory? {
        for scope in scopes {
            for spelling in name.spellings {
                if let found = find(spelling, in: [scope], allowsFree: allowsFree) { return found }
            }
        }
        return nil
    }

    private func find(_ spelling: ModelName.Spelling, in scopes: [String], allowsFree: Bool) -> PriceHistory? {
        for scope in scopes {
            guard var history = history(scope: scope, model: spelling.text) else { continue }
            history.entries.removeAll { !$0.canPrice(allowsFree: allowsFree) }
            if spelling.isFast {
                // Without a factor for fast mode, `-fast` is part of the name of another model.
                history.entries.removeAll { $0.fastFactor == nil }
                for index in history.entries.indices { history.entries[index].isFastName = true }
            }
            if !history.entries.isEmpty { return history }
        }
        return nil
    }

    private func alias(of name: ModelName, scopes: [String]) -> PriceHistory? {
        for spelling in name.spellings {
            if let found = alias(of: spelling, scopes: scopes) { return found }
        }
        return nil
    }

    /// The prices of the model that an alias means; a name may lose one ending after the other, each of which makes it shorter.
    private func alias(of spelling: ModelName.Spelling, scopes: [String]) -> PriceHistory? {
        func find(_ model: String) -> PriceHistory? {
            let target = ModelName.Spelling(text: model, isFast: spelling.isFast)
            return self.find(target, in: scopes + ProviderScope.firstParty(of: model), allowsFree: false)
        }
        let entries = ModelAlias.periods(of: spelling.text).flatMap { period in
            find(period.model)?.clipped(from: period.from, until: period.until) ?? []
        }
        if !entries.isEmpty { return PriceHistory(entries: entries) }
        for base in ModelAlias.bases(of: spelling.text) {
            for form in [base] + ModelName.undecorated(base) {
                let shorter = ModelName.Spelling(text: form, isFast: spelling.isFast)
                if let found = find(form) ?? alias(of: shorter, scopes: scopes) { return found }
            }
        }
        return nil
    }
}

// MARK: - Reports

extension PriceEntry {
    /// Whether a price list is that of the vendor who makes the model, and not that of a cloud or a gateway that offers it.
    public static func isVendorsOwn(model: String, provider: String) -> Bool {
        ProviderScope.firstParty(of: model.lowercased()).first == provider
    }
}

extension PriceTable {
    /// The current row of every model in every price list and all overrides, sorted by ``PriceEntry/rateKey``.
    public func models() -> [PriceEntry] {
        var rows: [String: PriceEntry] = [:]
        for text in texts.reversed() {
            text.forEachRow { line in
                guard let entry = try? PriceLine.parse(line), entry.validUntil == nil else { return }
                rows["\(entry.provider)/\(entry.model)"] = entry
            }
        }
        for entry in overrides.values.compactMap(\.entry) { rows[entry.rateKey] = entry }
        return rows.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Up to three models of the table whose names are most like an unpriced one, for a person to choose from.
    ///
    /// Models in their vendors' own lists come first.
    public func suggestions(for model: String) -> [String] {
        guard let name = ModelName(model),
            let bare = name.spellings.map(\.text).min(by: { $0.utf8.count < $1.utf8.count })
        else { return [] }
        let wanted = Array(bare.utf8)
        var found: [Suggestion] = []
        for text in texts {
            text.forEachRow { row in
                let columns = row.split(separator: "\t", maxSplits: 2)
                guard columns.count == 3, let last = columns[1].utf8.split(separator: UInt8(ascii: "/")).last,
                    let distance = Self.distance(wanted, Array(last), atMost: max(2, wanted.count / 4))
                else { return }
                let isForeign = !ProviderScope.firstParty(of: String(columns[1])).contains(String(columns[0]))
                let name = isForeign ? "\(columns[0])/\(columns[1])" : String(columns[1])
                found.append(Suggestion(isForeign: isForeign, distance: distance, name: name))
            }
        }
        return Set(found).sorted { $0.order < $1.order }.prefix(3).map(\.name)
    }

    /// The names that are billed as another model when no price list has a row for them.
    public static var aliases: [PriceAlias] { ModelAlias.all }

    /// The user's prices that reach none of the models that calls were made with, by name (ccusage/ccusage#1785).
    ///
    /// Without any model there is nothing to compare, and nothing is reported.
    public func unmatchedOverrides(among models: Set<String>) -> [UnmatchedOverride] {
        guard !overrides.isEmpty, !models.isEmpty else { return [] }
        let used = Set(models.compactMap { effectiveOverride(for: $0)?.model })
        return overrides.values.map(\.model).filter { !used.contains($0) }.sorted().map { name in
            UnmatchedOverride(model: name, nearest: Self.nearest(to: name, among: models))
        }
    }

    private static func nearest(to name: String, among models: Set<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let found = models.flatMap { model in
            // A date or an ending that a name lacks is no misspelling.
            let forms = [model.lowercased()] + ModelName.undecorated(model)
            let bases = forms.flatMap(ModelAlias.bases)
            return (forms + bases + bases.flatMap(ModelName.undecorated)).compactMap { form in
                distance(wanted, Array(form.utf8), atMost: max(3, wanted.count / 3)).map { ($0, model) }
            }
        }
        return found.min { $0 < $1 }?.1
    }

    private struct Suggestion: Hashable {
        /// Whether somebody else than the vendor sells the model.
        var isForeign: Bool
        var distance: Int
        var name: String

        var order: (Int, Int, String) { (isForeign ? 1 : 0, distance, name) }
    }

    /// Levenshtein's distance; nil when it is greater than `limit`.
    private static func distance(_ left: [UInt8], _ right: [UInt8], atMost limit: Int) -> Int? {
        guard abs(left.count - right.count) <= limit else { return nil }
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let cost = min(row[column] + 1, row[column + 1] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = row[column + 1]
                row[column + 1] = cost
            }
            if (row.min() ?? 0) > limit { return nil }
        }
        return row[right.count] <= limit ? row[right.count] : nil
    }
}

/// Reads a whole file of our own format and checks every row.
enum PriceFile {
    static func entries(_ bytes: [UInt8]) throws(PriceTableError) -> [PriceEntry] {
        var entries: [PriceEntry] = []
        var spans: [String: [PriceEntry]] = [:]
        for (index, bytes) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            let line = index + 1
            guard let first = bytes.first, first != UInt8(ascii: "#") else { continue }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw PriceTableError(line: line, "the line is not UTF-8")
            }
            let entry: PriceEntry
            do throws(PriceLine.Problem) {
                entry = try PriceLine.parse(text)
            } catch {
                throw PriceTableError(line: line, error.reason)
            }
            let key = entry.provider + "/" + entry.model
            let others = spans[key, default: []]
            guard !others.contains(where: { overlap($0, entry) }) else {
                throw PriceTableError(line: line, "a second price of \(key) for the same time")
            }
            spans[key] = others + [entry]
            entries.append(entry)
        }
        return entries
    }

    private static func overlap(_ left: PriceEntry, _ right: PriceEntry) -> Bool {
        let starts = [left.validFrom, right.validFrom].compactMap(\.self).max()
        let ends = [left.validUntil, right.validUntil].compactMap(\.self).min()
        guard let starts, let ends else { return true }
        return starts < ends
    }
}
