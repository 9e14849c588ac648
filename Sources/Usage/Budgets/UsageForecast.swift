// SPDX-License-Identifier: Apache-2.0

/// Where a period will probably end, from what weekdays usually take.
///
/// A day to come takes what its weekday usually takes: the median of the weeks before, because one dear day must not make every
/// month look dear. The rest of today takes its part of that. The band holds four of five outcomes if days vary as they did: its half
/// width is 1.28 standard deviations, each day's estimated from the median distance to the median (1.4826 times it), the days taken as
/// independent. Without a week of history a period goes on as it began, and there is no band.
public struct UsageForecast: Hashable, Sendable {
    /// The lower end of the band, never below what was spent.
    public var low: Int64
    /// The probable end.
    public var expected: Int64
    /// The upper end of the band.
    public var high: Int64

    /// How many days of history are worth having.
    public static let historyDays = 56
    /// With fewer days of history, weekdays say nothing.
    private static let fewestDays = 7

    /// Creates a forecast.
    ///
    /// - Parameters:
    ///   - period: The period.
    ///   - spent: What each of its days took so far.
    ///   - history: What the days before the period took, the last of them the day before it; days before the first that took something
    ///     are no history.
    ///   - now: The present.
    public init(of period: Period, spent: [Int64], history: [Int64], now: Timestamp) {
        let total = spent.reduce(Int64(0)) { $0.saturatingAdding($1) }
        guard let today = period.day(of: now) else {
            self.init(low: total, expected: total, high: total)
            return
        }
        let past = (history + spent.prefix(today)).drop { $0 == 0 }.map(Double.init)
        guard past.count >= Self.fewestDays else {
            self.init(goingOnAsBegun: period, total, now)
            return
        }
        let begun = period.dayStarts[today]
        let dayLength = Double(period.dayStarts[today + 1].nanoseconds - begun.nanoseconds)
        let rest = 1 - Double(now.nanoseconds - begun.nanoseconds) / max(1, dayLength)
        var (mean, variance) = (0.0, 0.0)
        for day in today..<period.days.count {
            let usual = UsualDay(past, daysAhead: day - today)
            let part = day == today ? rest : 1
            mean += part * usual.median
            variance += part * usual.spread * usual.spread
        }
        let half = 1.28 * variance.squareRoot()
        self.init(
            low: total.saturatingAdding(Self.whole(max(0, mean - half))),
            expected: total.saturatingAdding(Self.whole(mean)),
            high: total.saturatingAdding(Self.whole(mean + half))
        )
    }

    /// An end without a band.
    init(end: Int64) {
        self.init(low: end, expected: end, high: end)
    }

    private init(low: Int64, expected: Int64, high: Int64) {
        (self.low, self.expected, self.high) = (low, expected, high)
    }

    /// The end of a period that goes on as it began; its first instants say nothing about its end.
    private init(goingOnAsBegun period: Period, _ total: Int64, _ now: Timestamp) {
        let (elapsed, length) = period.elapsed(at: now)
        let end = elapsed > 0 ? total.scaled(by: length, over: elapsed) : total
        self.init(low: end, expected: end, high: end)
    }

    private static func whole(_ amount: Double) -> Int64 { Int64(exactly: amount.rounded()) ?? .max }
}

/// What a day of the week usually takes.
public struct UsualDay: Sendable {
    /// The middle of what such days took.
    public let median: Double
    /// How far such days are from the median, as a standard deviation.
    public let spread: Double

    /// With fewer days of one weekday, all days are taken.
    private static let fewest = 3

    /// Looks at the same weekday of the weeks before.
    ///
    /// - Parameters:
    ///   - past: What days took, one after the other, the last of them yesterday.
    ///   - daysAhead: How many days after today the day is.
    public init(_ past: [Double], daysAhead: Int = 0) {
        var same: [Double] = []
        var day = past.count + daysAhead % 7 - 7
        while day >= 0 {
            same.append(past[day])
            day -= 7
        }
        let sample = same.count >= Self.fewest ? same : past
        let middle = Self.middle(of: sample)
        median = middle
        spread = 1.4826 * Self.middle(of: sample.map { abs($0 - middle) })
    }

    /// What a day usually takes when enough is known to call another one unusual; nil with less than two weeks of history.
    ///
    /// - Parameters:
    ///   - past: What days took, one after the other, the last of them yesterday; days before the first that took something are no
    ///     history.
    ///   - daysAhead: How many days after today the day is.
    public static func known(_ past: some Collection<Int64>, daysAhead: Int = 0) -> UsualDay? {
        let history = past.drop { $0 == 0 }.map(Double.init)
        return history.count < fewestDays ? nil : UsualDay(history, daysAhead: daysAhead)
    }

    private static let fewestDays = 14

    /// The ends of the band in which most such days lie: two standard deviations around the median, never below nothing.
    public var band: ClosedRange<Double> { max(0, median - 2 * spread)...(median + 2 * spread) }

    /// The cost in nanodollars above which a day is unusual.
    ///
    /// It is four standard deviations above the median, at least twice the median, and at least a dollar: a day of cents is no reason for
    /// an alert.
    public var border: Double { max(median + 4 * spread, 2 * median, 1e9) }

    private static func middle(of values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }
}
