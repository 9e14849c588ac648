// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import Onboarding

extension OnboardFlow {
    /// Shows what would become of an agent's settings and asks whether it shall.
    func decide(_ agent: Agent, _ destination: Destination) throws -> Decision {
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
                say("  It was left as it is; say --force to replace it.\n")
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

    /// A change as a person sees it.
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

    /// Writes what was decided; a key that is to be made is made now.
    mutating func write(_ decisions: inout [Decision], _ endpoint: EndpointURL, _ key: KeyChoice) throws {
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
            do throws(SettingsFault) {
                if let fault = plan.fault { throw fault }
                for change in plan.changes {
                    try journal.apply(change, subject: decision.agent.rawValue, now: Console.now())
                    say("Wrote \(account.shown(change.file.path)).\n")
                }
                decisions[index].entry.state = .written
            } catch {
                decisions[index].entry.state = .failed
                decisions[index].entry.error = error.description
                decisions[index].entry.exitCode = error.exitCode
                Console.error("hammurabi: \(error)\n")
            }
        }
    }

    /// Settings to paste; no file is looked at.
    mutating func printSettings(_ agents: [Agent], _ endpoint: EndpointURL) -> Int32 {
        let needsKey = options.apiKeyStdin || surroundings.environment["HAMMURABI_API_KEY"] != nil
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

    /// Says what comes next and, where somebody waits, waits for it.
    mutating func conclude(_ endpoint: EndpointURL, _ key: KeyChoice) {
        let written = report.agents.filter { $0.state == .written }.compactMap { Agent(rawValue: $0.name) }
        if !written.isEmpty {
            say("\nBring it all back with: hammurabi onboard --undo\n")
            for agent in written { say("\(agent.title): \(agent.firstRecord).\n") }
            // A collector that was not there just now hears nobody.
            let isThere = report.check == "accepted"
            if isThere, options.wait || questions != nil { waitForFirstRecords(written, endpoint, key) }
        }
        if options.json { Console.answer(json: report.text) }
    }
}

extension Style {
    func green(_ text: String) -> String { hasColor ? "\u{1B}[32m\(text)\u{1B}[0m" : text }

    func red(_ text: String) -> String { hasColor ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
}
