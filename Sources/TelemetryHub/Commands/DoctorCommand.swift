// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import Onboarding
import Usage
import YAML

/// The command `hammurabi doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Finds out why telemetry does not arrive, and reports the quality of the data.",
        discussion: """
            Looks at the configuration, the addresses, the service, files, disk and clock, each agent's settings against the \
            telemetry that arrived from it, prices, limits of subscriptions, and what a running collector could not take or read. Exits with 1 on an error. --data shows instead the sources of \
            each agent's calls, what has no price, and where reported and computed cost differ.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Report the quality of the data of a period.")
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
        do {
            let answer = try await asked(graph, environment) { hub in
                try await hub.ask(.quality, period.map { [("period", $0)] } ?? [])
            }
            if json { return Console.answer(json: answer.text + "\n") }
            let style = Style(isTerminal: Console.isTerminal, environment: environment.variables)
            let width = Console.isTerminal ? Console.columns : 120
            let report = QualityReport(document: answer.document)
            Console.answer(report.text(width: width, style: style, now: Console.now()))
        } catch {
            throw CommandFailure.present(error, json: json)
        }
    }

    // MARK: - Everything but the data

    private func examine(_ environment: Environment) async throws {
        guard let account = Account(environment: environment.variables) else {
            Console.prose("hammurabi: HOME is not set to an absolute path\n")
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
        let known = await known(examination)
        let heard = known.quality
        let fallback = EndpointURL(loopbackPort: Endpoint.otlpHTTP.port)
        findings += examination.agents(heard, endpoint: examination.graph?.endpointForAgents ?? fallback)
        if let ahead = heard.flatMap(examination.senders) { findings.append(ahead) }
        if let prices = known.summary { findings.append(prices.priceFinding) }
        if let limits = known.limits {
            findings += LimitsReport(limits, now: examination.now).findings { heard?.lastCall(of: $0) }
        }
        // A store that was read without a collector has no record of refused requests.
        if let problems = heard?.intakeProblems, examination.graph?.runningHub != nil {
            findings += IntakeProblemReport.findings(problems, now: examination.now)
        }
        if let trouble = known.trouble { findings.append(trouble) }
        findings += await sharers(examination)
        let report = DoctorReport(findings)
        let style = Style(isTerminal: Console.isTerminal, environment: environment.variables)
        if json {
            Console.answer(json: report.document)
        } else {
            Console.answer(report.text(columns: Console.isTerminal ? Console.columns : .max, style: style))
        }
        if report.errors > 0 { throw ExitCode(Exit.checkSaidNo) }
    }

    /// The answers of the collector or its store; nil before there is a store.
    private struct Known {
        var quality: QualityDocument?
        var summary: SummaryDocument?
        var limits: LimitsDocument?
        /// Why there are no answers.
        var trouble: Finding?
    }

    private func known(_ examination: DoctorChecks) async -> Known {
        guard let graph = examination.graph,
            examination.files.status(examination.home) != nil || graph.runningHub != nil
        else { return Known() }
        do {
            return try await asked(graph, examination.environment) { hub in
                var known = Known()
                known.quality = try await hub.ask(.quality, [("period", "90d")]).document
                known.summary = try await hub.ask(.summary, [("period", "30d"), ("sessions", "false")]).document
                // A collector of 0.1.0 has no limits.
                known.limits = try? await hub.ask(.limits).document
                return known
            }
        } catch {
            let message = "the store could not be read: \(CommandFailure(error).message)"
            return Known(
                trouble: Finding(check: "store", level: .error, message: message, next: "run hammurabi summary")
            )
        }
    }

    /// The other collectors that use a store of the running one.
    private func sharers(_ examination: DoctorChecks) async -> [Finding] {
        guard let graph = examination.graph, graph.runningHub != nil,
            let document = try? await HubConnection.with(
                .collector,
                of: graph,
                examination.environment,
                { hub in try await hub.ask(.pipelines).document }
            )
        else { return [] }
        return StatusReport(document: document).sharingFindings(now: examination.now)
    }

    /// Queries a running collector; without one, or when it refuses the key, reads the store and the checkpoints of session file readers.
    private func asked<Answer: Sendable>(
        _ graph: PipelineGraph,
        _ environment: Environment,
        _ ask: (HubConnection) async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await HubConnection.with(.either, of: graph, environment, ask)
        } catch let failure as CommandFailure where failure.exitCode == Exit.permission {
            return try await HubConnection.with(.store, of: graph, environment, ask)
        }
    }
}
