// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Onboarding
import Usage

/// What the store knows, as far as it tells whether agents are heard.
struct HeardAgents: Decodable {
    var sources: [Source]
    /// What a running collector could not take or read; nil in the answer of an older one.
    var intakeProblems: [IntakeProblemLine]?

    struct Source: Decodable {
        var agent: String
        var machine: String
        var sources: [String]
        var lastSeenAt: String
    }

    private static let telemetry: Set<String> = ["otlp_log", "otlp_span", "otlp_metric"]

    /// When an agent's own telemetry was last seen.
    func lastTelemetry(of agent: Agent) -> Timestamp? { last(agent) { !Self.telemetry.isDisjoint(with: $0) } }

    /// When an agent was last seen in session files alone.
    func lastInFiles(of agent: Agent) -> Timestamp? { last(agent) { Self.telemetry.isDisjoint(with: $0) } }

    /// The newest moment of all.
    var newest: Timestamp? { sources.compactMap { Timestamp(iso8601: $0.lastSeenAt) }.max() }

    private func last(_ agent: Agent, _ isMeant: ([String]) -> Bool) -> Timestamp? {
        sources.filter { $0.agent == agent.reportedName && isMeant($0.sources) }
            .compactMap { Timestamp(iso8601: $0.lastSeenAt) }.max()
    }
}

/// What a period cost, as far as it tells whether prices are known.
struct PriceCoverage: Decodable {
    var callCount: Int64
    var unpricedCalls: Int64
    var unpricedModels: [String]

    var finding: Finding {
        guard callCount > 0 else {
            return Finding(check: "prices", level: .ok, message: "no calls in the last 30 days")
        }
        guard unpricedCalls > 0 else {
            return Finding(
                check: "prices",
                level: .ok,
                message: "all \(Figures.grouped(callCount)) calls of 30 days have one"
            )
        }
        let names = unpricedModels.prefix(5).joined(separator: ", ") + (unpricedModels.count > 5 ? ", …" : "")
        return Finding(
            check: "prices",
            level: .warning,
            message:
                "\(Figures.grouped(unpricedCalls)) of \(Figures.grouped(callCount)) calls of the last 30 days have none: \(names)",
            next: "add them under pricing.overrides, or name a newer table as pricing.table"
        )
    }
}

extension Examination {
    /// Each agent's settings against what was heard from it.
    func agents(_ heard: HeardAgents?, endpoint: EndpointURL) -> [Finding] {
        let present = AgentFinding.all(of: account, in: files).filter(\.isPresent)
        if present.isEmpty { return [Finding(check: "agents", level: .ok, message: "none was found on this machine")] }
        return present.map { finding in
            let plan = AgentPlan.make(for: finding.agent, to: Destination(endpoint: endpoint), of: account, in: files)
            return self.finding(plan, heard)
        }
    }

    private func finding(_ plan: AgentPlan, _ heard: HeardAgents?) -> Finding {
        let agent = plan.agent
        func finding(_ level: Finding.Level, _ message: String, _ next: String? = nil) -> Finding {
            Finding(check: agent.rawValue, level: level, message: message, next: next)
        }
        if let fault = plan.fault {
            let isBroken = fault.kind == .badContent
            return finding(
                isBroken ? .error : .warning,
                fault.description.replacing(/[;,] nothing was changed$/, with: "")
            )
        }
        let telemetry = heard?.lastTelemetry(of: agent)
        let inFiles = heard?.lastInFiles(of: agent)
        let onboard = "hammurabi onboard --agent \(agent.rawValue)"
        if let conflict = plan.conflicts.first {
            return finding(
                .warning,
                "sends elsewhere: \(conflict.key) = \(conflict.value)",
                "\(onboard) asks whether to replace it"
            )
        }
        if !plan.hasSettings {
            if let telemetry { return finding(.ok, "last heard \(telemetry.iso8601)") }
            return finding(
                .ok,
                agent == .cursor
                    ? "it has no telemetry to configure"
                    : "it has no settings file; \(onboard) --print shows variables to set"
            )
        }
        if !plan.changes.isEmpty {
            let known = inFiles.map { "; known from session files only, last \($0.iso8601)" } ?? ""
            return finding(.warning, "its settings do not send here" + known, onboard)
        }
        guard heard != nil else { return finding(.ok, "its settings send here") }
        let (level, message) = Self.hearing(telemetry, inFiles)
        return finding(level, message, level == .ok ? nil : agent.firstRecord)
    }

    /// What is to be said of an agent that is configured.
    private static func hearing(_ telemetry: Timestamp?, _ inFiles: Timestamp?) -> (Finding.Level, String) {
        guard let telemetry else {
            let known = inFiles.map { "; it is known from session files, last \($0.iso8601)" } ?? ""
            return (.warning, "its settings send here, but no telemetry has come in 90 days" + known)
        }
        if let inFiles, inFiles.nanoseconds - telemetry.nanoseconds > 86_400_000_000_000 {
            return (.warning, "last heard \(telemetry.iso8601), but its session files go on to \(inFiles.iso8601)")
        }
        return (.ok, "its settings send here; last heard \(telemetry.iso8601)")
    }

    /// A sender's clock that is ahead.
    func senders(_ heard: HeardAgents) -> Finding? {
        guard let newest = heard.newest, newest.nanoseconds > now.nanoseconds + 300_000_000_000 else { return nil }
        return Finding(
            check: "clock",
            level: .warning,
            message: "records came from the future, up to \(newest.iso8601)",
            next: "set the clocks of the machines that send"
        )
    }
}
