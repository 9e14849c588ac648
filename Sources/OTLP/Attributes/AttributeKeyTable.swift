// SPDX-License-Identifier: Apache-2.0

/// Recognises known attribute keys in the bytes of a batch: one hash over length and ends, one comparison to confirm it.
struct AttributeKeyTable: Sendable {
    static let shared = AttributeKeyTable()

    /// Open addressing with linear probing; at a quarter full, a miss ends at the first slot four times out of five.
    private static let slotCount = 1024
    private var slots = [AttributeKey](repeating: .unknown, count: slotCount)
    /// The spellings one after the other, behind eight bytes that let short ones be read as whole words.
    private var names = [UInt8](repeating: 0, count: 8)
    private var nameSlices = [Slice](repeating: .none, count: Int(UInt8.max) + 1)
    private var longest = 0

    private init() {
        for (key, name) in AttributeKey.spellings {
            let start = names.count
            name.withUTF8Buffer { names.append(contentsOf: $0) }
            nameSlices[Int(key.rawValue)] = Slice(start..<names.count)
            longest = max(longest, names.count - start)
            var slot = Self.hash(names.span.bytes, start..<names.count)
            while slots[slot] != .unknown { slot = (slot &+ 1) % Self.slotCount }
            slots[slot] = key
        }
    }

    func key(named name: String) -> AttributeKey {
        let bytes = Array(repeating: 0, count: 8) + name.utf8
        return key(bytes.span.bytes, 8..<bytes.count)
    }

    @inline(__always)
    func key(_ bytes: RawSpan, _ range: Range<Int>) -> AttributeKey {
        guard range.count <= longest else { return .unknown }
        var slot = Self.hash(bytes, range)
        while true {
            let candidate = slots[slot]
            if candidate == .unknown || matches(candidate, bytes, range) { return candidate }
            slot = (slot &+ 1) & (Self.slotCount &- 1)
        }
    }

    /// First and last bytes alone would put `gen_ai.usage.…_tokens` into few slots; the middle tells them apart.
    @inline(__always)
    private static func hash(_ bytes: RawSpan, _ range: Range<Int>) -> Int {
        let length = range.count
        var word = UInt64(truncatingIfNeeded: length)
        if length >= 8 {
            let last = bytes.word(range.upperBound &- 8)
            let middle = bytes.word(range.lowerBound &+ (length &- 8) / 2)
            word = (word ^ last) &* 0x9e37_79b9_7f4a_7c15 ^ (word &+ middle) &* 0xc2b2_ae3d_27d4_eb4f
        } else if range.upperBound >= 8, length > 0 {
            word = (bytes.word(range.upperBound &- 8) >> UInt64(64 &- 8 &* length)) &* 0x9e37_79b9_7f4a_7c15
        }
        word ^= word >> 29
        return Int(truncatingIfNeeded: word >> 7) & (slotCount &- 1)
    }

    @inline(__always)
    private func matches(_ key: AttributeKey, _ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        let name = nameSlices[Int(key.rawValue)]
        guard Int(name.length) == range.count else { return false }
        return names.span.bytes.isEqual(at: Int(name.offset), to: bytes, at: range.lowerBound, count: range.count)
    }
}

extension RawSpan {
    /// Whether two stretches hold the same bytes; a stretch that is not all there is not equal.
    @inline(__always)
    func isEqual(at offset: Int, to other: RawSpan, at otherOffset: Int, count: Int) -> Bool {
        guard offset &+ count <= byteCount, otherOffset &+ count <= other.byteCount else { return false }
        var index = 0
        while index &+ 8 < count {
            if word(offset &+ index) != other.word(otherOffset &+ index) { return false }
            index &+= 8
        }
        // The last eight bytes may overlap the ones before; short texts are compared with what lies in front cut off.
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

    /// Eight bytes, the first one lowest.
    @inline(__always)
    func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
