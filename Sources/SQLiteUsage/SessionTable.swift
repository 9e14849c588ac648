// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// Reads sessions.
struct SessionTable {
    let db: Database

    /// The columns that ``Session/init(row:)`` reads.
    private static let columns = """
        s.id, s.name, s.agent, s.user, s.project, s.machine, s.task_status, s.completed, s.started_at, s.last_seen_at,
        s.branch, s.agent_version, s.parent, s.team, (SELECT m2.name FROM calls c JOIN models m2 ON m2.ref = c.model WHERE c.session = s.ref AND c.counted
            ORDER BY c.time DESC, c.id DESC LIMIT 1), s.knowledge, \(UsageTotals.columns.map { "s.\($0)" }.joined(separator: ", "))
        """

    /// Sessions that are listed: named by a record, or with calls.
    static let listed = "s.hidden = 0 AND (s.sighted = 1 OR s.calls > 0)"

    /// How many sessions gave a sign in the last minute and have not ended.
    func activeCount(at now: Timestamp, _ filter: UsageFilter) throws -> Int {
        var conditions = SQLConditions()
        conditions.add(filter)
        var statement = try SQLiteStatement(
            """
            SELECT count(*) FROM sessions s
            WHERE s.last_seen_at >= ? AND s.completed = 0 AND \(Self.listed)\(conditions.sql)
            """,
            db
        )
        statement.bind(now.nanoseconds - 60_000_000_000)
        conditions.bind(to: &statement)
        return Int(try statement.first { $0.int(0) } ?? 0)
    }

    /// One page of a listing.
    func page(_ query: SessionQuery) throws -> SessionPage {
        let conditions = SQLConditions(query)
        var count = try SQLiteStatement("SELECT count(*) FROM sessions s WHERE \(Self.listed)\(conditions.sql)", db)
        conditions.bind(to: &count)
        let total = Int(try count.first { $0.int(0) } ?? 0)
        // One more than is asked for shows whether there is a next page.
        let refs = try refs(query, conditions)
        let sessions = try refs.prefix(max(0, query.limit)).compactMap(session)
        let last = refs.count > sessions.count ? sessions.last : nil
        return SessionPage(
            sessions: sessions,
            total: total,
            next: last.map { SessionQuery.Place(of: $0, by: query.sort) }
        )
    }

    /// A session with its calls and events.
    func detail(id: String) throws -> SessionDetail? {
        var statement = try SQLiteStatement("SELECT s.ref FROM sessions s WHERE s.id = ? AND \(Self.listed)", db)
        statement.bind(id)
        guard let ref = try statement.first({ $0.int(0) }), let session = try session(ref) else { return nil }
        let calls = try calls(of: ref, atMost: SessionDetail.maximumCalls)
        // Its sum says how many there are; one whose model is missing is not found.
        guard calls.count >= min(session.totals.calls, Int64(SessionDetail.maximumCalls)) else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "calls of session \(ref) or their models are missing"
            )
        }
        var costs: [String: Money] = [:]
        for call in calls { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        var detail = SessionDetail(
            session: session,
            calls: calls,
            events: try BatchTables(db: db).events(of: ref),
            costByModel: ListedNames.bounded(costs)
        )
        detail.subagents = try subagents(of: ref, id)
        return detail
    }

    /// A counted call of a session with what it was made of.
    func call(_ id: UInt64, of session: String, keepsRecords: Bool) throws -> CallDetail? {
        var statement = try SQLiteStatement(
            """
            SELECT \(Self.callColumns), c.witnesses, s.ref FROM sessions s
            CROSS JOIN calls c INDEXED BY calls_by_session ON c.session = s.ref
            JOIN models m ON m.ref = c.model WHERE s.id = ? AND c.id = ? AND c.counted AND \(Self.listed)
            """,
            db
        )
        statement.bind(session)
        statement.bind(Int64(bitPattern: id))
        let found = try statement.first { row in
            (
                call: try Call(row: row), observations: row.blob(Self.callColumnCount),
                ref: row.int(Self.callColumnCount + 1)
            )
        }
        guard let found else { return nil }
        guard let observations = [Observation](stored: found.observations) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the observations of a call are damaged")
        }
        var detail = CallDetail(
            session: session,
            call: found.call,
            observations: observations,
            keepsRecords: keepsRecords
        )
        detail.records = try BatchTables(db: db).records(of: found.ref, for: detail.evidence)
        return detail
    }

    /// The sessions that a session started, all together with at most as many calls as a session lists.
    private func subagents(of ref: Int64, _ id: String) throws -> [SessionDetail.Subagent] {
        var statement = try SQLiteStatement(
            """
            SELECT s.ref FROM sessions s WHERE s.parent = ? AND s.ref <> ? AND \(Self.listed)
            ORDER BY s.started_at, s.id LIMIT \(SessionDetail.maximumSubagents)
            """,
            db
        )
        statement.bind(id)
        statement.bind(ref)
        var rest = SessionDetail.maximumCalls
        return try statement.rows { $0.int(0) }.compactMap { child in
            guard let session = try session(child) else { return nil }
            let calls = try calls(of: child, atMost: rest)
            rest -= calls.count
            return SessionDetail.Subagent(session: session, calls: calls)
        }
    }

    /// The rows of a page in their order, and one more.
    private func refs(_ query: SessionQuery, _ conditions: SQLConditions) throws -> [Int64] {
        var conditions = conditions
        if let after = query.after { conditions.add(after, query) }
        var statement = try SQLiteStatement(
            """
            SELECT s.ref FROM sessions s WHERE \(Self.listed)\(conditions.sql)
            ORDER BY \(query.sort.column) \(query.descending ? "DESC" : "ASC"), s.id LIMIT ?
            """,
            db
        )
        conditions.bind(to: &statement)
        statement.bind(Int64(max(0, query.limit) + (query.limit > 0 ? 1 : 0)))
        return try statement.rows { $0.int(0) }
    }

    /// The session of a row.
    func session(_ ref: Int64) throws -> Session? {
        var statement = try SQLiteStatement("SELECT \(Self.columns) FROM sessions s WHERE s.ref = ?", db)
        statement.bind(ref)
        return try statement.first { try Session(row: $0) }
    }

    /// The columns that ``Call/init(row:)`` reads.
    private static let callColumns = """
        c.time, c.id, m.name, m.provider, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output,
        c.reasoning, c.knows_cache_lifetimes, c.priced, c.cost, c.computed_cost, c.reported_cost, c.duration, c.error, c.sources,
        c.witness_count, c.weakly_joined
        """
    private static let callColumnCount: Int32 = 20

    /// The counted calls of a range of time.
    ///
    /// Which sessions have some is known from the sums by quarter of an hour, and the calls of a session are found by its index: no index
    /// by time has to be kept for it.
    func calls(_ query: CallQuery) throws -> [Call] {
        guard query.start < query.end else { return [] }
        var conditions = SQLConditions()
        conditions.add(query.filter)
        var statement = try SQLiteStatement(
            """
            SELECT \(Self.callColumns)
            FROM (SELECT DISTINCT session FROM rollup WHERE quarter BETWEEN ? AND ?) r
            CROSS JOIN sessions s ON s.ref = r.session
            CROSS JOIN calls c INDEXED BY calls_by_session ON c.session = s.ref AND c.time >= ? AND c.time < ?
            JOIN models m ON m.ref = c.model
            WHERE c.counted\(conditions.sql)
            """,
            db
        )
        statement.bind(query.start.nanoseconds / CallTables.quarter)
        statement.bind(query.end.nanoseconds / CallTables.quarter)
        statement.bind(query.start.nanoseconds)
        statement.bind(query.end.nanoseconds)
        conditions.bind(to: &statement)
        // The conditions on a session let all its models and hours through.
        return try statement.rows { try Call(row: $0) }.filter {
            query.filter.allows($0.model, as: .model) && query.filter.allows($0.time)
        }
        .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private func calls(of session: Int64, atMost limit: Int) throws -> [Call] {
        var statement = try SQLiteStatement(
            """
            SELECT \(Self.callColumns)
            FROM calls c JOIN models m ON m.ref = c.model WHERE c.session = ? AND c.counted ORDER BY c.time, c.id
            LIMIT ?
            """,
            db
        )
        statement.bind(session)
        statement.bind(Int64(max(0, limit)))
        return try statement.rows { try Call(row: $0) }
    }
}

// MARK: - Writing

extension SessionTable {
    /// A session's row, and the names under which its calls are counted.
    struct Row {
        var ref: Int64 = 0
        var names = SessionNames()
        /// Whether it was added just now.
        var isNew = false
    }

    /// The row of a session, added when it is new.
    func row(id: String, isHidden: Bool) throws -> Row {
        var insertion = try SQLiteStatement(
            "INSERT OR IGNORE INTO sessions (id, hidden, started_at, last_seen_at) VALUES (?, ?, \(Int64.max), 0)",
            db
        )
        insertion.bind(id)
        insertion.bind(isHidden)
        try insertion.run()
        let isNew = db.changesCount > 0
        var statement = try SQLiteStatement(
            "SELECT ref, agent, project, user, machine, team, branch, parent FROM sessions WHERE id = ? AND hidden = ?",
            db
        )
        statement.bind(id)
        statement.bind(isHidden)
        return try statement.first { row in
            Row(ref: row.int(0), names: SessionNames(row: row, from: 1), isNew: isNew)
        } ?? Row()
    }

    /// What was reported of a session, all together.
    func update(of ref: Int64) throws -> (update: SessionUpdate, isSighted: Bool)? {
        var statement = try SQLiteStatement("SELECT \(Self.updateColumns) FROM sessions WHERE ref = ?", db)
        statement.bind(ref)
        return try statement.first { ($0.sessionUpdate, $0.bool(1)) }
    }

    /// The same of the sessions behind a row, in the order of their rows.
    func updates(after ref: Int64, atMost limit: Int) throws -> [(ref: Int64, update: SessionUpdate, isSighted: Bool)] {
        var statement = try SQLiteStatement(
            "SELECT \(Self.updateColumns), ref FROM sessions WHERE ref > ? AND hidden = 0 ORDER BY ref LIMIT ?",
            db
        )
        statement.bind(ref)
        statement.bind(Int64(limit))
        return try statement.rows { ($0.int(23), $0.sessionUpdate, $0.bool(1)) }
    }

    private static let updateColumns = """
        id, sighted, agent, user, project, machine, team, parent, started_at, last_seen_at, name, name_at, branch, branch_at,
        agent_version, agent_version_at, task_status, task_status_at, completed, completed_at, reported_cost, reported_cost_at,
        knowledge
        """

    /// The blocks in which calls of a session are.
    func blocks(of session: Int64) throws -> Set<Int64> {
        var statement = try SQLiteStatement(
            "SELECT DISTINCT ref >> \(QualityParts.blockBits) FROM calls WHERE session = ?",
            db
        )
        statement.bind(session)
        return Set(try statement.rows { $0.int(0) })
    }

    /// Takes in what was seen of a session, as ``SessionUpdate/merge(_:)`` would.
    func update(_ update: SessionUpdate, revision: Int64, isHidden: Bool, isSighted: Bool) throws {
        var statement = try SQLiteStatement(Self.update, db)
        statement.bind(update.id)
        statement.bind(isHidden)
        statement.bind(isSighted)
        for text in [update.agent, update.user, update.project, update.machine, update.team, update.parent] {
            statement.bind(text)
        }
        statement.bind(update.firstSeen.nanoseconds)
        statement.bind(update.lastSeen.nanoseconds)
        for fact in [update.name, update.branch, update.agentVersion, update.taskStatus] {
            statement.bind(fact?.value)
            statement.bind(fact?.time.nanoseconds)
        }
        statement.bind(Int64(update.completion?.value ?? 0))
        statement.bind(update.completion?.time.nanoseconds)
        statement.bind(update.reportedCost?.value.nanodollars)
        statement.bind(update.reportedCost?.time.nanoseconds)
        statement.bind(Int64(update.provenance.rawValue))
        statement.bind(revision)
        try statement.run()
    }

    /// Notes that a session has other calls, so that a memory of it is read again.
    func mark(_ ref: Int64, changedIn revision: Int64) throws {
        var statement = try SQLiteStatement("UPDATE sessions SET changed = ? WHERE ref = ? AND changed <> ?", db)
        for number in [revision, ref, revision] { statement.bind(number) }
        try statement.run()
    }

    private static let update: String = {
        // Of two names for one thing the smaller stays.
        let lasting = ["agent", "user", "project", "machine", "team", "parent"].map {
            "\($0) = coalesce(min(\($0), excluded.\($0)), \($0), excluded.\($0))"
        }
        // Of what can change, the later telling stays, and of two at one instant the larger. A null is earlier than everything.
        let changing = ["name", "branch", "agent_version", "task_status", "completed", "reported_cost"].flatMap {
            fact in
            let isLater =
                "coalesce((excluded.\(fact)_at, excluded.\(fact)) > (\(fact)_at, \(fact)), excluded.\(fact)_at IS NOT NULL)"
            return [
                "\(fact) = CASE WHEN \(isLater) THEN excluded.\(fact) ELSE \(fact) END",
                "\(fact)_at = CASE WHEN \(isLater) THEN excluded.\(fact)_at ELSE \(fact)_at END",
            ]
        }
        return """
            INSERT INTO sessions (id, hidden, sighted, agent, user, project, machine, team, parent, started_at, last_seen_at,
                name, name_at, branch, branch_at, agent_version, agent_version_at, task_status, task_status_at,
                completed, completed_at, reported_cost, reported_cost_at, knowledge, changed)
            VALUES (\(Array(repeating: "?", count: 25).joined(separator: ",")))
            ON CONFLICT (id, hidden) DO UPDATE SET
                sighted = max(sighted, excluded.sighted),
                started_at = min(started_at, excluded.started_at),
                last_seen_at = max(last_seen_at, excluded.last_seen_at),
                knowledge = knowledge | excluded.knowledge,
                changed = excluded.changed,
                \((lasting + changing).joined(separator: ", "))
            """
    }()
}

extension SQLiteRow {
    /// What was reported of a session, in the columns of ``SessionTable/updateColumns``.
    fileprivate var sessionUpdate: SessionUpdate {
        var update = SessionUpdate(id: text(0) ?? "", time: Timestamp(nanoseconds: int(8)))
        update.lastSeen = Timestamp(nanoseconds: int(9))
        (update.agent, update.user, update.project) = (text(2), text(3), text(4))
        (update.machine, update.team, update.parent) = (text(5), text(6), text(7))
        (update.name, update.branch) = (fact(10), fact(12))
        (update.agentVersion, update.taskStatus) = (fact(14), fact(16))
        if !isNull(19) { update.completion = LastWrite(bool(18) ? 1 : 0, at: Timestamp(nanoseconds: int(19))) }
        if !isNull(20), !isNull(21) {
            update.reportedCost = LastWrite(Money(nanodollars: int(20)), at: Timestamp(nanoseconds: int(21)))
        }
        update.provenance = Provenance(rawValue: UInt8(truncatingIfNeeded: int(22)))
        return update
    }

    /// A text and when it was reported.
    private func fact(_ column: Int32) -> LastWrite<String>? {
        guard let value = text(column), !isNull(column + 1) else { return nil }
        return LastWrite(value, at: Timestamp(nanoseconds: int(column + 1)))
    }
}
