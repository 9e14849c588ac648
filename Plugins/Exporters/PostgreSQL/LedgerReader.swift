// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// The stored calls as the ledger asks for them, in one transaction.
///
/// What it will ask is fetched in a few queries before it does (``fetch(_:)``): a query for each question costs 30 times as much. What
/// it asks beyond that is one more query each. Not for several threads at once.
final class LedgerReader: LedgerIndex {
    private let connection: PostgresConnection
    /// What is under a link; all links of a cell are under its own.
    private var postings: [UInt64: Postings] = [:]
    private var calls: [Int64: StoredCall] = [:]
    /// Cells that hold too many observations to tell them apart, which are remembered between transactions.
    private(set) var overfull: Set<MatchBucket>

    private struct Postings {
        var all: [(kinds: UInt8, ref: Int64)] = []
        /// Which kinds there are, a bit for each.
        var kinds: UInt8 = 0
        /// Whether there are no more than these.
        var isWhole = true
    }

    /// A call, and what it has added to the sums.
    struct StoredCall {
        var entry: LedgerEntry
        var former: FormerCall
    }

    /// How much is read at once under a link; a cell with more is overfull, whatever else is there.
    private static let mostPostings = 2 * MatchBucket.capacity + 1
    /// Under a link with more, calls are read only when the ledger asks for them: a span above thousands leads to all of them.
    private static let mostFetched = 64
    private static let mostOverfull = 4_096

    init(_ connection: PostgresConnection, overfull: Set<MatchBucket>) {
        (self.connection, self.overfull) = (connection, overfull)
    }

    /// Fetches what the ledger will ask about what was delivered, and about the stored calls that have to do with it.
    func fetch(_ deliveries: [[Observation]]) throws {
        let first = LedgerQuestions(deliveries)
        let found = try fetch(first)
        guard !found.isEmpty else { return }
        _ = try fetch(LedgerQuestions([found.flatMap(\.observations)]))
    }

    /// - Returns: The calls that were not known before.
    private func fetch(_ questions: LedgerQuestions) throws -> [LedgerEntry] {
        let cells = questions.cells.filter { !overfull.contains($0) }
        let links = questions.links.map(\.rawValue) + cells.map(\.link.rawValue)
        try readPostings(links)
        var refs: [Int64] = []
        for link in links {
            guard let postings = postings[link], postings.all.count <= Self.mostFetched else { continue }
            refs += postings.all.map(\.ref)
        }
        return try readCalls(refs)
    }

    /// The stored call of a number that the ledger has named.
    func call(_ ref: Int64) -> StoredCall? { calls[ref] }

    // MARK: - Questions of the ledger

    func mayHold(_ link: LedgerLink) throws -> Bool {
        let postings = try postings(link)
        return link.cell == nil ? !postings.all.isEmpty : postings.kinds & 1 << link.kinds != 0
    }

    func kinds(in cell: MatchBucket) throws -> UInt8 { try postings(cell.link).kinds }

    func isKnownOverfull(_ cell: MatchBucket) -> Bool { overfull.contains(cell) }

    func noteOverfull(_ cell: MatchBucket) {
        if overfull.count >= Self.mostOverfull { overfull.removeAll() }
        overfull.insert(cell)
    }

    func entries(linkedBy link: LedgerLink, limit: Int) throws -> [LedgerEntry] {
        let postings = try postings(link)
        let isOfCell = link.cell != nil
        if postings.isWhole {
            let refs = postings.all.filter { !isOfCell || $0.kinds == link.kinds }.map(\.ref)
            return Array(try entries(refs, carrying: link).prefix(limit))
        }
        let kinds: Int64 = isOfCell ? Int64(link.kinds) : 0
        let key = PostgresValue.int(Int64(bitPattern: (link.cell ?? link).rawValue))
        for most in [Int64(clamping: limit), .max] {
            let refs = try connection.run(
                "SELECT DISTINCT ref FROM links WHERE link = $1 AND kinds = $2 ORDER BY ref LIMIT $3",
                [key, .int(kinds), .int(most)]
            ).map { $0.int(0) }
            let entries = try entries(refs, carrying: link)
            // Stale rows may have taken the places of others.
            if entries.count == refs.count || refs.count < most { return Array(entries.prefix(limit)) }
        }
        return []
    }

    private func entries(_ refs: [Int64], carrying link: LedgerLink) throws -> [LedgerEntry] {
        _ = try readCalls(refs)
        return refs.compactMap { ref in
            // A link may be older than the call's present state.
            guard let entry = calls[ref]?.entry, entry.carries(link) else { return nil }
            return entry
        }
    }

    // MARK: - Reading

    private func postings(_ link: LedgerLink) throws -> Postings {
        let key = (link.cell ?? link).rawValue
        if let known = postings[key] { return known }
        try readPostings([key])
        return postings[key] ?? Postings()
    }

    private func readPostings(_ links: [UInt64]) throws {
        let wanted = links.filter { postings[$0] == nil }
        guard !wanted.isEmpty else { return }
        for link in wanted { postings[link] = Postings() }
        let rows = try connection.run(
            """
            SELECT q.link, l.kinds, l.ref FROM unnest($1::bigint[]) AS q (link) CROSS JOIN LATERAL
                (SELECT kinds, ref FROM links WHERE links.link = q.link ORDER BY kinds, ref LIMIT \(Self.mostPostings)) l
            """,
            [.ints(wanted.map { Int64(bitPattern: $0) })]
        )
        var cut: Set<UInt64> = []
        _ = rows.map { row in
            let (link, kinds, ref) = (row.uint(0), UInt8(truncatingIfNeeded: row.int(1)), row.int(2))
            var found = postings[link] ?? Postings()
            postings[link] = nil
            found.kinds |= 1 << (kinds & 7)
            if found.all.last.map({ $0.ref != ref || $0.kinds != kinds }) ?? true { found.all.append((kinds, ref)) }
            found.isWhole = found.all.count < Self.mostPostings
            if !found.isWhole { cut.insert(link) }
            postings[link] = found
        }
        for link in cut { try readKinds(link) }
    }

    /// Looks for each set of kinds of ids by itself: the first rows of a large cell may all have the same.
    private func readKinds(_ link: UInt64) throws {
        let rows = try connection.run(
            """
            SELECT k FROM generate_series(0, 7) k
            WHERE EXISTS (SELECT 1 FROM links WHERE links.link = $1 AND links.kinds = k::smallint)
            """,
            [.int(Int64(bitPattern: link))]
        )
        postings[link]?.kinds = rows.map { UInt8(truncatingIfNeeded: $0.int(0)) }.reduce(0) { $0 | 1 << ($1 & 7) }
    }

    private func readCalls(_ refs: [Int64]) throws -> [LedgerEntry] {
        let wanted = Set(refs).filter { calls[$0] == nil }
        guard !wanted.isEmpty else { return [] }
        let rows = try connection.run(
            "SELECT \(FormerCall.columns), ref, observations FROM calls WHERE ref = ANY($1)",
            [.ints(wanted.sorted())]
        )
        return try rows.map { row in
            let ref = row.int(FormerCall.columnCount)
            guard let observations = [Observation](stored: row.blob(FormerCall.columnCount + 1)),
                let entry = LedgerEntry(ref: ref, observations: observations)
            else { throw PostgresError.damage("the observations of call \(ref) are damaged") }
            calls[ref] = StoredCall(entry: entry, former: try FormerCall(row: row))
            return entry
        }
    }
}
