// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI

/// JSON for programs: keys in alphabetical order, so that equal values give equal text, and a line feed at the end.
enum JSONText {
    /// A report's document, with keys in snake_case.
    static func of(_ document: some Encodable) -> String { text(document, keys: .convertToSnakeCase) }

    /// A document on one line, with its keys as they are.
    static func line(_ document: some Encodable) -> String { text(document) }

    /// A document on several lines, with its keys as they are.
    static func indented(_ document: some Encodable) -> String { text(document, .prettyPrinted) }

    private static func text(
        _ document: some Encodable,
        _ more: JSONEncoder.OutputFormatting = [],
        keys: JSONEncoder.KeyEncodingStrategy = .useDefaultKeys
    ) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = keys
        encoder.outputFormatting = more.union([.sortedKeys, .withoutEscapingSlashes])
        guard let data = try? encoder.encode(document) else { return "{}\n" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// The members of a document followed by those of the API's document, as one object; with `nil`, the first alone.
    static func of(_ document: some Encodable, with api: String?) -> String {
        let own = of(document)
        guard let api, api.hasPrefix("{"), api.utf8.count > 2 else { return own }
        return own.dropLast(2) + "," + api.dropFirst() + "\n"
    }
}

/// The members that every report's document has around its rows.
struct ReportDocument<Row: Encodable, Totals: Encodable>: Encodable {
    var schema: Schema
    var generatedAt: String
    var period: String?
    var timezone: String?
    var currency = "USD"
    var by: String?
    var rows: [Row]
    var totals: Totals
    var coverage: Coverage
    var warnings: [Warning]
    /// Aliases of model names; only in the report of prices.
    var aliases: [PricesDocument.Alias]?

    /// The schema's name and version; within a version keys are only added.
    struct Schema: Encodable {
        var name: String
        var version = 1
    }
}

/// How many calls have a price and how many have none.
struct Coverage: Encodable {
    var calls: Int64 = 0
    var pricedCalls: Int64 = 0
    var unpricedCalls: Int64 = 0
    var unpricedModels: [String] = []

    init(_ figures: UsageFigures? = nil, unpricedModels: [String] = []) {
        guard let figures else { return }
        (calls, unpricedCalls) = (figures.calls, figures.unpricedCalls)
        pricedCalls = figures.calls - figures.unpricedCalls
        self.unpricedModels = unpricedModels
    }
}

/// A warning about an answer.
struct Warning: Encodable {
    var code: String
    var message: String

    /// The warnings about a period's figures.
    static func all(_ document: SummaryDocument) -> [Warning] {
        all(document.totals, models: document.unpricedModels)
    }

    /// The warnings about figures.
    ///
    /// - Parameter models: The names of the models without a price, when they are known.
    static func all(_ figures: UsageFigures, models: [String]) -> [Warning] {
        [unpriced(figures, models: models), saturated(figures)].compactMap(\.self)
    }

    /// The warning about sums that exceed the largest number; nil when there are none.
    static func saturated(_ figures: UsageFigures) -> Warning? {
        guard figures.isSaturated else { return nil }
        return Warning(
            code: "saturated",
            message:
                "a sum is larger than can be counted (2^63 - 1 tokens or billionths of a dollar) and is shown as that"
        )
    }

    /// The warning about calls without a price; nil when there are none.
    static func unpriced(_ figures: UsageFigures, models: [String]) -> Warning? {
        guard figures.unpricedCalls > 0 else { return nil }
        let names = models.map(\.printable).joined(separator: ", ")
        let calls = figures.unpricedCalls == 1 ? "1 call has" : "\(Figures.grouped(figures.unpricedCalls)) calls have"
        let verb = figures.unpricedCalls == 1 ? "is" : "are"
        return Warning(
            code: "unpriced",
            message: "\(calls) no price and \(verb) not in the cost" + (names.isEmpty ? "" : ": \(names)")
        )
    }
}

extension UnmatchedPrice {
    /// The warning about an unmatched override.
    var warning: Warning {
        let similar = nearest.map { "; the nearest is \"\($0.printable)\"" } ?? ""
        return Warning(
            code: "unmatched_override",
            message: "no stored call has the model \"\(model.printable)\" of pricing.overrides\(similar)"
        )
    }
}
