// SPDX-License-Identifier: Apache-2.0

/// Facts of the protobuf encoding.
enum Wire {
    static let varint: UInt32 = 0
    static let fixed64: UInt32 = 1
    static let length: UInt32 = 2
    static let startGroup: UInt32 = 3
    static let endGroup: UInt32 = 4
    static let fixed32: UInt32 = 5

    /// The deepest nesting of messages; the limit of the protobuf libraries, so that other programs can read what we pass on.
    static let maximumDepth = 100

    /// Slices are 32 bits wide, and additions of an overlay have offsets after the batch.
    static let maximumBatchSize = 1 << 31

    static func varintLength(_ value: UInt64) -> Int {
        (63 - (value | 1).leadingZeroBitCount) / 7 + 1
    }

    static func zigzag(_ value: Int32) -> UInt64 { UInt64(UInt32(bitPattern: (value << 1) ^ (value >> 31))) }

    static func unzigzag(_ value: UInt64) -> Int32 {
        let word = UInt32(truncatingIfNeeded: value)
        return Int32(bitPattern: word >> 1) ^ -Int32(bitPattern: word & 1)
    }
}
