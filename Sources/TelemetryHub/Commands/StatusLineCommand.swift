// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import HubAPI
import HubExtension
import Logging
import Usage
import YAML

/// The command `hammurabi statusline`.
struct StatusLineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statusline",
        abstract: "Prints one line for the status bar of an agent: session, today, budget.",
        discussion: """
            Asks the collector when one runs, else reads the store. Claude Code hands its session over on standard input; in its settings.json:
              "statusLine": { "type": "command", "command": "hammurabi statusline" }
            It ends with 0 whatever happens. It reads no ./config.yaml, because the directory is that of some project.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Option(help: ArgumentHelp("auto, always or never.", valueName: "when"))
    var color = OutputOptions.ColorChoice.auto

    func run() async {
        let environment = Environment.process
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables, color: color)
        let input = Console.isTyped ? "" : Console.input(limit: 262_144, timeout: 100)
        let session = try? JSONDecoder().decode(AgentState.self, from: Data(input.utf8))
        do {
            let line = try await line(session, environment)
            Console.answer(line.text(style) + "\n")
        } catch let failure as StatusLine.Failure {
            Console.answer("hammurabi: \(failure.text)\n")
        } catch is StartError {
            Console.answer("hammurabi: the store cannot be read now\n")
        } catch {
            Console.answer("hammurabi: no numbers now\n")
        }
    }

    private func line(_ session: AgentState?, _ environment: Environment) async throws -> StatusLine {
        let graph = try graph(environment)
        var refusal: StatusLine.Failure?
        do throws(StatusLine.Failure) {
            if let line = try StatusLine(askedOf: graph, session: session?.sessionId) { return line }
        } catch {
            refusal = error
        }
        do {
            return try await stored(session, graph, environment)
        } catch {
            // The store may be locked by the collector; then the collector's own error is reported.
            throw refusal ?? error
        }
    }

    /// The figures read from the store.
    private func stored(_ session: AgentState?, _ graph: PipelineGraph, _ environment: Environment) async throws
        -> StatusLine
    {
        let hub = graph.hubConfig ?? HubConfig()
        let logger = Logger(label: "hammurabi") { _ in SwiftLogNoOpLogHandler() }
        let now = Console.now()
        let today = try Period("today", timezone: hub.timezone, now: now)
        return try await Collector.withStore(
            nil,
            of: graph,
            home: environment.programHome,
            logger: logger,
            now: Console.now
        ) {
            store in
            var line = StatusLine(today: try await store.summary(of: today, now: now).totals)
            if let id = session?.sessionId {
                var query = SessionQuery(now: now)
                (query.id, query.limit) = (id, 1)
                line.session = try await store.sessions(query).sessions.first?.totals
            }
            if let limit = hub.budget.monthly.flatMap({ Money(dollars: $0) }), limit > .zero {
                let month = try Period(nil, timezone: hub.timezone, now: now)
                line.budget = (limit, try await store.summary(of: month, now: now).totals.cost)
            }
            return line
        }
    }

    private func graph(_ environment: Environment) throws -> PipelineGraph {
        var options = options
        let usual = environment.programHome + "/config.yaml"
        if options.config.isEmpty, environment.fileExists(usual) { options.config = [usual] }
        var diagnostics = Diagnostics()
        var elsewhere = environment
        if options.config.isEmpty { elsewhere.fileExists = { _ in false } }
        guard let loaded = options.load(elsewhere, diagnostics: &diagnostics), !diagnostics.hasErrors else {
            throw StatusLine.Failure(text: "the configuration is wrong; see hammurabi validate")
        }
        return loaded.graph
    }

    /// The JSON that Claude Code writes to standard input.
    private struct AgentState: Decodable {
        var sessionId: String?

        private enum CodingKeys: String, CodingKey { case sessionId = "session_id" }
    }
}

/// The figures of a status line.
struct StatusLine {
    var today: UsageTotals
    /// The figures of the agent's session, when the store has it.
    var session: UsageTotals?
    var budget: (limit: Money, used: Money)?

    /// Why there are no figures, short enough for a status bar.
    struct Failure: Error {
        var text: String
    }

    init(today: UsageTotals) { self.today = today }

    /// Queries the collector of a configuration; nil when none answers that has more than the store.
    ///
    /// - Throws: ``Failure`` when a collector runs that refuses to answer.
    init?(askedOf graph: PipelineGraph, session: String?) throws(Failure) {
        guard let hub = graph.hubConfig else { return nil }
        let client = graph.client(at: hub.endpoint)
        // No health request first: a status bar is drawn many times a minute.
        do throws(CommandFailure) {
            let period = [("period", "today"), ("sessions", "false")]
            let summary = try client.ask(.summary, period, seconds: Self.timeout).document
            today = UsageTotals(summary.totals)
            budget = summary.budget.map { ($0.limit.amount, $0.used.amount) }
            guard let session else { return }
            // Both parameters: a collector of another version may know only one of them.
            let named = [("id", session), ("q", session), ("limit", "1")]
            let page = try? client.ask(.sessions, named, seconds: Self.timeout).document
            self.session = page?.sessions.first { $0.sessionId == session }.map { UsageTotals($0.figures) }
        } catch {
            guard error.exitCode == Exit.permission else { return nil }
            throw Failure(text: "the collector wants an API key; put it into HAMMURABI_API_KEY")
        }
    }

    /// How many seconds a collector may send nothing.
    private static let timeout: Int64 = 2

    /// Such as `$1.24 session · $8.30 today · 62% of $200 · 41k tok`.
    func text(_ style: Style) -> String {
        var parts: [String] = []
        if let session { parts.append("\(Self.cost(session, style)) session") }
        parts.append("\(Self.cost(today, style)) today")
        if let budget {
            let fraction = Double(budget.used.nanodollars) / Double(max(1, budget.limit.nanodollars))
            let whole = Figures.money(budget.limit)
            let state =
                "\(BudgetBar.percent(fraction)) of \(whole.hasSuffix(".00") ? String(whole.dropLast(3)) : whole)"
            parts.append(fraction > 1 ? style.bold("\(state)!") : state)
        }
        parts.append("\(Figures.brief((session ?? today).counts.total)) tok")
        return parts.joined(separator: " \(style.dot) ")
    }

    private static func cost(_ totals: UsageTotals, _ style: Style) -> String {
        totals.calls > 0 && totals.unpricedCalls == totals.calls ? style.none : Figures.money(totals.cost)
    }
}

extension UsageTotals {
    /// The totals of a document.
    fileprivate init(_ figures: UsageFigures) {
        self.init()
        (calls, unpricedCalls, cost) = (figures.calls, figures.unpricedCalls, figures.cost)
        counts = TokenCounts(
            uncachedInput: figures.input,
            cacheRead: figures.cacheRead,
            cacheWrite5m: figures.cacheWrite,
            output: figures.output,
            reasoning: figures.reasoning
        )
    }
}
