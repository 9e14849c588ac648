// SPDX-License-Identifier: Apache-2.0

/// What may be spent in a period, and by whom.
public struct Budget: Hashable, Sendable {
    /// What the budget is called; unique in a configuration.
    public var name: String
    /// After how long it begins again.
    public var cycle: Cycle
    /// What may be spent in one cycle.
    public var limit: Limit
    /// Whose calls count.
    public var filter = UsageFilter()
    /// The parts of the limit that are worth a word, in percent, rising.
    public var thresholds = Self.usualThresholds

    /// The parts of a limit that are worth a word where a configuration names none.
    public static let usualThresholds = [50, 80, 100]

    /// Creates a budget for all calls.
    public init(name: String, cycle: Cycle, limit: Limit) {
        (self.name, self.cycle, self.limit) = (name, cycle, limit)
    }

    /// After how long a budget begins again.
    public enum Cycle: String, CaseIterable, Hashable, Sendable {
        /// A calendar day.
        case day
        /// A calendar week, Monday to Sunday (ISO 8601).
        case week
        /// A calendar month.
        case month
        /// Five hours, as vendors limit them: ``UsageBlock``.
        case block

        /// The cycle that holds an instant; of blocks, which depend on calls, one that begins with its hour.
        ///
        /// - Parameter timezone: Whose days are meant: an IANA name, or `UTC`.
        public func period(at now: Timestamp, timezone: String) throws(PeriodError) -> Period {
            switch self {
            case .day: try Period("today", timezone: timezone, now: now)
            case .week: try Period(weekOf: now, timezone: timezone)
            case .month: try Period(nil, timezone: timezone, now: now)
            case .block: try Period(block: UsageBlock.beginning(at: now), timezone: timezone)
            }
        }
    }

    /// What may be spent.
    public enum Limit: Hashable, Sendable {
        /// Money, above zero.
        case cost(Money)
        /// Tokens of all kinds, above zero.
        case tokens(Int64)

        /// Nanodollars or tokens.
        public var amount: Int64 {
            switch self {
            case .cost(let money): money.nanodollars
            case .tokens(let tokens): tokens
            }
        }

        /// What sums have of the unit that the limit is in.
        public func amount(of totals: UsageTotals) -> Int64 {
            switch self {
            case .cost: totals.cost.nanodollars
            case .tokens: totals.counts.total
            }
        }
    }
}

/// How a cycle of a budget goes: what was spent, what an even pace would have spent, and where it will probably end.
///
/// All amounts are nanodollars or tokens, as the budget's limit is.
public struct BudgetState: Hashable, Sendable {
    /// The budget.
    public var budget: Budget
    /// The cycle.
    public var period: Period
    /// What was spent.
    public var spent: Int64
    /// What was spent on each day of the cycle.
    public var spentByDay: [Int64]
    /// What would have been spent by now if each instant of the cycle spent the same.
    public var evenPace: Int64
    /// Where the cycle will probably end.
    public var forecast: UsageForecast

    /// Judges a cycle.
    ///
    /// - Parameters:
    ///   - budget: The budget.
    ///   - period: The cycle.
    ///   - spent: What was spent in it.
    ///   - history: What was spent on the days before the cycle, one after the other, the last of them the day before it.
    ///   - now: The present.
    public init(_ budget: Budget, in period: Period, spent: [Int64], history: [Int64], now: Timestamp) {
        (self.budget, self.period, spentByDay) = (budget, period, spent)
        self.spent = spent.reduce(Int64(0)) { $0.saturatingAdding($1) }
        let (elapsed, length) = period.elapsed(at: now)
        evenPace = Int64(clamping: Int128(budget.limit.amount) * Int128(elapsed) / Int128(max(1, length)))
        forecast = UsageForecast(of: period, spent: spent, history: history, now: now)
    }

    /// Judges a block of five hours.
    ///
    /// - Parameters:
    ///   - budget: The budget.
    ///   - block: The block that is under way, of the calls that count; nil when there is none, then nothing is spent.
    ///   - now: The present.
    public init(_ budget: Budget, during block: UsageBlock?, timezone: String, now: Timestamp) throws(PeriodError) {
        let block = block ?? UsageBlock.beginning(at: now)
        let period = try Period(block: block, timezone: timezone)
        self.init(budget, in: period, spent: [budget.limit.amount(of: block.totals)], history: [], now: now)
        let end = block.projection(at: now).map { projection in
            switch budget.limit {
            case .cost: projection.cost.nanodollars
            case .tokens: projection.tokens
            }
        }
        // As ``UsageBlock`` has it, so that a budget and the report of blocks say the same.
        forecast = UsageForecast(end: end ?? spent)
    }

    /// What was spent as a part of the limit, in billionths.
    public var fraction: Int64 { spent.scaled(by: 1_000_000_000, over: budget.limit.amount) }

    /// The highest threshold that was reached, in percent; nil before the first.
    public var reached: Int? {
        budget.thresholds.last { Int128(spent) * 100 >= Int128($0) * Int128(budget.limit.amount) }
    }

    /// Whether more was spent than may be.
    public var isExceeded: Bool { spent > budget.limit.amount }
}
