// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A terminal that is drawn anew again and again: without a cursor, beside what stood there, and given back as it was.
final class LiveScreen {
    private var before: termios?

    /// Takes the terminal.
    init() {
        EndSignal.hold()
        var settings = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 {
            before = settings
            // Keys come one by one and are not shown; Ctrl-C is a key, so that the terminal can be given back first.
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        Console.answer("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives the terminal back.
    func close() {
        Console.answer("\u{1B}[?25h\u{1B}[?1049l")
        if var before { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
        before = nil
    }

    deinit { if before != nil { close() } }

    /// Shows a text from the first line on, without a flicker.
    func draw(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0 + "\u{1B}[K" }
        Console.answer("\u{1B}[H" + lines.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Waits; returns the exit code with which to end when a key or a signal asked for that.
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
