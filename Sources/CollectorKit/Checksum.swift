// SPDX-License-Identifier: Apache-2.0

/// A 64-bit checksum made of 64×64-bit products, so that computing it costs a fraction of writing the bytes.
///
/// It detects damage, not forgery; with the seed, bytes copied from elsewhere are not accepted.
package struct Checksum {
    /// Odd constants with as many ones as zeros; any others of this kind would do.
    private static let (first, second, third): (UInt64, UInt64, UInt64) = (
        0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3
    )

    /// The checksum of bytes with a seed.
    package static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var (left, right) = (seed ^ first, seed ^ second)
        var position = 0
        while bytes.count &- position >= 32 {
            left = fold(word(bytes, position) ^ first, word(bytes, position &+ 8) ^ left)
            right = fold(word(bytes, position &+ 16) ^ second, word(bytes, position &+ 24) ^ right)
            position &+= 32
        }
        var sum = left ^ right.byteSwapped
        while bytes.count &- position >= 8 {
            sum = fold(word(bytes, position) ^ third, sum ^ second)
            position &+= 8
        }
        var last: UInt64 = 0
        while position < bytes.count {
            last = last << 8 | UInt64(bytes[position])
            position &+= 1
        }
        return fold(fold(last ^ first, sum ^ third), UInt64(bytes.count) ^ second)
    }

    /// The checksum of bytes with a seed.
    package static func of(_ bytes: [UInt8], seed: UInt64) -> UInt64 { bytes.withUnsafeBytes { of($0, seed: seed) } }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Combines both halves of a product; both factors are mixed in as well, because a factor of zero would lose the other one.
    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low ^ (left &+ (right << 32 | right >> 32))
    }
}
