// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A growing byte buffer for the writers of whole requests.
///
/// It owns its memory itself: through an array each store would check for uniqueness and bounds, which costs more than the
/// store. The rule that keeps this sound: `reserve` comes first, `put` writes no more than was reserved. Behind the
/// capacity lie `slack` bytes more, so that short pieces can be stored as whole words.
struct ByteSink: ~Copyable, Sendable {
    nonisolated(unsafe) private var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    /// The widest store is a field's label, four words.
    private static let slack = 32

    init(capacity: Int = 64) {
        self.capacity = capacity
        base = Self.checked(malloc(capacity + Self.slack))
    }

    deinit { free(base) }

    /// Without memory a program cannot go on, as with arrays.
    private static func checked(_ memory: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer {
        guard let memory else { preconditionFailure("no memory is left") }
        return memory
    }

    /// What has been written.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The bytes written.
    func finish() -> [UInt8] { [UInt8](bytes) }

    mutating func truncate(to newCount: Int) { count = min(newCount, count) }

    /// Makes room for so many bytes.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if capacity &- count < more { grow(more) }
    }

    /// A large buffer grows by half, and in its place: the allocator moves its pages and copies nothing.
    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(count + more, capacity < 8 << 20 ? capacity * 2 : capacity / 2 * 3)
        base = Self.checked(realloc(base, capacity + Self.slack))
    }
}

/// Writing into reserved room.
extension ByteSink {
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// The first `length` bytes of a word, of which the lowest comes first.
    @inline(__always)
    mutating func put(_ word: UInt64, _ length: Int = 8) {
        base.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= length
    }

    @inline(__always)
    mutating func put(_ label: JSONLabel) {
        base.storeBytes(of: label.words, toByteOffset: count, as: SIMD4<UInt64>.self)
        count &+= label.length
    }

    @inline(__always)
    mutating func putVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    /// A stretch of bytes; a short one word by word, if what lies behind it may be read.
    @inline(__always)
    mutating func put(_ source: RawSpan, _ range: Range<Int>) {
        let length = range.count
        if length <= 24, range.lowerBound &+ 24 <= source.byteCount {
            var offset = 0
            repeat {
                let word = source.word(range.lowerBound &+ offset)
                base.storeBytes(of: word.littleEndian, toByteOffset: count &+ offset, as: UInt64.self)
                offset &+= 8
            } while offset < length
        } else {
            source.withUnsafeBytes { source in
                guard let start = source.baseAddress, length > 0 else { return }
                (base + count).copyMemory(from: start + range.lowerBound, byteCount: length)
            }
        }
        count &+= length
    }

    /// Replaces a byte that was written before.
    @inline(__always)
    mutating func setByte(at index: Int, to byte: UInt8) {
        precondition(index >= 0 && index < count, "only what was written can be replaced")
        base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
}

/// Writing that makes its own room.
extension ByteSink {
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    @inline(__always)
    mutating func append(_ source: RawSpan, _ range: Range<Int>) {
        reserve(range.count)
        put(source, range)
    }

    mutating func append(_ source: RawSpan) { append(source, 0..<source.byteCount) }

    mutating func append(_ source: StaticString) { source.withUTF8Buffer { append($0.span.bytes) } }

    mutating func append(_ source: ArraySlice<UInt8>) { append(source.span.bytes) }

    mutating func append(string text: String) {
        var text = text
        text.withUTF8 { append($0.span.bytes) }
    }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        reserve(10)
        if value < 0x80 { put(UInt8(truncatingIfNeeded: value)) } else { putVarint(value) }
    }

    @inline(__always)
    mutating func fixed64(_ value: UInt64) {
        reserve(8)
        put(value)
    }

    mutating func fixed32(_ value: UInt32) {
        reserve(8)
        put(UInt64(value), 4)
    }

    /// Leaves room for a length prefix; `closeLength` fills it in.
    @inline(__always)
    mutating func openLength() -> Int {
        append(0)
        return count
    }

    /// Writes the length of everything since `start` in front of it, moving it up if one byte is not enough.
    @inline(__always)
    mutating func closeLength(from start: Int) {
        let length = count &- start
        if length < 0x80 {
            setByte(at: start &- 1, to: UInt8(truncatingIfNeeded: length))
        } else {
            closeLongLength(from: start)
        }
    }

    @inline(never)
    private mutating func closeLongLength(from start: Int) {
        let length = count - start
        let extra = Wire.varintLength(UInt64(length)) - 1
        reserve(extra)
        (base + start + extra).copyMemory(from: base + start, byteCount: length)
        count = start - 1
        putVarint(UInt64(length))
        count = start + extra + length
    }
}
