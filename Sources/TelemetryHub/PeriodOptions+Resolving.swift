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
            guard let since else { throw ValidationError("--until goes with --since") }
            let today = try Period("today", timezone: zone, now: now)
            return try Period(
                period,
                from: Self.dashed(since),
                to: until.map(Self.dashed) ?? today.to,
                timezone: zone,
                now: now
            )
        } catch let error as PeriodError {
            throw ValidationError(error.flagText)
        }
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
