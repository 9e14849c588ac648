// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import Glibc
import Onboarding

/// Onboarding from the first question to the first record.
///
/// Nothing is written before the last question is answered.
struct OnboardFlow {
    let options: OnboardCommand
    let account: Account
    let surroundings: Surroundings
    let graph: PipelineGraph?
    let questions: Questions?
    let files = LocalFiles()
    var report = OnboardReport(endpoint: "", check: "skipped", dryRun: false)

    /// The key that agents will show.
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

        /// Whether variables that a person sets by hand need the key.
        var namesKey: Bool {
            let isRefused = entry.state == .declined || entry.state == .failed || entry.state == .conflict
            return !isRefused && entry.environment.values.contains { $0.contains(EnvironmentVariable.keyPlaceholder) }
        }

        /// Whether all there is to do are such variables.
        var isLeftToPerson: Bool { entry.state == .manual && namesKey }
    }

    var journal: Journal { Journal(home: account.programHome, files: files) }

    var style: Style { Style(isTerminal: Console.isTerminal, environment: surroundings.environment) }

    /// Writes for people; programs get the document at the end.
    func say(_ text: String) {
        if options.json { return }
        // Who is asked must see what about, wherever the answer goes.
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
            Console.error("hammurabi: \(refusal.message)\n")
            return refusal.exitCode
        }
    }

    private mutating func steps() throws -> Int32 {
        if questions == nil, !options.yes, !options.dryRun, !options.print {
            throw Refusal(
                message:
                    "there is nobody to ask; say --yes to write, --dry-run to see what would be written, or --print",
                exitCode: EX_USAGE
            )
        }
        let agents = try chooseAgents()
        if agents.isEmpty, !options.service { return 0 }
        let endpoint = try chooseEndpoint()
        report.endpoint = endpoint.description
        report.dryRun = options.dryRun || options.print
        if options.print { return printSettings(agents, endpoint) }
        let service = options.service ? try planService() : nil
        let key = agents.isEmpty ? .none : try chooseKey(endpoint, agents, serviceFollows: service != nil)
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

    // MARK: - Questions

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
        let items = findings.map { Choice.Item(title: $0.agent.title, remark: remark(on: $0)) }
        let chosen = Set(findings.indices.filter { findings[$0].isPresent && findings[$0].agent != .cursor })
        let answer = try questions.choose(
            "Which agents shall send their telemetry here?",
            Choice(items: items, chosen: chosen)
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

    func destination(_ endpoint: EndpointURL, _ key: KeyChoice) -> Destination {
        let shown: String? =
            switch key {
            case .none: nil
            case .given(let key): key
            // It is made when the last question is answered; a diff does not show it anyway.
            case .make: EnvironmentVariable.keyPlaceholder
            }
        return destination(endpoint, key: shown)
    }

    func destination(_ endpoint: EndpointURL, key: String?) -> Destination {
        let id = (try? surroundings.readFile("/etc/machine-id")).map { String(decoding: $0, as: UTF8.self).trimmed }
        return Destination(
            endpoint: endpoint,
            key: key,
            hostName: surroundings.machineName,
            machineID: id.flatMap { $0.isEmpty ? nil : $0 }
        )
    }
}
