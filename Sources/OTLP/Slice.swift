// SPDX-License-Identifier: Apache-2.0

/// A range of a batch's bytes: a string or message that is not decoded.
///
/// Offsets count from the start of ``OTLPBatch/bytes``; larger ones refer to what the ``Overlay`` added.
public struct Slice: Sendable, Hashable {
    /// The start of the range.
    public var offset: UInt32
    /// Its size in bytes.
    public var length: UInt32

    /// Creates a slice from its two numbers.
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    /// The slice of a missing field.
    public static let none = Slice(offset: 0, length: 0)

    /// Whether it is empty; a missing string field and an empty one are the same in OTLP.
    public var isEmpty: Bool { length == 0 }

    /// The slice as array indices.
    public var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }

    /// Both numbers in one word, the form in attribute entries.
    var packed: UInt64 { UInt64(offset) << 32 | UInt64(length) }

    init(packed: UInt64) {
        offset = UInt32(truncatingIfNeeded: packed >> 32)
        length = UInt32(truncatingIfNeeded: packed)
    }

    /// The caller has checked that the range is inside a batch, whose size fits 31 bits.
    init(_ range: Range<Int>) {
        offset = UInt32(truncatingIfNeeded: range.lowerBound)
        length = UInt32(truncatingIfNeeded: range.count)
    }
}
