// SPDX-License-Identifier: Apache-2.0

/// Writes numbers and texts one after the other, without names.
struct CompactWriter {
    var bytes: [UInt8]

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func fixed(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A hash that is zero when it is missing: one byte then.
    mutating func optional(_ value: UInt64) {
        byte(value == 0 ? 0 : 1)
        if value != 0 { fixed(value) }
    }

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Small numbers of either sign in few bytes.
    mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: value) << 1 ^ UInt64(bitPattern: value >> 63))
    }

    mutating func number(_ value: Int64?) {
        byte(value == nil ? 0 : 1)
        if let value { signed(value) }
    }

    /// A text with its length, which is one more than it is; zero for none.
    mutating func text(_ value: String?) {
        guard var value else { return byte(0) }
        value.withUTF8 { text in
            unsigned(UInt64(text.count) + 1)
            bytes.append(contentsOf: text)
        }
    }
}

/// Reads what ``CompactWriter`` wrote; what is missing reads as nothing and makes the whole invalid.
struct CompactReader {
    private let bytes: [UInt8]
    private var offset = 0
    private(set) var isWhole = true

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return fail() }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func fixed() -> UInt64? {
        guard bytes.count - offset >= 8 else { return fail() }
        offset += 8
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset - 8, as: UInt64.self))
        }
    }

    mutating func optional() -> UInt64 { byte() == 1 ? fixed() ?? 0 : 0 }

    mutating func unsigned() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let next = byte() else { return 0 }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
        }
        isWhole = false
        return 0
    }

    mutating func signed() -> Int64 {
        let value = unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func number() -> Int64? { byte() == 1 ? signed() : nil }

    mutating func text() -> String? {
        let length = unsigned()
        guard length > 0 else { return nil }
        guard length - 1 <= UInt64(bytes.count - offset) else { return fail() }
        let start = offset
        offset += Int(length - 1)
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func fail<Value>() -> Value? {
        isWhole = false
        return nil
    }
}
