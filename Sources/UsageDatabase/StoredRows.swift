// SPDX-License-Identifier: Apache-2.0

public import Usage

/// A row of a result, as the driver of each database hands it over.
///
/// Columns are counted from 0. Valid as long as its driver says. Public, so that what reads rows can be inlined into each store: a call through
/// the protocol for each column would cost a fifth of reading a row.
public protocol SQLRow {
    /// A whole number; 0 for a null.
    func int(_ column: Int32) -> Int64
    /// Whether a column has no value.
    func isNull(_ column: Int32) -> Bool
    /// A text; nil for a null.
    func text(_ column: Int32) -> String?
    /// Bytes; none for a null.
    func blob(_ column: Int32) -> [UInt8]
    /// The error for a figure that is none that this program wrote.
    func outOfRange(_ column: Int32) -> any Error
}

extension SQLRow {
    /// A hash.
    @inlinable public func uint(_ column: Int32) -> UInt64 { UInt64(bitPattern: int(column)) }

    /// A truth.
    @inlinable public func bool(_ column: Int32) -> Bool { int(column) != 0 }

    /// A whole number; nil for a null.
    @inlinable public func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

    /// An instant; a database holds none before 1970.
    @inlinable public func time(_ column: Int32) throws -> Timestamp {
        Timestamp(nanoseconds: try number(column))
    }

    /// A number of what can be counted.
    @inlinable public func number(_ column: Int32, atMost largest: Int64 = .max) throws -> Int64 {
        let value = int(column)
        guard value >= 0, value <= largest else { throw outOfRange(column) }
        return value
    }

    /// A number that is kept in 32 bits, such as that of a row.
    @inlinable public func small(_ column: Int32) throws -> Int32 {
        Int32(truncatingIfNeeded: try number(column, atMost: Int64(Int32.max)))
    }

    /// An amount; its negative can be held, too.
    @inlinable public func money(_ column: Int32) throws -> Money {
        let value = int(column)
        guard value > .min else { throw outOfRange(column) }
        return Money(nanodollars: value)
    }

    /// A name; nil when there is none, which a table that wants one keeps as an empty text.
    @inlinable public func name(_ column: Int32) -> String? { text(column).flatMap { $0.isEmpty ? nil : $0 } }
}

// MARK: - Sums

extension UsageTotals {
    /// The columns of sums in the order in which they are written and read.
    package static let columns = [
        "calls", "unpriced", "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning",
        "cost",
    ]

    /// The columns as a list.
    package static let list = columns.joined(separator: ", ")

    /// So few that sums over all rows of a table can be added up.
    @usableFromInline static var mostCalls: Int64 { 1 << 40 }

    /// The figures in the order of the columns.
    package var figures: [Int64] {
        [
            calls, unpricedCalls, counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h,
            counts.output, counts.reasoning, cost.nanodollars,
        ]
    }

    /// Reads sums from nine columns.
    ///
    /// - Throws: An error of the database when a sum is negative, or counts more calls than any store has.
    @inlinable public init(row: some SQLRow, from column: Int32) throws {
        self.init()
        calls = try row.number(column, atMost: Self.mostCalls)
        unpricedCalls = try row.number(column + 1, atMost: Self.mostCalls)
        counts = try TokenCounts(row: row, from: column + 2)
        cost = Money(nanodollars: try row.number(column + 8))
    }
}

extension TokenCounts {
    /// Reads tokens from six columns.
    @inlinable public init(row: some SQLRow, from column: Int32) throws {
        self.init(
            uncachedInput: try row.number(column),
            cacheRead: try row.number(column + 1),
            cacheWrite5m: try row.number(column + 2),
            cacheWrite1h: try row.number(column + 3),
            output: try row.number(column + 4),
            reasoning: try row.number(column + 5)
        )
    }
}

// MARK: - Calls

/// A stored call, and what it has added to the sums with the sign turned.
package struct FormerCall {
    /// When it ended.
    package var time: Int64
    /// The row of its session.
    package var session: Int64
    /// The row of its model.
    package var model: Int64
    /// Whether it is part of the sums.
    package var isCounted: Bool
    /// What is to be added to the sums when it goes.
    package var totals = UsageTotals()

    /// The session of calls that compaction took out of every answer and that are only kept to be recognised.
    package static let expired: Int64 = 0

    /// Whether it is only kept to be recognised.
    package var isExpired: Bool { session == Self.expired }

    /// What ``init(row:)`` reads.
    package static let columns = """
        time, session, model, counted, priced, cost, uncached_input, cache_read, cache_write_5m, cache_write_1h, output, \
        reasoning
        """
    /// How many these are.
    package static let columnCount: Int32 = 12

    /// Reads a call.
    package init(row: some SQLRow) throws {
        time = try row.time(0).nanoseconds
        session = row.int(1)
        model = row.int(2)
        isCounted = row.bool(3) && session != Self.expired
        totals.calls = -1
        totals.unpricedCalls = row.bool(4) ? 0 : -1
        func negated(_ value: Int64) -> Int64 { Int64(0).saturatingSubtracting(value) }
        totals.cost = Money(nanodollars: negated(try row.money(5).nanodollars))
        let counts = try TokenCounts(row: row, from: 6)
        totals.counts = TokenCounts(
            uncachedInput: negated(counts.uncachedInput),
            cacheRead: negated(counts.cacheRead),
            cacheWrite5m: negated(counts.cacheWrite5m),
            cacheWrite1h: negated(counts.cacheWrite1h),
            output: negated(counts.output),
            reasoning: negated(counts.reasoning)
        )
    }
}

extension [Observation] {
    /// Reads the observations of a call; nil when they are damaged, also when a figure is none that a store takes in.
    package init?(stored bytes: [UInt8]) {
        self.init(encoded: bytes)
        guard allSatisfy({ $0.time.nanoseconds >= 0 && $0.counts.isValid && $0.terms.webSearches >= 0 }) else {
            return nil
        }
    }
}

extension LedgerEntry {
    /// Whether the call must be found under a link.
    package func carries(_ link: LedgerLink) -> Bool {
        var isFound = false
        forEachLink { isFound = isFound || $0 == link }
        return isFound
    }
}

extension Call {
    /// Reads a counted call: time, id, model, provider, six counts of tokens, whether the lifetimes of its cache writes are known, whether it
    /// is priced, three costs, duration, error, sources, observations, whether it is weakly joined.
    package init(row: some SQLRow) throws {
        self.init(id: row.uint(1), time: try row.time(0), counts: try TokenCounts(row: row, from: 4))
        model = row.name(2)
        provider = row.name(3)
        knowsCacheLifetimes = row.bool(10)
        price = CallPrice(
            cost: try row.money(12),
            isPriced: row.bool(11),
            computed: row.optionalInt(13).map(Money.init(nanodollars:))
        )
        reportedCost = row.optionalInt(14).map(Money.init(nanodollars:))
        duration = row.optionalInt(15)
        error = row.text(16)
        sources = Observation.Source.all(inBits: row.int(17))
        observationCount = Int(try row.small(18))
        isWeaklyJoined = row.bool(19)
    }
}

extension Observation.Source {
    /// The kinds of material whose bits are set.
    @inlinable public static func all(inBits bits: Int64) -> [Observation.Source] {
        allCases.filter { bits & 1 << Int64($0.rawValue) != 0 }
    }

    /// The bits of kinds of material.
    package static func bits(of sources: [Observation.Source]) -> Int64 {
        sources.reduce(Int64(0)) { $0 | 1 << Int64($1.rawValue) }
    }
}

// MARK: - Sessions

extension Session {
    /// Reads a session: id, name, agent, user, project, machine, task status, whether it is completed, its first and newest sign, branch,
    /// version of the agent, parent, team, model, provenance, sums.
    package init(row: some SQLRow, from column: Int32 = 0) throws {
        self.init(id: row.text(column) ?? "", startedAt: try row.time(column + 8), lastSeenAt: try row.time(column + 9))
        name = row.text(column + 1) ?? id
        agent = row.text(column + 2)
        user = row.text(column + 3)
        project = row.text(column + 4)
        machine = row.text(column + 5)
        taskStatus = row.text(column + 6)
        isCompleted = row.bool(column + 7)
        branch = row.text(column + 10)
        agentVersion = row.text(column + 11)
        parent = row.text(column + 12)
        team = row.text(column + 13)
        model = row.name(column + 14)
        provenance = Provenance(rawValue: UInt8(truncatingIfNeeded: row.int(column + 15)))
        totals = try UsageTotals(row: row, from: column + 16)
    }
}

extension SessionNames {
    /// Reads names: agent, project, user, machine, team, branch, and the session that began it.
    package init(row: some SQLRow, from column: Int32) {
        self.init()
        (agent, project, user) = (row.text(column), row.text(column + 1), row.text(column + 2))
        (machine, team, branch) = (row.text(column + 3), row.text(column + 4), row.text(column + 5))
        isSubagent = !row.isNull(column + 6)
    }
}

extension CountedCall {
    /// Reads a call: id, time, counts, whether it is priced, cost, duration, model, and the names of its session.
    package init(row: some SQLRow) throws {
        self.init(
            id: row.uint(0),
            time: try row.time(1),
            counts: TokenCounts(
                uncachedInput: try row.number(2),
                cacheRead: try row.number(3),
                cacheWrite5m: try row.number(4),
                cacheWrite1h: try row.number(5),
                output: try row.number(6),
                reasoning: try row.number(7)
            ),
            price: CallPrice(cost: try row.money(9), isPriced: row.bool(8), computed: nil)
        )
        duration = row.optionalInt(10)
        model = row.name(11)
        names = SessionNames(row: row, from: 12)
    }
}

extension UsageDimension {
    /// What of a row `s` of sessions has the name, in SQL; sums have the others.
    package var column: String {
        switch self {
        case .agentKind: "CASE WHEN s.parent IS NULL THEN '\(SessionNames.main)' ELSE '\(SessionNames.subagent)' END"
        case .user: "s.\"user\""
        default: "s.\(rawValue)"
        }
    }
}

extension LocalClock {
    /// The hour of a quarter of an hour since 1970, in SQL.
    package func hour(ofQuarter quarter: String) -> String {
        let later = shifts.dropFirst()
        var ahead = String(shifts.last?.ahead ?? 0)
        if !later.isEmpty {
            let cases = zip(later, shifts).map { "WHEN \(quarter) < \($0.since) THEN \($1.ahead)" }
            ahead = "CASE \(cases.joined(separator: " ")) ELSE \(ahead) END"
        }
        return "((\(quarter) + \(ahead)) % 96 / 4)"
    }
}
