// SPDX-License-Identifier: Apache-2.0

/// Numbers of variable length as in Protocol Buffers, none of them negative: how sums are packed into one value of a database.
enum PackedNumbers {
    /// Appends a number; a negative one takes ten bytes and is not read back.
    @inline(__always) static func append(_ number: Int64, to bytes: inout [UInt8]) {
        var rest = UInt64(bitPattern: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Reads numbers one after the other; valid as long as its bytes are.
    struct Reader {
        let bytes: UnsafeRawBufferPointer
        var offset: Int

        var isAtEnd: Bool { offset >= bytes.count }

        /// The next number; nil at the end and for one that is too large.
        @inline(__always) mutating func number(atMost most: Int64 = .max) -> Int64? {
            var (value, shift) = (UInt64(0), UInt64(0))
            while offset < bytes.count, shift < 63 {
                let byte = bytes[offset]
                offset += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value <= UInt64(most) ? Int64(bitPattern: value) : nil }
                shift += 7
            }
            return nil
        }
    }
}
