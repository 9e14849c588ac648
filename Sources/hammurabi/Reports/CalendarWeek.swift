// SPDX-License-Identifier: Apache-2.0

/// A week from Monday to Sunday as ISO 8601 numbers it: week 1 is the one with the year's first Thursday.
struct CalendarWeek: Hashable {
    let year: Int
    let number: Int

    /// Such as `2026-W47`.
    var name: String { "\(year)-W\(number < 10 ? "0" : "")\(number)" }

    /// The week of a date `YYYY-MM-DD`; nil for anything else.
    init?(containing date: String) {
        let parts = date.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else { return nil }
        let day = Self.days(parts[0], parts[1], parts[2])
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3) % 7
        let thursday = day - weekday + 3
        var year = parts[0]
        if thursday < Self.days(year, 1, 1) { year -= 1 } else if thursday >= Self.days(year + 1, 1, 1) { year += 1 }
        self.year = year
        number = (thursday - Self.days(year, 1, 1)) / 7 + 1
    }

    /// Days since 1970-01-01, counted in eras of 400 years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
