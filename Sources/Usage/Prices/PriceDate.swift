// SPDX-License-Identifier: Apache-2.0

/// Instants as a price file writes them: `2026-07-30` (midnight UTC) or `2026-07-30T12:00:00Z`.
enum PriceDate {
    /// Reads an instant of the years 1970 to 2261; nil for anything else.
    static func parse(_ text: some StringProtocol) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 || bytes.count == 20, let day = day(bytes) else { return nil }
        let seconds = bytes.count == 20 ? secondOfDay(bytes) : 0
        return seconds.map { Timestamp(nanoseconds: (day * 86_400 + $0) * 1_000_000_000) }
    }

    /// The shortest text of an instant, to the second.
    static func text(_ time: Timestamp) -> String {
        let seconds = time.nanoseconds.dividedDown(by: 1_000_000_000)
        let day = seconds.dividedDown(by: 86_400)
        let rest = seconds - day * 86_400
        let date = date(day)
        guard rest != 0 else { return date }
        return "\(date)T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    /// A number of at most two digits as two digits.
    static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func day(_ bytes: [UInt8]) -> Int64? {
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            (1970...2261).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        // Days from civil (Howard Hinnant): years begin in March, eras of 400 years have 146 097 days.
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let yearOfEra = shifted % 400
        let count = shifted / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return date(count) == String(decoding: bytes[..<10], as: UTF8.self) ? count : nil
    }

    private static func date(_ day: Int64) -> String {
        let shifted = day + 719_468
        let era = shifted.dividedDown(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(two(month))-\(two(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))"
    }

    private static func secondOfDay(_ bytes: [UInt8]) -> Int64? {
        guard bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            bytes[19] == UInt8(ascii: "Z"),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            hour < 24, minute < 60, second < 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        digits.reduce(0 as Int64?) { sum, byte in
            guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            return sum * 10 + Int64(byte - UInt8(ascii: "0"))
        }
    }
}
