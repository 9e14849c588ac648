// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage
import YAML

/// Prices, and models without one, for people and for programs.
struct PriceReport {
    let document: PricesDocument
    /// Only models whose name or provider contains this text.
    let search: String?
    let now: Timestamp
    /// The models of the calls of the last 90 days, as the calls name them.
    var called: Set<String> = []
    /// Whether people see also the lists of clouds and gateways, and models that were not called.
    var showsAll = true

    private var models: [PricesDocument.Price] {
        guard let search = search?.lowercased() else { return document.models }
        return document.models.filter {
            $0.model.lowercased().contains(search) || $0.provider?.lowercased().contains(search) == true
        }
    }

    /// The rows for people: models in use and the user's own prices, then those of vendors' own lists, then others.
    ///
    /// Without a search the first that there are, with one the first two; `showsAll` shows every row.
    private var shown: [PricesDocument.Price] {
        let short = Set(called.map { ShortNames(models: [$0])[$0].lowercased() } + called.map { $0.lowercased() })
        func isOwn(_ price: PricesDocument.Price) -> Bool {
            price.provider.map { PriceEntry.isVendorsOwn(model: price.model, provider: $0) } ?? true
        }
        // A model that its vendor has no list for is priced by those of clouds.
        let sold = Set(document.models.filter(isOwn).map { $0.model.lowercased() })
        func rank(_ price: PricesDocument.Price) -> Int {
            let model = price.model.lowercased()
            guard price.provider != nil else { return 0 }
            guard isOwn(price) else { return short.contains(model) && !sold.contains(model) ? 0 : 2 }
            return short.contains(model) ? 0 : 1
        }
        let ranked = models.map { (rank: rank($0), price: $0) }
        let best = ranked.map(\.rank).min() ?? 0
        let last = showsAll ? 2 : search == nil || best == 2 ? best : 1
        return (0...2).filter { $0 <= last }.flatMap { rank in ranked.filter { $0.rank == rank }.map(\.price) }
    }

    /// The aliases whose name or model contains the text, and those whose `*` matches it.
    private var aliases: [PricesDocument.Alias] {
        let aliases = document.aliases
        guard let search = search?.lowercased() else { return aliases }
        return aliases.filter { $0.name.contains(search) || $0.model.contains(search) || $0.fits(search) }
    }

    private static func rates(_ price: PricesDocument.Price) -> [Money?] {
        [
            price.inputPerMillion, price.outputPerMillion, price.cacheReadPerMillion, price.cacheWrite5mPerMillion,
            price.cacheWrite1hPerMillion,
        ].map { $0.flatMap { Money(dollars: $0.text) } }
    }

    /// The table for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        let models = models
        guard !models.isEmpty || !aliases.isEmpty else {
            let similar = search.flatMap { suggestion(for: $0, among: document.models.map(\.model)) }
            return "No model of the table has this name" + (similar.map { "; did you mean \"\($0)\"?" } ?? ".") + "\n"
        }
        let (isWide, shown) = (width >= 100, shown)
        var columns = [TextTable.Column(title: "Model", cutsMiddle: true), .init(title: "Provider", rank: 1)]
        columns += ["Input", "Output"].map { .init(title: $0, isNumber: true) }
        columns.append(.init(title: "Cache read", isNumber: true, rank: 2))
        if isWide { columns += ["Write 5m", "Write 1h", "Since"].map { .init(title: $0, isNumber: true) } }
        var table = TextTable(columns: columns)
        for price in shown {
            var cells = [price.model.printable, price.provider?.printable ?? style.none]
            cells += Self.rates(price).prefix(isWide ? 5 : 3).map { $0.map(Self.rate) ?? style.none }
            if isWide { cells.append(price.from ?? style.none) }
            table.rows.append(.init(cells: cells))
        }
        let hidden = models.count - shown.count
        let more = hidden > 0 ? "; \(Figures.grouped(Int64(hidden))) more with --all" : ""
        let number = "\(Figures.grouped(Int64(shown.count))) model\(shown.count == 1 ? "" : "s")"
        let count = style.dim("\(number), dollars for a million tokens\(more)") + "\n"
        // Aliases are many, and without a search nothing is looked for among them.
        let aliases = search == nil && !showsAll ? "" : aliasText(width, style)
        return (shown.isEmpty ? "" : table.text(width: width, style: style) + count) + aliases
    }

    /// The aliases as a table; empty when there are none.
    private func aliasText(_ width: Int, _ style: Style) -> String {
        guard !aliases.isEmpty else { return "" }
        var table = TextTable(
            columns: [
                .init(title: "Alias"), .init(title: "Billed as"), .init(title: "From", rank: 1),
                .init(title: "Source", rank: 2),
            ]
        )
        table.rows = aliases.map { alias in
            let cells = [alias.name.printable, alias.model.printable, alias.from ?? style.none, alias.source.printable]
            return .init(cells: cells)
        }
        return "\n" + table.text(width: width, style: style)
            + style.dim("an alias holds only where the table has no row for the name; * is any text") + "\n"
    }

    /// Dollars for a million tokens: two decimals, more only where they matter.
    static func rate(_ amount: Money) -> String {
        let exact = Figures.exact(amount)
        let decimals = exact.split(separator: ".").dropFirst().first?.count ?? 0
        return "$" + exact + (decimals == 0 ? ".00" : decimals == 1 ? "0" : "")
    }

    private static func exact(_ rate: Money?) -> String { rate.map(Figures.exact) ?? "" }

    /// The prices with full values.
    var prices: ProgramTable {
        ProgramTable(
            titles: [
                "model", "provider", "input_per_million", "output_per_million", "cache_read_per_million",
                "cache_write_5m_per_million", "cache_write_1h_per_million", "from", "alias_of",
            ],
            rows: models.map { [$0.model, $0.provider ?? ""] + Self.rates($0).map(Self.exact) + [$0.from ?? "", ""] }
                + aliases.map { [$0.name, "", "", "", "", "", "", $0.from ?? "", $0.model] }
        )
    }

    /// Models without a price, for a terminal of `width` columns.
    func unpricedText(width: Int, style: Style) -> String {
        guard !document.unpriced.isEmpty else { return "Every model that was called has a price.\n" }
        var table = TextTable(
            columns: [
                .init(title: "Model"), .init(title: "Calls", isNumber: true), .init(title: "Seen", isNumber: true),
                .init(title: "Similar"),
            ]
        )
        table.rows = document.unpriced.map { model in
            .init(
                cells: [
                    model.model.printable, Figures.grouped(model.calls), Figures.age(of: model.lastSeenAt, now: now),
                    similar(to: model.model) ?? style.none,
                ]
            )
        }
        let next = "give them a price under processors.pricing.overrides, then: hammurabi prices reprice"
        return table.text(width: width, style: style) + style.dim(next) + "\n"
    }

    private func similar(to model: String) -> String? { suggestion(for: model, among: document.models.map(\.model)) }

    /// Models without a price, with full values.
    var unpriced: ProgramTable {
        ProgramTable(
            titles: ["model", "calls", "last_seen_at"],
            rows: document.unpriced.map { [$0.model, String($0.calls), $0.lastSeenAt] }
        )
    }

    /// The prices as JSON.
    var pricesJSON: String { json("hammurabi.prices", rows: models.map(PriceRow.init), aliases: aliases) }

    /// Models without a price as JSON.
    var unpricedJSON: String { json("hammurabi.unpriced", rows: document.unpriced) }

    private func json(_ name: String, rows: [some Encodable], aliases: [PricesDocument.Alias]? = nil) -> String {
        var coverage = Coverage()
        coverage.unpricedCalls = document.unpriced.reduce(0) { $0 + $1.calls }
        coverage.unpricedModels = document.unpriced.map(\.model)
        return JSONText.of(
            ReportDocument(
                schema: .init(name: name),
                generatedAt: now.iso8601,
                rows: rows,
                totals: ["models": rows.count],
                coverage: coverage,
                warnings: document.unmatchedOverrides.map(\.warning),
                aliases: aliases
            )
        )
    }
}

/// A price in JSON.
private struct PriceRow: Encodable {
    let price: PricesDocument.Price

    private enum Keys: String, CodingKey {
        case model, provider, from
        case inputPerMillion = "input_per_million"
        case outputPerMillion = "output_per_million"
        case cacheReadPerMillion = "cache_read_per_million"
        case cacheWrite5mPerMillion = "cache_write_5m_per_million"
        case cacheWrite1hPerMillion = "cache_write_1h_per_million"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(price.model, forKey: .model)
        try values.encode(price.provider, forKey: .provider)
        try values.encode(price.from, forKey: .from)
        try values.encode(price.inputPerMillion, forKey: .inputPerMillion)
        try values.encode(price.outputPerMillion, forKey: .outputPerMillion)
        try values.encode(price.cacheReadPerMillion, forKey: .cacheReadPerMillion)
        try values.encode(price.cacheWrite5mPerMillion, forKey: .cacheWrite5mPerMillion)
        try values.encode(price.cacheWrite1hPerMillion, forKey: .cacheWrite1hPerMillion)
    }
}

extension PricesDocument {
    /// The warnings about the user's own prices.
    var notes: [String] { unmatchedOverrides.map(\.warning.message) }
}

extension PricesDocument.Alias {
    /// Whether the `*` of this alias matches a model's name.
    func fits(_ model: String) -> Bool {
        let parts = name.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        return model.hasPrefix(parts[0]) && model.hasSuffix(parts[1]) && model.utf8.count > name.utf8.count - 1
    }
}
