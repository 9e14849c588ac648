// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Reads sessions.
struct SessionTable {
    let db: Database

    /// The columns that ``Session/init(row:from:)`` reads.
    static let columns = """
        s.id, s.name, s.agent, s.user, s.project, s.machine, s.task_status, s.completed, s.started_at, s.last_seen_at,
        s.branch, s.agent_version, s.parent, (SELECT m2.name FROM calls c JOIN models m2 ON m2.ref = c.model WHERE c.session = s.ref AND c.counted
            ORDER BY c.time DESC, c.id DESC LIMIT 1)
        """

    /// Sessions that are listed: named by a record, or with calls.
    private static let listed =
        "s.hidden = 0 AND (s.sighted = 1 OR EXISTS (SELECT 1 FROM rollup own WHERE own.session = s.ref))"

    /// How many sessions gave a sign in the last minute and have not ended.
    func activeCount(at now: Timestamp) throws -> Int {
        let condition = "s.last_seen_at >= ? AND s.completed = 0 AND \(Self.listed)"
        var statement = try SQLiteStatement("SELECT count(*) FROM sessions s WHERE \(condition)", db)
        statement.bind(now.nanoseconds - 60_000_000_000)
        return Int(try statement.first { $0.int(0) } ?? 0)
    }

    /// One page of a listing.
    func page(_ query: SessionQuery) throws -> SessionPage {
        let filter = SessionFilter(query)
        var count = try SQLiteStatement("SELECT count(*) FROM sessions s WHERE \(Self.listed)\(filter.sql)", db)
        filter.bind(to: &count)
        let total = Int(try count.first { $0.int(0) } ?? 0)
        let sessions = try refs(query, filter).compactMap(session)
        let next = query.offset + sessions.count
        return SessionPage(sessions: sessions, total: total, nextOffset: next < total && !sessions.isEmpty ? next : nil)
    }

    /// A session with its calls and events.
    func detail(id: String) throws -> SessionDetail? {
        var statement = try SQLiteStatement("SELECT s.ref FROM sessions s WHERE s.id = ? AND \(Self.listed)", db)
        statement.bind(id)
        guard let ref = try statement.first({ $0.int(0) }), let session = try session(ref) else { return nil }
        let calls = try calls(of: ref)
        var costs: [String: Money] = [:]
        for call in calls { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        return SessionDetail(
            session: session,
            calls: calls,
            events: try BatchTables(db: db).events(of: ref),
            costByModel: costs
        )
    }

    /// The rows of a page in their order; sums are only made of all sessions if they decide the order.
    private func refs(_ query: SessionQuery, _ filter: SessionFilter) throws -> [Int64] {
        let sums = "(SELECT r.session AS session, \(UsageTotals.sums) FROM rollup r GROUP BY r.session)"
        var statement = try SQLiteStatement(
            """
            SELECT s.ref FROM sessions s \(query.sort.needsSums ? "LEFT JOIN \(sums) r ON r.session = s.ref" : "")
            WHERE \(Self.listed)\(filter.sql)
            ORDER BY \(query.sort.column) \(query.descending ? "DESC" : "ASC"), s.id LIMIT ? OFFSET ?
            """,
            db
        )
        filter.bind(to: &statement)
        statement.bind(Int64(max(0, query.limit)))
        statement.bind(Int64(max(0, query.offset)))
        return try statement.rows { $0.int(0) }
    }

    private func session(_ ref: Int64) throws -> Session? {
        var statement = try SQLiteStatement(
            """
            SELECT \(UsageTotals.sums), \(Self.columns) FROM sessions s LEFT JOIN rollup r ON r.session = s.ref
            WHERE s.ref = ? GROUP BY s.ref
            """,
            db
        )
        statement.bind(ref)
        return try statement.first(Session.init(totalsFirst:))
    }

    private func calls(of session: Int64) throws -> [Call] {
        var statement = try SQLiteStatement(
            """
            SELECT c.time, c.id, m.name, m.provider, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output,
                c.reasoning, c.knows_cache_lifetimes, c.priced, c.cost, c.computed_cost, c.reported_cost, c.duration, c.error, c.sources,
                c.witness_count, c.weakly_joined
            FROM calls c JOIN models m ON m.ref = c.model WHERE c.session = ? AND c.counted ORDER BY c.time, c.id
            LIMIT \(SessionDetail.maximumCalls)
            """,
            db
        )
        statement.bind(session)
        return try statement.rows(Call.init(row:))
    }
}

extension SessionQuery.Sort {
    /// Whether it compares sums.
    fileprivate var needsSums: Bool { [.cost, .totalTokens, .calls].contains(self) }

    fileprivate var column: String {
        switch self {
        case .lastSeenAt: "s.last_seen_at"
        case .startedAt: "s.started_at"
        case .cost: "coalesce(r.cost, 0)"
        case .totalTokens:
            "coalesce(r.uncached_input + r.cache_read + r.cache_write_5m + r.cache_write_1h + r.output, 0)"
        case .calls: "coalesce(r.calls, 0)"
        case .durationMs: "s.last_seen_at - s.started_at"
        case .name: "coalesce(s.name, s.id)"
        }
    }
}

/// The conditions of a listing as SQL.
struct SessionFilter {
    private(set) var sql = ""
    private var values: [Value] = []

    private enum Value {
        case text(String)
        case number(Int64)
    }

    init(_ query: SessionQuery) {
        func add(_ condition: String, _ more: [Value]) {
            sql += " AND " + condition
            values += more
        }
        if let agent = query.agent { add("s.agent = ?", [.text(agent)]) }
        if let project = query.project { add("s.project = ?", [.text(project)]) }
        if let model = query.model {
            add(
                "s.ref IN (SELECT session FROM rollup JOIN models ON models.ref = rollup.model WHERE models.name = ?)",
                [.text(model)]
            )
        }
        if let text = query.text {
            let escaped = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
            let columns = ["s.id", "s.name", "s.project", "s.user"].map { "\($0) LIKE ? ESCAPE '\\'" }.joined(
                separator: " OR "
            )
            add("(\(columns))", Array(repeating: .text("%\(escaped)%"), count: 4))
        }
        let minute = query.now.nanoseconds - 60_000_000_000
        let fiveMinutes = query.now.nanoseconds - 300_000_000_000
        switch query.status {
        case .active: add("s.completed = 0 AND s.last_seen_at >= ?", [.number(minute)])
        case .idle:
            add(
                "s.completed = 0 AND s.last_seen_at < ? AND s.last_seen_at >= ?",
                [.number(minute), .number(fiveMinutes)]
            )
        case .stale: add("s.completed = 0 AND s.last_seen_at < ?", [.number(fiveMinutes)])
        case .completed: add("s.completed = 1", [])
        case nil: break
        }
    }

    /// Binds the values of the conditions in their order.
    func bind(to statement: inout SQLiteStatement) {
        for value in values {
            switch value {
            case .text(let text): statement.bind(text)
            case .number(let number): statement.bind(number)
            }
        }
    }
}

extension Session {
    /// Reads a session from the columns of ``SessionTable/columns``.
    init(row: SQLiteRow, from column: Int32) {
        self.init(
            id: row.text(column) ?? "",
            startedAt: Timestamp(nanoseconds: row.int(column + 8)),
            lastSeenAt: Timestamp(nanoseconds: row.int(column + 9))
        )
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
        model = row.text(column + 13)
    }

    /// Reads sums and then the session.
    init(totalsFirst row: SQLiteRow) {
        self.init(row: row, from: 9)
        totals = UsageTotals(row: row, from: 0)
    }
}

extension Call {
    /// Reads a counted call from the columns of a session's detail.
    init(row: SQLiteRow) {
        self.init(
            id: row.uint(1),
            time: Timestamp(nanoseconds: row.int(0)),
            counts: TokenCounts(
                uncachedInput: row.int(4),
                cacheRead: row.int(5),
                cacheWrite5m: row.int(6),
                cacheWrite1h: row.int(7),
                output: row.int(8),
                reasoning: row.int(9)
            )
        )
        model = row.text(2)
        provider = row.text(3)
        knowsCacheLifetimes = row.bool(10)
        price = CallPrice(
            cost: Money(nanodollars: row.int(12)),
            isPriced: row.bool(11),
            computed: row.optionalInt(13).map(Money.init(nanodollars:))
        )
        reportedCost = row.optionalInt(14).map(Money.init(nanodollars:))
        duration = row.optionalInt(15)
        error = row.text(16)
        sources = Observation.Source.all(inBits: row.int(17))
        witnessCount = Int(row.int(18))
        isWeaklyJoined = row.bool(19)
    }
}
