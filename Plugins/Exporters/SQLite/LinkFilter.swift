// SPDX-License-Identifier: Apache-2.0

import Usage

/// Tells which links a run certainly does not hold: a Bloom filter.
///
/// With thirteen to twenty-six bits and eight probes for each link at most one question in five hundred is answered "perhaps" in
/// vain. A link that is missing nearly always shows at the first or second probe.
struct LinkFilter: Sendable {
    private var words: [UInt64]
    /// The number of bits less one; a power of two less one.
    private let mask: UInt64

    private static let probes = 8
    /// How many links come to a word at most.
    private static let linksOfWord = 5

    /// For how many links there is room.
    var capacity: Int { words.count * Self.linksOfWord }

    /// Creates an empty filter for about this many links.
    init(capacity: Int) {
        var count = 16
        while count * Self.linksOfWord < capacity { count *= 2 }
        self.init(words: [UInt64](repeating: 0, count: count))
    }

    /// Reads back what ``bytes`` gave; nil when it is damaged.
    init?(bytes: [UInt8]) {
        let count = bytes.count / 8
        guard count >= 16, count & (count - 1) == 0, bytes.count == count * 8 else { return nil }
        let words = bytes.withUnsafeBytes { bytes in
            (0..<count).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
        }
        self.init(words: words)
    }

    private init(words: [UInt64]) {
        self.words = words
        mask = UInt64(words.count) * 64 - 1
    }

    /// The filter as it is stored.
    var bytes: [UInt8] { words.map(\.littleEndian).withUnsafeBytes { Array($0) } }

    /// Adds a link and, when it is one of a cell's, the cell, so that a cell that is missing shows at one look.
    mutating func insert(_ link: LedgerLink) {
        if let cell = link.cell { insert(bitsOf: cell) }
        insert(bitsOf: link)
    }

    private mutating func insert(bitsOf link: LedgerLink) {
        var probe = Probe(link)
        for _ in 0..<Self.probes {
            let bit = probe.next() & mask
            words[Int(bit >> 6)] |= 1 << (bit & 63)
        }
    }

    func mayContain(_ link: LedgerLink) -> Bool {
        var probe = Probe(link)
        for _ in 0..<Self.probes {
            let bit = probe.next() & mask
            if words[Int(bit >> 6)] & 1 << (bit & 63) == 0 { return false }
        }
        return true
    }

    /// The bits of a link: an arithmetic series over two hashes of it.
    private struct Probe {
        private var position: UInt64
        private let step: UInt64

        init(_ link: LedgerLink) {
            let (high, low) = link.rawValue.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            position = high ^ low
            step = low | 1
        }

        mutating func next() -> UInt64 {
            defer { position &+= step }
            return position >> 20 ^ position
        }
    }
}
