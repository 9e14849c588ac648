// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

extension SessionConditions {
    /// The values as parameters of a statement.
    fileprivate var parameters: [PostgresValue] {
        values.map { value in
            switch value {
            case .text(let text): .text(text)
            case .number(let number): .int(number)
            case .texts(let texts): .texts(texts)
            }
        }
    }
}

/// Reads sessions and calls of one state of the database.
struct StoreReader {
    let connection: PostgresConnection

    /// The columns that ``Session/init(row:from:)`` reads.
    private static let columns = """
        s.id, s.name, s.agent, s."user", s.project, s.machine, s.task_status, s.completed, s.started_at, s.last_seen_at,
        s.branch, s.agent_version, s.parent, s.team, (SELECT m2.name FROM calls c JOIN models m2 ON m2.ref = c.model
            WHERE c.session = s.ref AND c.counted = 1 ORDER BY c.time DESC, c.id DESC LIMIT 1),
        s.knowledge, \(UsageTotals.columns.map { "s.\($0)" }.joined(separator: ", "))
        """

    /// Sessions that are listed: named by a record, or with calls.
    static let listed = "s.hidden = 0 AND (s.sighted = 1 OR s.calls > 0)"

    /// The number of the newest transaction.
    func revision() throws -> Int64 { try connection.run("SELECT revision FROM state").first?.int(0) ?? 0 }

    /// How many sessions gave a sign in the last minute and have not ended.
    func activeCount(at now: Timestamp, _ filter: UsageFilter) throws -> Int {
        var conditions = SessionConditions(
            .postgresql,
            after: [.number(now.nanoseconds.saturatingSubtracting(60_000_000_000))]
        )
        conditions.add(filter)
        let sql = """
            SELECT count(*) FROM sessions s
            WHERE s.last_seen_at >= $1 AND s.completed = 0 AND \(Self.listed)\(conditions.sql)
            """
        return Int(try connection.run(sql, conditions.parameters).first?.int(0) ?? 0)
    }

    /// One page of a listing.
    func page(_ query: SessionQuery) throws -> SessionPage {
        var conditions = SessionConditions(.postgresql)
        conditions.add(query)
        let count = try connection.run(
            "SELECT count(*) FROM sessions s WHERE \(Self.listed)\(conditions.sql)",
            conditions.parameters
        )
        // One more than is asked for says whether there is a next page.
        if let after = query.after { conditions.add(after, query) }
        conditions.order(by: query)
        conditions.limit(query.limit > 0 ? query.limit + 1 : 0)
        let refs = try connection.run(
            "SELECT s.ref FROM sessions s WHERE \(Self.listed)\(conditions.sql)",
            conditions.parameters
        ).map { $0.int(0) }
        let sessions = try sessions(Array(refs.prefix(max(0, query.limit)))).compactMap(\.self)
        let last = refs.count > sessions.count ? sessions.last : nil
        return SessionPage(
            sessions: sessions,
            total: Int(count.first?.int(0) ?? 0),
            next: last.map { SessionQuery.Place(of: $0, by: query.sort) }
        )
    }

    /// The sessions of some rows in their order; nil where there is none.
    func sessions(_ refs: [Int64]) throws -> [Session?] {
        guard !refs.isEmpty else { return [] }
        let rows = try connection.run(
            """
            SELECT q.place, \(Self.columns) FROM unnest($1::bigint[]) WITH ORDINALITY AS q (ref, place)
                JOIN sessions s ON s.ref = q.ref
            """,
            [.ints(refs)]
        )
        var sessions = [Session?](repeating: nil, count: refs.count)
        for row in rows.all {
            let place = Int(row.int(0)) - 1
            if sessions.indices.contains(place) { sessions[place] = try Session(row: row, from: 1) }
        }
        return sessions
    }

    /// A session with its calls and events.
    func detail(id: String) throws -> SessionDetail? {
        let found = try connection.run("SELECT s.ref FROM sessions s WHERE s.id = $1 AND \(Self.listed)", [.text(id)])
        guard let ref = found.first?.int(0), let session = try sessions([ref]).first ?? nil else { return nil }
        let calls = try calls(of: ref, atMost: SessionDetail.maximumCalls)
        // Its sum says how many there are; one whose model is missing is not found.
        guard calls.count >= min(session.totals.calls, Int64(SessionDetail.maximumCalls)) else {
            throw PostgresError.damage("calls of session \(ref) or their models are missing")
        }
        var costs: [String: Money] = [:]
        for call in calls { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        var detail = SessionDetail(
            session: session,
            calls: calls,
            events: try RecordTable(connection).events(of: ref),
            costByModel: ListedNames.bounded(costs)
        )
        detail.subagents = try subagents(of: ref, id)
        return detail
    }

    /// A counted call of a session with what it was made of.
    func call(_ id: UInt64, of session: String, keepsRecords: Bool) throws -> CallDetail? {
        let found = try connection.run(
            """
            SELECT \(Self.callColumns), c.observations, s.ref FROM sessions s JOIN calls c ON c.session = s.ref
                JOIN models m ON m.ref = c.model
            WHERE s.id = $1 AND c.id = $2 AND c.counted = 1 AND \(Self.listed)
            """,
            [.text(session), .int(Int64(bitPattern: id))]
        ).first
        guard let found else { return nil }
        guard let observations = [Observation](stored: found.blob(Self.callColumnCount)) else {
            throw PostgresError.damage("the observations of a call are damaged")
        }
        var detail = CallDetail(
            session: session,
            call: try Call(row: found),
            observations: observations,
            keepsRecords: keepsRecords
        )
        let ref = found.int(Self.callColumnCount + 1)
        detail.records = try RecordTable(connection).records(of: ref, for: detail.evidence)
        return detail
    }

    /// The sessions that a session started, all together with at most as many calls as a session lists.
    private func subagents(of ref: Int64, _ id: String) throws -> [SessionDetail.Subagent] {
        let children = try connection.run(
            """
            SELECT s.ref FROM sessions s WHERE s.parent = $1 AND s.ref <> $2 AND \(Self.listed)
            ORDER BY s.started_at, s.id LIMIT \(SessionDetail.maximumSubagents)
            """,
            [.text(id), .int(ref)]
        ).map { $0.int(0) }
        var rest = SessionDetail.maximumCalls
        return try zip(children, sessions(children)).compactMap { child, session in
            guard let session else { return nil }
            let calls = try calls(of: child, atMost: rest)
            rest -= calls.count
            return SessionDetail.Subagent(session: session, calls: calls)
        }
    }

    /// The columns that ``Call/init(row:)`` reads.
    private static let callColumns = """
        c.time, c.id, m.name, m.provider, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output,
        c.reasoning, c.knows_cache_lifetimes, c.priced, c.cost, c.computed_cost, c.reported_cost, c.duration, c.error, c.sources,
        c.observation_count, c.weakly_joined
        """
    private static let callColumnCount: Int32 = 20

    /// The counted calls of a range of time.
    func calls(_ query: CallQuery) throws -> [Call] {
        guard query.start < query.end else { return [] }
        var conditions = SessionConditions(
            .postgresql,
            after: [.number(query.start.nanoseconds), .number(query.end.nanoseconds)]
        )
        conditions.add(query.filter)
        var calls: [Call] = []
        try connection.forEachRow(
            """
            SELECT \(Self.callColumns) FROM calls c JOIN sessions s ON s.ref = c.session JOIN models m ON m.ref = c.model
            WHERE c.counted = 1 AND c.time >= $1 AND c.time < $2\(conditions.sql)
            """,
            conditions.parameters
        ) { row in
            let call = try Call(row: row)
            // The conditions on a session let all its models and hours through.
            if query.filter.allows(call.model, as: .model), query.filter.allows(call.time) { calls.append(call) }
            return true
        }
        return calls.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private func calls(of session: Int64, atMost limit: Int) throws -> [Call] {
        try connection.run(
            """
            SELECT \(Self.callColumns) FROM calls c JOIN models m ON m.ref = c.model
            WHERE c.session = $1 AND c.counted = 1 ORDER BY c.time, c.id LIMIT $2
            """,
            [.int(session), .int(Int64(max(0, limit)))]
        ).map { try Call(row: $0) }
    }

    /// Models of counted calls without a price.
    func unpricedModels() throws -> [UnpricedModel] {
        let models = try connection.run(
            """
            SELECT m.name, sum(m.unpriced)::bigint,
                max((SELECT max(c.time) FROM calls c WHERE c.model = m.ref AND c.counted = 1 AND c.priced = 0))
            FROM models m WHERE m.unpriced <> 0 GROUP BY m.name ORDER BY m.name
            """
        ).map { row in
            UnpricedModel(model: row.text(0) ?? "", calls: try row.number(1), lastSeenAt: try row.time(2))
        }
        return ListedNames.bounded(models)
    }

    /// Lets a memory know which blocks of calls changed up to this state, also those that another collector wrote.
    func advance(_ memory: QualityMemory) throws -> Int64 {
        let revision = try revision()
        try memory.advance(to: revision) { known in
            let changes = try connection.run(
                "SELECT block, changed FROM call_blocks WHERE changed > $1",
                [.int(known)]
            ).map { ($0.int(0), $0.int(1)) }
            return Dictionary(changes, uniquingKeysWith: max)
        }
        return revision
    }

    /// The counted calls of the blocks that changed since a reader asked last.
    func changes(since cursor: UsageCursor?, _ memory: QualityMemory) throws -> UsageChanges {
        let revision = try advance(memory)
        let last = try connection.run("SELECT coalesce(max(ref), 0) FROM calls").first?.int(0) ?? 0
        let page = memory.page(after: cursor, at: revision, lastCall: last)
        var blocks: [Int64: [CountedCall]] = [:]
        for block in page.blocks {
            let refs = QualityParts.calls(of: block)
            blocks[block] = try connection.run(
                """
                SELECT c.id, c.time, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output, c.reasoning,
                    c.priced, c.cost, c.duration, m.name, s.agent, s.project, s."user", s.machine, s.team, s.branch, s.parent
                FROM calls c JOIN models m ON m.ref = c.model JOIN sessions s ON s.ref = c.session
                WHERE c.ref BETWEEN $1 AND $2 AND c.counted = 1 AND c.session <> \(FormerCall.expired)
                """,
                [.int(refs.lowerBound), .int(refs.upperBound)]
            ).map { try CountedCall(row: $0) }
        }
        return UsageChanges(beginsAgain: page.beginsAgain, blocks: blocks, next: page.next)
    }
}

/// A state of the database as summaries read it.
struct DatabaseSums: SumsSnapshot {
    let connection: PostgresConnection

    private var reader: StoreReader { StoreReader(connection: connection) }

    func revision() throws -> Int64 { try reader.revision() }

    func changes(of days: ClosedRange<Int64>) throws -> [Int64: Int64] {
        let rows = try connection.run(
            "SELECT day, changed FROM rollup_days WHERE day BETWEEN $1 AND $2",
            [.int(days.lowerBound), .int(days.upperBound)]
        )
        return Dictionary(rows.map { ($0.int(0), $0.int(1)) }, uniquingKeysWith: max)
    }

    func firstDay(in days: Range<Int64>) throws -> Int64? {
        try connection.run(
            "SELECT quarter FROM rollup WHERE quarter >= $1 AND quarter < $2 ORDER BY quarter LIMIT 1",
            [.int(days.lowerBound * QuarterHour.countOfDay), .int(days.upperBound * QuarterHour.countOfDay)]
        ).first.map { $0.int(0) / QuarterHour.countOfDay }
    }

    func sums(ofDay day: Int64) throws -> [SummaryMemory.Sums] {
        let packed = try connection.run(
            "SELECT p.sums FROM packed_days p JOIN rollup_days d ON d.day = p.day AND d.changed = p.changed WHERE p.day = $1",
            [.int(day)]
        ).first
        // One that cannot be read is made again from the rows when the day changes.
        if let sums = packed.flatMap({ PackedDay.sums($0.blob(0), ofDay: day) }) { return sums }
        return try rows(ofDay: day)
    }

    /// The sums of a day from their rows.
    func rows(ofDay day: Int64) throws -> [SummaryMemory.Sums] {
        try connection.run(
            "SELECT quarter, session, model, \(UsageTotals.list) FROM rollup WHERE quarter >= $1 AND quarter < $2",
            [.int(day * QuarterHour.countOfDay), .int((day + 1) * QuarterHour.countOfDay)]
        ).map { row in
            SummaryMemory.Sums(
                quarter: try row.small(0),
                session: try row.small(1),
                model: try row.small(2),
                totals: try UsageTotals(row: row, from: 3)
            )
        }
    }

    func forEachOwner(changedAfter revision: Int64, _ body: (SummaryMemory.OwnerRow) throws -> Void) throws {
        // Sessions of the same names come as one row: reading texts is what takes long.
        try connection.forEachRow(
            """
            SELECT array_agg(s.ref), s.hidden, \(Self.names) FROM sessions s WHERE s.changed > $1
            GROUP BY s.hidden, \(Self.names)
            """,
            [.int(revision)]
        ) { row in
            let names = UsageDimension.ofSessions.indices.map { row.text(Int32(2 + $0)) ?? "" }
            let sessions = try row.ints(0).map { session in
                guard let small = Int32(exactly: session), small > 0 else { throw row.outOfRange(0) }
                return small
            }
            try body(SummaryMemory.OwnerRow(sessions: sessions, isHidden: row.bool(1), names: names))
            return true
        }
    }

    /// A column for each dimension of sessions, in their order.
    private static let names = UsageDimension.ofSessions.map(\.column).joined(separator: ", ")

    func forEachModel(after row: Int64, _ body: (_ row: Int64, _ name: String) throws -> Void) throws {
        for model in try connection.run("SELECT ref, name FROM models WHERE ref > $1 ORDER BY ref", [.int(row)]).all {
            try body(Int64(try model.small(0)), model.text(1) ?? "")
        }
    }

    func sessions(_ rows: [Int64]) throws -> [Session?] { try reader.sessions(rows) }

    func sessionIDs(_ rows: [Int64]) throws -> [String] {
        let found = try connection.run("SELECT ref, id FROM sessions WHERE ref = ANY($1)", [.ints(rows)])
        let ids = Dictionary(found.map { ($0.int(0), $0.text(1) ?? "") }) { first, _ in first }
        return rows.map { ids[$0] ?? "" }
    }

    func forEachSessionByID(_ body: (_ row: Int32) throws -> Bool) throws {
        try connection.forEachRow("SELECT ref FROM sessions WHERE hidden = 0 ORDER BY id") {
            try body(Int32(clamping: $0.int(0)))
        }
    }

    func activeSessions(at now: Timestamp, _ filter: UsageFilter) throws -> Int {
        try reader.activeCount(at: now, filter)
    }

    func missing(_ kind: String, _ row: Int64, namedBy referrer: String) -> any Error {
        PostgresError.damage("\(kind) \(row), which \(referrer) name, is missing")
    }
}
