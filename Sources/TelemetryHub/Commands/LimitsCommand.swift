// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import JSON
import Usage

/// The command `hammurabi limits`.
struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Shows how much of your plans' limits is used, as reported by the agents.",
        discussion: """
            Codex writes its limits into its session files; Claude Code hands them to the command of its status line, which is \
            `hammurabi statusline` (`hammurabi onboard` sets it up). A share is as old as its report, and after its reset it no \
            longer holds. Of each limit of each account on each machine the newest report is shown.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Option(help: ArgumentHelp("Only the limits of this agent: claude-code, codex.", valueName: "name"))
    var agent: String?

    @Option(help: ArgumentHelp("Only what this machine reported.", valueName: "name"))
    var machine: String?

    @Flag(help: "Only limits whose windows have not ended.")
    var current = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var tables: TableOptions

    func validate() throws {
        if tables.csv, output.json { throw ValidationError("give either --csv or --json, not both") }
    }

    func run() async throws {
        let style = output.style(Environment.process.variables)
        let query = [("agent", agent), ("machine", machine), ("current", current ? "true" : nil)].compactMap {
            name,
            value in
            value.map { (name, $0) }
        }
        try await output.report(options) { hub in
            let report = LimitsReport(try await hub.ask(.limits, query).document, now: Console.now())
            if output.json { return Report(text: report.json) }
            if output.isForPeople, !tables.csv {
                return Report(text: report.text(width: Console.columns, style: style))
            }
            return Report(text: tables.text(report.programTable))
        }
    }
}

/// The limits of subscriptions.
struct LimitsReport {
    private let limits: [LimitsDocument.Limit]
    private let now: Timestamp

    init(_ document: LimitsDocument, now: Timestamp) {
        (limits, self.now) = (document.limits, now)
    }

    /// The limits for people.
    func text(width: Int, style: Style) -> String {
        guard !limits.isEmpty else {
            return """
                No agent has reported a limit. Codex reports its own with each call (hammurabi scan reads them); for Claude Code set its
                status line to hammurabi statusline, as hammurabi onboard offers.

                """
        }
        var table = TextTable(columns: [
            .init(title: "Limit"), .init(title: "Used", isNumber: true), .init(title: "Resets in", isNumber: true),
            .init(title: "At reset", isNumber: true, rank: 3), .init(title: "Reported", isNumber: true, rank: 1),
            .init(title: "Plan", rank: 4), .init(title: "Account", rank: 5), .init(title: "Machine", rank: 2),
            .init(title: "Source", rank: 6),
        ])
        table.rows = limits.map { limit in
            let reset = limit.resetsAt.flatMap { Timestamp(iso8601: $0) }
            let left = reset.map { Figures.duration(milliseconds: max(0, $0.milliseconds - now.milliseconds)) }
            return TextTable.Row(cells: [
                "\(limit.agent) \(limit.title)".printable,
                limit.isCurrent ? Self.percent(limit.usedPercent) : style.none,
                limit.isCurrent ? left ?? style.none : "over",
                limit.projectedPercent.map { "\(style.about) \(Self.percent($0))" } ?? style.none,
                Figures.age(of: limit.reportedAt, now: now),
                (limit.plan ?? style.none).printable, (limit.account ?? style.none).printable,
                (limit.machine ?? style.none).printable, limit.source,
            ])
        }
        return table.text(width: width, style: style) + notes(style)
    }

    /// What will be used up before its reset.
    private func notes(_ style: Style) -> String {
        let lines = limits.compactMap { limit -> String? in
            guard let full = limit.fullAt.flatMap({ Timestamp(iso8601: $0) }) else { return nil }
            let left = full.milliseconds - now.milliseconds
            let when = left > 0 ? "in \(Figures.duration(milliseconds: left))" : "by now"
            return "\(limit.agent) \(limit.title) will be used up \(when) at this pace.".printable
        }
        return lines.isEmpty ? "" : "\n" + lines.map { style.bold($0) + "\n" }.joined()
    }

    /// From this part of a limit on, in percent, it is worth a word.
    private static let near = 80.0

    /// Of each limit that holds now, the newest report of all machines that share it.
    private var held: [LimitsDocument.Limit] {
        var newest: [[String]: LimitsDocument.Limit] = [:]
        for limit in limits where limit.isCurrent {
            let key = [limit.agent, limit.account ?? "", limit.account == nil ? limit.machine ?? "" : "", limit.name]
            if let known = newest[key], known.reportedAt >= limit.reportedAt { continue }
            newest[key] = limit
        }
        return newest.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    /// What to say of a limit that is nearly or wholly used; nil for another.
    private func sentence(_ limit: LimitsDocument.Limit) -> String? {
        guard limit.usedPercent.double >= Self.near else { return nil }
        let state = limit.usedPercent.double >= 100 ? "used up" : "\(Self.percent(limit.usedPercent)) used"
        let left = limit.resetsAt.flatMap { Timestamp(iso8601: $0) }.map { $0.milliseconds - now.milliseconds }
        let reset = left.map { ", reset in \(Figures.duration(milliseconds: $0))" } ?? ""
        return "\(limit.agent) \(limit.title): \(state)\(reset)".printable
    }

    /// A sentence for each limit that is nearly or wholly used.
    var nearlyFull: [String] { held.compactMap(sentence) }

    /// The findings of `doctor`: limits that are nearly used, and agents that go on without reporting theirs.
    ///
    /// - Parameter lastCall: When an agent last called a model, as far as it is known.
    func findings(lastCall: (String) -> Timestamp?) -> [Finding] {
        guard !limits.isEmpty else { return [Finding(check: Self.check, level: .ok, message: "no agent reported one")] }
        var findings = nearlyFull.map {
            Finding(check: Self.check, level: .warning, message: $0, next: "hammurabi limits shows the pace")
        }
        for (agent, reports) in Dictionary(grouping: limits, by: \.agent).sorted(by: { $0.key < $1.key }) {
            guard let newest = reports.compactMap({ Timestamp(iso8601: $0.reportedAt) }).max(),
                let last = lastCall(agent), last.nanoseconds - newest.nanoseconds > Self.stale
            else { continue }
            findings.append(
                Finding(
                    check: Self.check,
                    level: .warning,
                    message: "\(agent) reported its limits last \(Figures.age(of: newest.iso8601, now: now)), but its "
                        + "calls go on to \(last.iso8601)",
                    next: agent == CodingAgent.claudeCode.rawValue
                        ? "its status line reports them: hammurabi onboard --agent claude-code"
                        : "its session files have them: hammurabi scan"
                )
            )
        }
        guard findings.isEmpty else { return findings }
        let fullest = held.max { $0.usedPercent.double < $1.usedPercent.double }
        let message = fullest.map { "the fullest is \($0.agent) \($0.title) with \(Self.percent($0.usedPercent))" }
        return [Finding(check: Self.check, level: .ok, message: message ?? "all that were reported are over")]
    }

    private static let check = "limits"
    /// An agent reports its limits with its calls; a day without a report beside calls means that no report arrives.
    private static let stale: Int64 = 86_400_000_000_000

    /// A share for people, in whole percent; a share just below the limit is not rounded up to it.
    static func percent(_ number: JSONNumber) -> String { BudgetBar.percent(number.double / 100) }

    /// One row a limit.
    var programTable: ProgramTable {
        ProgramTable(
            titles: [
                "agent", "name", "window_minutes", "used_percent", "resets_at", "reported_at", "current",
                "projected_percent", "full_at", "plan", "account", "machine", "source",
            ],
            rows: limits.map { limit in
                [
                    limit.agent, limit.name, limit.windowMinutes.map { String($0) } ?? "", limit.usedPercent.text,
                    limit.resetsAt ?? "", limit.reportedAt, String(limit.isCurrent), limit.projectedPercent?.text ?? "",
                    limit.fullAt ?? "", limit.plan ?? "", limit.account ?? "", limit.machine ?? "", limit.source,
                ]
            }
        )
    }

    /// The limits as JSON.
    var json: String {
        JSONText.of(Document(schema: .init(name: "hammurabi.limits"), generatedAt: now.iso8601, rows: limits))
    }

    private struct Document: Encodable {
        var schema: Schema
        var generatedAt: String
        var rows: [LimitsDocument.Limit]
        var warnings: [Warning] = []

        struct Schema: Encodable {
            var name: String
            var version = 1
        }
    }
}

extension LimitsDocument.Limit {
    /// The window and, where the name says more than it, the rest of the name: `5h`, `7d opus`.
    var title: String {
        let usual = ["five_hour", "seven_day", "primary", "secondary", label]
        if usual.contains(name) { return label }
        for start in ["five_hour_", "seven_day_"] where name.hasPrefix(start) {
            return "\(label) \(name.dropFirst(start.count))"
        }
        return windowMinutes == nil ? name : "\(label) \(name)"
    }
}
