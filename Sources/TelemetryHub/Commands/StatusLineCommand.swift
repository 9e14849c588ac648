// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import HubExtension
import JSON
import Usage

/// The command `hammurabi statusline`.
struct StatusLineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statusline",
        abstract: "Prints one line for the status bar of an agent: session, today, block, rate, context, limits.",
        discussion: """
            Asks the collector when one runs, else reads the store. Claude Code hands its session over on standard input; in its settings.json:
              "statusLine": { "type": "command", "command": "hammurabi statusline" }
            --show chooses the parts and their order: session, today, block, burn, budget, context, limits, tokens, model. What is \
            not known is left out. It ends with 0 whatever happens. It reads no ./config.yaml, because the directory is that of some project.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Option(
        help: ArgumentHelp("The parts, in their order, divided by commas: session,block,limits.", valueName: "parts"),
        transform: StatusLine.Part.list
    )
    var show = StatusLine.Part.usual

    @Option(help: ArgumentHelp("auto, always or never.", valueName: "when"))
    var color = OutputOptions.ColorChoice.auto

    func run() async {
        let environment = Environment.process
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables, color: color)
        let agent = AgentState(Console.isTyped ? "" : Console.input(limit: 262_144, timeout: 100))
        do {
            let document = try await document(session: agent.session, environment)
            let line = StatusLine(document: document, agent: agent, now: Console.now())
            Console.answer(line.text(show, style) + "\n")
        } catch let failure as StatusLine.Failure {
            Console.answer("hammurabi: \(failure.text)\n")
        } catch is StartError {
            Console.answer("hammurabi: the store cannot be read now\n")
        } catch {
            Console.answer("hammurabi: no numbers now\n")
        }
    }

    private func document(session: String?, _ environment: Environment) async throws -> StatusLineDocument {
        let graph: PipelineGraph
        do {
            graph = try options.graphForAnyFolder(environment)
        } catch {
            throw StatusLine.Failure(text: "the configuration is wrong; see hammurabi validate")
        }
        let query = session.map { [("session", $0)] } ?? []
        var refusal: StatusLine.Failure?
        if let hub = graph.hubConfig {
            // No question whether it is there before the first: a status bar is drawn many times a minute.
            do throws(CommandFailure) {
                return try graph.client(at: hub.endpoint).ask(.statusLine, query, seconds: Self.timeout).document
            } catch {
                if error.exitCode == Exit.permission {
                    refusal = StatusLine.Failure(text: "the collector wants an API key; put it into HAMMURABI_API_KEY")
                }
            }
        }
        do {
            func ask(_ hub: HubConnection) async throws -> StatusLineDocument {
                try await hub.ask(.statusLine, query).document
            }
            return try await HubConnection.with(.store, of: graph, environment, ask)
        } catch {
            // The store may be locked by the collector; then the collector's own error is reported.
            throw refusal ?? error
        }
    }

    /// How many seconds a collector may be silent.
    private static let timeout: Int64 = 2
}

/// What an agent says of itself on standard input; everything may be missing or of another type.
///
/// The members are those that Claude Code documents for its status line.
struct AgentState {
    /// The id of the session.
    var session: String?
    /// The model's name for people.
    var model: String?
    /// How much of the context is used, in percent.
    var contextPercent: Double?
    /// How much of the limits of the subscription is used: five hours, then seven days.
    var limits: [Limit] = []

    /// A limit of a subscription.
    struct Limit {
        var name: String
        var usedPercent: Double
        var resetsAt: Timestamp?
    }

    /// Reads what standard input had; nothing of it when it is no JSON.
    init(_ text: String) {
        var reader = JSONReader(Array(text.utf8))
        guard let state = try? reader.value() else { return }
        session = Self.text(state, "session_id")
        model = Self.text(state, "model", "display_name")
        contextPercent = Self.percent(state, "context_window", "used_percentage")
        for (name, member) in [("5h", "five_hour"), ("7d", "seven_day")] {
            guard let used = Self.percent(state, "rate_limits", member, "used_percentage") else { continue }
            let seconds = Self.number(state, "rate_limits", member, "resets_at").flatMap {
                Int64(exactly: $0.rounded())
            }
            limits.append(
                Limit(
                    name: name,
                    usedPercent: used,
                    resetsAt: seconds.flatMap { Timestamp(milliseconds: $0.saturatingMultiplied(by: 1_000)) }
                )
            )
        }
    }

    private static func member(_ value: JSONValue, _ path: [String]) -> JSONValue? {
        path.reduce(value) { value, name in
            if case .object(let members)? = value { members[name] } else { nil }
        }
    }

    private static func text(_ value: JSONValue, _ path: String...) -> String? {
        guard case .string(let text)? = member(value, path), !text.isEmpty else { return nil }
        return String(text.prefix(200))
    }

    private static func number(_ value: JSONValue, _ path: String...) -> Double? {
        guard case .number(let text)? = member(value, path), let number = Double(text), number.isFinite else {
            return nil
        }
        return number
    }

    private static func percent(_ value: JSONValue, _ path: String...) -> Double? {
        guard case .number(let text)? = member(value, path), let number = Double(text), (0...1_000).contains(number)
        else {
            return nil
        }
        return number
    }
}

/// The figures of a status line.
struct StatusLine {
    let document: StatusLineDocument
    var agent = AgentState("")
    let now: Timestamp

    /// What a status line can show.
    enum Part: String, CaseIterable {
        case session, today, block, burn, budget, context, limits, tokens, model

        /// What it shows unless something else is asked for.
        static let usual: [Part] = [.session, .today, .block, .burn, .budget, .context, .limits, .tokens]

        /// Reads names that are divided by commas.
        ///
        /// - Throws: `ValidationError`, which says what can be written instead.
        static func list(_ text: String) throws -> [Part] {
            try text.split(separator: ",").map { name -> Part in
                guard let part = Part(rawValue: String(name)) else {
                    let names = allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("there is no part \"\(name)\"; use \(names)")
                }
                return part
            }
        }
    }

    /// Why there are no figures, short enough for a status bar.
    struct Failure: Error {
        var text: String
    }

    /// Such as `$1.24 session · $8.30 today · $3.10 block, 2h 15m left · $1.20/h · 62% of $200 · 41% context · 5h 38% · 41k tok`.
    func text(_ parts: [Part] = Part.usual, _ style: Style) -> String {
        parts.compactMap { text($0, style) }.joined(separator: " \(style.dot) ")
    }

    private func text(_ part: Part, _ style: Style) -> String? {
        switch part {
        case .session: document.session.map { "\(Self.cost($0, style)) session" }
        case .today: "\(Self.cost(document.today, style)) today"
        case .block: block(style)
        case .burn: document.block?.burnRate.map { "\(Figures.money($0.costPerHour.amount))/h" }
        case .budget: document.budget.map { Self.budget($0, style) }
        case .context: agent.contextPercent.map { Self.warned("\(Int($0.rounded()))% context", $0 >= 80, style) }
        case .limits: limits(style)
        case .tokens: "\(Figures.brief((document.session ?? document.today).figures.tokens)) tok"
        case .model: agent.model?.printable
        }
    }

    private func block(_ style: Style) -> String? {
        guard let block = document.block, let end = Timestamp(iso8601: block.endTime) else { return nil }
        let left = Figures.duration(milliseconds: end.milliseconds - now.milliseconds)
        let cost = block.figures.isUnpriced ? style.none : Figures.money(block.cost.amount)
        return "\(cost) block, \(left) left"
    }

    private static func budget(_ budget: SummaryDocument.Budget, _ style: Style) -> String {
        let fraction = Double(budget.used.amount.nanodollars) / Double(max(1, budget.limit.amount.nanodollars))
        let whole = Figures.money(budget.limit.amount)
        let state = "\(BudgetBar.percent(fraction)) of \(whole.hasSuffix(".00") ? String(whole.dropLast(3)) : whole)"
        return fraction > 1 ? style.bold("\(state)!") : state
    }

    private func limits(_ style: Style) -> String? {
        let texts = agent.limits.map { limit in
            var text = "\(limit.name) \(Int(limit.usedPercent.rounded()))%"
            // What is far from full needs no date.
            if limit.usedPercent >= 80, let reset = limit.resetsAt, reset > now {
                text += ", \(Figures.duration(milliseconds: reset.milliseconds - now.milliseconds)) to reset"
            }
            return Self.warned(text, limit.usedPercent >= 80, style)
        }
        return texts.isEmpty ? nil : texts.joined(separator: " \(style.dot) ")
    }

    private static func warned(_ text: String, _ isNearlyFull: Bool, _ style: Style) -> String {
        isNearlyFull ? style.bold("\(text)!") : text
    }

    private static func cost(_ sums: StatusLineDocument.Sums, _ style: Style) -> String {
        sums.figures.isUnpriced ? style.none : Figures.money(sums.cost.amount)
    }
}
