// SPDX-License-Identifier: Apache-2.0

import Usage

/// The table of the requests of Copilot's command line; input contains cached tokens, output contains reasoning.
///
/// Rows are added and never changed, see ``AddedRows``.
struct CopilotTables: DatabaseSchema {
    private let projects: ProjectNames
    private var columns: Set<String> = []
    private var sessionColumns: Set<String> = []
    private(set) var note: String?

    init(projects: ProjectNames) {
        self.projects = projects
    }

    private static let table = "assistant_usage_events"

    mutating func prepare(_ database: StoreDatabase) throws(FileStream.Failure) -> Bool {
        columns = try database.columns(of: Self.table)
        sessionColumns = try database.columns(of: "sessions")
        return try database.hasTable(
            Self.table,
            with: ["id", "session_id", "model", "input_tokens", "output_tokens", "created_at"]
        )
    }

    func rows(_ database: StoreDatabase, state: inout StoreState) throws(FileStream.Failure) -> [DatabaseRow] {
        try AddedRows(table: Self.table, row: "id", mark: "created_at").list(database, &state)
    }

    mutating func read(
        _ row: DatabaseRow,
        _ database: StoreDatabase,
        into sink: inout RecordSink
    ) throws(FileStream.Failure) {
        func column(_ name: String) -> String { columns.contains(name) ? "e.\(name)" : "NULL" }
        let folder = sessionColumns.isSuperset(of: ["id", "cwd"]) ? "s.cwd" : "NULL"
        let join = folder == "NULL" ? "" : "LEFT JOIN sessions s ON s.id = e.session_id"
        let figures = ["cache_read_tokens", "cache_write_tokens", "reasoning_tokens"].map(column).joined(
            separator: ", "
        )
        var newest: String?
        try database.query(
            "SELECT e.session_id, e.created_at, e.model, \(folder), e.input_tokens, e.output_tokens, \(figures)"
                + " FROM \(Self.table) e \(join) WHERE e.id = ?",
            [.number(row.id)]
        ) { found in
            newest = found.string(1)
            do throws(LineFault) {
                try add(found, row.id, into: &sink)
            } catch {
                sink.note(error, part: row.id)
            }
        }
        if let newest { note = newest }
    }

    private func add(_ row: StoreDatabase.Row, _ id: Int64, into sink: inout RecordSink) throws(LineFault) {
        guard let session = row.string(0), let text = row.string(1), let time = Self.time(text) else {
            return sink.omit("row \(id): it has no session or no time")
        }
        var usage = StoreUsage(
            input: try row.count(4),
            output: try row.count(5),
            cacheRead: try row.count(6),
            cacheWrite: try row.count(7),
            reasoning: try row.count(8)
        )
        usage.excludeCache()
        guard !usage.isZero else { return sink.omit("row \(id): it has no tokens") }
        var call = CallRecord(usage, time: time, session: session)
        call.lineage = "copilot:\(session):\(id):\(text)"
        call.parts = [CopilotEvents.part(session)]
        call.model = row.string(2)
        call.project = row.string(3).flatMap { projects.key(of: $0) }
        sink.add(call)
    }

    /// A time as SQLite or JavaScript writes it.
    private static func time(_ text: String) -> Timestamp? {
        if let time = Timestamp(iso8601: text) { return time }
        // `datetime('now')` of SQLite: a blank in the middle, no zone, UTC.
        return Timestamp(iso8601: text.split(separator: " ").joined(separator: "T") + "Z")
    }

    func readFacts(_ database: StoreDatabase, after: Int64, into sink: inout RecordSink) throws(FileStream.Failure) {}
}
