// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import Collector
import CollectorKit
import FoundationEssentials
import HubAPI
import HubExtension
import OTLPReceiver
import Onboarding
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Checks everything that collecting needs: configuration, address, service, files, disk, clock.
struct DoctorChecks {
    let environment: Environment
    let account: Account
    /// The graph; nil when the configuration has errors.
    let graph: PipelineGraph?
    let configurationErrors: Int
    let now: Timestamp
    let files = LocalFiles()

    var home: String { environment.programHome }

    /// What can be said without data.
    var findings: [Finding] { [configuration] + addresses + [service] + stores + permissions + [space, clock] }

    private var configuration: Finding {
        guard graph == nil else { return Finding(check: "configuration", level: .ok, message: "it can be used") }
        return Finding(
            check: "configuration",
            level: .error,
            message:
                "\(configurationErrors) \(configurationErrors == 1 ? "error" : "errors"): a collector would not start",
            next: "hammurabi validate shows each with its place"
        )
    }

    // MARK: - Addresses

    private var addresses: [Finding] {
        guard let graph else { return [] }
        let agents = graph.endpointForAgents
        let receiver = Endpoint(host: agents.host, port: agents.port)
        let hub = graph.used(.extension).lazy.compactMap { ($0.config as? HubConfig)?.endpoint }.first
        let calls = graph.used(.receiver).lazy.compactMap { ($0.config as? OTLPConfig)?.protocols.grpc?.endpoint }.first
        let more = calls.flatMap { $0.port == receiver.port ? nil : callAddress($0) }.map { [$0] } ?? []
        guard let hub, hub.port != receiver.port else { return [address(receiver, isHub: hub != nil)] + more }
        return [address(receiver, isHub: false), address(hub, isHub: true)] + more
    }

    /// The address of gRPC, which a running collector does without when another program has it; nil while it is free.
    private func callAddress(_ endpoint: Endpoint) -> Finding? {
        guard let listener = ListeningProcess.at(port: endpoint.port) else { return nil }
        let name = "port \(endpoint.port)"
        let client = graph?.client(at: endpoint) ?? CollectorClient(endpoint: endpoint)
        if (try? client.send("GET", "/v1/logs", seconds: 2))?.status == 405 {
            return Finding(check: name, level: .ok, message: "a collector takes gRPC at \(endpoint)")
        }
        let who = listener.process.map { "\($0.name) (process \($0.id))" } ?? "a program of another user"
        return Finding(
            check: name,
            level: .warning,
            message: "\(who) listens there: calls of gRPC to this port do not reach the collector",
            next: "let senders use the port of http, which takes gRPC, too, or stop that program"
        )
    }

    private func address(_ endpoint: Endpoint, isHub: Bool) -> Finding {
        let name = "port \(endpoint.port)"
        let client = graph?.client(at: endpoint) ?? CollectorClient(endpoint: endpoint)
        let listener = ListeningProcess.at(port: endpoint.port)
        let isOurs = isHub ? client.isThere : (try? client.send("GET", "/v1/logs", seconds: 2))?.status == 405
        if isOurs { return Finding(check: name, level: .ok, message: "a collector answers at \(endpoint)") }
        guard let listener else {
            return Finding(
                check: name,
                level: .warning,
                message: "it is free: no collector runs",
                next: "hammurabi run starts one, hammurabi onboard --service makes it a service"
            )
        }
        let who = listener.process.map { "\($0.name) (process \($0.id))" } ?? "a program of another user"
        return Finding(
            check: name,
            level: .error,
            message: "\(who) listens there and is not a collector",
            next: "stop it, or choose another address in the configuration"
        )
    }

    // MARK: - Stores of agents

    /// Which agents have files of sessions here, and whether they are read; nothing where there are none.
    private var stores: [Finding] {
        guard let graph else { return [] }
        let readers = graph.used(.receiver).compactMap { $0.config as? AgentSessionsConfig }
        let configs = readers.isEmpty ? [AgentSessionsConfig()] : readers
        let found = configs.flatMap { StoreFiles.found($0, environment: environment.variables) }
        guard !found.isEmpty else { return [] }
        let names = found.map {
            "\($0.title) (\(Figures.grouped(Int64($0.count))) \($0.count == 1 ? "file" : "files"))"
        }
        return [
            Finding(
                check: "session files",
                level: readers.isEmpty ? .warning : .ok,
                message: names.joined(separator: ", ") + (readers.isEmpty ? ", which no receiver reads" : ""),
                next: readers.isEmpty ? "add agent_sessions to receivers and to a logs pipeline" : nil
            )
        ]
    }

    // MARK: - Service

    private var service: Finding {
        let path = ServiceUnit.path(of: account)
        guard files.status(path) != nil else {
            return Finding(
                check: "service",
                level: .ok,
                message: "none is installed; hammurabi onboard --service would"
            )
        }
        guard Systemctl.isThere(environment) else {
            return Finding(
                check: "service",
                level: .ok,
                message: "one is installed, but systemd does not serve this user here"
            )
        }
        if Systemctl.run(["is-active", "--quiet", ServiceUnit.name], isQuiet: true) {
            return Finding(check: "service", level: .ok, message: "it runs")
        }
        return Finding(
            check: "service",
            level: .error,
            message: "it is installed and does not run",
            next:
                "systemctl --user restart \(ServiceUnit.name); journalctl --user -u \(ServiceUnit.name) shows why it stopped"
        )
    }

    // MARK: - Files

    private var permissions: [Finding] {
        guard let status = files.status(home) else {
            return [
                Finding(
                    check: "files",
                    level: .ok,
                    message: "\(account.shown(home)) is not there yet; the collector makes it"
                )
            ]
        }
        var findings: [Finding] = []
        if !status.isFolder || status.owner != geteuid() {
            findings.append(
                Finding(
                    check: "files",
                    level: .error,
                    message: "\(account.shown(home)) \(status.isFolder ? "belongs to another user" : "is no folder")",
                    next: "name another folder with HAMMURABI_HOME, or let its owner give it to you"
                )
            )
        } else if access(home, R_OK | W_OK | X_OK) != 0 {
            let next = "chmod u+rwx \(home)"
            findings.append(
                Finding(check: "files", level: .error, message: "\(account.shown(home)) cannot be written", next: next)
            )
        }
        findings += readableByOthers
        if findings.isEmpty {
            findings.append(Finding(check: "files", level: .ok, message: "\(account.shown(home)) is yours alone"))
        }
        return findings
    }

    /// Files that others can read; their permissions do not matter when the folder is closed to others.
    private var readableByOthers: [Finding] {
        let isOpen = files.status(home).map { $0.mode & 0o077 != 0 } == true
        let paths = isOpen ? [home] + files.names(in: home).map { home + "/" + $0 } : []
        return paths.compactMap { path in
            guard let status = files.status(path), status.mode & 0o077 != 0 else { return nil }
            return Finding(
                check: "files",
                level: .warning,
                message: "\(account.shown(path)) can be read by others (mode \(String(status.mode, radix: 8)))",
                next: "chmod go= '\(path)'"
            )
        }
    }

    private var space: Finding {
        var folder = home
        while files.status(folder) == nil, folder.count > 1 {
            folder = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "/"
        }
        var found = statvfs()
        guard statvfs(folder.isEmpty ? "/" : folder, &found) == 0 else {
            return Finding(
                check: "disk",
                level: .warning,
                message: "the free space cannot be determined at \(folder)"
            )
        }
        let free = UInt64(found.f_bavail) * UInt64(found.f_frsize)
        let text = "\(free >> 20) MiB are free"
        if free < 100 << 20 {
            return Finding(
                check: "disk",
                level: .error,
                message: "\(text): senders will get 503 soon",
                next: "make room, or remove old records with POST /api/telemetry/compact"
            )
        }
        if free < 1 << 30 { return Finding(check: "disk", level: .warning, message: text, next: "make room") }
        return Finding(check: "disk", level: .ok, message: "\(free >> 30) GiB are free")
    }

    private var clock: Finding {
        // The time of this version's development: an earlier clock is certainly wrong.
        guard now.nanoseconds > 1_793_491_200_000_000_000 else {
            return Finding(
                check: "clock",
                level: .error,
                message: "it shows \(now.iso8601), which is in the past: calls would be counted on wrong days",
                next: "set the clock"
            )
        }
        // systemd-timesyncd creates this file when it has set the clock; other programs create none.
        let isSynchronised = files.status("/run/systemd/timesync/synchronized") != nil
        let how = isSynchronised ? "synchronised" : "whether it is synchronised is not known"
        return Finding(check: "clock", level: .ok, message: "\(now.iso8601), \(how)")
    }
}

// MARK: - Agents

extension QualityDocument {
    private static var telemetry: Set<String> { ["otlp_log", "otlp_span", "otlp_metric"] }

    /// When the agent's own telemetry last arrived.
    func lastTelemetry(of agent: Agent) -> Timestamp? { last(agent) { !Self.telemetry.isDisjoint(with: $0) } }

    /// When the agent was last seen in session files alone.
    func lastInFiles(of agent: Agent) -> Timestamp? { last(agent) { Self.telemetry.isDisjoint(with: $0) } }

    /// When an agent last called a model, by whatever source.
    func lastCall(of agent: String) -> Timestamp? {
        sources.filter { $0.agent == agent }.compactMap { Timestamp(iso8601: $0.lastSeenAt) }.max()
    }

    /// The newest time of all sources.
    var newest: Timestamp? { sources.compactMap { Timestamp(iso8601: $0.lastSeenAt) }.max() }

    private func last(_ agent: Agent, _ isMeant: ([String]) -> Bool) -> Timestamp? {
        sources.filter { agent.reportedNames.contains($0.agent) && isMeant($0.sources) }
            .compactMap { Timestamp(iso8601: $0.lastSeenAt) }.max()
    }
}

extension SummaryDocument {
    /// Whether all models of the last 30 days have a price.
    var priceFinding: Finding {
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

extension DoctorChecks {
    /// Compares each agent's settings with the telemetry that arrived from it.
    func agents(_ heard: QualityDocument?, endpoint: EndpointURL) -> [Finding] {
        let present = AgentFinding.all(of: account, in: files).filter(\.isPresent)
        if present.isEmpty { return [Finding(check: "agents", level: .ok, message: "none was found on this machine")] }
        return present.map { finding in
            let plan = AgentPlan.make(for: finding.agent, to: Destination(endpoint: endpoint), of: account, in: files)
            return self.finding(plan, heard)
        }
    }

    private func finding(_ plan: AgentPlan, _ heard: QualityDocument?) -> Finding {
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
            if let telemetry { return finding(.ok, "last telemetry \(telemetry.iso8601)") }
            guard agent.sendsTelemetry else {
                let read = inFiles.map { "; its session files are read, last \($0.iso8601)" }
                let kept =
                    agent.isRead
                    ? read ?? "; its session files are read by agent_sessions" : ", and no counts in its files"
                return finding(.ok, "it has no telemetry to configure" + kept)
            }
            return finding(.ok, "it has no settings file; \(onboard) --print shows variables to set")
        }
        if !plan.changes.isEmpty {
            let known = inFiles.map { "; known from session files only, last \($0.iso8601)" } ?? ""
            return finding(.warning, "its settings do not send here" + known, onboard)
        }
        guard heard != nil else { return finding(.ok, "its settings send here") }
        let (level, message) = Self.hearing(telemetry, inFiles)
        return finding(level, message, level == .ok ? nil : agent.firstRecord)
    }

    /// The finding for an agent whose settings send here.
    private static func hearing(_ telemetry: Timestamp?, _ inFiles: Timestamp?) -> (Finding.Level, String) {
        guard let telemetry else {
            let known = inFiles.map { "; it is known from session files, last \($0.iso8601)" } ?? ""
            return (.warning, "its settings send here, but no telemetry has come in 90 days" + known)
        }
        if let inFiles, inFiles.nanoseconds - telemetry.nanoseconds > 86_400_000_000_000 {
            return (.warning, "last telemetry \(telemetry.iso8601), but its session files go on to \(inFiles.iso8601)")
        }
        return (.ok, "its settings send here; last telemetry \(telemetry.iso8601)")
    }

    /// Reports senders whose clock is ahead.
    func senders(_ heard: QualityDocument) -> Finding? {
        guard let newest = heard.newest, newest.nanoseconds > now.nanoseconds + 300_000_000_000 else { return nil }
        return Finding(
            check: "clock",
            level: .warning,
            message: "records came from the future, up to \(newest.iso8601)",
            next: "set the clocks of the machines that send"
        )
    }
}

/// The process that listens at a TCP port of this machine, from /proc.
struct ListeningProcess {
    /// Its id and name; nil when it belongs to another user.
    var process: (id: Int32, name: String)?

    /// nil when no process listens there.
    static func at(port: Int) -> ListeningProcess? {
        let files = LocalFiles()
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map { (try? files.read($0)) ?? [] }
        let sockets = tables.flatMap { Self.sockets(in: String(decoding: $0, as: UTF8.self), port: port) }
        guard !sockets.isEmpty else { return nil }
        return ListeningProcess(process: owner(of: sockets, files))
    }

    /// The sockets of a table (proc_net_tcp(5)) that listen at a port: state 0A, `address:port` in hexadecimal digits.
    static func sockets(in table: String, port: Int) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let digits = fields[1].split(separator: ":").last,
                Int(digits, radix: 16) == port
            else { return nil }
            return String(fields[9])
        }
    }

    private static func owner(of sockets: [String], _ files: LocalFiles) -> (id: Int32, name: String)? {
        let links = Set(sockets.map { "socket:[\($0)]" })
        for name in files.names(in: "/proc") {
            guard let id = Int32(name) else { continue }
            let folder = "/proc/\(id)/fd"
            let isOwner = files.names(in: folder).contains { entry in
                var buffer = [CChar](repeating: 0, count: 64)
                let length = readlink("\(folder)/\(entry)", &buffer, buffer.count)
                return length > 0
                    && links.contains(
                        String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    )
            }
            guard isOwner else { continue }
            let title = (try? files.read("/proc/\(id)/comm")) ?? []
            return (id, String(decoding: title, as: UTF8.self).trimmed)
        }
        return nil
    }
}
