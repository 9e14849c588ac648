// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubExtension
import Logging
import Usage

/// The command `hammurabi summary`.
struct SummaryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary",
        abstract: "Says what a period cost, and where.",
        discussion: "Reads the store that the configuration names; a running collector is not needed and not disturbed."
    )

    @OptionGroup var options: ConfigOptions

    @Option(help: "7d, 30d, 90d, today, YYYY-MM or month (the current one, the default).")
    var period: String?

    @Option(help: ArgumentHelp("The first day, YYYY-MM-DD; goes with --to.", valueName: "date"))
    var from: String?

    @Option(help: ArgumentHelp("The last day, YYYY-MM-DD; goes with --from.", valueName: "date"))
    var to: String?

    @Option(help: ArgumentHelp("One table, split by this, instead of the whole report.", valueName: "dimension"))
    var by: SummaryReport.Dimension?

    @Option(help: ArgumentHelp("Whose days are meant: UTC, Europe/Berlin, …; default: the hub's.", valueName: "zone"))
    var timezone: String?

    @Flag(help: "Print the API's JSON document.")
    var json = false

    @Flag(help: "Print comma-separated values.")
    var csv = false

    func validate() throws {
        if json, csv { throw ValidationError("give either --json or --csv, not both") }
        _ = try resolvedPeriod(in: timezone ?? "UTC")
    }

    func run() async throws {
        let surroundings = Surroundings.process
        let graph = try options.graph(surroundings)
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: Console.now) }
        let hub = graph.used(.extension).lazy.compactMap { $0.config as? HubConfig }.first ?? HubConfig()
        let range = try resolvedPeriod(in: timezone ?? hub.timezone)
        do {
            let answer = try await Collector.withStore(
                nil,
                of: graph,
                home: surroundings.programHome,
                logger: logger,
                now: Console.now
            ) { store in
                json
                    ? try await HubAnswers(store: store, config: hub, now: Console.now).summary(of: range) + "\n"
                    : rendered(try await store.summary(of: range, now: Console.now()), graph, surroundings)
            }
            Console.answer(answer)
        } catch let error as StartError {
            Console.error("hammurabi: \(error)\n")
            throw ExitCode(error.exitCode)
        } catch {
            Console.error("hammurabi: the store could not answer: \(error)\n")
            throw ExitCode(Exit.inputOutput)
        }
    }

    private func resolvedPeriod(in timezone: String) throws -> Period {
        do {
            return try Period(period, from: from, to: to, timezone: timezone, now: Console.now())
        } catch {
            throw ValidationError(error.description)
        }
    }

    private func rendered(_ summary: UsageSummary, _ graph: PipelineGraph, _ surroundings: Surroundings) -> String {
        var report = SummaryReport(summary: summary, dimension: by)
        let endpoint = graph.used(.receiver).lazy.flatMap(\.config.resources).compactMap { resource in
            if case .endpoint(let endpoint) = resource.kind { endpoint } else { nil }
        }.first
        if let endpoint { report.endpoint = endpoint.description }
        if csv { return report.csv }
        guard Console.isTerminal else { return report.tabbed }
        let style = Style(isTerminal: true, environment: surroundings.environment)
        return report.text(width: Console.width, style: style)
    }
}

extension SummaryReport.Dimension: ExpressibleByArgument {}
