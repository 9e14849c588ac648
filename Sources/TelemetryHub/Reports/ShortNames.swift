// SPDX-License-Identifier: Apache-2.0

/// Short names for tables: without the parts that do not distinguish them, and each still unique.
struct ShortNames {
    private let short: [String: String]

    /// Model names without the provider's path and the release date.
    init(models: some Sequence<String>) {
        self.init(models, shortening: Self.model)
    }

    /// Ids: a UUID is cut to its first groups as far as it stays unique, a hash to its first characters; any other id stays whole.
    init(ids: some Sequence<String>) {
        let ids = Set(ids)
        var short: [String: String] = [:]
        // The groups of a UUID end at these lengths.
        for length in [8, 13, 18, 23] {
            let rest = ids.filter { short[$0] == nil && Self.isMade($0) }
            for group in Dictionary(grouping: rest, by: { String($0.prefix(length)) }).values where group.count == 1 {
                for id in group where !ids.contains(where: { $0 != id && $0.hasPrefix(id.prefix(length)) }) {
                    short[id] = String(id.prefix(length))
                }
            }
        }
        self.short = short
    }

    private init(_ names: some Sequence<String>, shortening: (String) -> String) {
        let names = Set(names)
        let taken = names.reduce(into: [String: Int]()) { $0[shortening($1), default: 0] += 1 }
        short = names.reduce(into: [:]) { short, name in
            let candidate = shortening(name)
            short[name] = taken[candidate] == 1 ? candidate : name
        }
    }

    /// Whether no person chose an id: 8, 4, 4, 4 and 12 hexadecimal digits between hyphens, or 32 or more without.
    private static func isMade(_ id: String) -> Bool {
        if id.utf8.count >= 32, id.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0 | 32) }) {
            return true
        }
        return id.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count) == [8, 4, 4, 4, 12]
            && id.utf8.count == 36 && id.allSatisfy { $0 == "-" || $0.isASCII && $0.isHexDigit }
    }

    subscript(name: String) -> String { short[name] ?? name }

    private static func model(_ name: String) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        for length in [9, 11] where last.utf8.count > length {
            let tail = last.suffix(length)
            let digits = tail.filter { $0.isNumber && $0.isASCII }
            let isDate = tail.first == "-" && digits.count == 8 && digits.hasPrefix("20")
            if isDate, length == 9 || tail.filter({ $0 == "-" }).count == 3 { return String(last.dropLast(length)) }
        }
        return last
    }
}
