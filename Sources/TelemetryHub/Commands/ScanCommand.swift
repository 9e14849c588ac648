// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import HubAPI
import JSON
import Logging
import Synchronization
import Usage

/// The command `hammurabi scan`.
struct ScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Reads the session files of the coding agents on this machine.",
        discussion:
            "A running collector does it; without one, this command reads the files through the configured pipelines."
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Print the API's JSON document.")
    var json = false

    @Option(help: "With --explain: the agent, such as claude_code, codex, opencode, gemini, copilot or cline.")
    var agent: String?

    @Option(
        help: ArgumentHelp(
            "Show what is read of one file of an agent, call by call; nothing is stored.",
            valueName: "file"
        )
    )
    var explain: String?

    func validate() throws {
        if (agent == nil) != (explain == nil) { throw ValidationError("--agent and --explain need each other") }
        if explain != nil, json { throw ValidationError("an explanation has no JSON form") }
    }

    func run() async throws {
        do {
            let environment = Environment.process
            if let agent, let explain { return try Self.explain(explain, of: agent, environment) }
            let graph = try options.graph(environment)
            let answer = try graph.runningHub?.ask(.scan, seconds: 0)
            let document: ScanDocument
            if let answer { document = answer.document } else { document = try await scanHere(graph, environment) }
            if json { return Console.answer(json: try (answer?.text ?? OrderedJSONEncoder.text(of: document)) + "\n") }
            Console.answer(document.sentence + "\n")
            Console.error(document.faults)
        } catch {
            throw CommandFailure.present(error, json: json)
        }
    }

    /// Prints what is read from one file.
    private static func explain(_ path: String, of agent: String, _ environment: Environment) throws {
        do throws(SessionFileExplanation.Failure) {
            let explanation = try SessionFileExplanation(
                agent: agent,
                path: path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path,
                environment: environment.variables
            )
            Console.answer(explanation.lines.map { $0.printable + "\n" }.joined())
        } catch {
            throw CommandFailure(exitCode: Exit.inputMissing, code: "no-session-file", message: error.message)
        }
    }

    private func scanHere(_ graph: PipelineGraph, _ environment: Environment) async throws -> ScanDocument {
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .error, now: Console.now) }
        let bar = Console.showsProgress ? ScanProgressBar(now: Console.now) : nil
        defer { bar?.clear() }
        do {
            return try await Collector.withScanners(
                of: graph,
                home: environment.programHome,
                logger: logger,
                now: Console.now
            ) { scanners in
                guard !scanners.isEmpty else {
                    throw StartError(
                        .configuration,
                        "no receiver reads session files; add agent_sessions to receivers and to a logs pipeline"
                    )
                }
                var report = ScanReport()
                for scanner in scanners {
                    let part = try await scanner.scan { bar?.show($0) }
                    report.add(part)
                    report.durationMilliseconds += part.durationMilliseconds
                }
                return ScanDocument(report)
            }
        } catch let error as StartError {
            throw error
        } catch {
            throw CommandFailure(
                exitCode: Exit.inputOutput,
                code: "io",
                message: "the scan was cut short; what was read so far is kept: \(error)"
            )
        }
    }
}

extension ScanDocument {
    /// The result for people.
    fileprivate var sentence: String {
        let files = "\(Figures.grouped(scanned)) \(scanned == 1 ? "file" : "files")"
        let seconds = "\(durationMs / 1_000).\(durationMs % 1_000 / 100) s"
        return "Read \(files) with \(found) in \(seconds); \(Figures.grouped(skipped)) unchanged."
    }

    private var found: String {
        let number = Figures.grouped(calls)
        let noun = calls == 1 ? "call" : "calls"
        if ingested == calls { return calls == 0 ? "0 calls" : "\(number) new \(noun)" }
        return "\(number) \(noun), \(ingested == 0 ? "none" : Figures.grouped(ingested)) of them new,"
    }

    /// The files and lines that could not be read, for people.
    fileprivate var faults: String { unreadable + unknown }

    private var unknown: String {
        guard !unknownLines.members.isEmpty else { return "" }
        return "Lines of types that this version does not know were skipped:\n" + unknownLines.text
    }

    private var unreadable: String {
        guard !problems.isEmpty else { return "" }
        let lines = problems.prefix(10).map { "  \($0.printable)\n" }.joined()
        let rest = unreadableFiles + skippedLines - 10
        let more =
            rest > 0 ? "  and \(Figures.grouped(rest)) more; hammurabi doctor --data names more of them\n" : ""
        let parts = [(unreadableFiles, "file"), (skippedLines, "line")].filter { $0.0 > 0 }
        let counts = parts.map { "\(Figures.grouped($0)) \($0 == 1 ? $1 : $1 + "s")" }
        return "\(counts.joined(separator: " and ")) could not be read:\n" + lines + more
    }
}

/// Shows the progress of a scan on a terminal: one line on standard error that is overwritten.
final class ScanProgressBar: Sendable {
    private let now: @Sendable () -> Timestamp
    private let begun: Timestamp
    private let shown = Mutex<Timestamp?>(nil)

    /// The width of the bar in columns.
    private static let width = 24

    init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
        begun = now()
    }

    /// Draws the line, at most ten times a second.
    func show(_ progress: ScanProgress) {
        let present = now()
        let isDue = shown.withLock { last in
            guard last.map({ abs(present.milliseconds - $0.milliseconds) >= 100 }) ?? true else { return false }
            last = present
            return true
        }
        guard isDue else { return }
        Console.error(
            "\r\u{1B}[K" + Self.line(progress, milliseconds: max(0, present.milliseconds - begun.milliseconds))
        )
    }

    /// Removes the line.
    func clear() {
        if shown.withLock({ $0 }) != nil { Console.error("\r\u{1B}[K") }
    }

    /// Files, bytes, calls, rate and time left.
    static func line(_ progress: ScanProgress, milliseconds: Int64) -> String {
        let total = max(progress.totalBytes, progress.bytes, 1)
        let share = Double(progress.bytes) / Double(total)
        let cells = Int(share * Double(width))
        let bar = String(repeating: "█", count: cells) + String(repeating: "░", count: width - cells)
        let rate = Double(progress.bytes) / Double(max(1, milliseconds)) * 1_000
        let left = rate > 0 ? min(Double(total - progress.bytes) / rate, 1e9) : 0
        return "\(bar) \(Int(share * 100))%  \(Figures.grouped(Int64(progress.files)))/"
            + "\(Figures.grouped(Int64(progress.totalFiles))) files  \(megabytes(progress.bytes))/\(megabytes(total)) MB  "
            + "\(Figures.grouped(Int64(progress.calls))) calls  \(megabytes(Int64(rate))) MB/s  "
            + "\(Figures.duration(milliseconds: Int64(left * 1_000))) left"
    }

    private static func megabytes(_ bytes: Int64) -> String { Figures.grouped((bytes + 500_000) / 1_000_000) }
}
