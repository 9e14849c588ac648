// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// Sessions as a table for people, or as rows for programs.
struct SessionsReport {
    let document: SessionsDocument
    let now: Timestamp

    /// The table for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        let sessions = document.sessions
        guard !sessions.isEmpty else { return "No sessions.\n" }
        let ids = ShortNames(ids: sessions.map(\.sessionId))
        let models = ShortNames(models: sessions.compactMap(\.model))
        // What a team asks first is in front, and goes last where there is no room; a column without a name is left out.
        let hasUsers = sessions.contains { $0.user != nil }
        let users = ShortNames(ids: sessions.compactMap(\.user))
        var columns = [TextTable.Column(title: "Session")]
        if hasUsers { columns.append(.init(title: "User", rank: 1)) }
        columns += [
            .init(title: "Cost", isNumber: true), .init(title: "Project", rank: 3), .init(title: "Model", rank: 5),
            .init(title: "State", rank: 4), .init(title: "Agent", rank: 6),
            .init(title: "Seen", isNumber: true, rank: 2), .init(title: "Calls", isNumber: true, rank: 7),
            .init(title: "Tokens", isNumber: true), .init(title: "Duration", isNumber: true),
        ]
        var table = TextTable(columns: columns)
        func shown(_ text: String?) -> String { text?.printable ?? style.none }
        for session in sessions {
            let figures = session.figures
            let name = session.name == session.sessionId ? ids[session.sessionId] : session.name
            table.rows.append(
                .init(
                    cells: [name.printable] + (hasUsers ? [shown(session.user.map { users[$0] })] : []) + [
                        SummaryReport.cost(figures, style), shown(session.project),
                        shown(session.model.map { models[$0] }), Figures.sessionState(session.status),
                        shown(session.agent), Figures.age(of: session.lastSeenAt, now: now),
                        Figures.grouped(figures.calls), Figures.tokens(figures.tokens),
                        Figures.duration(milliseconds: session.durationMs),
                    ]
                )
            )
        }
        let rest = document.total - Int64(sessions.count)
        let more =
            rest > 0 && document.nextCursor != nil
            ? style.dim("\(Figures.grouped(rest)) more: --limit, or a filter such as --agent") + "\n" : ""
        return table.text(width: width, style: style) + more
    }

    /// The rows with full values.
    var table: ProgramTable {
        var table = ProgramTable(
            titles: [
                "session", "name", "status", "agent", "model", "project", "user", "machine", "started_at",
                "last_seen_at", "duration_ms", "calls", "input_tokens", "cache_read_tokens", "cache_write_tokens",
                "output_tokens",
                "reasoning_tokens", "cost", "unpriced_calls", "team", "branch", "agent_kind",
            ]
        )
        table.rows = document.sessions.map { session in
            let figures = session.figures
            let texts: [String] = [
                session.agent, session.model, session.project, session.user, session.machine,
            ].map { $0 ?? "" }
            let numbers = [
                session.durationMs, figures.calls, figures.input, figures.cacheRead, figures.cacheWrite, figures.output,
                figures.reasoning,
            ].map { String($0) }
            return [session.sessionId, session.name, session.status] + texts + [session.startedAt, session.lastSeenAt]
                + numbers
                + [Figures.exact(figures.cost), String(figures.unpricedCalls)]
                + [session.team ?? "", session.branch ?? "", session.agentKind]
        }
        return table
    }

    /// The report as JSON: the members of every report, then those of the API's document.
    func json(api: String) -> String {
        let sessions = document.sessions
        var sum = UsageFigures()
        for index in sessions.indices { sum += sessions[index].figures }
        let report = ReportDocument(
            schema: .init(name: "hammurabi.sessions"),
            generatedAt: now.iso8601,
            rows: sessions.indices.map { SessionRow(sessions: sessions, index: $0) },
            totals: sum,
            coverage: Coverage(sum),
            warnings: Warning.all(sum, models: [])
        )
        return JSONText.of(Listing(report: report, nextCursor: document.nextCursor), with: api)
    }

    private struct Listing: Encodable {
        var report: ReportDocument<SessionRow, UsageFigures>
        var nextCursor: String?

        private enum Keys: String, CodingKey { case nextCursor }

        func encode(to encoder: any Encoder) throws {
            try report.encode(to: encoder)
            var values = encoder.container(keyedBy: Keys.self)
            try values.encodeIfPresent(nextCursor, forKey: .nextCursor)
        }
    }
}

/// A session in a report: the API's members and its sums.
///
/// It holds an index and no copy: for a loop that copies the 25 members of a document, the optimizer takes minutes.
private struct SessionRow: Encodable {
    let sessions: [SessionDocument]
    let index: Int

    func encode(to encoder: any Encoder) throws {
        try sessions[index].encode(to: encoder)
        try sessions[index].figures.encode(to: encoder)
    }
}
