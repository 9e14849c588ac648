// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The escapes of JSON strings (RFC 8259, section 7): one table for all that read or write them.
public enum JSONEscapes {
    /// The character behind the backslash for a byte with a short escape; nil for one that has `u00` and two digits.
    @inlinable
    public static func letter(for byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 0x0A: UInt8(ascii: "n")
        case 0x0D: UInt8(ascii: "r")
        case 0x09: UInt8(ascii: "t")
        default: nil
        }
    }

    /// The two digits behind `u00` of a byte below 0x80.
    @inlinable
    public static func digits(of byte: UInt8) -> (UInt8, UInt8) {
        let low = byte & 15
        return (
            UInt8(ascii: "0") + byte >> 4, low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") - 10 + low
        )
    }

    /// What a backslash and a sign other than `u` mean; nil for a sign that has no meaning.
    @inlinable
    public static func byte(of sign: UInt8) -> UInt8? {
        switch sign {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): sign
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "t"): 9
        default: nil
        }
    }

    /// The character of a UTF-16 unit and the unit behind it, of which only the second half of a pair counts; U+FFFD for half a pair.
    ///
    /// - Returns: The character, and whether it is made of both.
    @inlinable
    public static func scalar(_ unit: UInt16, _ next: UInt16?) -> (scalar: Unicode.Scalar, isPair: Bool) {
        if UTF16.isLeadSurrogate(unit), let next, UTF16.isTrailSurrogate(next) {
            let code = 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(next) - 0xDC00)
            return (Unicode.Scalar(code) ?? "\u{FFFD}", true)
        }
        return (Unicode.Scalar(unit) ?? "\u{FFFD}", false)
    }

    /// The bytes of a JSON string with its escapes resolved; invalid escapes and unpaired surrogates become U+FFFD.
    static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard let base = bytes.baseAddress else { return [] }
        // An invalid escape of two bytes becomes three; nothing else grows.
        return [UInt8](unsafeUninitializedCapacity: bytes.count + bytes.count / 2 + 1) { text, count in
            var index = 0
            while index < bytes.count {
                let slash = nextSlash(base, from: index, to: bytes.count)
                // A backslash at the end means nothing and stays.
                let isEscape = slash + 1 < bytes.count
                let end = isEscape ? slash : bytes.count
                if let target = text.baseAddress { memcpy(target + count, base + index, end - index) }
                count += end - index
                guard isEscape else { break }
                let sign = bytes[slash + 1]
                index = slash + 2
                if sign != UInt8(ascii: "u"), let plain = byte(of: sign) {
                    text[count] = plain
                    count += 1
                    continue
                }
                let scalar =
                    sign == UInt8(ascii: "u") ? scalar(bytes, &index) : UTF8.encodedReplacementCharacter
                for byte in scalar {
                    text[count] = byte
                    count += 1
                }
            }
        }
    }

    /// Where the next backslash is, else the end; texts with many of them have it within a few bytes, where a call costs more than a look.
    private static func nextSlash(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
        let near = min(end, start + 24)
        var index = start
        while index < near {
            if base[index] == UInt8(ascii: "\\") { return index }
            index += 1
        }
        guard index < end, let found = memchr(base + index, Int32(UInt8(ascii: "\\")), end - index) else { return end }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> UTF8.EncodedScalar {
        guard let high = unit(bytes, index) else { return UTF8.encodedReplacementCharacter }
        index += 4
        let isEscape =
            index + 1 < bytes.count && bytes[index] == UInt8(ascii: "\\") && bytes[index + 1] == UInt8(ascii: "u")
        let (scalar, isPair) = scalar(high, isEscape ? unit(bytes, index + 2) : nil)
        if isPair { index += 6 }
        return UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    }

    private static func unit(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt16? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for byte in bytes[index..<index + 4] {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            default: return nil
            }
        }
        return value
    }
}
