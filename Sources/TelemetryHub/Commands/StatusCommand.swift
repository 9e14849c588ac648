// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials

/// The command `hammurabi status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Shows the running collector: its pipelines, components, queues, last errors and what it could not collect.",
        discussion: """
            Behind a pipe it prints one component a line, divided by tabs: kind, id, state, counts of records, what is queued, and \
            what is wrong; what could not be collected goes to standard error. With keys, HAMMURABI_API_KEY must hold one with the scope telemetry:read. Exit code 69: nobody answers.
            """
    )

    @OptionGroup var options: ConfigOptions

    @OptionGroup var tables: TableOptions

    @Flag(help: "Print the API's JSON document.")
    var json = false

    func run() throws {
        let graph = try options.graph(.process)
        for (client, path) in graph.statusPlaces {
            guard let answer = client.send("GET", path, seconds: 10), answer.status != 404 else { continue }
            try answer.check()
            if json { return Console.answer(json: answer.body + "\n") }
            let report = try JSONDecoder().decode(StatusReport.self, from: Data(answer.body.utf8))
            guard Console.isTerminal, !tables.csv else {
                Console.answer(tables.text(report.programTable))
                return report.warnOfIntake()
            }
            let style = Style(isTerminal: Console.isTerminal, environment: Environment.process.variables)
            return Console.answer(report.text(width: Console.columns, style: style, now: Console.now()))
        }
        throw graph.unreachable()
    }
}

extension StatusReport {
    /// Warns on standard error of what could not be collected.
    fileprivate func warnOfIntake() {
        for problem in intakeProblems ?? [] {
            Console.error("hammurabi: warning: \(problem.message.printable)\n  help: \(problem.next.printable)\n")
        }
    }
}

/// The command `hammurabi tap`.
struct TapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Shows samples of what passes through a component, as OTLP/JSON, one request a line.",
        discussion: """
            At most ten a second; what passes while the reader does not keep up is left out. With keys, HAMMURABI_API_KEY must hold
            one; a tap whose key is revoked ends with exit code 77.

            Example:
              hammurabi tap otlp --limit 1 | jq .
            """
    )

    @OptionGroup var options: ConfigOptions

    @Argument(help: "The id of a receiver, processor or exporter, such as otlp.")
    var component: String

    @Option(help: "How many samples to show.")
    var limit = 1_000

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is a number from 1 to 10000") }
    }

    func run() throws {
        let graph = try options.graph(.process)
        for (client, place) in graph.statusPlaces {
            let path = "/api/telemetry/tap/\(PercentEncoding.encode(component))?limit=\(limit)"
            guard let answer = client.lines(path, { Console.answer(json: $0 + "\n") }) else { continue }
            try answer.check()
            // A stream ends without a word when its key allows it no more; asking again says why. It may also have ended with the
            // collector, which is no failure.
            let again = client.send("GET", place, seconds: 2)
            if let again, [401, 403].contains(again.status) { try again.check() }
            return
        }
        throw graph.unreachable()
    }
}

/// The command `hammurabi reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Lets the running collector load its configuration again.",
        discussion:
            "What is wrong with the new one is printed, and the old one goes on (exit 78). SIGHUP does the same."
    )

    @OptionGroup var options: ConfigOptions

    func run() throws {
        let graph = try options.graph(.process)
        guard let client = graph.statusPlaces.first?.client, let answer = client.send("POST", "/api/reload") else {
            throw graph.unreachable()
        }
        if answer.status == 422 {
            Console.error("hammurabi: the new configuration is refused: \(answer.errorText)\n")
            throw ExitCode(Exit.configuration)
        }
        try answer.check()
        Console.answer("the configuration is in force\n")
    }
}

extension PipelineGraph {
    /// Where a collector of this configuration tells about itself, the fullest answer first.
    fileprivate var statusPlaces: [(client: CollectorClient, path: String)] {
        let places: [(type: String, path: String)] = [("hub", "/api/telemetry/pipelines"), ("health_check", "/status")]
        return places.flatMap { type, path in
            used(.extension).filter { $0.factory.type == type }.flatMap { declared in
                declared.config.resources.compactMap { resource in
                    guard case .endpoint(let endpoint) = resource.kind else { return nil }
                    return (client(at: endpoint), path)
                }
            }
        }
    }

    /// Says where nobody answers.
    fileprivate func unreachable() -> ExitCode {
        let places = Set(statusPlaces.map(\.client.endpoint.description)).sorted()
        Console.error(
            places.isEmpty
                ? "hammurabi: the configuration has neither hub nor health_check, so a collector cannot be asked\n"
                : "hammurabi: no collector answers at \(places.joined(separator: ", ")); start one with: hammurabi run\n"
        )
        return ExitCode(Exit.unreachable)
    }
}

extension CollectorClient.Answer {
    /// Ends the program with what the collector says when it is not 200.
    fileprivate func check() throws {
        guard status != 200 else { return }
        let help = status == 401 ? "; put a key into HAMMURABI_API_KEY" : ""
        Console.error("hammurabi: the collector answered \(status): \(errorText)\(help)\n")
        let codes: [Int: Int32] = [401: Exit.permission, 403: Exit.permission, 404: Exit.inputMissing]
        throw ExitCode(codes[status] ?? Exit.unreachable)
    }

    fileprivate var errorText: String {
        let document = try? JSONDecoder().decode([String: ErrorValue].self, from: Data(body.utf8))
        return (document?["error"]?.text ?? body).printable
    }

    /// A text or anything else.
    private struct ErrorValue: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }
}
