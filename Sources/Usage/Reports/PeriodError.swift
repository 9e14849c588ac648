// SPDX-License-Identifier: Apache-2.0

/// A period that cannot be understood.
public struct PeriodError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let reason: Reason

    /// What can be wrong with a period.
    public enum Reason: Sendable, Hashable {
        /// Both a name and days were given.
        case both
        /// Only one of two days was given.
        case half
        /// The first day is after the last.
        case reversed
        /// There are more days than ``Period/longest``.
        case tooLong
        /// No period has this name.
        case unknown(String)
        /// This is no calendar month.
        case noMonth(String)
        /// This is no date.
        case noDate(String)
        /// No time zone has this name.
        case unknownZone(String)
    }

    init(_ reason: Reason) { self.reason = reason }

    /// What is wrong and what to write, in the words of the API's parameters.
    public var description: String {
        text(
            period: "period",
            from: "from",
            to: "to",
            days: "from=YYYY-MM-DD&to=YYYY-MM-DD"
        )
    }

    /// What is wrong and what to write.
    ///
    /// - Parameters:
    ///   - period: What the name of a period is called where it is written.
    ///   - from: What the first day is called there.
    ///   - to: What the last day is called there.
    ///   - days: How two days are written.
    public func text(period: String, from: String, to: String, days: String) -> String {
        switch reason {
        case .both: "give either \(period) or \(from) and \(to), not both"
        case .half: "\(from) and \(to) go together"
        case .reversed: "\(from) is after \(to)"
        case .tooLong: "a period has at most \(Period.longest) days"
        case .unknown(let text): "no period \"\(text)\": use 7d, 30d, 90d, today, YYYY-MM, or \(days)"
        case .noMonth(let text): "no month \"\(text)\": use YYYY-MM, such as 2026-11"
        case .noDate(let text): "no date \"\(text)\": use YYYY-MM-DD"
        case .unknownZone(let text):
            TimeZoneRules.hasDatabase
                ? "no time zone \"\(text)\": use a name such as UTC or Europe/Berlin"
                : "no time zone \"\(text)\": this system has no list of time zones, so only UTC is known; install tzdata"
        }
    }
}
