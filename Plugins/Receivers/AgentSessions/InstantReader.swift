// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads the times of lines; most lines of a file are of one day, whose beginning is remembered.
struct InstantReader {
    private var day: (UInt64, UInt16) = (0, 0)
    private var beginning: Int64 = 0

    /// The instant that a text such as `2026-11-22T08:13:37.999Z` names; nil for anything else.
    mutating func instant(_ text: JSONScanner.Text) -> Timestamp? {
        let bytes = UnsafeRawPointer(text.bytes.base)
        guard text.bytes.count == 24, let (hour, minute, second, milli) = clock(text.bytes.base) else {
            return text.bytes.count <= 40 ? Timestamp(iso8601: text.string) : nil
        }
        let date = (
            bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
        )
        if date != day {
            guard let midnight = Timestamp(iso8601: String(text.string.prefix(10)) + "T00:00:00Z") else { return nil }
            (day, beginning) = (date, midnight.nanoseconds)
        }
        let milliseconds = ((hour * 60 + minute) * 60 + second) * 1_000 + milli
        return Timestamp(nanoseconds: beginning + milliseconds * 1_000_000)
    }

    /// Hour, minute, second and thousandths of `2026-11-22T08:13:37.999Z`.
    private func clock(_ bytes: UnsafePointer<UInt8>) -> (Int64, Int64, Int64, Int64)? {
        guard bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            bytes[19] == UInt8(ascii: "."), bytes[23] == UInt8(ascii: "Z")
        else { return nil }
        let (hour, minute, second) = (Self.pair(bytes + 11), Self.pair(bytes + 14), Self.pair(bytes + 17))
        let (tenths, thousandths) = (Self.pair(bytes + 20), Int64(bytes[22]) - 48)
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second), tenths >= 0,
            (0...9).contains(thousandths)
        else { return nil }
        return (hour, minute, second, tenths * 10 + thousandths)
    }

    /// The number that two digits spell; negative for anything else.
    private static func pair(_ bytes: UnsafePointer<UInt8>) -> Int64 {
        let (tens, ones) = (Int64(bytes[0]) - 48, Int64(bytes[1]) - 48)
        return (0...9).contains(tens) && (0...9).contains(ones) ? tens * 10 + ones : -1
    }
}

extension JSONScanner.Text {
    /// The text as a string, the one already at hand if it says the same.
    func string(reusing known: String?) -> String {
        guard let known, says(known) else { return string }
        return known
    }

    /// Whether the text, as written, is this string.
    func says(_ known: String?) -> Bool {
        guard var known, known.utf8.count == bytes.count else { return false }
        return known.withUTF8 { $0.baseAddress.map { memcmp($0, bytes.base, bytes.count) == 0 } ?? true }
    }
}
