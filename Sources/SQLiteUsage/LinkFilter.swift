// SPDX-License-Identifier: Apache-2.0

import Usage

/// Shows which links a run certainly does not hold: a Bloom filter whose bits for one link are all in one line of the processor's
/// cache, one in each of its eight words.
///
/// Of links that are missing about one in a thousand is answered "perhaps" in vain, and in the few runs that are large, which hold most
/// of the memory, one in two hundred. What is answered in vain costs a page of the run, and a call asks about seven links. The links
/// of a cell are one link here, their cell: which of the eight there are is read from the run.
///
/// Its memory is its own and never moves, so that a slice can go through the filters of its runs without counting references. Not
/// changed once it is made.
final class LinkFilter: Sendable {
    typealias Line = SIMD8<UInt64>

    /// Where the filter is in memory; valid as long as the filter is.
    struct Lines: Sendable {
        nonisolated(unsafe) fileprivate let start: UnsafePointer<Line>
        fileprivate let count: UInt64
    }

    nonisolated(unsafe) private let memory: UnsafeMutableRawPointer
    private let count: Int

    /// How many links come to a line of 512 bits.
    private static func linksOfLine(level: Int64) -> Int { level < 3 ? 32 : 44 }
    private static let lineSize = MemoryLayout<Line>.stride

    /// The filter of links that are in order.
    init(_ postings: some Collection<Posting>, level: Int64) {
        // Many calls of a cell, and of a link, are one.
        var (different, last): (Int, LedgerLink?) = (0, nil)
        for posting in postings where (posting.link.cell ?? posting.link) != last {
            last = posting.link.cell ?? posting.link
            different += 1
        }
        let linksOfLine = Self.linksOfLine(level: level)
        count = max(1, (different + linksOfLine - 1) / linksOfLine)
        memory = .allocate(byteCount: count * Self.lineSize, alignment: Self.lineSize)
        let lines = memory.initializeMemory(as: Line.self, repeating: Line(), count: count)
        for posting in postings {
            let probe = Probe(posting.link)
            lines[probe.line(of: UInt64(count))] |= probe.bits
        }
    }

    /// Reads back what ``bytes`` gave; nil when it is damaged.
    init?(bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty, bytes.count % Self.lineSize == 0 else { return nil }
        count = bytes.count / Self.lineSize
        memory = .allocate(byteCount: bytes.count, alignment: Self.lineSize)
        let words = memory.initializeMemory(as: UInt64.self, repeating: 0, count: bytes.count / 8)
        for place in 0..<bytes.count / 8 {
            words[place] = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
        }
    }

    deinit { memory.deallocate() }

    var lines: Lines {
        Lines(start: UnsafePointer(memory.assumingMemoryBound(to: Line.self)), count: UInt64(count))
    }

    /// The filter as it is stored: its words, little-endian.
    var bytes: [UInt8] {
        let words = UnsafeRawBufferPointer(start: memory, count: count * Self.lineSize)
        return (0..<count * 8).map { words.load(fromByteOffset: $0 * 8, as: UInt64.self).littleEndian }
            .withUnsafeBytes { Array($0) }
    }

    /// A question about one link, to be put to any number of filters: the line by one hash of it, the bits by another.
    struct Probe {
        fileprivate let bits: Line
        private let hash: UInt64

        init(_ link: LedgerLink) {
            let (high, low) = (link.cell ?? link).rawValue.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = (high ^ low) &* 0xD6E8_FEB8_6659_FD93
            let places = (low ^ high >> 32) &* 0xA24B_AED4_963E_E407
            bits = Line(
                1 << (places & 63),
                1 << (places >> 6 & 63),
                1 << (places >> 12 & 63),
                1 << (places >> 18 & 63),
                1 << (places >> 24 & 63),
                1 << (places >> 30 & 63),
                1 << (places >> 36 & 63),
                1 << (places >> 42 & 63)
            )
        }

        @inline(__always)
        fileprivate func line(of count: UInt64) -> Int {
            Int(truncatingIfNeeded: hash.multipliedFullWidth(by: count).high)
        }

        /// Whether the link may be among those of a filter; false is certain.
        ///
        /// Without a branch before the answer, so that the memory of several filters is read at once.
        @inline(__always)
        func mayBe(in lines: Lines) -> Bool {
            let missing = bits & ~lines.start[line(of: lines.count)]
            let half = missing.lowHalf | missing.highHalf
            let quarter = half.lowHalf | half.highHalf
            return quarter.x | quarter.y == 0
        }
    }
}
