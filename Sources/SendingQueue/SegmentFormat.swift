// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// The first bytes of a segment, stored twice, so that one damaged byte cannot hide a whole segment.
///
/// Each copy: `magic` 8 · a random number for this segment 8 · their checksum 8. The number seeds all checksums in the segment, so
/// that bytes from elsewhere are never taken for one of its entries.
enum SegmentHeader {
    static let size = 48
    private static let magic: UInt64 = 0x3147_4553_4255_4853
    /// The magic of the second copy when the file was another segment before, whose bytes may follow the entries.
    private static let reusedMagic: UInt64 = 0x3152_4553_4255_4853

    static func bytes(seed: UInt64, isReused: Bool = false) -> [UInt8] {
        copy(magic, seed: seed) + copy(isReused ? reusedMagic : magic, seed: seed)
    }

    private static func copy(_ magic: UInt64, seed: UInt64) -> [UInt8] {
        var copy: [UInt8] = []
        for number in [magic, seed] {
            withUnsafeBytes(of: number.littleEndian) { copy.append(contentsOf: $0) }
        }
        let sum = Checksum.of(copy, seed: seed)
        withUnsafeBytes(of: sum.littleEndian) { copy.append(contentsOf: $0) }
        return copy
    }

    /// The seed of a segment, and whether its file was reused; nil when neither copy can be read.
    static func read(_ bytes: [UInt8]) -> (seed: UInt64, isReused: Bool)? {
        let half = size / 2
        for start in [half, 0] where bytes.count >= start + half {
            let found = Array(bytes[start..<start + half])
            let seed = found[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if found == copy(magic, seed: seed) { return (seed, false) }
            if found == copy(reusedMagic, seed: seed) { return (seed, true) }
        }
        return nil
    }
}

/// A finished range, in the file next to a segment: 16 bytes each, start 4 · end 4 · checksum 8.
///
/// An unreadable mark counts as absent.
enum DoneMark {
    static let size = 16

    static func bytes(_ range: Range<Int>, seed: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in [UInt32(clamping: range.lowerBound), UInt32(clamping: range.upperBound)] {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let sum = Checksum.of(bytes, seed: seed)
        withUnsafeBytes(of: sum.littleEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    static func ranges(_ bytes: [UInt8], seed: UInt64) -> DoneRanges {
        var ranges = DoneRanges()
        for start in stride(from: 0, through: bytes.count - size, by: size) {
            let words = bytes[start..<start + 8]
            let low = words.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            let high = words.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard low < high, Array(bytes[start..<start + size]) == Self.bytes(low..<high, seed: seed) else { continue }
            ranges.insert(low..<high)
        }
        return ranges
    }
}

/// The finished ranges of a segment in order, adjacent ones merged.
struct DoneRanges: Sendable, Hashable {
    private(set) var ranges: [Range<Int>] = []

    mutating func insert(_ range: Range<Int>) {
        var merged = range
        let first = ranges.firstIndex { $0.upperBound >= range.lowerBound } ?? ranges.count
        var last = first
        while last < ranges.count, ranges[last].lowerBound <= merged.upperBound {
            merged =
                min(merged.lowerBound, ranges[last].lowerBound)..<max(merged.upperBound, ranges[last].upperBound)
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: [merged])
    }

    /// The end of the range that contains a position; nil when none does.
    func end(at position: Int) -> Int? {
        ranges.first { $0.contains(position) }?.upperBound
    }
}

/// The file names of a queue.
enum SegmentName {
    /// A finished segment file, kept for reuse.
    static let spare = "spare"

    static func segment(_ number: UInt64) -> String { padded(number) + ".segment" }
    static func done(_ number: UInt64) -> String { padded(number) + ".done" }
    static func bad(_ number: UInt64) -> String { padded(number) + ".segment.bad" }

    /// The number and kind of a file; nil for a file of another program.
    static func parse(_ name: String) -> (number: UInt64, kind: Substring)? {
        guard let dot = name.firstIndex(of: "."), let number = UInt64(name[..<dot]) else { return nil }
        return (number, name[name.index(after: dot)...])
    }

    private static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
