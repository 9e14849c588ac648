// SPDX-License-Identifier: Apache-2.0

extension SummaryReport {
    /// The rows with full values.
    var table: ProgramTable {
        let hasModels = breakdown != nil
        var table = ProgramTable(
            titles: [(dimension ?? .model).rawValue] + (hasModels ? ["model"] : []) + Self.titles
        )
        for row in rows {
            if hasModels {
                table.rows += row.models.map { [row.id, $0.id] + Self.values($0.figures) }
            } else {
                table.rows.append([row.id] + Self.values(row.figures))
            }
        }
        return table
    }

    private static let titles = [
        "calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost",
        "unpriced_calls",
    ]

    private static func values(_ figures: UsageFigures) -> [String] {
        [
            figures.calls, figures.input, figures.cacheRead, figures.cacheWrite, figures.output, figures.reasoning,
        ].map { String($0) } + [Figures.exact(figures.cost), String(figures.unpricedCalls)]
    }

    /// The report as JSON: what every report has, then the members of the API's own document.
    func json(generatedAt: String, api: String) -> String {
        let document = ReportDocument(
            schema: .init(name: "hammurabi.summary"),
            generatedAt: generatedAt,
            by: (dimension ?? .model).rawValue,
            rows: rows.map { RowDocument($0, hasModels: breakdown != nil) },
            totals: self.document.totals,
            coverage: Coverage(self.document.totals, unpricedModels: self.document.unpricedModels),
            warnings: Warning.all(self.document)
        )
        return JSONText.of(document, with: api)
    }
}

/// A row as JSON tells it.
private struct RowDocument: Encodable {
    var name: String
    var figures: UsageFigures
    var session: Session?
    var breakdown: [RowDocument]?

    struct Session: Encodable {
        var sessionId: String
        var agent: String?
        var project: String?
        var user: String?
        var status: String
        var startedAt: String
        var lastSeenAt: String
        var durationMs: Int64

        init(_ facts: SessionDocument.Facts) {
            (sessionId, agent, project, user) = (facts.sessionId, facts.agent, facts.project, facts.user)
            (status, startedAt, lastSeenAt) = (facts.status, facts.startedAt, facts.lastSeenAt)
            durationMs = facts.durationMs
        }
    }

    init(_ row: SummaryReport.Row, hasModels: Bool) {
        (name, figures) = (row.name, row.figures)
        session = row.session.map(Session.init)
        breakdown = hasModels ? row.models.map { RowDocument($0, hasModels: false) } : nil
    }

    private enum Keys: String, CodingKey { case name, breakdown }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(name, forKey: .name)
        try values.encodeIfPresent(breakdown, forKey: .breakdown)
        try session?.encode(to: encoder)
        try figures.encode(to: encoder)
    }
}
