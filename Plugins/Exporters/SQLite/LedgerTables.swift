// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// The tables by which observations are found again, in one transaction.
struct LedgerTables: LedgerIndex {
    let db: Database

    /// One bucket of `links` in nanoseconds; resemblance looks at most two minutes far, a trace a day.
    private enum Bucket {
        static let resemblance: Int64 = 1_024_000_000_000
        static let trace: Int64 = Ledger.traceWindow
    }

    private enum Kind: UInt64 {
        case resemblance = 0x5EED_0001_0000_0000
        case span = 0x5EED_0002_0000_0000
        case ancestor = 0x5EED_0003_0000_0000
    }

    func observation(id: UInt64, time: Timestamp) throws -> Observation? {
        var statement = try SQLiteStatement("SELECT \(Observation.columns) FROM observations WHERE time = ? AND id = ?", db)
        statement.bind(time.nanoseconds)
        statement.bind(id)
        return try statement.first(Observation.init(row:))
    }

    func observations(key: UInt64) throws -> [Observation] {
        var statement = try SQLiteStatement("SELECT time, observation FROM call_keys WHERE key = ?", db)
        statement.bind(key)
        return try load(statement.rows(Self.place))
    }

    func observations(resembling observation: Observation) throws -> [Observation] {
        let reach = Int64(observation.weakWindow) * 1_000_000_000
        let own = observation.keys.kinds
        var places: [Place] = []
        for kinds in UInt8(0)..<8 where kinds & own == 0 {
            places += try linked(observation.weakKey, .resemblance, kinds, near: observation.time, reach: reach, Bucket.resemblance)
        }
        return try load(places).filter { Ledger.resemble($0, observation) }
    }

    func observations(span: UInt64, near time: Timestamp) throws -> [Observation] {
        try load(linked(span, .span, 0, near: time, reach: Ledger.traceWindow, Bucket.trace))
    }

    func hasDescendant(ofSpan span: UInt64, near time: Timestamp) throws -> Bool {
        try !linked(span, .ancestor, 0, near: time, reach: Ledger.traceWindow, Bucket.trace).isEmpty
    }

    /// Makes an observation findable.
    func link(_ observation: Observation) throws {
        for key in observation.keys.known {
            var statement = try SQLiteStatement("INSERT OR IGNORE INTO call_keys (key, time, observation) VALUES (?, ?, ?)", db)
            statement.bind(key)
            statement.bind(observation.time.nanoseconds)
            statement.bind(observation.id)
            try statement.run()
        }
        for link in links(of: observation) {
            try change("INSERT OR IGNORE INTO links (bucket, link, kinds, time, observation) VALUES (?, ?, ?, ?, ?)", link, observation)
        }
    }

    /// Takes an observation away, before its new state is written.
    func unlink(_ observation: Observation) throws {
        for key in observation.keys.known {
            var statement = try SQLiteStatement("DELETE FROM call_keys WHERE key = ? AND time = ? AND observation = ?", db)
            statement.bind(key)
            statement.bind(observation.time.nanoseconds)
            statement.bind(observation.id)
            try statement.run()
        }
        for link in links(of: observation) {
            let deletion = "DELETE FROM links WHERE bucket = ? AND link = ? AND kinds = ? AND time = ? AND observation = ?"
            try change(deletion, link, observation)
        }
        var statement = try SQLiteStatement("DELETE FROM observations WHERE time = ? AND id = ?", db)
        statement.bind(observation.time.nanoseconds)
        statement.bind(observation.id)
        try statement.run()
    }

    // MARK: - Places

    private struct Place: Hashable {
        var time: Int64
        var id: UInt64
    }

    private struct Link {
        var bucket: Int64
        var hash: UInt64
        var kinds: UInt8
    }

    private static func place(_ row: SQLiteRow) -> Place { Place(time: row.int(0), id: row.uint(1)) }

    private func links(of observation: Observation) -> [Link] {
        let time = observation.time.nanoseconds
        var links: [Link] = []
        if observation.weakKey != 0 {
            let hash = observation.weakKey ^ Kind.resemblance.rawValue
            links.append(Link(bucket: time / Bucket.resemblance, hash: hash, kinds: observation.keys.kinds))
        }
        if observation.trace.span != 0 {
            links.append(Link(bucket: time / Bucket.trace, hash: observation.trace.span ^ Kind.span.rawValue, kinds: 0))
        }
        for ancestor in observation.trace.ancestors.values {
            links.append(Link(bucket: time / Bucket.trace, hash: ancestor ^ Kind.ancestor.rawValue, kinds: 0))
        }
        return links
    }

    private func linked(
        _ hash: UInt64, _ kind: Kind, _ kinds: UInt8, near time: Timestamp, reach: Int64, _ width: Int64
    ) throws -> [Place] {
        var places: [Place] = []
        let first = max(0, time.nanoseconds - reach)
        let last = time.nanoseconds.addingReportingOverflow(reach)
        for bucket in first / width...(last.overflow ? .max : last.partialValue) / width {
            var statement = try SQLiteStatement(
                "SELECT time, observation FROM links WHERE bucket = ? AND link = ? AND kinds = ? AND time BETWEEN ? AND ?",
                db
            )
            statement.bind(bucket)
            statement.bind(hash ^ kind.rawValue)
            statement.bind(Int64(kinds))
            statement.bind(first)
            statement.bind(last.overflow ? .max : last.partialValue)
            places += try statement.rows(Self.place)
        }
        return places
    }

    private func load(_ places: [Place]) throws -> [Observation] {
        try places.compactMap { try observation(id: $0.id, time: Timestamp(nanoseconds: $0.time)) }
    }

    private func change(_ sql: String, _ link: Link, _ observation: Observation) throws {
        var statement = try SQLiteStatement(sql, db)
        statement.bind(link.bucket)
        statement.bind(link.hash)
        statement.bind(Int64(link.kinds))
        statement.bind(observation.time.nanoseconds)
        statement.bind(observation.id)
        try statement.run()
    }
}
