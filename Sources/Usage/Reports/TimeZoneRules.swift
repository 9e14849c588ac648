// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How far the clocks of a time zone are ahead of UTC, at any instant, and the calendar that follows from it.
///
/// Read from the system's time zone database in the format TZif (RFC 9636), whose last line is a rule of POSIX for all later years.
/// The calendar is the Gregorian one. Days are counted from 1970-01-01. A value; safe to use from many tasks at once.
public struct TimeZoneRules: Sendable, Hashable {
    /// The name in the database, such as `Europe/Berlin`.
    public let name: String
    /// The instants at which the clocks are changed, in order, with the seconds that they are ahead from then on.
    private let changes: [Change]
    /// The seconds ahead before the first change.
    private let first: Int64
    /// What holds after the last change.
    private let rule: YearlyRule?

    /// A change of the clocks.
    struct Change: Hashable {
        var at: Int64
        var ahead: Int64
    }

    /// Coordinated Universal Time, which needs no database.
    public static let utc = TimeZoneRules(name: "UTC", changes: [], first: 0, rule: nil)

    private init(name: String, changes: [Change], first: Int64, rule: YearlyRule?) {
        (self.name, self.changes, self.first, self.rule) = (name, changes, first, rule)
    }

    /// Equal if the names are: the rules of a name are read once.
    public static func == (left: TimeZoneRules, right: TimeZoneRules) -> Bool { left.name == right.name }

    /// Hashes the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    // MARK: - Offsets

    /// How many seconds the clocks are ahead of UTC at an instant, in seconds since 1970.
    public func ahead(at second: Int64) -> Int64 {
        if let rule, second >= changes.last?.at ?? .min { return rule.ahead(at: second) }
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= second { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : changes[low - 1].ahead
    }

    /// The parts of a time during which the clocks run evenly.
    private func evenParts(from start: Int64, to end: Int64) -> [(start: Int64, end: Int64, ahead: Int64)] {
        var instants = changes.map(\.at).filter { $0 > start && $0 < end }
        if let rule {
            let last = changes.last?.at ?? .min
            instants += rule.changes(from: start, to: end).filter { $0 > last }
        }
        let borders = [start] + instants.sorted() + [end]
        return zip(borders, borders.dropFirst()).map { ($0, $1, ahead(at: $0)) }
    }

    // MARK: - Calendar

    /// A day of the calendar.
    public struct Day: Sendable, Hashable {
        /// The year.
        public var year: Int
        /// 1 to 12.
        public var month: Int
        /// 1 to 31.
        public var day: Int

        /// Creates a day; it need not exist.
        public init(year: Int, month: Int, day: Int) { (self.year, self.month, self.day) = (year, month, day) }

        /// The day so many days after 1970-01-01.
        public init(number: Int) {
            // Years begin in March here, so that the leap day is the last one.
            let shifted = number + 719_468
            let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
            let dayOfEra = shifted - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shiftedMonth = (5 * dayOfYear + 2) / 153
            day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
            month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
            year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        }

        /// How many days it is after 1970-01-01; a day or month that does not exist counts on from the one before.
        public var number: Int {
            let year = month <= 2 ? year - 1 : year
            let era = (year >= 0 ? year : year - 399) / 400
            let yearOfEra = year - era * 400
            let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
            return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        }

        /// Whether the calendar has this day.
        public var exists: Bool { (1...12).contains(month) && day >= 1 && Day(number: number) == self }

        /// `2026-11-30`.
        public var text: String {
            func padded(_ number: Int, _ width: Int) -> String {
                let digits = String(number)
                return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
            }
            return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        }

        /// 1 is Sunday and 7 Saturday.
        public var weekday: Int { ((number % 7) + 11) % 7 + 1 }
    }

    /// The day and the second of the day that clocks show at an instant.
    public func local(_ second: Int64) -> (day: Int, second: Int) {
        let local = second.saturatingAdding(ahead(at: second))
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        return (Int(day), Int(local - day * 86_400))
    }

    /// The day that clocks show at an instant.
    func day(at time: Timestamp) -> Int { local(time.seconds).day }

    /// The minute of the day that clocks show at an instant.
    func minute(at time: Timestamp) -> Int { local(time.seconds).second / 60 }

    /// The first instant of a day.
    func start(ofDay day: Int) -> Timestamp { Timestamp(seconds: firstSecond(ofDay: day)) }

    /// The first instant at which clocks show a minute of a day; one that they leave out is as much later.
    func instant(day: Int, minute: Int) -> Timestamp { Timestamp(seconds: instant(day: day, second: minute * 60)) }

    /// The first instant of a day in seconds since 1970, which is not midnight where clocks leave that out.
    public func firstSecond(ofDay day: Int) -> Int64 {
        let midnight = Int64(day) * 86_400
        for part in evenParts(from: midnight - Self.most, to: midnight + Self.most) {
            let instant = max(part.start, midnight - part.ahead)
            if instant < part.end { return instant }
        }
        return midnight
    }

    /// The first instant at which clocks show a second of a day; one that they leave out is as much later.
    public func instant(day: Int, second: Int) -> Int64 {
        let local = Int64(day) * 86_400 + Int64(second)
        let parts = evenParts(from: local - Self.most, to: local + Self.most)
        for part in parts where (part.start..<part.end).contains(local - part.ahead) { return local - part.ahead }
        let before = parts.last { $0.end <= local - $0.ahead }?.ahead
        return local - (before ?? ahead(at: local))
    }

    /// No clock is as far from UTC: fourteen hours, and one more in summer.
    private static let most: Int64 = 26 * 3_600

    // MARK: - Database

    private static let known = Mutex<[String: TimeZoneRules]>([:])
    private static let folder = "/usr/share/zoneinfo/"

    /// The rules of a time zone.
    ///
    /// - Parameter name: An IANA name such as `Europe/Berlin`, `UTC`, or `local` for the machine's own, which is UTC where the machine
    ///   says nothing that is known.
    /// - Returns: nil for a name that the system's database does not have.
    public static func named(_ name: String) -> TimeZoneRules? {
        if ["UTC", "GMT", "Etc/UTC"].contains(name) { return utc }
        if let known = known.withLock({ $0[name] }) { return known }
        guard let rules = name == "local" ? machine() : read(name) else { return nil }
        known.withLock { $0[name] = rules }
        return rules
    }

    /// Whether the system has a time zone database.
    static var hasDatabase: Bool { access(folder, F_OK) == 0 }

    /// The rules by the variable `TZ`, else by `/etc/localtime`.
    private static func machine() -> TimeZoneRules {
        if let variable = getenv("TZ").map({ String(cString: $0) }) {
            let name = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
            if let rules = named(name.replacing(folder, with: "")) { return rules }
        }
        if let path = realpath("/etc/localtime", nil) {
            defer { free(path) }
            let target = String(cString: path)
            if target.hasPrefix(folder), let rules = named(String(target.dropFirst(folder.utf8.count))) { return rules }
            // A copy of a file of the database: what it is called is in a file beside it.
            let text = bytes(of: "/etc/timezone").map { String(decoding: $0, as: UTF8.self) } ?? ""
            let name = text.split(separator: "\n").first.map(String.init) ?? "local"
            if let bytes = bytes(of: target), let rules = TimeZoneRules(name: name, tzif: bytes) { return rules }
        }
        return utc
    }

    private static func read(_ name: String) -> TimeZoneRules? {
        let isName =
            (1...64).contains(name.utf8.count) && !name.hasPrefix("/") && !name.contains("..")
            && name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0 & 0xDF) || "/_+-".utf8.contains($0)
            }
        guard isName, let bytes = bytes(of: folder + name) else { return nil }
        return TimeZoneRules(name: name, tzif: bytes)
    }

    private static func bytes(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        // No file of the database is nearly as long.
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 ? Array(bytes[..<count]) : nil
    }

    // MARK: - TZif

    /// Reads a file of the database.
    ///
    /// - Returns: nil for bytes that are none.
    init?(name: String, tzif bytes: [UInt8]) {
        var reader = TZifReader(bytes)
        guard let short = reader.header() else { return nil }
        var header = short
        if short.version >= 2 {
            // The second part has the same with 64 bits.
            guard reader.skip(short.size(ofTime: 4)), let long = reader.header() else { return nil }
            header = long
        }
        guard let block = reader.block(header, timeSize: short.version >= 2 ? 8 : 4) else { return nil }
        let rule = short.version >= 2 ? reader.footer().flatMap(YearlyRule.init) : nil
        self.init(name: name, changes: block.changes, first: block.first, rule: rule)
    }
}

/// Reads the parts of a TZif file.
private struct TZifReader {
    private let bytes: [UInt8]
    private var position = 0

    struct Header {
        var version = 0
        var counts = [Int](repeating: 0, count: 6)
        /// Times, kinds of local time and the characters of their names: the last three of the six counts.
        var times: Int { counts[3] }
        var kinds: Int { counts[4] }
        var characters: Int { counts[5] }

        func size(ofTime size: Int) -> Int {
            times * (size + 1) + kinds * 6 + characters + counts[2] * (size + 4) + counts[1] + counts[0]
        }
    }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func header() -> Header? {
        guard bytes.count - position >= 44, bytes[position..<position + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        var header = Header()
        let version = bytes[position + 4]
        header.version = version == 0 ? 1 : Int(version) - 48
        for field in 0..<6 {
            let value = number(at: position + 20 + field * 4, size: 4)
            guard (0...4_096).contains(value) else { return nil }
            header.counts[field] = Int(value)
        }
        position += 44
        return header
    }

    mutating func skip(_ count: Int) -> Bool {
        guard bytes.count - position >= count else { return false }
        position += count
        return true
    }

    mutating func block(_ header: Header, timeSize: Int) -> (changes: [TimeZoneRules.Change], first: Int64)? {
        let start = position
        guard header.kinds > 0, skip(header.size(ofTime: timeSize)) else { return nil }
        let kinds = start + header.times * (timeSize + 1)
        let offsets = (0..<header.kinds).map { number(at: kinds + $0 * 6, size: 4) }
        var changes: [TimeZoneRules.Change] = []
        for index in 0..<header.times {
            let kind = Int(bytes[start + header.times * timeSize + index])
            guard kind < offsets.count else { return nil }
            let at = number(at: start + index * timeSize, size: timeSize)
            guard changes.last.map({ $0.at < at }) ?? true else { return nil }
            changes.append(TimeZoneRules.Change(at: at, ahead: offsets[kind]))
        }
        return (changes, offsets[0])
    }

    /// The text between the line feeds at the end.
    mutating func footer() -> String? {
        guard position < bytes.count, bytes[position] == 10 else { return nil }
        let text = bytes[(position + 1)...].prefix { $0 != 10 }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    private func number(at offset: Int, size: Int) -> Int64 {
        let bits = bytes[offset..<offset + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return size == 8 ? Int64(bitPattern: bits) : Int64(Int32(truncatingIfNeeded: bits))
    }
}

/// A rule for all years, in the form of the variable `TZ` of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct YearlyRule: Hashable {
    private var standard: Int64 = 0
    private var summer: Int64 = 0
    /// When summer time begins and ends; nil without one.
    private var begin: Moment?
    private var end: Moment?

    /// A moment of each year, by the clocks in force before it.
    private struct Moment: Hashable {
        enum Date: Hashable {
            /// A weekday (0 is Sunday) of a week (5 is the last) of a month.
            case weekday(month: Int, week: Int, day: Int)
            /// A day of the year from 1 on, without leap days.
            case julian(Int)
            /// A day of the year from 0 on.
            case ordinal(Int)
        }
        var date: Date
        var second: Int64

        /// The second of it in a year, by the clocks.
        func second(inYear year: Int) -> Int64 {
            let first = TimeZoneRules.Day(year: year, month: 1, day: 1).number
            let day: Int
            switch date {
            case .ordinal(let number): day = first + number
            case .julian(let number):
                let isLeap = TimeZoneRules.Day(year: year, month: 2, day: 29).exists
                day = first + number - 1 + (isLeap && number > 59 ? 1 : 0)
            case .weekday(let month, let week, let weekday):
                let start = TimeZoneRules.Day(year: year, month: month, day: 1)
                let next = TimeZoneRules.Day(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1).number
                var found = start.number + (weekday - (start.weekday - 1) + 7) % 7 + (week - 1) * 7
                while found >= next { found -= 7 }
                day = found
            }
            return Int64(day) * 86_400 + second
        }
    }

    /// Reads a rule; nil for a text that is none.
    init?(_ text: String) {
        var reader = Reader(text: Array(text.utf8))
        guard reader.skipName(), let standard = reader.time() else { return nil }
        self.standard = -standard
        guard !reader.isAtEnd else { return }
        guard reader.skipName() else { return nil }
        summer = reader.isAt(",") ? self.standard + 3_600 : -(reader.time() ?? 0)
        guard let begin = reader.moment(), let end = reader.moment(), reader.isAtEnd else { return nil }
        (self.begin, self.end) = (begin, end)
    }

    func ahead(at second: Int64) -> Int64 {
        guard begin != nil else { return standard }
        // No calendar reaches as far; seconds of later years would not fit.
        let second = min(max(second, -1 << 50), 1 << 50)
        let local = second + standard
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let year = TimeZoneRules.Day(number: Int(day)).year
        // A rule can reach over the end of a year, so those beside it count, too.
        var latest: (at: Int64, ahead: Int64)?
        for change in (year - 1...year + 1).flatMap(changes(inYear:)) where change.at <= second {
            if latest.map({ $0.at <= change.at }) ?? true { latest = change }
        }
        return latest?.ahead ?? standard
    }

    /// The instants between two at which the clocks are changed.
    func changes(from start: Int64, to end: Int64) -> [Int64] {
        guard begin != nil else { return [] }
        let years = [start, end].map { TimeZoneRules.Day(number: Int($0 / 86_400)).year }
        return (years[0] - 1...years[1] + 1).flatMap(changes(inYear:)).map(\.at).filter { $0 > start && $0 < end }
    }

    private func changes(inYear year: Int) -> [(at: Int64, ahead: Int64)] {
        guard let begin, let end else { return [] }
        return [
            (begin.second(inYear: year) - standard, summer), (end.second(inYear: year) - summer, standard),
        ]
    }

    private struct Reader {
        let text: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == text.count }

        func isAt(_ sign: Unicode.Scalar) -> Bool { position < text.count && text[position] == UInt8(ascii: sign) }

        mutating func skip(_ sign: Unicode.Scalar) -> Bool {
            guard isAt(sign) else { return false }
            position += 1
            return true
        }

        mutating func skipName() -> Bool {
            let start = position
            if skip("<") {
                while position < text.count, !isAt(">") { position += 1 }
                return skip(">")
            }
            while position < text.count, (65...90).contains(text[position] & 0xDF) { position += 1 }
            return position - start >= 3
        }

        mutating func number() -> Int? {
            let digits = text[position...].prefix { (48...57).contains($0) }.prefix(4)
            position += digits.count
            return digits.isEmpty ? nil : digits.reduce(0) { $0 * 10 + Int($1) - 48 }
        }

        /// Hours, minutes and seconds, in seconds.
        mutating func time() -> Int64? {
            let isNegative = skip("-")
            if !isNegative { _ = skip("+") }
            guard let hours = number(), hours <= 167 else { return nil }
            var seconds = Int64(hours) * 3_600
            for unit in [60, 1] as [Int64] where skip(":") {
                guard let part = number(), part < 60 else { return nil }
                seconds += Int64(part) * unit
            }
            return isNegative ? -seconds : seconds
        }

        mutating func moment() -> Moment? {
            guard skip(",") else { return nil }
            let date: Moment.Date
            if skip("M") {
                guard let month = number(), skip("."), let week = number(), skip("."), let day = number(),
                    (1...12).contains(month), (1...5).contains(week), (0...6).contains(day)
                else { return nil }
                date = .weekday(month: month, week: week, day: day)
            } else if skip("J") {
                guard let day = number(), (1...365).contains(day) else { return nil }
                date = .julian(day)
            } else {
                guard let day = number(), (0...365).contains(day) else { return nil }
                date = .ordinal(day)
            }
            guard skip("/") else { return Moment(date: date, second: 7_200) }
            return time().map { Moment(date: date, second: $0) }
        }
    }
}

extension Timestamp {
    /// The last whole second before or at it.
    fileprivate var seconds: Int64 {
        nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
    }

    fileprivate init(seconds: Int64) { self.init(nanoseconds: seconds.saturatingMultiplied(by: 1_000_000_000)) }
}
