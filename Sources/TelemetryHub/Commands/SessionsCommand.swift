// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import Usage

/// The command `hammurabi sessions`.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Lists sessions, or shows one with its calls.",
        discussion: """
            A session is named by its id, by the first characters of its id, or by its name, as long as only one is meant.

            Examples:
              hammurabi sessions --sort cost --limit 10
              hammurabi sessions --status active
              hammurabi sessions 546
            """
    )

    @Argument(help: ArgumentHelp("The session to show.", valueName: "id"))
    var id: String?

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Option(help: ArgumentHelp("Only sessions that are active, idle, stale or completed.", valueName: "state"))
    var status: State?

    @Option(
        help: ArgumentHelp(
            "Only sessions with this text in id, name, project, user, branch or team.",
            valueName: "text"
        )
    )
    var search: String?

    @Option(help: ArgumentHelp("Sort by seen, started, cost, tokens, calls, duration or name.", valueName: "order"))
    var sort = Order.seen

    @Flag(help: "Turn the order around.")
    var reverse = false

    @Option(help: ArgumentHelp("At most this many sessions, 1 to 1,000.", valueName: "rows"))
    var limit = 100

    @Option(help: ArgumentHelp("Go on where an answer ended: its next_cursor.", valueName: "cursor"))
    var cursor: String?

    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    enum State: String, ExpressibleByArgument, CaseIterable {
        case active, idle, stale, completed
    }

    enum Order: String, ExpressibleByArgument, CaseIterable {
        case seen, started, cost, tokens, calls, duration, name

        /// The value of the API's parameter.
        var parameter: String {
            switch self {
            case .seen: "lastSeenAt"
            case .started: "startedAt"
            case .tokens: "totalTokens"
            case .duration: "durationMs"
            case .cost, .calls, .name: rawValue
            }
        }
    }

    func validate() throws {
        if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1,000") }
        if id?.isEmpty == true { throw ValidationError("an id has at least one character") }
        if period.isGiven { _ = try period.resolved(in: "UTC", now: Console.now()) }
    }

    func run() async throws {
        let style = output.style(Environment.process.variables)
        try await output.report(options) { hub in
            if let id { return try await one(id, hub, style) }
            return try await list(hub, style)
        }
    }

    private func list(_ hub: HubConnection, _ style: Style) async throws -> Report {
        let now = Console.now()
        let answer = try await hub.ask(.sessions, try query(hub, now))
        let report = SessionsReport(document: answer.document, now: now)
        if output.json { return Report(text: report.json(api: answer.text)) }
        guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table)) }
        return Report(text: report.text(width: Console.columns, style: style))
    }

    private func query(_ hub: HubConnection, _ now: Timestamp) throws -> [(String, String)] {
        var query = filters.query
        if let status { query.append(("status", status.rawValue)) }
        if let search { query.append(("q", search)) }
        if let cursor { query.append(("cursor", cursor)) }
        let isAscending = (sort == .name) != reverse
        query += [("sort", sort.parameter), ("order", isAscending ? "asc" : "desc"), ("limit", String(limit))]
        if period.isGiven { query += try period.resolved(in: hub.timezone, now: now).query }
        return query
    }

    private func one(_ name: String, _ hub: HubConnection, _ style: Style) async throws -> Report {
        let answer = try await SessionSearch(hub: hub).detail(name)
        let report = SessionReport(document: answer.document, now: Console.now())
        if output.json { return Report(text: report.json(api: answer.text)) }
        guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table)) }
        return Report(text: report.text(width: Console.columns, style: style))
    }
}

/// Finds the session that the user named.
struct SessionSearch {
    let hub: HubConnection

    /// The session with this id, or the only one whose id starts with it or that has this name.
    ///
    /// - Throws: ``CommandFailure`` when there is none, or several.
    func detail(_ name: String) async throws -> HubAnswer<SessionDetailDocument> {
        do {
            return try await whole(name)
        } catch let failure as CommandFailure where failure.exitCode == Exit.inputMissing {
            let found = try await hub.ask(.sessions, [("q", name), ("limit", "1000")]).document.sessions
            let begun = found.filter { $0.sessionId.hasPrefix(name) }
            let meant = begun.isEmpty ? found.filter { $0.name == name } : begun
            guard meant.count <= 1 else { throw Self.ambiguous(name, meant) }
            guard let only = meant.first else {
                throw CommandFailure(
                    exitCode: Exit.inputMissing,
                    code: "unknown-session",
                    message: "no session is called \"\(name.printable)\"",
                    suggestion: "`hammurabi sessions --search TEXT` finds sessions"
                )
            }
            return try await whole(only.sessionId)
        }
    }

    private func whole(_ id: String) async throws -> HubAnswer<SessionDetailDocument> {
        try await hub.ask(.session.at(PercentEncoding.encode(id)))
    }

    private static func ambiguous(_ name: String, _ meant: [SessionDocument]) -> CommandFailure {
        let shown = meant.prefix(10).map { facts in
            "\n    \(facts.sessionId.printable)" + (facts.name == facts.sessionId ? "" : "  \(facts.name.printable)")
        }
        let more = meant.count > shown.count ? "\n    and \(meant.count - shown.count) more" : ""
        return CommandFailure(
            exitCode: Exit.usage,
            code: "ambiguous-session",
            message: "\"\(name.printable)\" could be any of \(meant.count) sessions",
            suggestion: "write more of the id:" + shown.joined() + more
        )
    }
}
