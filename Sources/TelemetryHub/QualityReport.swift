// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// The data quality of a period, for people.
struct QualityReport {
    let document: QualityDocument

    /// Sums, then a table of sources for each agent and machine, then one of reported and computed costs.
    func text(width: Int, style: Style, now: Timestamp) -> String {
        let quality = document
        var parts = [
            """
            Calls         \(Figures.grouped(quality.calls)) / \(quality.from) to \(quality.to)
            Sources       \(Figures.grouped(quality.severalWitnesses)) with several · \(Figures.grouped(quality.oneWitness)) with one
            Joined weakly \(Figures.grouped(quality.weaklyJoined))
            Unpriced      \(Figures.grouped(quality.unpriced))
            Roll-ups      \(Figures.grouped(quality.rollUpsNotCounted)) spans that repeat others, not counted
            Agent sums    \(Figures.grouped(quality.sumsOfUnknownCalls)) spans of agents alone, each the sum of an unknown number of calls
            Unexplained   \(Figures.grouped(quality.unexplainedTokens)) tokens in running totals of session files, not counted

            """
        ]
        if !quality.sources.isEmpty { parts.append(sourceTable(now).text(width: width, style: style)) }
        if !quality.costs.isEmpty { parts.append(costTable.text(width: width, style: style)) }
        if quality.sessionCosts.compared > 0 {
            parts.append(Self.text(quality.sessionCosts, width: width, style: style))
        }
        if !quality.unmatchedOverrides.isEmpty {
            parts.append(quality.unmatchedOverrides.map { "warning: \($0.warning.message)\n" }.joined())
        }
        if !quality.unknownLines.members.isEmpty {
            parts.append("Skipped, because this version does not know their type\n" + quality.unknownLines.text)
        }
        if quality.unreadableFiles + quality.skippedLines > 0 { parts.append(unreadable) }
        if let lost = IntakeProblemReport.text(quality.intakeProblems, width: width, style: style, now: now) {
            parts.append(lost)
        }
        if !quality.droppedTexts.isEmpty {
            parts.append(Self.text(quality.droppedTexts, width: width, style: style))
        }
        return parts.joined(separator: "\n")
    }

    /// The attributes of which redaction dropped most, and how to keep one.
    private static func text(_ dropped: [DroppedTextDocument], width: Int, style: Style) -> String {
        var table = TextTable(columns: [.init(title: "Dropped by redaction"), .init(title: "Texts", isNumber: true)])
        table.rows = dropped.prefix(mostDropped).map {
            TextTable.Row(cells: [$0.key.printable, Figures.grouped($0.count)])
        }
        let rest = dropped.dropFirst(mostDropped)
        let more = rest.isEmpty ? "" : "and \(Figures.grouped(Int64(rest.count))) more keys\n"
        return table.text(width: width, style: style) + more + "To keep one, name it under redaction.keep_attributes.\n"
    }

    private static let mostDropped = 20

    /// How many sessions cost another sum than the agent reports, and which differ most.
    private static func text(_ costs: QualityDocument.SessionCosts, width: Int, style: Style) -> String {
        let counts = "\(Figures.grouped(costs.differing)) of \(Figures.grouped(costs.compared))"
        let sum = "Session costs \(counts) differ from what the agent reports\n"
        guard !costs.sessions.isEmpty else { return sum }
        var table = TextTable(
            columns: [
                .init(title: "Session"), .init(title: "Reported", isNumber: true),
                .init(title: "Counted", isNumber: true),
            ]
        )
        table.rows = costs.sessions.map { session in
            let amounts = [session.reported, session.counted].map { Figures.money($0.amount) }
            return TextTable.Row(cells: [session.sessionId.printable] + amounts)
        }
        return sum + table.text(width: width, style: style)
    }

    private var unreadable: String {
        // The intake problems are the last messages; those of files come first.
        let files = document.problems.dropLast(document.intakeProblems.count)
        let names = files.map { "  \($0.printable)\n" }.joined()
        let more = document.unreadableFiles + document.skippedLines - Int64(files.count)
        return "Could not be read\n" + names + (more > 0 ? "  and \(Figures.grouped(more)) more\n" : "")
    }

    private func sourceTable(_ now: Timestamp) -> TextTable {
        var table = TextTable(
            columns: [
                .init(title: "Agent"), .init(title: "Machine", rank: 1), .init(title: "Source"),
                .init(title: "Calls", isNumber: true), .init(title: "Last seen", isNumber: true),
            ]
        )
        table.rows = document.sources.map { source in
            let names = source.sources.map { $0.replacing("_", with: " ") }.joined(separator: " + ")
            let cells = [source.agent.printable, source.machine.printable, names]
            return TextTable.Row(
                cells: cells + [Figures.grouped(source.calls), Figures.age(of: source.lastSeenAt, now: now)]
            )
        }
        return table
    }

    private var costTable: TextTable {
        var table = TextTable(
            columns: [
                .init(title: "Model"), .init(title: "Costs are"),
                .init(title: "Calls", isNumber: true),
                .init(title: "Reported", isNumber: true), .init(title: "Computed", isNumber: true),
            ]
        )
        let models = ShortNames(models: document.costs.map(\.model))
        table.rows = document.costs.map { cost in
            let cells = [
                models[cost.model].printable, Self.reasons[cost.agreement] ?? cost.agreement,
                Figures.grouped(cost.calls),
            ]
            return TextTable.Row(cells: cells + [cost.reported, cost.computed].map { Figures.money($0.amount) })
        }
        return table
    }

    private static let reasons = [
        "equal": "equal", "cache_lifetimes_unknown": "cache lifetimes unknown",
        "no_price": "not in the table", "other_price": "priced otherwise",
    ]
}

extension ByName<UnknownLinesDocument> {
    /// All unknown types, one a line.
    var text: String {
        members.map { type in
            let lines = Figures.counted(type.value.lines, "line")
            return "  \(type.name.printable): \(lines), first \(type.value.first.printable)\n"
        }.joined()
    }
}
