// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

extension SessionTable {
    /// A session's row, and the names by which the quality of its calls' data is told.
    struct Row {
        var ref: Int64 = 0
        var agent: String?
        var machine: String?
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
            "SELECT ref, agent, machine FROM sessions WHERE id = ? AND hidden = ?",
            db
        )
        statement.bind(id)
        statement.bind(isHidden)
        return try statement.first { Row(ref: $0.int(0), agent: $0.text(1), machine: $0.text(2), isNew: isNew) }
            ?? Row()
    }

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
        for text in [update.agent, update.user, update.project, update.machine, update.parent] {
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

    /// Notes that a session has other calls, so that whoever remembers it reads it again.
    func mark(_ ref: Int64, changedIn revision: Int64) throws {
        var statement = try SQLiteStatement("UPDATE sessions SET changed = ? WHERE ref = ? AND changed <> ?", db)
        for number in [revision, ref, revision] { statement.bind(number) }
        try statement.run()
    }

    private static let update: String = {
        // Of two names for one thing the smaller stays.
        let lasting = ["agent", "user", "project", "machine", "parent"].map {
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
            INSERT INTO sessions (id, hidden, sighted, agent, user, project, machine, parent, started_at, last_seen_at,
                name, name_at, branch, branch_at, agent_version, agent_version_at, task_status, task_status_at,
                completed, completed_at, reported_cost, reported_cost_at, knowledge, changed)
            VALUES (\(Array(repeating: "?", count: 24).joined(separator: ",")))
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
