// SPDX-License-Identifier: Apache-2.0

import Usage

/// The API's answer about data quality, for people.
struct QualityReport: Decodable {
    var from: String
    var to: String
    var calls: Int64
    var oneWitness: Int64
    var severalWitnesses: Int64
    var weaklyJoined: Int64
    var unpriced: Int64
    var rollUpsNotCounted: Int64
    var sumsOfUnknownCalls: Int64
    var sources: [Source]
    var costs: [Cost]
    /// Nil in the answer of a collector before 0.2, as are the prices that reach no call.
    var sessionCosts: SessionCosts?
    var unmatchedOverrides: [UnmatchedPrice]?
    var unexplainedTokens: Int64
    var unreadableFiles: Int
    var skippedLines: Int
    var unknownLines: [String: UnknownLines]
    var problems: [String]
    /// Absent in the answer of an older collector.
    var intakeProblems: [IntakeProblemLine]?
    /// Absent in the answer of an older collector.
    var droppedTexts: [DroppedText]?

    /// What `redaction` dropped under one key.
    struct DroppedText: Decodable {
        var key: String
        var count: Int64
    }

    /// Lines of a type that this version does not know.
    struct UnknownLines: Decodable {
        var lines: Int
        var first: String

        /// All of them, one type on a line.
        static func text(_ types: [String: UnknownLines]) -> String {
            types.sorted { $0.key < $1.key }.map { type, lines in
                let count = "\(Figures.grouped(Int64(lines.lines))) \(lines.lines == 1 ? "line" : "lines")"
                return "  \(type.printable): \(count), first \(lines.first.printable)\n"
            }.joined()
        }
    }

    struct Source: Decodable {
        var agent: String
        var machine: String
        var sources: [String]
        var calls: Int64
        var lastSeenAt: String
    }

    /// What agents report of whole sessions beside the sums of their calls.
    struct SessionCosts: Decodable {
        var compared: Int64
        var differing: Int64
        var sessions: [SessionCost]

        /// How many differ, and which differ most.
        func text(width: Int, style: Style) -> String {
            let counts = "\(Figures.grouped(differing)) of \(Figures.grouped(compared))"
            let sum = "Session costs \(counts) differ from what the agent reports\n"
            guard !sessions.isEmpty else { return sum }
            var table = TextTable(
                columns: [
                    .init(title: "Session"), .init(title: "Reported", isNumber: true),
                    .init(title: "Counted", isNumber: true),
                ]
            )
            table.rows = sessions.map { session in
                let amounts = [session.reported, session.counted].map { Figures.money(Money(dollars: $0) ?? .zero) }
                return TextTable.Row(cells: [session.sessionId.printable] + amounts)
            }
            return sum + table.text(width: width, style: style)
        }
    }

    struct SessionCost: Decodable {
        var sessionId: String
        var reported: Double
        var counted: Double
    }

    struct Cost: Decodable {
        var model: String
        var agreement: String
        var calls: Int64
        var reported: Double
        var computed: Double
    }

    /// Sums, then a table of who tells of what, then one of costs that can be compared.
    func text(width: Int, style: Style, now: Timestamp) -> String {
        var parts = [
            """
            Calls         \(Figures.grouped(calls)) / \(from) to \(to)
            Witnesses     \(Figures.grouped(severalWitnesses)) with several · \(Figures.grouped(oneWitness)) with one
            Joined weakly \(Figures.grouped(weaklyJoined))
            Unpriced      \(Figures.grouped(unpriced))
            Roll-ups      \(Figures.grouped(rollUpsNotCounted)) spans that repeat others, not counted
            Agent sums    \(Figures.grouped(sumsOfUnknownCalls)) spans of agents alone, each the sum of an unknown number of calls
            Unexplained   \(Figures.grouped(unexplainedTokens)) tokens in running totals of session files, not counted

            """
        ]
        if !sources.isEmpty { parts.append(sourceTable(now).text(width: width, style: style)) }
        if !costs.isEmpty { parts.append(costTable.text(width: width, style: style)) }
        if let sessionCosts, sessionCosts.compared > 0 { parts.append(sessionCosts.text(width: width, style: style)) }
        if let unmatchedOverrides, !unmatchedOverrides.isEmpty {
            parts.append(unmatchedOverrides.map { "warning: \($0.warning.message)\n" }.joined())
        }
        if !unknownLines.isEmpty {
            parts.append("Skipped, because this version does not know their type\n" + UnknownLines.text(unknownLines))
        }
        if unreadableFiles + skippedLines > 0 { parts.append(unreadable) }
        if let lost = IntakeProblemLine.text(intakeProblems ?? [], width: width, style: style, now: now) {
            parts.append(lost)
        }
        if let dropped = droppedTexts, !dropped.isEmpty { parts.append(Self.text(dropped, width: width, style: style)) }
        return parts.joined(separator: "\n")
    }

    /// The keys of which most was dropped, and how to keep one.
    private static func text(_ dropped: [DroppedText], width: Int, style: Style) -> String {
        var table = TextTable(columns: [.init(title: "Dropped by redaction"), .init(title: "Texts", isNumber: true)])
        table.rows = dropped.prefix(mostDropped).map {
            TextTable.Row(cells: [$0.key.printable, Figures.grouped($0.count)])
        }
        let rest = dropped.dropFirst(mostDropped)
        let more = rest.isEmpty ? "" : "and \(Figures.grouped(Int64(rest.count))) more keys\n"
        return table.text(width: width, style: style) + more + "To keep one, name it under redaction.keep_attributes.\n"
    }

    private static let mostDropped = 20

    private var unreadable: String {
        // The messages of intake problems follow those of files.
        let files = problems.dropLast((intakeProblems ?? []).count)
        let names = files.map { "  \($0.printable)\n" }.joined()
        let more = unreadableFiles + skippedLines - files.count
        return "Could not be read\n" + names + (more > 0 ? "  and \(Figures.grouped(Int64(more))) more\n" : "")
    }

    private func sourceTable(_ now: Timestamp) -> TextTable {
        var table = TextTable(
            columns: [
                .init(title: "Agent"), .init(title: "Machine", rank: 1), .init(title: "Told by"),
                .init(title: "Calls", isNumber: true), .init(title: "Last seen", isNumber: true),
            ]
        )
        table.rows = sources.map { source in
            let told = source.sources.map { $0.replacing("_", with: " ") }.joined(separator: " + ")
            let cells = [source.agent.printable, source.machine.printable, told]
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
        let models = ShortNames(models: costs.map(\.model))
        table.rows = costs.map { cost in
            let (reported, computed) = (Money(dollars: cost.reported) ?? .zero, Money(dollars: cost.computed) ?? .zero)
            let cells = [
                models[cost.model].printable, Self.reasons[cost.agreement] ?? cost.agreement,
                Figures.grouped(cost.calls),
            ]
            return TextTable.Row(cells: cells + [Figures.money(reported), Figures.money(computed)])
        }
        return table
    }

    private static let reasons = [
        "equal": "equal", "cache_lifetimes_unknown": "cache lifetimes not told",
        "no_price": "not in the table", "other_price": "priced otherwise",
    ]
}
