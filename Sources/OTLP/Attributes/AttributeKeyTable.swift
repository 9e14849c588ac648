// SPDX-License-Identifier: Apache-2.0

/// Recognises known attribute keys in the bytes of a batch: one hash over length, middle and end, one comparison to confirm it.
///
/// The table is created once, lives as long as the program and is never changed.
struct AttributeKeyTable: Sendable {
    static let shared = AttributeKeyTable()

    /// Open addressing with linear probing; at less than a third full, a miss ends at the first slot three times out of four.
    private static let slotCount = 1024
    /// The longest key takes 56 bytes; the rest of each line is zero.
    private static let lineSize = 64

    nonisolated(unsafe) private let slots: UnsafePointer<AttributeKey>
    nonisolated(unsafe) private let lengths: UnsafePointer<Int>
    nonisolated(unsafe) private let lines: UnsafeRawPointer
    private let longest: Int

    private init() {
        var slots = [AttributeKey](repeating: .unknown, count: Self.slotCount)
        var lengths = [Int](repeating: 0, count: AttributeKey.limit)
        var lines = [UInt8](repeating: 0, count: lengths.count * Self.lineSize)
        for (key, name) in AttributeKey.spellings {
            precondition(Int(key.rawValue) < AttributeKey.limit, "the tables have no place for a key")
            let start = Int(key.rawValue) * Self.lineSize
            let length = name.utf8CodeUnitCount
            precondition(length <= Self.lineSize, "a line is too short for a key")
            name.withUTF8Buffer { lines.replaceSubrange(start..<start + length, with: $0) }
            lengths[Int(key.rawValue)] = length
            var slot = Self.slot(Ends(lines.span.bytes, start..<start + length))
            while slots[slot] != .unknown { slot = (slot + 1) % Self.slotCount }
            slots[slot] = key
        }
        longest = lengths.max() ?? 0
        self.slots = Self.immortal(slots)
        self.lengths = Self.immortal(lengths)
        self.lines = UnsafeRawPointer(Self.immortal(lines))
    }

    private static func immortal<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        for (index, element) in elements.enumerated() { (copy + index).initialize(to: element) }
        return UnsafePointer(copy)
    }

    func key(named name: String) -> AttributeKey {
        var name = name
        return name.withUTF8 { key($0.span.bytes, 0..<$0.count) }
    }

    @inline(__always)
    func key(_ bytes: RawSpan, _ range: Range<Int>) -> AttributeKey {
        guard range.count <= longest, !range.isEmpty else { return .unknown }
        let ends = Ends(bytes, range)
        var slot = Self.slot(ends)
        while true {
            let candidate = slots[slot]
            if candidate == .unknown || matches(candidate, bytes, range, ends) { return candidate }
            slot = (slot &+ 1) & (Self.slotCount &- 1)
        }
    }

    /// The parts of a key that are hashed.
    private struct Ends {
        let length: Int
        /// The last eight bytes, or all of a shorter key.
        let last: UInt64
        /// Length and last bytes alone would put `gen_ai.usage.…_tokens` into few slots; the middle distinguishes them.
        let middle: UInt64

        @inline(__always)
        init(_ bytes: RawSpan, _ range: Range<Int>) {
            length = range.count
            if length >= 8 {
                last = bytes.word(range.upperBound &- 8)
                middle = bytes.word(range.lowerBound &+ (length &- 8) / 2)
            } else if range.upperBound >= 8 {
                last = bytes.word(range.upperBound &- 8) >> UInt64(64 &- 8 &* length)
                middle = 0
            } else {
                last = range.reversed().reduce(0) { $0 << 8 | UInt64(bytes.byte($1)) }
                middle = 0
            }
        }
    }

    @inline(__always)
    private static func slot(_ ends: Ends) -> Int {
        let length = UInt64(truncatingIfNeeded: ends.length)
        var word = (length ^ ends.last) &* 0x9e37_79b9_7f4a_7c15 ^ (length &+ ends.middle) &* 0xc2b2_ae3d_27d4_eb4f
        word ^= word >> 29
        return Int(truncatingIfNeeded: word >> 7) & (slotCount &- 1)
    }

    @inline(__always)
    private func matches(_ key: AttributeKey, _ bytes: RawSpan, _ range: Range<Int>, _ ends: Ends) -> Bool {
        guard lengths[Int(key.rawValue)] == ends.length else { return false }
        let line = lines + Int(key.rawValue) &* Self.lineSize
        let last = max(0, ends.length &- 8)
        guard UInt64(littleEndian: line.loadUnaligned(fromByteOffset: last, as: UInt64.self)) == ends.last else {
            return false
        }
        var index = 0
        while index < last {
            let mine = UInt64(littleEndian: line.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if mine != bytes.word(range.lowerBound &+ index) { return false }
            index &+= 8
        }
        return true
    }
}

extension RawSpan {
    /// Whether two ranges have the same bytes; a range that exceeds the bytes is not equal.
    @inline(__always)
    func isEqual(at offset: Int, to other: RawSpan, at otherOffset: Int, count: Int) -> Bool {
        guard offset &+ count <= byteCount, otherOffset &+ count <= other.byteCount else { return false }
        var index = 0
        while index &+ 8 < count {
            if word(offset &+ index) != other.word(otherOffset &+ index) { return false }
            index &+= 8
        }
        // The last eight bytes may overlap the ones before; for short texts the bytes before them are shifted out.
        let (end, otherEnd) = (offset &+ count &- 8, otherOffset &+ count &- 8)
        if end >= 0, otherEnd >= 0 {
            let difference = word(end) ^ other.word(otherEnd)
            return count >= 8 ? difference == 0 : count == 0 || difference >> UInt64(64 &- 8 &* count) == 0
        }
        while index < count {
            let mine = unsafeLoad(fromByteOffset: offset &+ index, as: UInt8.self)
            if mine != other.unsafeLoad(fromByteOffset: otherOffset &+ index, as: UInt8.self) { return false }
            index &+= 1
        }
        return true
    }

    /// Eight bytes, the first one lowest; the caller has checked that they exist.
    @inline(__always)
    func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
}
