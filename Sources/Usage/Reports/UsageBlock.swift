// SPDX-License-Identifier: Apache-2.0

/// A stretch of time with the calls in it: what vendors of subscriptions limit, or the time between two of them.
///
/// The rules are those of ccusage (`session-blocks.ts` of ryoppippi/ccusage), so that both say the same of the same calls.
public struct UsageBlock: Sendable, Hashable {
    /// When it begins.
    public var start: Timestamp
    /// The first instant after it.
    public var end: Timestamp
    /// The end of its first call; nil for a gap.
    public var firstCall: Timestamp?
    /// The end of its last call; nil for a gap.
    public var lastCall: Timestamp?
    /// Its sums.
    public var totals = UsageTotals()
    /// Its sums by model; calls without a model are under the empty name.
    public var models: [String: UsageTotals] = [:]

    /// Creates a block without calls.
    public init(start: Timestamp, end: Timestamp) {
        (self.start, self.end) = (start, end)
    }

    /// A block of five hours without calls that begins with the hour (of UTC) of an instant.
    public static func beginning(at now: Timestamp) -> UsageBlock {
        let hour: Int64 = 3_600_000_000_000
        let start = max(0, now.nanoseconds / hour * hour)
        return UsageBlock(start: Timestamp(nanoseconds: start), end: Timestamp(nanoseconds: start + 5 * hour))
    }

    /// Whether it is the time without calls between two blocks.
    public var isGap: Bool { lastCall == nil }

    /// Whether the present is in it and calls were made not longer ago than a block lasts.
    public func isActive(at now: Timestamp) -> Bool {
        guard let lastCall, start <= now, now < end else { return false }
        return now.nanoseconds.saturatingSubtracting(lastCall.nanoseconds) < length
    }

    /// How long it lasts, in nanoseconds.
    public var length: Int64 { end.nanoseconds.saturatingSubtracting(start.nanoseconds) }

    /// How fast tokens and money went from its first call to its last; nil for a gap and for a single instant.
    public var burnRate: BurnRate? {
        guard let firstCall, let lastCall else { return nil }
        return BurnRate(totals, during: lastCall.nanoseconds.saturatingSubtracting(firstCall.nanoseconds))
    }

    /// What it will have at its end if it goes on as from its first call to its last; nil unless it is active and has a rate.
    public func projection(at now: Timestamp) -> Projection? {
        guard isActive(at: now), let burnRate else { return nil }
        return Projection(totals, burnRate, for: end.nanoseconds.saturatingSubtracting(now.nanoseconds))
    }

    mutating func add(_ call: Call) {
        var sum = UsageTotals()
        (sum.calls, sum.counts) = (1, call.counts)
        (sum.cost, sum.unpricedCalls) = (call.price?.cost ?? .zero, call.price?.isPriced == true ? 0 : 1)
        firstCall = firstCall ?? call.time
        lastCall = call.time
        totals += sum
        models[call.model ?? "", default: UsageTotals()] += sum
    }
}

/// How fast tokens and money go.
public struct BurnRate: Sendable, Hashable {
    /// Billionths of a token in a minute, all kinds together.
    public var tokens: Int64
    /// Billionths of an uncached input or output token in a minute: what ccusage calls high from 1,000 tokens on.
    public var uncachedTokens: Int64
    /// Money in an hour.
    public var cost: Money
    /// In how many nanoseconds that went.
    let duration: Int64

    /// The rate of sums over a time; nil when it took none.
    ///
    /// - Parameter duration: Nanoseconds.
    public init?(_ totals: UsageTotals, during duration: Int64) {
        guard duration > 0 else { return nil }
        self.duration = duration
        let uncached = totals.counts.uncachedInput.saturatingAdding(totals.counts.output)
        tokens = Self.scale(totals.counts.total, by: 60_000_000_000 * 1_000_000_000, over: duration)
        uncachedTokens = Self.scale(uncached, by: 60_000_000_000 * 1_000_000_000, over: duration)
        cost = Money(nanodollars: Self.scale(totals.cost.nanodollars, by: 3_600_000_000_000, over: duration))
    }

    /// The product over the divisor, rounded to the nearest; the largest number that can be held when it is larger.
    static func scale(_ value: Int64, by factor: Int128, over divisor: Int64) -> Int64 {
        let (product, overflow) = Int128(value).multipliedReportingOverflow(by: factor)
        guard !overflow else { return value < 0 ? .min : .max }
        return Int64(clamping: (product + Int128(divisor) / 2) / Int128(divisor))
    }
}

/// What there will be when a time is over.
public struct Projection: Sendable, Hashable {
    /// All tokens.
    public var tokens: Int64
    /// The money.
    public var cost: Money
    /// How much time is left, in nanoseconds.
    public var remaining: Int64

    /// What sums will be if they go on at a rate.
    ///
    /// - Parameter remaining: Nanoseconds; what is below zero counts as zero.
    public init(_ totals: UsageTotals, _ rate: BurnRate, for remaining: Int64) {
        let remaining = max(0, remaining)
        self.remaining = remaining
        // From the sums and not from the rounded rate, so that it is exact.
        let more = { (sum: Int64) in BurnRate.scale(sum, by: Int128(remaining), over: rate.duration) }
        tokens = totals.counts.total.saturatingAdding(more(totals.counts.total))
        cost = totals.cost + Money(nanodollars: more(totals.cost.nanodollars))
    }
}

/// Where blocks begin and end.
public enum BlockRule: Sendable, Hashable {
    /// Claude's sessions, so many nanoseconds long: one begins with the hour (of UTC) of the first call after the one before.
    case session(length: Int64)
    /// Weeks that follow one another from a day and time of the week on.
    case week(WeekStart)

    /// A session of five hours.
    public static let fiveHours = BlockRule.session(length: 5 * 3_600_000_000_000)
}

/// Cuts calls into blocks.
///
/// Takes calls in the order of their time. A session begins where the one before ended, so where a block begins depends on all calls
/// before it, back to a silence that is longer than a block: the first call must be the first there is, or the first after such a silence.
public struct BlockBuilder: Sendable {
    private let rule: BlockRule
    private var blocks: [UsageBlock] = []
    private var current: UsageBlock?

    /// Creates a builder without calls.
    public init(_ rule: BlockRule) { self.rule = rule }

    /// Takes in the next call.
    public mutating func add(_ call: Call) {
        if current.map({ isBehind(call.time, $0) }) ?? true {
            close()
            current = newBlock(at: call.time)
        }
        current?.add(call)
    }

    /// Whether a call comes after a block; one at the very end of a session still belongs to it, as in ccusage.
    private func isBehind(_ time: Timestamp, _ block: UsageBlock) -> Bool {
        switch rule {
        case .session: time > block.end
        case .week: time >= block.end
        }
    }

    private mutating func close() {
        guard let block = current else { return }
        blocks.append(block)
        current = nil
    }

    private func newBlock(at time: Timestamp) -> UsageBlock {
        switch rule {
        case .session(let length):
            let hour: Int64 = 3_600_000_000_000
            let start = time.nanoseconds / hour * hour
            return UsageBlock(
                start: Timestamp(nanoseconds: start),
                end: Timestamp(nanoseconds: start.saturatingAdding(length))
            )
        case .week(let start):
            let (first, next) = start.week(of: time)
            return UsageBlock(start: first, end: next)
        }
    }

    /// The blocks in the order of time, and between sessions the gaps that are longer than one.
    public func finish() -> [UsageBlock] {
        let blocks = blocks + (current.map { [$0] } ?? [])
        guard case .session(let length) = rule else { return blocks }
        var all: [UsageBlock] = []
        for block in blocks {
            if let last = all.last?.lastCall, let next = block.firstCall,
                next.nanoseconds.saturatingSubtracting(last.nanoseconds) > length
            {
                all.append(
                    UsageBlock(start: Timestamp(nanoseconds: last.nanoseconds.saturatingAdding(length)), end: next)
                )
            }
            all.append(block)
        }
        return all
    }
}

/// A day of the week and a time of day, in a time zone, at which weeks begin: vendors' weekly limits begin at one of the account's own.
public struct WeekStart: Sendable, Hashable {
    /// 1 is Sunday and 7 Saturday.
    public let weekday: Int
    /// Minutes after midnight.
    public let minute: Int
    private let zone: TimeZoneRules

    /// Reads a day of the week, with or without a time: `monday`, `tue`, `tuesday@14:30`, `tue 09:00`.
    ///
    /// Nil for any other text and for an unknown time zone.
    public init?(_ text: String, timezone: String) {
        let parts = text.lowercased().split(omittingEmptySubsequences: false) { $0 == "@" || $0 == " " }
        guard (1...2).contains(parts.count), let name = parts.first, name.utf8.count >= 3,
            let day = Self.names.firstIndex(where: { $0.hasPrefix(name) }), let zone = TimeZoneRules.named(timezone)
        else { return nil }
        weekday = day + 1
        self.zone = zone
        guard parts.count == 2 else {
            minute = 0
            return
        }
        let time = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 2, time[1].utf8.count == 2, let hour = Int(time[0]), let minutes = Int(time[1]),
            (0..<24).contains(hour), (0..<60).contains(minutes)
        else { return nil }
        minute = hour * 60 + minutes
    }

    private static let names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

    /// Such as `monday` or `tuesday@14:30`.
    public var text: String {
        let day = Self.names[(weekday - 1) % 7]
        guard minute > 0 else { return day }
        func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return "\(day)@\(padded(minute / 60)):\(padded(minute % 60))"
    }

    /// The week that holds an instant: its first instant, and the first after it.
    ///
    /// A time that a clock leaves out when it is put forward is that much later on that day.
    public func week(of time: Timestamp) -> (start: Timestamp, end: Timestamp) {
        let today = zone.day(at: time)
        let back = (TimeZoneRules.Day(number: today).weekday - weekday + 7) % 7
        let this = zone.instant(day: today - back, minute: minute)
        return this <= time
            ? (this, zone.instant(day: today - back + 7, minute: minute))
            : (zone.instant(day: today - back - 7, minute: minute), this)
    }
}
