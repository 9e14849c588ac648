// SPDX-License-Identifier: Apache-2.0

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
