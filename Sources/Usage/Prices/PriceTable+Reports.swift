// SPDX-License-Identifier: Apache-2.0

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
