// SPDX-License-Identifier: Apache-2.0

/// Reads and writes one row of a price file; the file's header explains the columns and terms.
enum PriceLine {
    /// Why a row cannot be read.
    struct Problem: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// Reads a row without its line end.
    static func parse(_ line: some StringProtocol) throws(Problem) -> PriceEntry {
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard columns.count == 12 else { throw Problem("\(columns.count) columns instead of 12") }
        guard !columns[0].isEmpty, !columns[1].isEmpty else { throw Problem("no provider or model") }
        guard !columns[0].contains("/") else { throw Problem("a provider must not contain a slash") }
        guard columns[0].lowercased() == columns[0], columns[1].lowercased() == columns[1] else {
            throw Problem("provider and model must be in lower case")
        }
        var entry = PriceEntry(provider: String(columns[0]), model: String(columns[1]), mode: String(columns[2]))
        entry.validFrom = try date(columns[3])
        entry.validUntil = try date(columns[4])
        if let from = entry.validFrom, let until = entry.validUntil, from >= until {
            throw Problem("until is not after from")
        }
        entry.rates = try rates(Array(columns[5...10]))
        if columns[11] != "-" {
            for term in columns[11].split(separator: " ") { try entry.read(term: term) }
        }
        return entry
    }

    /// Writes a row without a line end.
    static func text(_ entry: PriceEntry) -> String {
        let rates = Rates.columns.map { entry.rates[keyPath: $0]?.perMillion ?? "-" }
        let dates = [entry.validFrom, entry.validUntil].map { $0.map(PriceDate.text) ?? "-" }
        let terms = entry.terms
        let columns = [entry.provider, entry.model, entry.mode] + dates + rates + [terms.isEmpty ? "-" : terms]
        return columns.joined(separator: "\t")
    }

    /// Reads the fields of a list of rates in the order of the columns.
    static func rates(_ fields: [some StringProtocol]) throws(Problem) -> Rates {
        guard (1...6).contains(fields.count) else { throw Problem("\(fields.count) rates instead of one to six") }
        var rates = Rates()
        for (column, field) in zip(Rates.columns, fields) where field != "-" {
            guard let rate = Rate(perMillion: field) else { throw Problem("\"\(field.prefix(40))\" is not a rate") }
            rates[keyPath: column] = rate
        }
        return rates
    }

    private static func date(_ text: some StringProtocol) throws(Problem) -> Timestamp? {
        guard text != "-" else { return nil }
        guard let time = PriceDate.parse(text) else { throw Problem("\"\(text.prefix(40))\" is not a date") }
        return time
    }
}
