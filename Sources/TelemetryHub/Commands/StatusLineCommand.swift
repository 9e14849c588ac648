// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Files
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
            not known is left out. --format takes a template in its place, and extensions.hub.statusline is the one without either. \
            The limits that Claude Code hands over are kept, see `hammurabi limits`, and so are the share of the context and the cost that it names itself, see `hammurabi sessions ID`. It ends with 0 whatever happens. It reads no ./config.yaml, because the directory is that of some project.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Option(
        help: ArgumentHelp("The parts, in their order, divided by commas: session,block,limits.", valueName: "parts"),
        transform: StatusLine.Part.list
    )
    var show: [StatusLine.Part]?

    @Option(
        help: ArgumentHelp(
            "full, short, limits or ccusage, or a text with parts in braces: \"{session} · {limits}\".",
            valueName: "template"
        ),
        transform: StatusLineCommand.template
    )
    var format: StatusLineTemplate?

    @Option(
        help: ArgumentHelp(
            "Whose cost of the session: auto, ccusage (the calls'), cc (the agent's own) or both.",
            valueName: "source"
        )
    )
    var costSource = StatusLine.CostSource.auto

    @Option(
        name: [.customShort("B"), .long],
        help: ArgumentHelp(
            "Marks the burn rate by its tokens a minute: off, emoji, text or emoji-text.",
            valueName: "mark"
        )
    )
    var visualBurnRate = StatusLine.BurnMark.off

    @Option(help: ArgumentHelp("From this share of the context on it is marked.", valueName: "percent"))
    var contextMediumThreshold = 80

    @Option(help: ArgumentHelp("auto, always or never.", valueName: "when"))
    var color = OutputOptions.ColorChoice.auto

    func validate() throws {
        if show != nil, format != nil { throw ValidationError("give either --show or --format, not both") }
        guard (0...100).contains(contextMediumThreshold) else {
            throw ValidationError("--context-medium-threshold is a percentage from 0 to 100")
        }
    }

    private static func template(_ text: String) throws -> StatusLineTemplate {
        do throws(StatusLineTemplate.Problem) {
            return try StatusLineTemplate(text)
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async {
        let environment = Environment.process
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables, color: color)
        let agent = AgentState(Console.isTyped ? "" : Console.input(limit: 262_144, timeout: 100))
        do {
            let (document, template) = try await answer(agent, environment)
            var line = StatusLine(
                document: document,
                agent: agent,
                machine: environment.machineName,
                now: Console.now()
            )
            (line.costSource, line.burnMark) = (costSource, visualBurnRate)
            line.contextBorder = Double(contextMediumThreshold)
            Console.answer(line.text(chosen(template), style) + "\n")
        } catch let failure as StatusLine.Failure {
            Console.answer("hammurabi: \(failure.text)\n")
        } catch is StartError {
            Console.answer("hammurabi: the store cannot be read now\n")
        } catch {
            Console.answer("hammurabi: no numbers now\n")
        }
    }

    /// What to show: as the flags say, else as the configuration does.
    private func chosen(_ configured: String) -> StatusLine.Form {
        if let show { return .parts(show) }
        if let format { return .template(format) }
        guard !configured.isEmpty, let template = try? StatusLineTemplate(configured) else {
            return .parts(StatusLine.Part.usual)
        }
        return .template(template)
    }

    /// The figures of the collector, else of the store, and the template of the configuration.
    private func answer(_ agent: AgentState, _ environment: Environment) async throws -> (StatusLineDocument, String) {
        let query = agent.session.map { [("session", $0)] } ?? []
        let report = agent.report(
            account: agent.limits.isEmpty ? nil : ClaudeAccount.id(environment.variables),
            machine: environment.machineName
        )
        var refusal: StatusLine.Failure?
        if let graph = options.hubForAnyFolder(environment), let hub = graph.hubConfig {
            // No question whether it is there before the first: a status bar is drawn many times a minute.
            let client = graph.client(at: hub.endpoint)
            do throws(CommandFailure) {
                return (try Self.ask(client, report, query), hub.statusline)
            } catch {
                if error.exitCode == Exit.permission {
                    refusal = StatusLine.Failure(text: "the collector wants an API key; put it into HAMMURABI_API_KEY")
                }
            }
        }
        guard let graph = try? options.graphForAnyFolder(environment) else {
            throw StatusLine.Failure(text: "the configuration is wrong; see hammurabi validate")
        }
        do {
            func ask(_ hub: HubConnection) async throws -> StatusLineDocument {
                guard let report else { return try await hub.ask(.statusLine, query).document }
                return try await hub.ask(.statusLineReport, body: report).document
            }
            let document = try await HubConnection.with(.store, of: graph, environment, ask)
            return (document, graph.hubConfig?.statusline ?? "")
        } catch {
            // The store may be locked by the collector; then the collector's own error is reported.
            throw refusal ?? error
        }
    }

    /// Asks a collector, and hands over what the agent says with the same request.
    private static func ask(_ client: CollectorClient, _ report: String?, _ query: [(String, String)])
        throws(CommandFailure) -> StatusLineDocument
    {
        guard let report else { return try client.ask(.statusLine, query, seconds: timeout).document }
        do throws(CommandFailure) {
            return try client.ask(.statusLineReport, body: report, seconds: timeout).document
        } catch {
            // An older collector does not take reports.
            if error.code == "unreachable" || error.exitCode == Exit.permission { throw error }
            return try client.ask(.statusLine, query, seconds: timeout).document
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
    /// How many tokens the context holds.
    var contextWindow: Int64?
    /// What the session has cost by the agent's own reckoning.
    var cost: Money?
    /// How much of the limits of the subscription is used: five hours, then seven days, then others by name.
    var limits: [StatusLineReport.Limit] = []

    /// Reads what standard input had; nothing of it when it is no JSON.
    init(_ text: String) {
        var reader = JSONReader(Array(text.utf8))
        guard let state = try? reader.value() else { return }
        session = Self.text(state, "session_id")
        model = Self.text(state, "model", "display_name")
        contextPercent = Self.percent(state, "context_window", "used_percentage")
        contextWindow = Self.number(state, "context_window", "context_window_size").flatMap { Int64(exactly: $0) }
        cost = Self.number(state, "cost", "total_cost_usd").flatMap { $0 >= 0 ? Money(dollars: $0) : nil }
        guard case .object(let members)? = Self.member(state, ["rate_limits"]) else { return }
        let usual = ["five_hour", "seven_day"]
        for name in usual + members.keys.filter({ !usual.contains($0) }).sorted() {
            guard limits.count < StatusLineReport.most, let value = members[name],
                let used = Self.percent(value, "used_percentage")
            else { continue }
            limits.append(
                StatusLineReport.Limit(
                    name: String(name.prefix(200)),
                    usedPercent: used,
                    windowMinutes: Self.window(of: name),
                    resetsAt: Self.number(value, "resets_at").flatMap { Int64(exactly: $0.rounded()) }
                )
            )
        }
    }

    /// The minutes of a window that a name says.
    private static func window(of name: String) -> Int64? {
        name.hasPrefix("five_hour") ? 300 : name.hasPrefix("seven_day") ? 10_080 : nil
    }

    /// The body that hands what the agent says to a hub; nil when it says nothing that is kept.
    func report(account: String?, machine: String?) -> String? {
        var report = StatusLineReport(agent: "claude-code", session: session)
        (report.account, report.machine, report.limits) = (account, machine, limits)
        (report.contextPercent, report.contextWindow) = (contextPercent, contextWindow)
        report.cost = cost.map(Dollars.init)
        guard !limits.isEmpty || report.reading(reportedAt: Timestamp(nanoseconds: 0)) != nil else { return nil }
        return try? OrderedJSONEncoder.text(of: report)
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

/// The account that Claude Code is logged in to on this machine.
enum ClaudeAccount {
    /// Its file grows with the number of projects.
    private static let largest = 16 << 20

    /// The vendor's id; nil when no account is logged in, or the file cannot be read.
    static func id(_ environment: [String: String]) -> String? {
        let folder = environment["CLAUDE_CONFIG_DIR"].flatMap { $0.isEmpty ? nil : $0 } ?? environment["HOME"] ?? ""
        guard folder.hasPrefix("/"),
            let bytes = try? OwnFile.content(folder + "/.claude.json", largest: largest, followsLinks: true)
        else { return nil }
        return bytes.withUnsafeBufferPointer { bytes -> String? in
            guard let base = bytes.baseAddress else { return nil }
            return try? id(in: JSONScanner(LineBytes(base: base, count: bytes.count)))
        }
    }

    private static func id(in scanner: consuming JSONScanner) throws -> String? {
        guard try scanner.enterObject() else { return nil }
        while let key = try scanner.nextKey() {
            guard key.equals("oauthAccount") else {
                try scanner.skipValue()
                continue
            }
            guard try scanner.enterObject() else { return nil }
            while let key = try scanner.nextKey() {
                if key.equals("accountUuid") { return try scanner.text()?.string }
                try scanner.skipValue()
            }
            return nil
        }
        return nil
    }
}

/// The figures of a status line.
struct StatusLine {
    let document: StatusLineDocument
    var agent = AgentState("")
    /// The machine whose limits are shown.
    var machine: String?
    let now: Timestamp
    var costSource = CostSource.auto
    var burnMark = BurnMark.off
    /// From this share of the context on, in percent, it is marked.
    var contextBorder = 80.0

    typealias Part = StatusLineTemplate.Part

    /// Whose reckoning the cost of the session is, in the words of ccusage.
    enum CostSource: String, ExpressibleByArgument, CaseIterable {
        /// That of the calls, and before they are known the agent's own.
        case auto
        case ccusage, cc, both
    }

    /// How the burn rate is marked, as ccusage does.
    enum BurnMark: String, ExpressibleByArgument, CaseIterable {
        case off, emoji, text
        case emojiText = "emoji-text"

        /// The mark of a rate; the borders are those of ccusage, of input that was not cached and of output.
        func text(tokensPerMinute rate: Double) -> String {
            let (emoji, text) = rate > 5_000 ? ("🚨", "(High)") : rate > 2_000 ? ("⚠️", "(Moderate)") : ("🟢", "(Normal)")
            return switch self {
            case .off: ""
            case .emoji: " \(emoji)"
            case .text: " \(text)"
            case .emojiText: " \(emoji) \(text)"
            }
        }
    }

    /// How parts become a line.
    enum Form {
        /// One after the other, with dots between them.
        case parts([Part])
        case template(StatusLineTemplate)
    }

    /// Why there are no figures, short enough for a status bar.
    struct Failure: Error {
        var text: String
    }

    /// Such as `$1.24 session · $8.30 today · $3.10 block, 2h 15m left · $1.20/h · 62% of $200 · 41% context · 5h 38% · 41k tok`.
    func text(_ parts: [Part] = Part.usual, _ style: Style) -> String { text(.parts(parts), style) }

    /// The line in a form.
    func text(_ form: Form, _ style: Style) -> String {
        switch form {
        case .parts(let parts): parts.compactMap { text($0, style) }.joined(separator: " \(style.dot) ")
        case .template(let template): template.filled { text($0, style) }
        }
    }

    private func text(_ part: Part, _ style: Style) -> String? {
        switch part {
        case .session: session(style)
        case .today: "\(Self.cost(document.today, style)) today"
        case .block: block(style)
        case .burn:
            document.block?.burnRate.map {
                "\(Figures.money($0.costPerHour.amount))/h"
                    + burnMark.text(tokensPerMinute: $0.uncachedTokensPerMinute.double)
            }
        case .budget: document.budget.map { Self.budget($0, style) }
        case .context:
            agent.contextPercent.map { Self.warned("\(Int($0.rounded()))% context", $0 >= contextBorder, style) }
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

    /// What the session has cost: by the hub's prices or, before the hub knows the session, by the agent's own reckoning.
    private func session(_ style: Style) -> String? {
        let known = document.session.map { Self.cost($0, style) }
        let own = agent.cost.map { Figures.money($0) }
        let cost: String? =
            switch costSource {
            case .auto: known ?? own
            case .ccusage: known
            case .cc: own
            case .both: "(\(own ?? style.none) cc / \(known ?? style.none))"
            }
        return cost.map { "\($0) session" }
    }

    /// The limits that the agent handed over, which are the newest; else those that the hub knows.
    ///
    /// Below another agent's figures its name is in front; in the line of Claude Code only its own limits are shown.
    private func limits(_ style: Style) -> String? {
        let own = agent.limits.map { limit in
            let reported = UsageLimit(
                agent: "claude-code",
                name: limit.name,
                usedPercent: limit.usedPercent,
                windowMinutes: limit.windowMinutes,
                resetsAt: limit.resetsAt.flatMap { Timestamp(milliseconds: $0.saturatingMultiplied(by: 1_000)) },
                source: .statusLine,
                reportedAt: now
            )
            return reported.map { LimitsDocument.Limit($0, now: now) }
        }.compactMap(\.self)
        let isClaude = agent.session != nil
        let known = document.limits.filter { limit in
            (!isClaude || limit.agent == "claude-code")
                && (limit.machine == nil || machine == nil || limit.machine == machine)
        }
        let shown = own.isEmpty ? known.filter(\.isCurrent) : own
        let isOfMany = Set(shown.map(\.agent)).count > 1
        let texts = shown.prefix(6).map { limit in
            let used = limit.usedPercent.double
            var text =
                "\(isOfMany ? limit.agent.printable + " " : "")\(limit.title.printable) \(LimitsReport.percent(limit.usedPercent))"
            // What is far from full needs no date.
            if used >= 80, let reset = limit.resetsAt.flatMap({ Timestamp(iso8601: $0) }), reset > now {
                text += ", \(Figures.duration(milliseconds: reset.milliseconds - now.milliseconds)) to reset"
            }
            return Self.warned(text, used >= 80, style)
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

extension StatusLineTemplate.Part {
    /// Reads names that are divided by commas.
    ///
    /// - Throws: `ValidationError`, which says what can be written instead.
    static func list(_ text: String) throws -> [Self] {
        try text.split(separator: ",").map { name -> Self in
            guard let part = Self(rawValue: String(name)) else {
                throw ValidationError("there is no part \"\(name)\"; use \(names)")
            }
            return part
        }
    }
}
