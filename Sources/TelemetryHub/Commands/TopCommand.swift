// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Usage
import YAML

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

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

    /// Redraws until a key or a signal ends it.
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

/// A full-screen view that is redrawn: it hides the cursor, uses the alternate screen, and restores the terminal at the end.
final class LiveScreen {
    private var before: termios?

    /// Prepares the terminal.
    init() {
        EndSignal.hold()
        var settings = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 {
            before = settings
            // Keys arrive one by one and are not echoed; Ctrl-C arrives as a key, so that the terminal can be restored first.
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        Console.answer("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Restores the terminal.
    func close() {
        Console.answer("\u{1B}[?25h\u{1B}[?1049l")
        if var before { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
        before = nil
    }

    deinit { if before != nil { close() } }

    /// Draws a text from the first line on, without flicker.
    func draw(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0 + "\u{1B}[K" }
        Console.answer("\u{1B}[H" + lines.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Waits; returns the exit code when a key or a signal requests the end.
    func wait(milliseconds: Int32) -> Int32? {
        var keyboard = pollfd(fd: before == nil ? -1 : STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        let isReady = poll(&keyboard, 1, milliseconds) > 0
        if let number = EndSignal.number { return 128 + number }
        guard isReady else { return nil }
        var key: UInt8 = 0
        guard read(STDIN_FILENO, &key, 1) == 1 else { return Exit.done }
        switch key {
        case 3: return 128 + SIGINT
        case UInt8(ascii: "q"), UInt8(ascii: "Q"), 4, 27: return Exit.done
        default: return nil
        }
    }
}
