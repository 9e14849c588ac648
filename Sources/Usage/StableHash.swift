// SPDX-License-Identifier: Apache-2.0

/// A 64-bit hash that is the same in every process and version, so that it can be stored and compared between machines.
///
/// Multiply and fold, eight bytes at a step. It is not made to withstand someone who wants collisions: a sender who forges the id
/// of a call can only blur its own calls.
public struct StableHash: Sendable {
    private var state: UInt64

    /// Starts a hash; different domains never share values by accident.
    public init(domain: StaticString) {
        state = 0x9E37_79B9_7F4A_7C15
        domain.withUTF8Buffer { combine(bytes: $0.span.bytes) }
    }

    /// Adds a number.
    public mutating func combine(_ value: UInt64) {
        let (high, low) = (state ^ value).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        state = (high ^ low) &+ 0xE703_7ED1_A0B4_28DB
    }

    /// Adds a signed number.
    public mutating func combine(_ value: Int64) { combine(UInt64(bitPattern: value)) }

    /// Adds bytes and their count.
    public mutating func combine(bytes: RawSpan) {
        let count = bytes.byteCount
        var offset = 0
        while count - offset >= 8 {
            combine(bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        combine(Self.tail(of: bytes, from: offset))
        combine(UInt64(count))
    }

    /// The last bytes, fewer than eight, as one number of which the first byte is the highest.
    @inline(__always)
    private static func tail(of bytes: RawSpan, from offset: Int) -> UInt64 {
        let rest = bytes.byteCount &- offset
        if offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: bytes.byteCount &- 8, as: UInt64.self)
            return word.bigEndian & ~(UInt64.max << (UInt64(truncatingIfNeeded: rest) * 8))
        }
        var tail: UInt64 = 0
        for place in offset..<bytes.byteCount {
            tail = tail << 8 | UInt64(bytes.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self))
        }
        return tail
    }

    /// Adds the UTF-8 of a text and its length.
    public mutating func combine(_ text: String) {
        var text = text
        text.withUTF8 { combine(bytes: $0.span.bytes) }
    }

    /// The hash of everything added so far; never zero, so that zero can mean "none".
    public var value: UInt64 {
        let (high, low) = (state ^ 0x8EBC_6AF0_9C88_C6E3).multipliedFullWidth(by: 0x5899_65CC_7537_4CC3)
        return max(1, high ^ low)
    }
}
