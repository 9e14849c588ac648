// SPDX-License-Identifier: Apache-2.0

/// A set of names and prefixes, looked up for every attribute without creating strings.
struct NamePatterns: Sendable {
    /// Names by their length; longer ones share the last slot.
    private var names: [[[UInt8]]] = Array(repeating: [], count: 65)
    /// Prefixes by their first byte.
    private var prefixes: [[[UInt8]]] = Array(repeating: [], count: 256)

    /// Creates a set of names and prefixes (`prefix.*`); any other text matches nothing.
    init(_ patterns: [String]) {
        for pattern in patterns where Self.isPattern(pattern) {
            let bytes = Array(pattern.utf8)
            if pattern.hasSuffix("*") {
                prefixes[Int(bytes[0])].append(Array(bytes.dropLast()))
            } else {
                names[min(bytes.count, 64)].append(bytes)
            }
        }
    }

    /// Whether a text is a name, or a prefix of at least one letter followed by `*`.
    static func isPattern(_ text: String) -> Bool {
        let stem = text.hasSuffix("*") ? text.dropLast() : text[...]
        return !stem.isEmpty && !stem.contains("*")
    }

    func hasName(_ name: ArraySlice<UInt8>) -> Bool {
        let candidates = names[min(name.count, 64)]
        guard !candidates.isEmpty, let first = name.first, let last = name.last else { return false }
        return candidates.contains { $0[0] == first && $0[$0.count - 1] == last && $0.elementsEqual(name) }
    }

    func hasPrefix(of name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, !prefixes[Int(first)].isEmpty else { return false }
        return prefixes[Int(first)].contains { $0.count <= name.count && $0.elementsEqual(name.prefix($0.count)) }
    }
}
