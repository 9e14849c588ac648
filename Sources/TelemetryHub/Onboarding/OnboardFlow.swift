// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import Onboarding
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The dialogue of onboarding, from the first question to the first record.
///
/// Writes nothing before the last question is answered.
struct OnboardFlow {
    let options: OnboardCommand
    let account: Account
    let environment: Environment
    let graph: PipelineGraph?
    let questions: Prompt?
    let files = LocalFiles()
    var report = OnboardReport(endpoint: "", check: "skipped", dryRun: false)
    /// The command for the status line of agents; nil to leave status lines alone.
    private var statusLine: String?

    init(
        options: OnboardCommand,
        account: Account,
        environment: Environment,
        graph: PipelineGraph?,
        questions: Prompt?
    ) {
        (self.options, self.account, self.environment) = (options, account, environment)
        (self.graph, self.questions) = (graph, questions)
    }

    /// The key that agents will send.
    enum KeyChoice {
        case none
        case given(String)
        case make(KeyIssuer)
    }

    /// An agent whose settings are to be written.
    struct Decision {
        var agent: Agent
        var entry: OnboardReport.Entry
        var overriding: Bool
        var isWanted: Bool

        /// Whether the user must set variables by hand that hold the key.
        var namesKey: Bool {
            let isRefused = entry.state == .declined || entry.state == .failed || entry.state == .conflict
            return !isRefused && entry.environment.values.contains { $0.contains(EnvironmentVariable.keyPlaceholder) }
        }

        /// Whether such variables are all there is to do.
        var isLeftToPerson: Bool { entry.state == .manual && namesKey }
    }

    /// The subject of the changes for a service of the machine.
    static let systemSubject = "system-service"

    var changeLog: ChangeLog {
        let home = options.system ? SystemServiceFlow(flow: self).service.journalHome : account.programHome
        return ChangeLog(home: home, files: files)
    }

    var style: Style { Style(isTerminal: Console.isTerminal, environment: environment.variables) }

    /// Prints a text for people; programs get the document at the end.
    func say(_ text: String) {
        if options.json { return }
        // The user must see what a question is about, even when the answer goes to a file.
        if questions != nil, !Console.isTerminal { Console.error(text) } else { Console.answer(text) }
    }

    /// A reason to stop, with its exit code.
    struct Refusal: Error {
        var message: String
        var exitCode: Int32
    }

    /// Returns the exit code.
    mutating func run() throws -> Int32 {
        do {
            return try steps()
        } catch let refusal as Refusal {
            if options.json {
                report.check = refusal.message
                Console.answer(json: report.text)
            }
            Console.prose("hammurabi: \(refusal.message)\n")
            return refusal.exitCode
        }
    }

    private mutating func steps() throws -> Int32 {
        if questions == nil, !options.yes, !options.dryRun, !options.print {
            throw Refusal(
                message:
                    "questions need a terminal; use --yes to write, --dry-run to see what would be written, or --print",
                exitCode: EX_USAGE
            )
        }
        if options.system {
            report.dryRun = options.dryRun || options.print
            try SystemServiceFlow(flow: self).run(&report)
            if options.json { Console.answer(json: report.text) }
            return report.exitCode
        }
        let agents = try chooseAgents()
        if agents.isEmpty, !options.service { return 0 }
        let endpoint = try chooseEndpoint()
        report.endpoint = endpoint.description
        report.dryRun = options.dryRun || options.print
        if options.print {
            if options.statusline == true { statusLine = statusLineCommand }
            return printSettings(agents, endpoint)
        }
        let service = options.service ? try planService() : nil
        let key = agents.isEmpty ? .none : try chooseKey(endpoint, agents, serviceFollows: service != nil)
        try chooseStatusLine(agents, endpoint, key)
        var decisions: [Decision] = []
        for agent in agents { decisions.append(try decide(agent, destination(endpoint, key))) }
        if !options.dryRun {
            if let service { try install(service, endpoint) }
            try write(&decisions, endpoint, key)
        }
        report.agents = decisions.map(\.entry)
        conclude(endpoint, key)
        return report.exitCode
    }

    // MARK: - Prompt

    private func chooseAgents() throws -> [Agent] {
        guard options.agents.isEmpty else {
            return options.agents.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        if options.service { return [] }
        let findings = AgentFinding.all(of: account, in: files)
        let present = findings.filter(\.isPresent).map(\.agent)
        if options.print { return present.isEmpty ? Agent.allCases : present }
        guard let questions else {
            guard !present.isEmpty else {
                let names = Agent.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refusal(
                    message:
                        "no coding agent was found; name one with --agent: \(names)",
                    exitCode: Exit.inputMissing
                )
            }
            return present
        }
        let items = findings.map { MultiSelect.Item(title: $0.agent.title, remark: remark(on: $0)) }
        let chosen = Set(findings.indices.filter { findings[$0].isPresent && findings[$0].agent.sendsTelemetry })
        let answer = try questions.choose(
            "Which agents shall send their telemetry here?",
            MultiSelect(items: items, chosen: chosen)
        )
        if answer.isEmpty { say("No agent was chosen; nothing was changed.\n") }
        return answer.sorted().map { findings[$0].agent }
    }

    private func remark(on finding: AgentFinding) -> String {
        let signs = [finding.program, finding.sessions ?? finding.settings].compactMap { $0.map(account.shown) }
        return signs.isEmpty ? "not found" : signs.joined(separator: ", ")
    }

    private func chooseEndpoint() throws -> EndpointURL {
        if let named = options.endpoint.flatMap(EndpointURL.init) { return named }
        let usual = graph?.endpointForAgents ?? EndpointURL(loopbackPort: Endpoint.otlpHTTP.port)
        guard let questions, !options.service else { return usual }
        let answer = try questions.text("Where shall they send to?", default: usual.description) {
            EndpointURL($0) == nil ? "Write http://host:port, such as http://127.0.0.1:4318." : nil
        }
        return EndpointURL(answer) ?? usual
    }

    private func destination(_ endpoint: EndpointURL, _ key: KeyChoice) -> Destination {
        let shown: String? =
            switch key {
            case .none: nil
            case .given(let key): key
            // The key is created when the last question is answered; a diff does not show it anyway.
            case .make: EnvironmentVariable.keyPlaceholder
            }
        return destination(endpoint, key: shown)
    }

    private func destination(_ endpoint: EndpointURL, key: String?) -> Destination {
        let id = (try? environment.readFile("/etc/machine-id")).map { String(decoding: $0, as: UTF8.self).trimmed }
        return Destination(
            endpoint: endpoint,
            key: key,
            hostName: environment.machineName,
            machineID: id.flatMap { $0.isEmpty ? nil : $0 },
            statusLine: statusLine
        )
    }

    /// Asks whether agents shall show cost and limits in their status lines, where they have none yet.
    ///
    /// Only where the collector is this machine's, because the command asks that one.
    private mutating func chooseStatusLine(_ agents: [Agent], _ endpoint: EndpointURL, _ key: KeyChoice) throws {
        guard options.statusline != false else { return }
        let isWanted = options.statusline == true
        guard isWanted || (questions != nil && endpoint.isLoopback) else { return }
        let plans = agents.map { AgentPlan.make(for: $0, to: destination(endpoint, key), of: account, in: files) }
        let isPossible = plans.contains { $0.statusLine == .none && $0.fault == nil }
        guard isWanted || isPossible else { return }
        guard try isWanted || questions?.confirm(Self.statusLineQuestion, default: true) == true else { return }
        statusLine = statusLineCommand
    }

    private static let statusLineQuestion = "Show cost, block and limits in the status line of Claude Code?"

    /// The command as a shell runs it: by its name where the search path has it, else by its path.
    private var statusLineCommand: String {
        let program = Self.thisProgram
        let folders = (environment.variables["PATH"] ?? "").split(separator: ":")
        let isOnPath = folders.contains { folder in
            guard let found = realpath("\(folder)/hammurabi", nil) else { return false }
            defer { free(found) }
            return String(cString: found) == program
        }
        if isOnPath || program.isEmpty { return "hammurabi statusline" }
        let isPlain = program.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "/._-+".utf8.contains(byte)
        }
        return (isPlain ? program : "'" + program.replacing("'", with: #"'\''"#) + "'") + " statusline"
    }

    /// The path of the program that runs; empty when the system does not say.
    static var thisProgram: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        #if canImport(Darwin)
        var size = UInt32(buffer.count)
        let length = _NSGetExecutablePath(&buffer, &size) == 0 ? strlen(buffer) : 0
        #else
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        #endif
        return String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

// MARK: - Agents

extension OnboardFlow {
    /// Shows how an agent's settings would change and asks for confirmation.
    private func decide(_ agent: Agent, _ destination: Destination) throws -> Decision {
        var overriding = options.force
        var plan = AgentPlan.make(for: agent, to: destination, of: account, in: files, overriding: overriding)
        var decision = Decision(agent: agent, entry: entry(plan), overriding: overriding, isWanted: false)
        say("\n\(style.bold(agent.title))\n")
        defer { sayRest(plan) }
        if let fault = plan.fault {
            Console.error("  \(fault)\n")
            return decision
        }
        if !plan.conflicts.isEmpty, !overriding {
            for conflict in plan.conflicts {
                say(
                    "  \(account.shown(conflict.path)) sends elsewhere: \(conflict.key) = \(conflict.value.printable)\n"
                )
            }
            guard let questions else {
                say("  It was left unchanged; use --force to replace it.\n")
                return decision
            }
            guard try questions.confirm("  Send here instead?", default: false) else {
                decision.entry.state = .declined
                decision.entry.exitCode = 0
                return decision
            }
            overriding = true
            plan = AgentPlan.make(for: agent, to: destination, of: account, in: files, overriding: true)
            decision.entry = entry(plan)
            decision.overriding = true
        }
        if plan.changes.isEmpty {
            say(plan.hasSettings ? "  Its settings are right already.\n" : "")
            return decision
        }
        for change in plan.changes { say(shown(change)) }
        if options.dryRun { return decision }
        decision.isWanted = try questions?.confirm("  Write this?", default: true) ?? true
        if !decision.isWanted { decision.entry.state = .declined }
        return decision
    }

    private func sayRest(_ plan: AgentPlan) {
        for note in plan.notes { say("  Note: \(note).\n") }
        guard !plan.environment.isEmpty else { return }
        say("  Variables to set by hand:\n")
        for variable in plan.environment { say("    \(variable.line)\n") }
    }

    private func entry(_ plan: AgentPlan) -> OnboardReport.Entry {
        var entry = OnboardReport.Entry(name: plan.agent.rawValue, state: .wouldWrite)
        entry.files = plan.changes.map {
            OnboardReport.File(path: $0.file.path, isNew: $0.file.content == nil, diff: Diff($0).text)
        }
        entry.conflicts = plan.conflicts.map { OnboardReport.Conflict(path: $0.path, key: $0.key, value: $0.value) }
        entry.notes = plan.notes
        entry.environment = Dictionary(plan.environment.map { ($0.name, $0.value) }) { $1 }
        if let fault = plan.fault {
            entry.state = .failed
            entry.error = fault.description
            entry.exitCode = fault.exitCode
        } else if plan.changes.isEmpty {
            let isConflict = !plan.conflicts.isEmpty
            entry.state = isConflict ? .conflict : plan.hasSettings ? .unchanged : .manual
            entry.exitCode = isConflict ? Exit.checkSaidNo : 0
        }
        return entry
    }

    /// A change as shown to the user.
    func shown(_ change: FileChange) -> String {
        let kind = change.file.content == nil ? " (new)" : ""
        let link = change.file.path == change.file.target ? "" : " → \(account.shown(change.file.target))"
        let lines = Diff(change).lines.map { line in
            let text = line.text.printable
            switch line.kind {
            case .added: return style.green("+" + text)
            case .removed: return style.red("-" + text)
            case .same: return " " + text
            case .place: return style.dim(text)
            }
        }
        let mode =
            change.file.mode.map {
                $0 == change.mode ? "" : ", mode \(String($0, radix: 8)) becomes \(String(change.mode, radix: 8))"
            } ?? ""
        return "  \(account.shown(change.file.path))\(link)\(kind)\(mode)\n" + lines.map { "  \($0)\n" }.joined()
    }

    // MARK: - Writing

    /// Writes the confirmed changes; a new key is created now.
    private mutating func write(_ decisions: inout [Decision], _ endpoint: EndpointURL, _ key: KeyChoice) throws {
        guard decisions.contains(where: { $0.isWanted || $0.isLeftToPerson }) else { return }
        var made: String?
        if case .make(let issuer) = key {
            let new = try makeKey(issuer, endpoint)
            if decisions.contains(where: \.namesKey) {
                say("The variables above need it. It is shown this once: \(new)\n")
            }
            made = new
        }
        say("\n")
        for index in decisions.indices where decisions[index].isWanted {
            let decision = decisions[index]
            let target = made.map { destination(endpoint, key: $0) } ?? destination(endpoint, key)
            let plan = AgentPlan.make(
                for: decision.agent,
                to: target,
                of: account,
                in: files,
                overriding: decision.overriding
            )
            do throws(SettingsError) {
                if let fault = plan.fault { throw fault }
                for change in plan.changes {
                    try changeLog.apply(change, subject: decision.agent.rawValue, now: Console.now())
                    say("Wrote \(account.shown(change.file.path)).\n")
                }
                decisions[index].entry.state = .written
            } catch {
                decisions[index].entry.state = .failed
                decisions[index].entry.error = error.description
                decisions[index].entry.exitCode = error.exitCode
                Console.prose("hammurabi: \(error)\n")
            }
        }
    }

    /// Prints settings to paste; reads no file.
    private mutating func printSettings(_ agents: [Agent], _ endpoint: EndpointURL) -> Int32 {
        let needsKey = options.apiKeyStdin || environment.variables["HAMMURABI_API_KEY"] != nil
        let target = destination(endpoint, key: needsKey ? EnvironmentVariable.keyPlaceholder : nil)
        for agent in agents {
            let plan = AgentPlan.fromNothing(for: agent, to: target, of: account)
            var entry = entry(plan)
            entry.state = .manual
            entry.files = plan.changes.map {
                OnboardReport.File(path: $0.file.path, isNew: true, diff: String(decoding: $0.content, as: UTF8.self))
            }
            say("\(style.bold("# " + agent.title))\n")
            for file in entry.files { say("# merge into \(account.shown(file.path))\n\(file.diff)") }
            for variable in plan.environment { say(variable.line + "\n") }
            for note in plan.notes { say("# \(note)\n") }
            say("\n")
            report.agents.append(entry)
        }
        if options.service, let unit = try? serviceUnit() {
            say("# \(account.shown(ServiceUnit.path(of: account)))\n\(unit.text)")
        }
        if options.json { Console.answer(json: report.text) }
        return 0
    }

    // MARK: - The end

    /// Prints the next steps and, on a terminal, waits for the first records.
    private mutating func conclude(_ endpoint: EndpointURL, _ key: KeyChoice) {
        let written = report.agents.filter { $0.state == .written }.compactMap { Agent(rawValue: $0.name) }
        if !written.isEmpty {
            say("\nUndo all of it with: hammurabi onboard --undo\n")
            for agent in written { say("\(agent.title): \(agent.firstRecord).\n") }
            // A collector that did not answer the check receives nothing.
            let isThere = report.check == "accepted"
            if isThere, options.wait || questions != nil { waitForFirstRecords(written, endpoint, key) }
        }
        if options.json { Console.answer(json: report.text) }
    }
}

extension Style {
    func green(_ text: String) -> String { hasColor ? "\u{1B}[32m\(text)\u{1B}[0m" : text }

    func yellow(_ text: String) -> String { hasColor ? "\u{1B}[33m\(text)\u{1B}[0m" : text }

    func red(_ text: String) -> String { hasColor ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
}

// MARK: - Key

extension OnboardFlow {
    /// The key from standard input or the environment; nil when there is none.
    private func givenKey() throws -> String? {
        let text: String?
        if options.apiKeyStdin {
            text = readLine(strippingNewline: true)
            if text?.trimmed.isEmpty != false {
                throw Refusal(message: "standard input holds no key", exitCode: Exit.inputMissing)
            }
        } else {
            text = environment.variables["HAMMURABI_API_KEY"].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let key = text?.trimmed else { return nil }
        if let fault = Self.fault(of: key) { throw Refusal(message: fault, exitCode: Exit.badInput) }
        return key
    }

    /// Why a text is not a valid key; the text itself is not shown.
    private static func fault(of key: String) -> String? {
        let isPlain =
            key.utf8.count <= 1_024 && key.utf8.allSatisfy { $0 > 32 && $0 < 127 && !",\"\\".utf8.contains($0) }
        return isPlain ? nil : "a key is one word of at most 1024 visible ASCII characters, without commas and quotes"
    }

    /// Determines which key the collector requires, by sending a record.
    private mutating func chooseKey(_ endpoint: EndpointURL, _ agents: [Agent], serviceFollows: Bool) throws
        -> KeyChoice
    {
        var key = try givenKey()
        if options.dryRun || options.noCheck { return key.map(KeyChoice.given) ?? .none }
        var known = key == nil ? knownKeys(endpoint, agents) : []
        let wasKnown = Set(known)
        while true {
            let check = EndpointCheck.run(endpoint, key: key, now: Console.now())
            let choice = key.map(KeyChoice.given) ?? .none
            switch check {
            case .accepted:
                report.check = "accepted"
                say("\(endpoint) takes telemetry: a record was sent and accepted.\n")
                return choice
            case .keyNeeded, .keyRefused:
                if let next = known.popLast() {
                    key = next
                    continue
                }
                if key == nil || key.map(wasKnown.contains) == true, let made = try offerKey() { return made }
                key = try askForKey(endpoint, check)
            case .noAnswer(let reason): return try goOnUnchecked(reason, choice, serviceFollows)
            case .noCollector(let status):
                throw Refusal(
                    message:
                        "what answers at \(endpoint) takes no OTLP (status \(status)); name the collector with --endpoint",
                    exitCode: Exit.unreachable
                )
            }
        }
    }

    private func offerKey() throws -> KeyChoice? {
        guard let issuer = KeyIssuer.local(graph, environment) else { return nil }
        let isWanted =
            try questions?.confirm("The collector requires a key. Create one for these agents?", default: true) ?? true
        return isWanted ? .make(issuer) : nil
    }

    /// Keys that the agents' settings hold already for this address, so that a second run creates no second key.
    private func knownKeys(_ endpoint: EndpointURL, _ agents: [Agent]) -> [String] {
        let plans = agents.map {
            AgentPlan.make(for: $0, to: destination(endpoint, key: nil), of: account, in: files)
        }
        return Array(Set(plans.compactMap(\.currentKey).filter { Self.fault(of: $0) == nil }))
    }

    /// Creates the key and sends a record with it; a key that the collector does not accept is revoked.
    private mutating func makeKey(_ issuer: KeyIssuer, _ endpoint: EndpointURL) throws -> String {
        let new: NewKey
        do throws(StartError) {
            new = try issuer.create("agents on \(environment.machineName ?? "this machine")")
        } catch {
            throw Refusal(message: "no key could be made: \(error)", exitCode: error.exitCode)
        }
        // The collector reads the file of keys once a second.
        for _ in 0..<20 {
            if EndpointCheck.run(endpoint, key: new.key, now: Console.now()) == .accepted {
                report.check = "accepted"
                say(
                    "\nMade a key for \(new.record.name): \(new.record.prefix)…; "
                        + "hammurabi keys revoke \(new.record.id) takes it back.\n"
                )
                return new.key
            }
            usleep(250_000)
        }
        try? issuer.revoke(new)
        throw Refusal(
            message: "\(endpoint) does not take a key that was made for it: is it the collector of this configuration? "
                + "No settings were changed",
            exitCode: Exit.permission
        )
    }

    private func askForKey(_ endpoint: EndpointURL, _ check: EndpointCheck) throws -> String {
        var reason = "it requires a key"
        if case .keyRefused(let why) = check { reason = why }
        guard let questions else {
            throw Refusal(
                message: "\(endpoint): \(reason); give one with --api-key-stdin or HAMMURABI_API_KEY",
                exitCode: Exit.permission
            )
        }
        Console.error("\(endpoint): \(reason).\n")
        return try questions.text("Key (it is not shown)", isSecret: true) { Self.fault(of: $0) }
    }

    private func goOnUnchecked(_ reason: String, _ key: KeyChoice, _ serviceFollows: Bool) throws -> KeyChoice {
        if serviceFollows { return key }
        let advice = "start the collector (hammurabi run, or hammurabi onboard --service), or use --no-check"
        guard let questions else {
            throw Refusal(message: "\(reason); \(advice)", exitCode: Exit.unreachable)
        }
        Console.prose("hammurabi: \(reason)\n")
        guard try questions.confirm("Write the settings all the same?", default: false) else {
            throw Refusal(message: "\(reason); \(advice); nothing was changed", exitCode: Exit.unreachable)
        }
        return key
    }
}

// MARK: - Service

extension OnboardFlow {
    /// The unit of a service that runs this program.
    private func serviceUnit() throws -> ServiceUnit {
        let program = Self.thisProgram
        let home = account.programHome
        guard let unit = ServiceUnit(program: program, config: home + "/config.yaml", home: home) else {
            throw Refusal(
                message: "\(program), \(home): a service needs absolute paths on one line; set HAMMURABI_HOME to one",
                exitCode: Exit.badInput
            )
        }
        return unit
    }

    /// Shows what installing the service writes, and asks; nil when nothing is to be installed.
    private mutating func planService() throws -> [FileChange]? {
        let unit = try serviceUnit()
        let changes = try unit.changes(account: account, defaultConfig: ConfigOptions.builtIn, in: files)
        var entry = OnboardReport.Entry(name: "service", state: changes.isEmpty ? .unchanged : .wouldWrite)
        entry.files = changes.map {
            OnboardReport.File(path: $0.file.path, isNew: $0.file.content == nil, diff: Diff($0).text)
        }
        defer { report.service = entry }
        say("\(style.bold("Service"))\n")
        for change in changes { say(shown(change)) }
        guard Systemctl.isThere(environment) else {
            entry.notes = ["systemd does not serve this user here"]
            entry.state = .manual
            entry.exitCode = options.dryRun ? 0 : Exit.checkSaidNo
            say(
                "  systemd does not serve this user here: start hammurabi run with this system's own service manager.\n"
            )
            return nil
        }
        if options.dryRun { return nil }
        if let questions {
            let question = changes.isEmpty ? "  Start the service?" : "  Write this and start the service?"
            guard try questions.confirm(question, default: true) else {
                entry.state = .declined
                return nil
            }
        }
        return changes
    }

    /// Writes the unit and starts the service.
    private mutating func install(_ changes: [FileChange], _ endpoint: EndpointURL) throws {
        for change in changes {
            try changeLog.apply(change, subject: "service", now: Console.now())
            say("Wrote \(account.shown(change.file.path)).\n")
        }
        if changes.isEmpty, Systemctl.run(["is-active", "--quiet", ServiceUnit.name], isQuiet: true) {
            return say("The service runs already.\n")
        }
        if report.service?.state == .wouldWrite { report.service?.state = .written }
        let isStarted =
            Systemctl.run(["daemon-reload"]) && Systemctl.run(["enable", ServiceUnit.name])
            && Systemctl.run(["restart", ServiceUnit.name])
        guard isStarted else {
            report.service?.state = .failed
            report.service?.exitCode = Exit.unreachable
            return Console.prose("hammurabi: the service did not start; see journalctl --user -u \(ServiceUnit.name)\n")
        }
        say(
            """
            The collector runs as a service at \(endpoint).
              its log:  journalctl --user -u \(ServiceUnit.name)
              stop it:  systemctl --user stop \(ServiceUnit.name)
              remove:   hammurabi onboard --undo --service
              without a login it needs: loginctl enable-linger

            """
        )
    }
}

/// Runs `systemctl` for the user's systemd.
enum Systemctl {
    /// Whether systemd serves this user.
    static func isThere(_ environment: Environment) -> Bool {
        environment.fileExists("/run/systemd/system") && run(["show-environment"], isQuiet: true)
    }

    /// Runs `systemctl --user` with arguments; whether it succeeded.
    @discardableResult
    static func run(_ arguments: [String], isQuiet: Bool = false) -> Bool {
        Program.run(["systemctl", "--user"] + arguments, isQuiet: isQuiet)
    }
}

/// Runs other programs.
enum Program {
    /// Runs a program of the search path with arguments and without input; whether it succeeded.
    @discardableResult
    static func run(_ words: [String], isQuiet: Bool = false) -> Bool {
        // Its messages would mix with the answer.
        let child = try? ChildProgram(words, sharesErrors: !isQuiet)
        return (try? child?.wait()) == .exited(0)
    }
}

// MARK: - Undo

extension OnboardFlow {
    /// Restores files; returns the exit code.
    mutating func undo() throws -> Int32 {
        var subjects = Set(options.agents.map(\.rawValue))
        if options.service { subjects.insert(options.system ? Self.systemSubject : "service") }
        let planned = try changeLog.undo(subjects, force: options.force, pretend: true, now: Console.now())
        if planned.isEmpty {
            if options.json { Console.answer(json: document([])) }
            say("There is nothing to undo.\n")
            return 0
        }
        if options.dryRun { return printUndone(planned, pretend: true) }
        if let questions {
            for item in planned { Console.error("  \(account.shown(item.path)): \(sentence(item, pretend: true))\n") }
            guard try questions.confirm("Bring these files back?", default: true) else { return 0 }
        }
        let removesService = planned.contains { $0.subject == "service" && $0.result == .removed }
        if removesService, Systemctl.isThere(environment) {
            Systemctl.run(["disable", "--now", ServiceUnit.name])
        }
        let system = options.system ? SystemServiceFlow(flow: self) : nil
        system?.stop()
        let undone = try changeLog.undo(subjects, force: options.force, now: Console.now())
        defer { system?.conclude() }
        if removesService, Systemctl.isThere(environment) { Systemctl.run(["daemon-reload"]) }
        return printUndone(undone, pretend: false)
    }

    private func printUndone(_ items: [ChangeLog.Undone], pretend: Bool) -> Int32 {
        if options.json { Console.answer(json: document(items)) }
        var code: Int32 = 0
        for item in items {
            let line = "\(account.shown(item.path)): \(sentence(item, pretend: pretend))\n"
            switch item.result {
            case .restored, .removed: say(line)
            case .changedSince:
                if !options.json { Console.error(line) }
                code = code == 0 ? Exit.checkSaidNo : code
            case .failed(let fault):
                if !options.json { Console.error(line) }
                code = code == 0 ? fault.exitCode : code
            }
        }
        return code
    }

    private func sentence(_ item: ChangeLog.Undone, pretend: Bool) -> String {
        switch item.result {
        case .restored: pretend ? "would be as it was before" : "is as it was before"
        case .removed: pretend ? "was not there before and would be removed" : "was not there before and is removed"
        case .changedSince:
            "was changed since, so it was left as it is; --force restores it and keeps a copy of what it holds"
        case .failed(let fault): fault.description
        }
    }

    private func document(_ items: [ChangeLog.Undone]) -> String {
        struct Item: Encodable {
            var name: String
            var path: String
            var state: String
            var error: String?
        }
        let list = items.map { item in
            switch item.result {
            case .restored: Item(name: item.subject, path: item.path, state: "restored")
            case .removed: Item(name: item.subject, path: item.path, state: "removed")
            case .changedSince: Item(name: item.subject, path: item.path, state: "changedSince")
            case .failed(let fault):
                Item(name: item.subject, path: item.path, state: "failed", error: fault.description)
            }
        }
        return JSONText.indented(["files": list])
    }
}

// MARK: - Waiting

extension OnboardFlow {
    /// How long to wait for agents, in seconds.
    private static let timeout: Int64 = 120

    /// Waits until telemetry from each agent has arrived, the user presses a key, or two minutes have passed.
    private mutating func waitForFirstRecords(_ agents: [Agent], _ endpoint: EndpointURL, _ key: KeyChoice) {
        var client = CollectorClient(endpoint)
        let issuer = endpoint.isLoopback ? KeyIssuer.local(graph, environment) : nil
        // Ctrl-C ends the wait, and the key that was created for it is revoked.
        EndSignal.hold()
        let reader = try? issuer?.createReader()
        defer {
            if let reader { try? issuer?.revoke(reader) }
            EndSignal.release()
        }
        if let reader { client.key = reader.key } else if case .given(let given) = key { client.key = given }
        let start = Console.now()
        let records = FirstRecords(client: client, since: start)
        var missing = agents
        say(
            "Waiting for their first records, at most two minutes\(questions == nil ? "" : "; press enter to stop waiting")…\n"
        )
        // The collector reads the file of keys once a second.
        if reader != nil { usleep(500_000) }
        while !missing.isEmpty, !pause(), Console.now().nanoseconds - start.nanoseconds < Self.timeout * 1_000_000_000 {
            for agent in missing {
                do throws(CommandFailure) {
                    guard let seen = try records.lastSeen(agent) else { continue }
                    missing.removeAll { $0 == agent }
                    say("\(agent.title): first telemetry at \(seen.iso8601).\n")
                    note(seen.iso8601, for: agent)
                } catch {
                    return say(
                        "Whether their telemetry arrived is not known: \(error.message). Run hammurabi doctor.\n"
                    )
                }
            }
        }
        for agent in missing {
            say("\(agent.title): no telemetry yet. Run hammurabi doctor later to check again.\n")
        }
    }

    private mutating func note(_ time: String, for agent: Agent) {
        guard let index = report.agents.firstIndex(where: { $0.name == agent.rawValue }) else { return }
        report.agents[index].firstRecordAt = time
    }

    /// Waits a second; whether the user wants to stop waiting.
    private func pause() -> Bool {
        guard let questions else {
            usleep(1_000_000)
            return EndSignal.number != nil
        }
        switch questions.keyboard.key(within: 1_000) {
        case .enter, .interrupt, .escape, .sign("q"): return true
        default: return false
        }
    }
}
