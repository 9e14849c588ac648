// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The escapes of JSON strings.
enum JSONEscapes {
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
                if sign != UInt8(ascii: "u"), let plain = plain(sign) {
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

    private static func plain(_ sign: UInt8) -> UInt8? {
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

    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> UTF8.EncodedScalar {
        guard let high = unit(bytes, index) else { return UTF8.encodedReplacementCharacter }
        index += 4
        if UTF16.isLeadSurrogate(high), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u"), let low = unit(bytes, index + 2), UTF16.isTrailSurrogate(low)
        {
            index += 6
            let code = 0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
            return Unicode.Scalar(code).flatMap(UTF8.encode) ?? UTF8.encodedReplacementCharacter
        }
        return Unicode.Scalar(high).flatMap(UTF8.encode) ?? UTF8.encodedReplacementCharacter
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
