// SPDX-License-Identifier: Apache-2.0

/// A stretch of a batch's bytes: a string or message that nobody has had to decode yet.
///
/// Offsets count from the start of ``OTLPBatch/bytes``; offsets past its end address what the ``Overlay`` added.
public struct Slice: Sendable, Hashable {
    /// Where the stretch begins.
    public var offset: UInt32
    /// Its size in bytes.
    public var length: UInt32

    /// Creates a slice from its two numbers.
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    /// The slice that stands for "no such field".
    public static let none = Slice(offset: 0, length: 0)

    /// Whether there is nothing in it; an absent string field and an empty one are the same in OTLP.
    public var isEmpty: Bool { length == 0 }

    /// The slice as array indices.
    public var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }

    /// Both numbers in one word, as attribute entries keep them.
    var packed: UInt64 { UInt64(offset) << 32 | UInt64(length) }

    init(packed: UInt64) {
        offset = UInt32(truncatingIfNeeded: packed >> 32)
        length = UInt32(truncatingIfNeeded: packed)
    }

    /// The caller has checked that the range lies inside a batch, whose size fits 31 bits.
    init(_ range: Range<Int>) {
        offset = UInt32(truncatingIfNeeded: range.lowerBound)
        length = UInt32(truncatingIfNeeded: range.count)
    }
}
