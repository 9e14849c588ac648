// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

extension Observation {
    /// The columns of an observation in the order in which they are written and read.
    static let columns = """
        time, id, source, witness, authority, request_key, response_key, lineage_key, weak_key, weak_window, span, ancestors, \
        roll_up, session, session_is_trace, agent, provider, model, user, project, machine, uncached_input, cache_read, \
        cache_write_5m, cache_write_1h, output, reasoning, knows_cache_lifetimes, reported_cost, fast, service_tier, geography, \
        web_searches, duration, error
        """

    private static let insertion = """
        INSERT OR REPLACE INTO observations (\(columns))
        VALUES (\(Array(repeating: "?", count: 35).joined(separator: ",")))
        """

    func insert(_ db: Database) throws {
        var statement = try SQLiteStatement(Self.insertion, db)
        statement.bind(time.nanoseconds)
        statement.bind(id)
        statement.bind(Int64(source.rawValue))
        statement.bind(witness)
        statement.bind(Int64(authority))
        statement.bind(keys.request)
        statement.bind(keys.response)
        statement.bind(keys.lineage)
        statement.bind(weakKey)
        statement.bind(Int64(weakWindow))
        statement.bind(trace.span)
        let ancestors = trace.ancestors.values
        statement.bind(ancestors.isEmpty ? nil : ancestors.map { String($0, radix: 16) }.joined(separator: " "))
        statement.bind(trace.isRollUp)
        statement.bind(session)
        statement.bind(sessionIsTrace)
        for text in [agent, provider, model, user, project, machine] { statement.bind(text) }
        for count in [
            counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h, counts.output,
            counts.reasoning,
        ] {
            statement.bind(count)
        }
        statement.bind(knowsCacheLifetimes)
        statement.bind(reportedCost?.nanodollars)
        statement.bind(terms.isFast)
        statement.bind(terms.serviceTier)
        statement.bind(terms.geography)
        statement.bind(terms.webSearches)
        statement.bind(duration)
        statement.bind(error)
        try statement.run()
    }

    init(row: SQLiteRow) {
        self.init(
            id: row.uint(1),
            time: Timestamp(nanoseconds: row.int(0)),
            source: Source(rawValue: UInt8(truncatingIfNeeded: row.int(2))) ?? .event,
            witness: row.uint(3),
            authority: UInt8(truncatingIfNeeded: row.int(4))
        )
        keys.request = row.uint(5)
        keys.response = row.uint(6)
        keys.lineage = row.uint(7)
        weakKey = row.uint(8)
        weakWindow = Int32(truncatingIfNeeded: row.int(9))
        trace.span = row.uint(10)
        for ancestor in (row.text(11) ?? "").split(separator: " ") {
            trace.ancestors.insert(UInt64(ancestor, radix: 16) ?? 0)
        }
        trace.isRollUp = row.bool(12)
        session = row.text(13)
        sessionIsTrace = row.bool(14)
        agent = row.text(15)
        provider = row.text(16)
        model = row.text(17)
        user = row.text(18)
        project = row.text(19)
        machine = row.text(20)
        counts = TokenCounts(
            uncachedInput: row.int(21),
            cacheRead: row.int(22),
            cacheWrite5m: row.int(23),
            cacheWrite1h: row.int(24),
            output: row.int(25),
            reasoning: row.int(26)
        )
        knowsCacheLifetimes = row.bool(27)
        reportedCost = row.optionalInt(28).map(Money.init(nanodollars:))
        terms.isFast = row.bool(29)
        terms.serviceTier = row.text(30)
        terms.geography = row.text(31)
        terms.webSearches = row.int(32)
        duration = row.optionalInt(33)
        error = row.text(34)
    }
}
