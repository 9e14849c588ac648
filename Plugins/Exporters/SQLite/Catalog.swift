// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// The sessions and models of one transaction by their row numbers.
///
/// Lives as long as the transaction: what was added in one that failed must not be remembered.
struct Catalog {
    private let db: Database
    private var sessions: [SessionKey: Int64] = [:]
    private var models: [ModelKey: Int64] = [:]
    private var sightings: [SessionKey: SessionSighting] = [:]
    private var sighted: Set<SessionKey> = []

    private struct SessionKey: Hashable {
        var id: String
        var isHidden: Bool
    }

    private struct ModelKey: Hashable {
        var name: String
        var provider: String
    }

    init(_ db: Database) {
        self.db = db
    }

    /// The row of a call's session; calls without one share a hidden row for each agent, user, project and machine.
    mutating func session(of call: Call) throws -> Int64 {
        if let session = call.session { return try row(SessionKey(id: session, isHidden: false)) }
        let names = [call.agent, call.user, call.project, call.machine]
        let key = SessionKey(id: names.map { $0 ?? "" }.joined(separator: "\u{1F}"), isHidden: true)
        var sighting = SessionSighting(id: key.id, time: call.time)
        (sighting.agent, sighting.user, sighting.project, sighting.machine) = (
            call.agent, call.user, call.project, call.machine
        )
        note(sighting, key)
        return try row(key)
    }

    /// The row of a session that a record names.
    mutating func session(_ sighting: SessionSighting) throws -> Int64 {
        let key = SessionKey(id: sighting.id, isHidden: false)
        sighted.insert(key)
        note(sighting, key)
        return try row(key)
    }

    /// Takes in what an observation tells about its session.
    mutating func note(_ observation: Observation) {
        guard let sighting = observation.sessionSighting else { return }
        note(sighting, SessionKey(id: sighting.id, isHidden: false))
    }

    /// The row of a model.
    mutating func model(_ name: String?, provider: String?) throws -> Int64 {
        let key = ModelKey(name: name ?? "", provider: provider ?? "")
        if let known = models[key] { return known }
        var insertion = try SQLiteStatement("INSERT OR IGNORE INTO models (name, provider) VALUES (?, ?)", db)
        insertion.bind(key.name)
        insertion.bind(key.provider)
        try insertion.run()
        var statement = try SQLiteStatement("SELECT ref FROM models WHERE name = ? AND provider = ?", db)
        statement.bind(key.name)
        statement.bind(key.provider)
        let ref = try statement.first { $0.int(0) } ?? 0
        models[key] = ref
        return ref
    }

    /// Writes what was noted about sessions.
    mutating func flush() throws {
        for (key, sighting) in sightings {
            var statement = try SQLiteStatement(Self.update, db)
            statement.bind(key.id)
            statement.bind(key.isHidden)
            statement.bind(sighted.contains(key))
            for text in [sighting.agent, sighting.user, sighting.project, sighting.machine] { statement.bind(text) }
            statement.bind(sighting.firstSeen.nanoseconds)
            statement.bind(sighting.lastSeen.nanoseconds)
            try statement.run()
        }
        sightings.removeAll()
    }

    private mutating func note(_ sighting: SessionSighting, _ key: SessionKey) {
        if sightings[key] == nil { sightings[key] = sighting } else { sightings[key]?.merge(sighting) }
    }

    private mutating func row(_ key: SessionKey) throws -> Int64 {
        if let known = sessions[key] { return known }
        var insertion = try SQLiteStatement(
            "INSERT OR IGNORE INTO sessions (id, hidden, started_at, last_seen_at) VALUES (?, ?, \(Int64.max), 0)",
            db
        )
        insertion.bind(key.id)
        insertion.bind(key.isHidden)
        try insertion.run()
        var statement = try SQLiteStatement("SELECT ref FROM sessions WHERE id = ? AND hidden = ?", db)
        statement.bind(key.id)
        statement.bind(key.isHidden)
        let ref = try statement.first { $0.int(0) } ?? 0
        sessions[key] = ref
        return ref
    }

    /// Of two names for one thing the smaller stays, as in ``SessionSighting/merge(_:)``.
    private static let update = """
        INSERT INTO sessions (id, hidden, sighted, agent, user, project, machine, started_at, last_seen_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id, hidden) DO UPDATE SET
            sighted = max(sighted, excluded.sighted),
            agent = coalesce(min(agent, excluded.agent), agent, excluded.agent),
            user = coalesce(min(user, excluded.user), user, excluded.user),
            project = coalesce(min(project, excluded.project), project, excluded.project),
            machine = coalesce(min(machine, excluded.machine), machine, excluded.machine),
            started_at = min(started_at, excluded.started_at),
            last_seen_at = max(last_seen_at, excluded.last_seen_at)
        """
}
