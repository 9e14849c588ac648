// SPDX-License-Identifier: Apache-2.0

import Usage

/// The tables of OpenCode's database.
///
/// Version 2 leaves the tables of version 1 in the file and copies their rows (ryoppippi/ccusage#1644): one generation is read, the newer one
/// as soon as it has a row. Rows change in place, so the time of the change says what is new.
struct OpenCodeTables: DatabaseSchema {
    private let projects: ProjectNames
    private var generation = Generation.first
    private var sessionColumns: Set<String> = []

    private enum Generation {
        case first, second

        var messages: String { self == .first ? "message" : "session_message" }
        var sessions: String { self == .first ? "session" : "session_v2" }
    }

    init(projects: ProjectNames) {
        self.projects = projects
    }

    var note: String? { nil }

    mutating func prepare(_ database: StoreDatabase) throws(FileStream.Failure) -> Bool {
        if try !database.columns(of: "session_message").isEmpty {
            var hasRows = false
            try database.query("SELECT 1 FROM session_message LIMIT 1") { _ in hasRows = true }
            if hasRows { generation = .second }
        }
        sessionColumns = try database.columns(of: generation.sessions)
        return try database.hasTable(generation.messages, with: ["id", "session_id", "time_updated", "data"])
    }

    func rows(_ database: StoreDatabase, state: inout StoreState) throws(FileStream.Failure) -> [DatabaseRow] {
        // Of the other generation's rows nothing is known.
        if state.count != generationNumber { (state.cursor, state.count) = (0, generationNumber) }
        var rows: [DatabaseRow] = []
        let wanted = generation == .second ? "AND type = 'assistant'" : ""
        try database.query(
            "SELECT rowid, time_updated FROM \(generation.messages) WHERE time_updated >= ? \(wanted)"
                + " ORDER BY time_updated, rowid LIMIT \(DatabaseReader.mostRows)",
            [.number(state.cursor)]
        ) { row in
            rows.append(DatabaseRow(id: row.number(0), order: row.number(1)))
        }
        return rows
    }

    private var generationNumber: Int64 { generation == .first ? 1 : 2 }

    mutating func read(
        _ row: DatabaseRow,
        _ database: StoreDatabase,
        into sink: inout RecordSink
    ) throws(FileStream.Failure) {
        let columns = ["directory", "time_created"].map { column($0) }.joined(separator: ", ")
        let join = sessionColumns.contains("id") ? "LEFT JOIN \(generation.sessions) s ON s.id = m.session_id" : ""
        try database.query(
            "SELECT m.session_id, m.data, m.id, \(columns) FROM \(generation.messages) m \(join) WHERE m.rowid = ?",
            [.number(row.id)]
        ) { found in
            guard let text = found.bytes(1) else { return }
            do throws(LineFault) {
                var message = try OpenCodeMessage(text)
                message.id = found.string(2)
                // What is older than its session was copied into it by a fork.
                let isFork = (message.created?.milliseconds ?? .max) < found.number(4)
                guard var call = message.call(session: found.string(0), isFork: isFork, into: &sink) else { return }
                call.project = (message.folder ?? found.string(3)).flatMap { projects.key(of: $0) }
                sink.add(call)
            } catch {
                sink.note(error, part: row.id)
            }
        }
    }

    func readFacts(_ database: StoreDatabase, after: Int64, into sink: inout RecordSink) throws(FileStream.Failure) {
        guard sessionColumns.isSuperset(of: ["id", "time_updated"]) else { return }
        let columns = ["parent_id", "directory", "title", "version"].map { column($0) }.joined(separator: ", ")
        try database.query(
            "SELECT s.id, s.time_updated, \(columns) FROM \(generation.sessions) s WHERE s.time_updated >= ?",
            [.number(after)]
        ) { row in
            var session = OpenCodeSession()
            session.id = row.string(0)
            session.updated = Timestamp(milliseconds: row.number(1))
            (session.parent, session.folder) = (row.string(2), row.string(3))
            (session.title, session.version) = (row.string(4), row.string(5))
            if let facts = session.facts(projects) { sink.add(facts) }
        }
    }

    /// A column of the sessions; null where this version has none.
    private func column(_ name: String) -> String { sessionColumns.contains(name) ? "s.\(name)" : "NULL" }
}
