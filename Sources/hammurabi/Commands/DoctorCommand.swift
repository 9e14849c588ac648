// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import HubExtension
import Logging
import Usage

/// The command `hammurabi doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says how well the calls of a period are known.",
        discussion:
            "Which material tells of whose calls, what has no price, and where reported and computed cost differ."
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Look at the data; the only examination there is so far.")
    var data = false

    @Option(help: "7d, 30d, 90d, today, YYYY-MM or month (the current one, the default).")
    var period: String?

    @Flag(help: "Print the API's JSON document.")
    var json = false

    func validate() throws {
        guard data else { throw ValidationError("say what to look at: --data") }
        do {
            _ = try Period(period, timezone: "UTC", now: Console.now())
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let surroundings = Surroundings.process
        let graph = try options.graph(surroundings)
        let answer = try await document(graph, surroundings)
        if json { return Console.answer(answer + "\n") }
        let quality = try JSONDecoder().decode(QualityReport.self, from: Data(answer.utf8))
        let style = Style(isTerminal: Console.isTerminal, environment: surroundings.environment)
        Console.answer(quality.text(width: Console.isTerminal ? Console.width : 120, style: style))
    }

    /// What a running collector says, who also knows what it could not read; without one, what the store says.
    private func document(_ graph: PipelineGraph, _ surroundings: Surroundings) async throws -> String {
        let query = period.map { "?period=\($0)" } ?? ""
        if let answer = graph.runningHub?.send("GET", "/api/telemetry/quality" + query), answer.status == 200 {
            return answer.body
        }
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: Console.now) }
        let hub = graph.used(.extension).lazy.compactMap { $0.config as? HubConfig }.first ?? HubConfig()
        do {
            let range = try Period(period, timezone: hub.timezone, now: Console.now())
            return try await Collector.withStore(
                nil,
                of: graph,
                home: surroundings.programHome,
                logger: logger,
                now: Console.now
            ) { try await HubAnswers(store: $0, config: hub, now: Console.now).quality(of: range) }
        } catch let error as StartError {
            Console.error("hammurabi: \(error)\n")
            throw ExitCode(error.exitCode)
        } catch {
            Console.error("hammurabi: the store could not answer: \(error)\n")
            throw ExitCode(Exit.inputOutput)
        }
    }
}
