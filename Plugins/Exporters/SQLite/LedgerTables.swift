// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// The tables by which observations are found again, in one transaction.
struct LedgerTables: LedgerIndex {
    let db: Database

    private enum Kind: UInt64 {
        case resemblance = 0x5EED_0001_0000_0000
        case span = 0x5EED_0002_0000_0000
        case ancestor = 0x5EED_0003_0000_0000
    }

    func observation(id: UInt64, time: Timestamp) throws -> Observation? {
        var statement = try SQLiteStatement(
            "SELECT \(Observation.columns) FROM observations WHERE time = ? AND id = ?",
            db
        )
        statement.bind(time.nanoseconds)
        statement.bind(id)
        return try statement.first(Observation.init(row:))
    }

    func observations(key: UInt64) throws -> [Observation] {
        var statement = try SQLiteStatement("SELECT time, observation FROM call_keys WHERE key = ?", db)
        statement.bind(key)
        return try load(statement.rows(Self.place))
    }

    func observations(in cell: ResemblanceCell) throws -> [Observation]? {
        var statement = try SQLiteStatement(
            "SELECT time, observation FROM links WHERE bucket = ? AND link = ? LIMIT \(ResemblanceCell.capacity + 1)",
            db
        )
        statement.bind(cell.stretch)
        statement.bind(cell.weakKey ^ Kind.resemblance.rawValue)
        let places = try statement.rows(Self.place)
        return places.count > ResemblanceCell.capacity ? nil : try load(places)
    }

    func observations(span: UInt64, near time: Timestamp) throws -> [Observation] {
        try load(linked(span, .span, near: time))
    }

    func hasDescendant(ofSpan span: UInt64, near time: Timestamp) throws -> Bool {
        try !linked(span, .ancestor, near: time).isEmpty
    }

    /// Makes an observation findable.
    func link(_ observation: Observation) throws {
        for key in observation.keys.known {
            var statement = try SQLiteStatement(
                "INSERT OR IGNORE INTO call_keys (key, time, observation) VALUES (?, ?, ?)",
                db
            )
            statement.bind(key)
            statement.bind(observation.time.nanoseconds)
            statement.bind(observation.id)
            try statement.run()
        }
        for link in links(of: observation) {
            try change(
                "INSERT OR IGNORE INTO links (bucket, link, kinds, time, observation) VALUES (?, ?, ?, ?, ?)",
                link,
                observation
            )
        }
    }

    /// Takes an observation away, before its new state is written.
    func unlink(_ observation: Observation) throws {
        for key in observation.keys.known {
            var statement = try SQLiteStatement(
                "DELETE FROM call_keys WHERE key = ? AND time = ? AND observation = ?",
                db
            )
            statement.bind(key)
            statement.bind(observation.time.nanoseconds)
            statement.bind(observation.id)
            try statement.run()
        }
        for link in links(of: observation) {
            let deletion =
                "DELETE FROM links WHERE bucket = ? AND link = ? AND kinds = ? AND time = ? AND observation = ?"
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
        let day = observation.time.nanoseconds / Ledger.traceWindow
        var links: [Link] = []
        if observation.weakKey != 0 {
            let stretch = observation.time.nanoseconds / ResemblanceCell.width
            let hash = observation.weakKey ^ Kind.resemblance.rawValue
            links.append(Link(bucket: stretch, hash: hash, kinds: observation.keys.kinds))
        }
        if observation.trace.span != 0 {
            links.append(Link(bucket: day, hash: observation.trace.span ^ Kind.span.rawValue, kinds: 0))
        }
        for ancestor in observation.trace.ancestors.values {
            links.append(Link(bucket: day, hash: ancestor ^ Kind.ancestor.rawValue, kinds: 0))
        }
        return links
    }

    /// The observations with a place in a trace, at most ``Ledger/traceWindow`` away in time.
    private func linked(_ span: UInt64, _ kind: Kind, near time: Timestamp) throws -> [Place] {
        let first = max(0, time.nanoseconds - Ledger.traceWindow)
        let (last, overflow) = time.nanoseconds.addingReportingOverflow(Ledger.traceWindow)
        let range = first...(overflow ? .max : last)
        var places: [Place] = []
        for day in range.lowerBound / Ledger.traceWindow...range.upperBound / Ledger.traceWindow {
            var statement = try SQLiteStatement(
                "SELECT time, observation FROM links WHERE bucket = ? AND link = ? AND kinds = 0 AND time BETWEEN ? AND ?",
                db
            )
            statement.bind(day)
            statement.bind(span ^ kind.rawValue)
            statement.bind(range.lowerBound)
            statement.bind(range.upperBound)
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
