// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import HubExtension
import Logging
import Onboarding
import Usage
import YAML

/// The command `hammurabi doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says what keeps telemetry from being collected, and how well calls are known.",
        discussion: """
            Looks at the configuration, the addresses, the service, files, disk and clock, each agent's settings against what was \
            heard from it, prices, and what a running collector could not take or read. Exits with 1 on an error. --data shows instead which material tells of whose \
            calls, what has no price, and where reported and computed cost differ.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Tell how well the calls of a period are known.")
    var data = false

    @Option(help: "With --data: 7d, 30d, 90d, today, YYYY-MM or month (the current one, the default).")
    var period: String?

    @Flag(help: "Print a JSON document; with --data, the API's.")
    var json = false

    func validate() throws {
        if period != nil, !data { throw ValidationError("--period goes with --data") }
        do {
            _ = try Period(period, timezone: "UTC", now: Console.now())
        } catch {
            throw ValidationError(error.text(period: "--period", from: "", to: "", days: "month"))
        }
    }

    func run() async throws {
        let environment = Environment.process
        guard data else { return try await examine(environment) }
        let graph = try options.graph(environment)
        let answer = try await answer(
            graph,
            environment,
            "/api/telemetry/quality" + (period.map { "?period=\($0)" } ?? "")
        ) {
            try await $0.quality(of: Period(period, timezone: $1, now: Console.now()))
        }
        if json { return Console.answer(json: answer + "\n") }
        let quality = try JSONDecoder().decode(QualityReport.self, from: Data(answer.utf8))
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables)
        Console.answer(
            quality.text(width: Console.isTerminal ? Console.columns : 120, style: style, now: Console.now())
        )
    }

    // MARK: - Everything but the data

    private func examine(_ environment: Environment) async throws {
        guard let account = Account(environment: environment.variables) else {
            Console.error("hammurabi: HOME is not set to an absolute path\n")
            throw ExitCode(Exit.inputMissing)
        }
        var diagnostics = Diagnostics()
        let loaded = options.load(environment, diagnostics: &diagnostics)?.graph
        let examination = DoctorChecks(
            environment: environment,
            account: account,
            graph: diagnostics.hasErrors ? nil : loaded,
            configurationErrors: diagnostics.items.count { $0.severity == .error },
            now: Console.now()
        )
        var findings = examination.findings
        let (heard, prices, trouble) = await known(examination)
        let fallback = EndpointURL(loopbackPort: Endpoint.otlpHTTP.port)
        findings += examination.agents(heard, endpoint: examination.graph?.endpointForAgents ?? fallback)
        if let ahead = heard.flatMap(examination.senders) { findings.append(ahead) }
        if let prices { findings.append(prices.finding) }
        // A store that was asked without a collector knows nothing of what was refused.
        if let problems = heard?.intakeProblems, examination.graph?.runningHub != nil {
            findings += IntakeProblemLine.findings(problems, now: examination.now)
        }
        if let trouble { findings.append(trouble) }
        let report = DoctorReport(findings)
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables)
        if json { Console.answer(json: report.document) } else { Console.answer(report.text(style: style)) }
        if report.errors > 0 { throw ExitCode(Exit.checkSaidNo) }
    }

    /// What the collector or its store knows; nothing where there is none yet.
    private func known(_ examination: DoctorChecks) async -> (HeardAgents?, PriceCoverage?, Finding?) {
        guard let graph = examination.graph, examination.files.status(examination.home) != nil else {
            return (nil, nil, nil)
        }
        do {
            let quality = try await answer(graph, examination.environment, "/api/telemetry/quality?period=90d") {
                try await $0.quality(of: Period("90d", timezone: $1, now: Console.now()))
            }
            let summary = try await answer(graph, examination.environment, "/api/telemetry/summary?period=30d") {
                try await $0.summary(of: Period("30d", timezone: $1, now: Console.now()))
            }
            let decoder = JSONDecoder()
            return (
                try decoder.decode(HeardAgents.self, from: Data(quality.utf8)),
                try decoder.decode(PriceCoverage.self, from: Data(summary.utf8)), nil
            )
        } catch {
            let message = "the store could not be asked: \(error)"
            return (
                nil, nil, Finding(check: "store", level: .error, message: message, next: "hammurabi summary says more")
            )
        }
    }

    /// What a running collector says; without one, what the store and the checkpoints of those who read session files say.
    private func answer(
        _ graph: PipelineGraph,
        _ environment: Environment,
        _ path: String,
        _ ask: @escaping @Sendable (HubAnswers, _ timezone: String) async throws -> String
    ) async throws -> String {
        let key = environment.variables["HAMMURABI_API_KEY"]
        if let answer = graph.runningHub?.send("GET", path, key: key), answer.status == 200 { return answer.body }
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: Console.now) }
        let hub = graph.used(.extension).lazy.compactMap { $0.config as? HubConfig }.first ?? HubConfig()
        do {
            return try await Collector.withParts(
                nil,
                of: graph,
                home: environment.programHome,
                logger: logger,
                now: Console.now
            ) { parts in
                guard let store = parts.stores.values.first else {
                    throw StartError(.configuration, "the configuration has no store that answers queries")
                }
                let answers = HubAnswers(store: store, scanners: parts.scanners, config: hub, now: Console.now)
                return try await ask(answers, hub.timezone)
            }
        } catch let error as StartError {
            Console.error("hammurabi: \(error)\n")
            throw ExitCode(error.exitCode)
        } catch {
            Console.error("hammurabi: the store could not answer: \(error)\n")
            throw ExitCode(Exit.inputOutput)
        }
    }
}
