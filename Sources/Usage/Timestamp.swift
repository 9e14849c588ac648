// SPDX-License-Identifier: Apache-2.0

/// An instant in UTC as nanoseconds since 1970, the unit of OTLP; years 1970 to 2261.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// Creates an instant from nanoseconds since 1970.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The last instant of 2261.
    ///
    /// Nothing from outside is later, so that to add days to an instant cannot overflow: 64 bits end in April 2262.
    public static let latest = Timestamp(nanoseconds: 9_214_646_399_999_999_999)

    /// Creates an instant from OTLP's unsigned nanoseconds; nil for zero (not set) and for instants after ``latest``.
    public init?(unixNano: UInt64) {
        guard unixNano != 0, let value = Int64(exactly: unixNano), value <= Self.latest.nanoseconds else { return nil }
        nanoseconds = value
    }

    /// Creates an instant from what a clock of the system shows, seconds and nanoseconds since 1970.
    ///
    /// A clock can be wrong by centuries (a board without a battery begins in 1970, or before): it then shows the second day of 1970 or
    /// the last but one of 2261, so that today is a day of these years in every time zone.
    public init(clockSeconds seconds: Int64, nanoseconds: Int64) {
        let time = seconds.saturatingMultiplied(by: 1_000_000_000).saturatingAdding(nanoseconds)
        self.nanoseconds = min(max(time, Self.day), Self.latest.nanoseconds - Self.day)
    }

    private static let day: Int64 = 86_400_000_000_000

    /// Creates an instant from whole milliseconds since 1970; nil when out of range.
    public init?(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow, value >= 0, value <= Self.latest.nanoseconds else { return nil }
        nanoseconds = value
    }

    /// Whole milliseconds since 1970.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Orders instants in time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
}

// MARK: - ISO8601

extension Timestamp {
    /// Parses an instant as ISO 8601 writes it (RFC 3339): `2026-11-22T08:13:37.999Z`, with `+01:00` in place of `Z` or a space in
    /// place of `T`, and up to nine digits of a second; nil for anything else and for years before 1970.
    public init?(iso8601 text: String) {
        var scanner = Scanner(rest: Array(text.utf8)[...])
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
            let day = scanner.digits(2), scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let hour = scanner.digits(2), scanner.skip(":"), let minute = scanner.digits(2), scanner.skip(":"),
            let second = scanner.digits(2), (1970...2261).contains(year), (1...12).contains(month),
            (1...Self.days(inMonth: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let fraction = scanner.skip(".") ? scanner.fraction() : 0
        guard let fraction, let offset = scanner.offset(), scanner.rest.isEmpty else { return nil }
        let seconds = Self.days(year, month, day) * 86_400 + Int64(hour * 3_600 + minute * 60 + second) - offset
        let time = seconds * 1_000_000_000 + fraction
        guard seconds >= 0, time <= Self.latest.nanoseconds else { return nil }
        nanoseconds = time
    }

    /// The instant as `2026-11-22T08:13:37.999Z`, in whole milliseconds.
    public var iso8601: String {
        var (days, rest) = (nanoseconds / 86_400_000_000_000, nanoseconds % 86_400_000_000_000)
        // Before 1970 a day begins before the instant, too.
        if rest < 0 { (days, rest) = (days - 1, rest + 86_400_000_000_000) }
        rest /= 1_000_000
        let (year, month, day) = Self.date(days)
        // Written in place: stores write it with every call, and joining eight strings takes several times as long.
        return String(unsafeUninitializedCapacity: 24) { bytes in
            var place = 0
            func write(_ number: Int64, _ width: Int, _ end: Unicode.Scalar) {
                var rest = number
                for position in (place..<place + width).reversed() {
                    bytes.initializeElement(at: position, to: UInt8(ascii: "0") + UInt8(rest % 10))
                    rest /= 10
                }
                bytes.initializeElement(at: place + width, to: UInt8(ascii: end))
                place += width + 1
            }
            write(year, 4, "-")
            write(month, 2, "-")
            write(day, 2, "T")
            write(rest / 3_600_000, 2, ":")
            write(rest / 60_000 % 60, 2, ":")
            write(rest / 1_000 % 60, 2, ".")
            write(rest % 1_000, 3, "Z")
            return place
        }
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a date of the Gregorian calendar, counted in eras of 400 years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    /// The date of a day since 1970-01-01; the way back of ``days(_:_:_:)``.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9, day)
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard rest.count >= count, rest.prefix(count).allSatisfy({ (48...57).contains($0) }) else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reduce(0) { $0 * 10 + Int($1) - 48 }
        }

        mutating func fraction() -> Int64? {
            let digits = rest.prefix { (48...57).contains($0) }
            guard (1...9).contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1) - 48 }
            return (digits.count..<9).reduce(value) { value, _ in value * 10 }
        }

        mutating func offset() -> Int64? {
            if skip("Z") || skip("z") { return 0 }
            let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
            guard sign != 0, let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else {
                return nil
            }
            return sign * Int64(hours * 3_600 + minutes * 60)
        }
    }
}
