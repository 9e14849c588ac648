// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HubAPI
import JSON
import Usage

/// The JSON of ccusage, so that scripts and status bars that read it can read this program's.
enum CCUsage {
    /// A document with a line feed at its end.
    static func text(of document: some Encodable) throws -> String { try OrderedJSONEncoder.text(of: document) + "\n" }
}

/// The flags of ccusage's reports that other reports do not have.
struct CCUsageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What --json prints: hammurabi, this program's own document, or ccusage, that of ccusage.",
            valueName: "format"
        )
    )
    var format = Format.hammurabi

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("asc, the oldest first, or desc.", valueName: "order")
    )
    var order: Order?

    @Flag(help: "As few columns as on a narrow terminal.")
    var compact = false

    @Flag(
        name: [.customShort("O"), .long],
        help: "Accepted for ccusage's sake: prices are in the program and nothing is ever fetched."
    )
    var offline = false

    @Option(
        name: [.customShort("m"), .long],
        help: ArgumentHelp(
            "auto or calculate; costs that agents report are preferred by processors.pricing.prefer.",
            valueName: "mode"
        )
    )
    var mode = Mode.auto

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case hammurabi, ccusage
    }

    enum Order: String, ExpressibleByArgument, CaseIterable {
        case asc, desc
    }

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case auto, calculate, display
    }

    /// Refuses flags that contradict each other.
    func validate(_ output: OutputOptions, _ tables: TableOptions) throws {
        if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        if format == .ccusage, !output.json { throw ValidationError("--format ccusage goes with --json") }
        if mode == .display {
            throw ValidationError(
                "costs as agents report them: set processors.pricing.prefer to reported, then run hammurabi prices reprice"
            )
        }
    }
}

/// What ccusage's reports by day, week, month and session print with `--json`.
struct CCUsageReport: Encodable {
    private let report: SummaryReport
    private let projects: [(name: String, report: SummaryReport)]?

    /// - Parameter projects: The rows of each project, with `--instances`.
    init(_ report: SummaryReport, projects: [(name: String, report: SummaryReport)]?) {
        (self.report, self.projects) = (report, projects)
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: MemberName.self)
        let (list, name) =
            switch report.dimension {
            case .week: ("weekly", "week")
            case .month: ("monthly", "month")
            case .session: ("sessions", "sessionId")
            default: ("daily", "date")
            }
        if let projects {
            let rows = projects.map { project in
                (name: project.name, rows: project.report.rows.map { CCUsageRow($0, name: name) })
            }
            try values.encode(Projects(rows: rows), forKey: MemberName("projects"))
        } else {
            try values.encode(report.rows.map { CCUsageRow($0, name: name) }, forKey: MemberName(list))
        }
        let sum = report.rows.reduce(into: UsageFigures()) { $0 += $1.figures }
        try values.encode(Totals(figures: sum), forKey: MemberName("totals"))
    }

    private struct Projects: Encodable {
        let rows: [(name: String, rows: [CCUsageRow])]

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: MemberName.self)
            for (name, rows) in rows { try values.encode(rows, forKey: MemberName(name)) }
        }
    }

    private struct Totals: Encodable {
        let figures: UsageFigures

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: MemberName.self)
            try figures.encodeTokens(to: &values)
            try values.encode(figures.tokens, forKey: MemberName("totalTokens"))
            try values.encode(Dollars(figures.cost), forKey: MemberName("totalCost"))
        }
    }
}

/// A row of ccusage.
private struct CCUsageRow: Encodable {
    let row: SummaryReport.Row
    /// What the member is called that names the row.
    let name: String

    init(_ row: SummaryReport.Row, name: String) { (self.row, self.name) = (row, name) }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: MemberName.self)
        try values.encode(row.id, forKey: MemberName(name))
        try row.figures.encodeTokens(to: &values)
        try values.encode(row.figures.tokens, forKey: MemberName("totalTokens"))
        try values.encode(Dollars(row.figures.cost), forKey: MemberName("totalCost"))
        if let session = row.session {
            try values.encode(String(session.lastSeenAt.prefix(10)), forKey: MemberName("lastActivity"))
        }
        try values.encode(row.models.map(\.name), forKey: MemberName("modelsUsed"))
        try values.encode(row.models.map(Model.init), forKey: MemberName("modelBreakdowns"))
        if let session = row.session {
            try values.encode(session.project ?? "Unknown Project", forKey: MemberName("projectPath"))
        }
    }

    private struct Model: Encodable {
        let row: SummaryReport.Row

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: MemberName.self)
            try values.encode(row.name, forKey: MemberName("modelName"))
            try row.figures.encodeTokens(to: &values)
            try values.encode(Dollars(row.figures.cost), forKey: MemberName("cost"))
        }
    }
}

extension UsageFigures {
    fileprivate func encodeTokens(to values: inout KeyedEncodingContainer<MemberName>) throws {
        try values.encode(input, forKey: MemberName("inputTokens"))
        try values.encode(output, forKey: MemberName("outputTokens"))
        try values.encode(cacheWrite, forKey: MemberName("cacheCreationTokens"))
        try values.encode(cacheRead, forKey: MemberName("cacheReadTokens"))
    }
}
