// SPDX-License-Identifier: Apache-2.0

import Usage

/// Tells which links a run certainly does not hold: a Bloom filter whose bits for one link are all in one line of the processor's
/// cache.
///
/// Of plain links about one in a thousand that are missing is answered "perhaps" in vain. All links of a cell share a line, so that
/// one look at memory answers for the cell and for the eight sets of kinds.
struct LinkFilter: Sendable {
    private(set) var words: [UInt64]

    /// How many links come to a line of 512 bits.
    private static let linksOfLine = 28
    private static let wordsOfLine = 8
    /// How many bits are set for a plain link, for a cell, and for each of its links.
    private static let (linkBits, cellBits, kindBits) = (7, 5, 5)

    /// Creates an empty filter for about this many links.
    init(capacity: Int) {
        let lines = max(1, (capacity + Self.linksOfLine - 1) / Self.linksOfLine)
        words = [UInt64](repeating: 0, count: lines * Self.wordsOfLine)
    }

    /// Reads back what ``bytes`` gave; nil when it is damaged.
    init?(bytes: [UInt8]) {
        let count = bytes.count / 8
        guard count > 0, count % Self.wordsOfLine == 0, bytes.count == count * 8 else { return nil }
        words = bytes.withUnsafeBytes { bytes in
            (0..<count).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
        }
    }

    /// The filter as it is stored.
    var bytes: [UInt8] { words.map(\.littleEndian).withUnsafeBytes { Array($0) } }

    /// Adds a link and, when it is one of a cell's, the cell.
    mutating func insert(_ link: LedgerLink) {
        guard let cell = link.cell else {
            var probe = Probe(link)
            return set(Self.linkBits, &probe, inLine: line(of: probe))
        }
        var probe = Probe(cell)
        let line = line(of: probe)
        set(Self.cellBits, &probe, inLine: line)
        var kind = Probe(link)
        set(Self.kindBits, &kind, inLine: line)
    }

    private mutating func set(_ count: Int, _ probe: inout Probe, inLine line: Int) {
        for _ in 0..<count {
            let bit = probe.next()
            words[line + bit >> 6] |= 1 << UInt64(bit & 63)
        }
    }

    private func line(of probe: Probe) -> Int { Self.line(of: probe, ofWords: words.count) }

    private static func line(of probe: Probe, ofWords count: Int) -> Int {
        Int(truncatingIfNeeded: probe.hash.multipliedFullWidth(by: UInt64(count / wordsOfLine)).high) * wordsOfLine
    }

    /// Whether a plain link, or one of a cell's, may be among those whose filter has these words; false is certain.
    @inline(__always)
    static func mayContain(_ link: LedgerLink, _ words: UnsafeBufferPointer<UInt64>.SubSequence) -> Bool {
        if let cell = link.cell { return kinds(in: cell, among: 1 << link.kinds, words) != 0 }
        var probe = Probe(link)
        return has(linkBits, &probe, in: words, at: line(of: probe, ofWords: words.count))
    }

    /// Which sets of kinds of a cell may be among the links whose filter has these words.
    ///
    /// - Parameters:
    ///   - cell: The link of the cell itself (``MatchBucket/link``).
    ///   - kinds: Those that are asked for, a bit for each.
    @inline(__always)
    static func kinds(
        in cell: LedgerLink,
        among kinds: UInt8,
        _ words: UnsafeBufferPointer<UInt64>.SubSequence
    ) -> UInt8 {
        var probe = Probe(cell)
        let line = line(of: probe, ofWords: words.count)
        guard has(cellBits, &probe, in: words, at: line) else { return 0 }
        var found: UInt8 = 0
        for number in UInt64(0)..<8 where kinds & 1 << number != 0 {
            var kind = Probe(LedgerLink(rawValue: cell.rawValue | 8 | number))
            if has(kindBits, &kind, in: words, at: line) { found |= 1 << number }
        }
        return found
    }

    @inline(__always)
    private static func has(
        _ count: Int,
        _ probe: inout Probe,
        in words: UnsafeBufferPointer<UInt64>.SubSequence,
        at line: Int
    ) -> Bool {
        for _ in 0..<count {
            let bit = probe.next()
            if words[words.startIndex + line + bit >> 6] & 1 << UInt64(bit & 63) == 0 { return false }
        }
        return true
    }

    /// The line and the bits of a link, from two hashes of it; nine bits of the second at a time name a bit of the line.
    private struct Probe {
        let hash: UInt64
        private var bits: UInt64

        init(_ link: LedgerLink) {
            let (high, low) = link.rawValue.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = (high ^ low) &* 0xD6E8_FEB8_6659_FD93
            bits = (low ^ high >> 32) &* 0xA24B_AED4_963E_E407
        }

        mutating func next() -> Int {
            defer { bits = bits >> 9 | bits << 55 }
            return Int(truncatingIfNeeded: bits & 511)
        }
    }
}
