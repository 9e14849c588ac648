// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The escapes of JSON strings.
enum JSONEscapes {
    /// The bytes of a JSON string with its escapes resolved; invalid escapes and unpaired surrogates become U+FFFD.
    static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard let base = bytes.baseAddress else { return [] }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let slash = memchr(base + index, Int32(UInt8(ascii: "\\")), bytes.count - index).map {
                UnsafeRawPointer($0) - UnsafeRawPointer(base)
            }
            // A backslash at the end means nothing and stays.
            guard let slash, slash + 1 < bytes.count else {
                text.append(contentsOf: bytes[index...])
                break
            }
            text.append(contentsOf: bytes[index..<slash])
            let sign = bytes[slash + 1]
            index = slash + 2
            if sign == UInt8(ascii: "u") {
                text.append(contentsOf: scalar(bytes, &index))
            } else if let plain = plain(sign) {
                text.append(plain)
            } else {
                text.append(contentsOf: UTF8.encodedReplacementCharacter)
            }
        }
        return text
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
