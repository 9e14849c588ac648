// SPDX-License-Identifier: Apache-2.0

/// A growing byte buffer for writers.
///
/// The storage is kept filled to its capacity, so that a write is a store and not an append: half the cost for short pieces.
struct ByteSink: Sendable {
    private var storage: [UInt8]
    private(set) var count: Int

    init(capacity: Int = 0) {
        storage = Array(repeating: 0, count: capacity)
        count = 0
    }

    /// The bytes written; the sink is used up.
    consuming func finish() -> [UInt8] {
        storage.removeLast(storage.count - count)
        return storage
    }

    func byte(at index: Int) -> UInt8 { storage[index] }

    mutating func setByte(at index: Int, to byte: UInt8) { storage[index] = byte }

    mutating func truncate(to newCount: Int) { count = min(newCount, count) }

    @inline(__always)
    mutating func reserve(_ more: Int) {
        if storage.count - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        storage.append(contentsOf: repeatElement(0, count: max(more, storage.count, 64)))
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        storage[count] = byte
        count += 1
    }

    mutating func append(_ source: RawSpan) {
        source.withUnsafeBytes { append($0) }
    }

    mutating func append(_ source: StaticString) {
        source.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ source: ArraySlice<UInt8>) {
        source.withUnsafeBytes { append($0) }
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(_ source: UnsafeRawBufferPointer) {
        let size = source.count
        reserve(size)
        let target = count
        storage.withUnsafeMutableBytes { storage in
            UnsafeMutableRawBufferPointer(rebasing: storage[target..<target + size]).copyMemory(from: source)
        }
        count = target + size
    }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        if value < 0x80 { append(UInt8(truncatingIfNeeded: value)) } else { longVarint(value) }
    }

    private mutating func longVarint(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            storage[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            count += 1
        }
        storage[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }

    mutating func fixed64(_ value: UInt64) {
        reserve(8)
        let target = count
        storage.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: target, as: UInt64.self) }
        count += 8
    }

    mutating func fixed32(_ value: UInt32) {
        reserve(4)
        let target = count
        storage.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: target, as: UInt32.self) }
        count += 4
    }

    /// Leaves room for a length prefix; `closeLength` fills it in.
    mutating func openLength() -> Int {
        append(0)
        return count
    }

    /// Writes the length of everything since `start` in front of it, moving it up if one byte is not enough.
    mutating func closeLength(from start: Int) {
        let length = count - start
        guard length >= 0x80 else {
            storage[start - 1] = UInt8(truncatingIfNeeded: length)
            return
        }
        let extra = Wire.varintLength(UInt64(length)) - 1
        reserve(extra)
        storage.withUnsafeMutableBytes { storage in
            let source = UnsafeRawBufferPointer(rebasing: storage[start..<start + length])
            UnsafeMutableRawBufferPointer(rebasing: storage[start + extra..<start + extra + length])
                .copyMemory(from: source)
        }
        count = start - 1
        varint(UInt64(length))
        count = start + extra + length
    }

    /// Turns round what was written since `start`.
    mutating func reverse(from start: Int) { storage[start..<count].reverse() }

    /// What has been written, for reading back.
    subscript(range: Range<Int>) -> ArraySlice<UInt8> { storage[range] }
}
