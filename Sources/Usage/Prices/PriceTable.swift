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
/// the row stands in that provider's own list. Everything else with zeros is taken for a placeholder, and the call is
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
    /// Every row is read and checked; the error tells the line or the model.
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
}
