// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Testing

@testable import Usage

/// Time zones and their calendar, compared with Foundation's.
struct TimeZoneRulesTests {
    /// Zones with changes at midnight, of half an hour, in the south, with a rule over the new year, without summer time, and far away.
    private static let zones = [
        "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Santiago", "America/Havana", "America/Sao_Paulo",
        "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Kolkata", "Asia/Kathmandu",
        "Asia/Tehran",
        "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Antarctica/Troll",
        "America/Nuuk", "Asia/Tokyo", "UTC", "Etc/GMT+5",
    ]

    @Test(arguments: zones)
    func `offsets, days and instants are those of Foundation`(name: String) throws {
        let zone = try #require(TimeZone(identifier: name))
        let rules = try #require(TimeZoneRules.named(name))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        var random = SeededGenerator(seed: 7)
        var instants = (0..<300).map { _ in Int64.random(in: 1_325_376_000..<4_102_444_800, using: &random) }
        for day in stride(from: Int64(15_340), to: 25_000, by: 1) {
            let (start, end) = (day * 86_400, (day + 1) * 86_400)
            if rules.ahead(at: start) != rules.ahead(at: end) {
                instants += stride(from: start, through: end, by: 1_800)
            }
        }
        for instant in instants {
            let date = Date(timeIntervalSince1970: Double(instant))
            #expect(rules.ahead(at: instant) == Int64(zone.secondsFromGMT(for: date)))
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .weekday], from: date)
            let local = rules.local(instant)
            let day = TimeZoneRules.Day(number: local.day)
            #expect(
                [day.year, day.month, day.day, day.weekday] == [parts.year, parts.month, parts.day, parts.weekday]
            )
            #expect(local.second / 60 == (parts.hour ?? 0) * 60 + (parts.minute ?? 0))
            let start = calendar.startOfDay(for: date)
            #expect(rules.firstSecond(ofDay: local.day) == Int64(start.timeIntervalSince1970))
            let minute = Int.random(in: 0..<1_440, using: &random)
            let asked = DateComponents(
                year: day.year,
                month: day.month,
                day: day.day,
                hour: minute / 60,
                minute: minute % 60
            )
            let found = try #require(calendar.date(from: asked))
            #expect(rules.instant(day: local.day, second: minute * 60) == Int64(found.timeIntervalSince1970))
        }
    }

    @Test func `every zone of the database is read`() {
        let names = TimeZone.knownTimeZoneIdentifiers
        #expect(names.count > 300)
        for name in names {
            let rules = TimeZoneRules.named(name)
            let offset = TimeZone(identifier: name)?.secondsFromGMT(for: Date(timeIntervalSince1970: 3_000_000_000))
            #expect(rules?.ahead(at: 3_000_000_000) == offset.map(Int64.init), "\(name)")
        }
    }

    @Test(arguments: [
        "", "Europe", "Europe/Atlantis", "/etc/passwd", "../../../etc/passwd", "Europe/../../../../etc/passwd",
        "Europe/Berlin\u{0}", "tzdata.zi", String(repeating: "a", count: 5_000),
    ])
    func `what is no zone has no rules`(name: String) {
        #expect(TimeZoneRules.named(name) == nil)
    }

    @Test func `days are counted as the calendar has them`() {
        for number in stride(from: -800_000, to: 800_000, by: 97) {
            #expect(TimeZoneRules.Day(number: number).number == number)
        }
        #expect(TimeZoneRules.Day(number: 0).text == "1970-01-01")
        #expect(TimeZoneRules.Day(year: 2024, month: 2, day: 29).exists)
        #expect(!TimeZoneRules.Day(year: 2026, month: 2, day: 30).exists)
        #expect(!TimeZoneRules.Day(year: 2026, month: 13, day: 1).exists)
        #expect(!TimeZoneRules.Day(year: 2026, month: 1, day: 0).exists)
    }

    @Test func `damaged files have no rules, and none is too strange`() throws {
        let file = [UInt8](try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Berlin")))
        #expect(TimeZoneRules(name: "x", tzif: file)?.ahead(at: 1_782_000_000) == 7_200)
        for length in 0..<file.count - 1 {
            _ = TimeZoneRules(name: "x", tzif: Array(file[..<length]))?.firstSecond(ofDay: 20_000)
        }
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            var bytes = file
            for _ in 0..<4 {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            let rules = TimeZoneRules(name: "x", tzif: bytes)
            for instant in [Int64.min, -1, 0, 1_782_000_000, .max] { _ = rules?.ahead(at: instant) }
            _ = rules?.local(1_782_000_000)
            _ = rules?.firstSecond(ofDay: 20_000)
        }
    }

    @Test(arguments: [
        "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3", "<+0330>-3:30", "EST5EDT,M3.2.0,M11.1.0", "XXX4YYY,J60,300/-2:30:05",
        "AAA-14BBB-15,0/0,J365/167",
    ])
    func `rules of POSIX are read`(text: String) {
        #expect(YearlyRule(text) != nil)
    }

    @Test(arguments: [
        "", "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-168", "CET-1CEST,M3.5.0,M10.5.0/3x", "<CET-1", "CET-1:60",
    ])
    func `other texts are no rules`(text: String) {
        #expect(YearlyRule(text) == nil)
    }
}
