// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import HubExtension
import Usage

/// The command `hammurabi status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Shows the running collector: pipelines, components, queues, errors, what it could not collect, and limits that are nearly used.",
        discussion: """
            Behind a pipe it prints one component a line, divided by tabs: kind, id, state, counts of records, what is queued, and \
            what is wrong; what could not be collected and limits of subscriptions that are nearly used go to standard error. With keys, HAMMURABI_API_KEY must hold one with the scope telemetry:read. Exit code 69: no collector answers.

            `hammurabi status --ready` is a health check for containers and scripts: it needs no key.
            """
    )

    @OptionGroup var options: ConfigOptions

    @OptionGroup var tables: TableOptions

    @Flag(help: "Print the API's JSON document.")
    var json = false

    @Flag(
        help:
            "Only check whether the collector takes data in: print nothing and end with 0, else say why not and end with 69."
    )
    var ready = false

    func run() throws {
        let graph = try options.graph(.process)
        do {
            if ready { return try graph.requireReady() }
            let answer = try graph.status()
            if json { return Console.answer(json: answer.text + "\n") }
            let now = Console.now()
            let report = StatusReport(document: answer.document, limits: graph.nearlyFullLimits(now))
            guard Console.isTerminal, !tables.csv else {
                Console.answer(tables.text(report.programTable))
                for problem in answer.document.intakeProblems {
                    let help = problem.next.printable
                    Console.prose("hammurabi: warning: \(problem.message.printable)\n  help: \(help)\n")
                }
                for limit in report.limits { Console.error("hammurabi: warning: limit of \(limit)\n") }
                return
            }
            let style = Style(isTerminal: Console.isTerminal, environment: Environment.process.variables)
            Console.answer(report.text(width: Console.columns, style: style, now: now))
        } catch {
            throw CommandFailure.present(error, json: json)
        }
    }
}

/// The command `hammurabi tap`.
struct TapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Shows samples of the records that pass a component, as OTLP/JSON, one request per line.",
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
        do {
            let (client, question) = try graph.asking { client, question throws(CommandFailure) in
                try tap(client)
                return (client, question)
            }
            // A stream ends without a message when its key is revoked; the next request reports the reason. It may also have ended because the
            // collector stopped, which is no failure.
            do {
                _ = try client.ask(question, seconds: 2)
            } catch  where error.exitCode == Exit.permission {
                throw error
            } catch {}
        } catch {
            throw CommandFailure.present(error, json: false)
        }
    }

    /// Shows samples until the stream ends.
    private func tap(_ client: CollectorClient) throws(CommandFailure) {
        let path = "/api/telemetry/tap/\(PercentEncoding.encode(component))?limit=\(limit)"
        do {
            let answer = try client.lines(path) { Console.answer(json: $0 + "\n") }
            guard answer.status != 200 else { return }
            throw CommandFailure(status: answer.status, body: answer.body, collector: client.endpoint.description)
        } catch let failure as CommandFailure {
            throw failure
        } catch let reason as CollectorClient.NoAnswer {
            throw CommandFailure(reason, client.endpoint)
        } catch {
            throw CommandFailure(error)
        }
    }
}

/// The command `hammurabi reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Reloads the configuration of the running collector.",
        discussion:
            "What is wrong with the new one is printed, and the old one goes on (exit 78). SIGHUP does the same."
    )

    @OptionGroup var options: ConfigOptions

    func run() throws {
        let graph = try options.graph(.process)
        do {
            guard let hub = graph.hubConfig else { throw CommandFailure.noPlace }
            _ = try graph.client(at: hub.endpoint).ask(.reload, seconds: 0)
            Console.answer("the configuration is in force\n")
        } catch {
            throw CommandFailure.present(error, json: false)
        }
    }
}

extension PipelineGraph {
    /// The status that the collector of this configuration reports.
    fileprivate func status() throws(CommandFailure) -> HubAnswer<PipelinesDocument> {
        try asking { client, question throws(CommandFailure) in try client.ask(question, seconds: 10) }
    }

    /// What to say of limits of subscriptions that are nearly used; nothing when the hub does not answer.
    fileprivate func nearlyFullLimits(_ now: Timestamp) -> [String] {
        guard let hub = hubConfig,
            let answer = try? client(at: hub.endpoint).ask(.limits, [("current", "true")], seconds: 5)
        else { return [] }
        return LimitsReport(answer.document, now: now).nearlyFull
    }

    /// Returns when the collector of this configuration takes data in; needs no key.
    ///
    /// `/ready` of `health_check` also knows whether every store and queue can keep more. Without that extension a hub that answers is ready.
    ///
    /// - Throws: ``CommandFailure`` with ``Exit/unreachable`` when it does not, or when no collector answers.
    fileprivate func requireReady() throws(CommandFailure) {
        if let endpoint = endpoints(of: "health_check").first {
            let status: Int
            do {
                status = try client(at: endpoint).send("GET", "/ready", seconds: 5).status
            } catch {
                throw CommandFailure(error, endpoint)
            }
            switch status {
            case 200: return
            case 503: throw CommandFailure.notReady(endpoint)
            default: throw CommandFailure.unsupported("/ready", endpoint)
            }
        }
        guard let endpoint = endpoints(of: "hub").first else { throw CommandFailure.noPlace }
        _ = try client(at: endpoint).ask(.health, seconds: 5)
    }

    /// Where the extensions of a type listen.
    private func endpoints(of type: String) -> [Endpoint] {
        used(.extension).lazy.filter { $0.factory.type == type }.flatMap(\.config.resources).compactMap { resource in
            if case .endpoint(let endpoint) = resource.kind { endpoint } else { nil }
        }
    }

    /// Queries the extensions of a collector that report its status, the most detailed first, until one answers.
    fileprivate func asking<Answer>(
        _ ask: (CollectorClient, HubEndpoint<PipelinesDocument>) throws(CommandFailure) -> Answer
    ) throws(CommandFailure) -> Answer {
        var (places, last): ([String], CommandFailure?) = ([], nil)
        for (type, question) in [("hub", HubEndpoint.pipelines), ("health_check", .status)] {
            for endpoint in endpoints(of: type) {
                do {
                    return try ask(client(at: endpoint), question)
                } catch  where error.code == "unreachable" || error.code == "unsupported" {
                    if !places.contains(endpoint.description) { places.append(endpoint.description) }
                    last = error
                }
            }
        }
        guard let last else { throw CommandFailure.noPlace }
        throw last.code == "unreachable" ? CommandFailure(.notRunning, at: places.joined(separator: ", ")) : last
    }
}

extension CommandFailure {
    fileprivate static func notReady(_ endpoint: Endpoint) -> CommandFailure {
        CommandFailure(
            exitCode: Exit.unreachable,
            code: "not-ready",
            message: "the collector at \(endpoint) takes no data in now",
            suggestion: "hammurabi status shows which component is to blame"
        )
    }

    fileprivate static let noPlace = CommandFailure(
        exitCode: Exit.unreachable,
        code: "unreachable",
        message: "the configuration has neither hub nor health_check, so a collector cannot report its status"
    )
}
