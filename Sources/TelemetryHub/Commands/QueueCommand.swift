// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Files
import Logging
import OTLP
import SendingQueue
import Usage

/// The command `hammurabi queue`.
struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Shows queued and refused batches of exporters, and queues refused ones again.",
        discussion: "Reads the folders of the queues; list and show work beside a running collector.",
        subcommands: [List.self, Show.self, Replay.self],
        defaultSubcommand: List.self
    )

    /// The command `hammurabi queue list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the queues of all exporters: what waits, since when, and the dead letters."
        )

        @OptionGroup var options: ConfigOptions

        @Flag(help: "Print a JSON document.")
        var json = false

        func run() async throws {
            let report = try QueueCommand.answer { () throws -> QueueReport in
                try QueueReport(ForwardingQueue.all(of: options.graph(.process)))
            }
            if json {
                Console.answer(json: report.json)
            } else {
                Console.answer(report.text(isTerminal: Console.isTerminal))
            }
        }
    }

    /// The command `hammurabi queue show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Lists the dead letters of an exporter with their reasons, or prints one batch as OTLP/JSON."
        )

        @OptionGroup var options: ConfigOptions

        @Argument(help: "The exporter, such as otlp_http/hub; may be left out when there is one only.")
        var exporter: String?

        @Option(help: "Print this dead letter, 1 for the oldest; with --signal, this batch of the queue.")
        var number: Int?

        @Option(
            help: "Look into the queue of a signal, not at dead letters: traces, logs or metrics.",
            transform: { text in
                guard let signal = Signal(rawValue: text) else {
                    throw ValidationError("there is no signal \(text.printable); use traces, logs or metrics")
                }
                return signal
            }
        )
        var signal: Signal?

        @Flag(help: "Print a JSON document.")
        var json = false

        func validate() throws {
            if signal != nil, number == nil { throw ValidationError("--signal needs --number") }
        }

        func run() async throws {
            let text = try QueueCommand.answer { () throws -> String in
                let queue = try ForwardingQueue.one(exporter, of: options.graph(.process))
                guard let number else {
                    return try QueueReport.letters(queue.deadLetters(), asJSON: json, isTerminal: Console.isTerminal)
                }
                if let signal {
                    guard let entry = try queue.batch(number, of: signal) else { throw ExitCode(Exit.inputMissing) }
                    return try QueueReport.request(entry.bytes, signal)
                }
                guard let letter = try queue.deadLetters().first(where: { $0.number == number })?.letter else {
                    Console.prose("hammurabi: \(queue.id) has no dead letter \(number)\n")
                    throw ExitCode(Exit.inputMissing)
                }
                return try QueueReport.request(letter.request, letter.signal)
            }
            if json || number != nil { Console.answer(json: text) } else { Console.answer(text) }
        }
    }

    /// The command `hammurabi queue replay`.
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replay",
            abstract:
                "Puts the dead letters of an exporter back into its queue; the next start of the collector sends them.",
            discussion: "The collector must not run meanwhile: it holds the queue."
        )

        @OptionGroup var options: ConfigOptions

        @Argument(help: "The exporter, such as otlp_http/hub; may be left out when there is one only.")
        var exporter: String?

        func run() async throws {
            let text = try QueueCommand.answer { () throws -> String in
                let queue = try ForwardingQueue.one(exporter, of: options.graph(.process))
                let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: Console.now) }
                let back = try QueueCommand.replayed(queue, logger)
                let batches = "\(back.batches) \(back.batches == 1 ? "batch" : "batches")"
                return "Put \(batches) with \(back.records) records back into the queue of \(queue.id).\n"
            }
            Console.answer(text)
        }
    }

    /// Moves the dead letters back to the queue, or reports what prevents it.
    private static func replayed(_ queue: ForwardingQueue, _ logger: Logger) throws -> QueueSize {
        let result = Result { () throws(FileError) -> QueueSize in try queue.replay(logger: logger) }
        if case .failure(let error) = result, error.isLocked {
            throw StartError(
                .inputOutput,
                "a running collector has the queue of \(queue.id) (\(queue.folder)); stop it and try again"
            )
        }
        return try result.get()
    }

    /// The result of work on queues; an error becomes the exit code for it.
    fileprivate static func answer<Value>(_ question: () throws -> Value) throws -> Value {
        do {
            return try question()
        } catch let error as FileError {
            Console.prose("hammurabi: \(error)\n")
            throw ExitCode(error.isPermission ? Exit.permission : Exit.inputOutput)
        } catch let error as StartError {
            Console.prose("hammurabi: \(error)\n")
            throw ExitCode(error.exitCode)
        }
    }
}

extension ForwardingQueue {
    /// The queues of all forwarding exporters, ordered by id.
    static func all(of graph: PipelineGraph) -> [ForwardingQueue] {
        graph.used(.exporter).compactMap { declared in
            declared.config.sendingQueueFolder.map { folder in
                ForwardingQueue(id: declared.id, folder: folder, home: Environment.process.programHome)
            }
        }.sorted { $0.id < $1.id }
    }

    /// The queue of one exporter.
    static func one(_ id: String?, of graph: PipelineGraph) throws -> ForwardingQueue {
        let all = all(of: graph)
        guard let first = all.first else {
            throw StartError(
                .configuration,
                "no exporter of this configuration has a queue; otlp_http has one, and postgresql with sending_queue.enabled"
            )
        }
        let names = all.map(\.id).joined(separator: ", ")
        guard let id else {
            guard all.count == 1 else {
                throw StartError(.configuration, "several exporters have a queue; name one: \(names)")
            }
            return first
        }
        guard let queue = all.first(where: { $0.id == id }) else {
            throw StartError(.configuration, "no exporter \(id) has a queue; there are: \(names)")
        }
        return queue
    }
}
