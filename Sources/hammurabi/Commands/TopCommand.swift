// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Usage
import YAML

/// The command `hammurabi top`.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watches a running collector: rates, queues, active sessions, what today costs.",
        discussion: "q or Ctrl-C ends it. Behind a pipe it prints one snapshot."
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Print one snapshot and end.")
    var once = false

    @Option(help: ArgumentHelp("How often it looks, 500ms to 1m.", valueName: "duration"))
    var interval = "1s"

    @OptionGroup var output: OutputOptions

    func validate() throws { _ = try milliseconds() }

    private func milliseconds() throws -> Int64 {
        do {
            let milliseconds = try ConfigDuration(parsing: interval).nanoseconds / 1_000_000
            guard (500...60_000).contains(milliseconds) else { throw ValidationError("--interval is from 500ms to 1m") }
            return milliseconds
        } catch let error as ConfigValueError {
            throw ValidationError("--interval: \(error.message)" + (error.help.map { "; \($0)" } ?? ""))
        }
    }

    func run() async throws {
        let style = output.style(Environment.process.variables)
        try await output.report(options, needsCollector: true) { hub in
            let first = try await TopSnapshot(asking: hub, at: Console.now())
            if output.json { return Report(text: first.json) }
            guard Console.isTerminal, !once else {
                return Report(
                    text: TopReport(now: first, before: nil).text(width: Console.columns, height: nil, style: style)
                )
            }
            return try await watch(hub, from: first, style)
        }
    }

    /// Draws until it is told to end.
    private func watch(_ hub: HubConnection, from first: TopSnapshot, _ style: Style) async throws -> Report {
        let pause = try milliseconds()
        let screen = LiveScreen()
        defer { screen.close() }
        var (before, present): (TopSnapshot?, TopSnapshot) = (nil, first)
        while true {
            let report = TopReport(now: present, before: before)
            screen.draw(report.text(width: Console.columns, height: Console.height, style: style))
            if let end = screen.wait(milliseconds: Int32(pause)) { return Report(text: "", exitCode: end) }
            (before, present) = (present, try await TopSnapshot(asking: hub, at: Console.now()))
        }
    }
}
