// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Usage

extension PeriodOptions {
    /// Whether any of the flags was given.
    var isGiven: Bool { period != nil || since != nil || until != nil }

    /// The period of the flags.
    ///
    /// - Parameter timezone: The time zone when no flag names one.
    /// - Throws: `ValidationError`, which lists the valid values.
    func resolved(in timezone: String, now: Timestamp) throws -> Period {
        let zone = self.timezone ?? timezone
        do {
            guard since != nil || until != nil else { return try Period(period, timezone: zone, now: now) }
            let last = try until.map(Self.dashed) ?? Period("today", timezone: zone, now: now).to
            return try Period(
                period,
                from: try since.map(Self.dashed) ?? Self.earliest(before: last, zone),
                to: last,
                timezone: zone,
                now: now
            )
        } catch let error as PeriodError {
            throw ValidationError(error.flagText)
        }
    }

    /// The days that are meant, or all there can be.
    ///
    /// - Throws: `ValidationError`, which says what can be written instead.
    func resolvedOrAll(in timezone: String, now: Timestamp) throws -> Period {
        guard !isGiven else { return try resolved(in: timezone, now: now) }
        do {
            return try Period("\(Period.longest)d", timezone: self.timezone ?? timezone, now: now)
        } catch {
            throw ValidationError(error.flagText)
        }
    }

    /// The first day of the longest period that ends with a day.
    private static func earliest(before last: String, _ zone: String) throws(PeriodError) -> String {
        let end = try Period(nil, from: last, to: last, timezone: zone, now: Timestamp(nanoseconds: 0)).start
        let longest = try Period("\(Period.longest)d", timezone: zone, now: end)
        return longest.from < "1970-01-02" ? "1970-01-02" : longest.from
    }

    /// `20261122` as `2026-11-22`; anything else as it is.
    private static func dashed(_ date: String) -> String {
        guard date.utf8.count == 8, date.utf8.allSatisfy({ (48...57).contains($0) }) else { return date }
        return "\(date.prefix(4))-\(date.dropFirst(4).prefix(2))-\(date.suffix(2))"
    }
}

extension PeriodError {
    /// What is wrong and what to write, with the names of the command line.
    var flagText: String {
        text(period: "--period", from: "--since", to: "--until", days: "--since YYYY-MM-DD --until YYYY-MM-DD")
    }
}

extension Period {
    /// The parameters that request this period from the API.
    var query: [(String, String)] {
        (name == "custom" ? [("from", from), ("to", to)] : [("period", name)]) + [("timezone", timezone)]
    }
}
