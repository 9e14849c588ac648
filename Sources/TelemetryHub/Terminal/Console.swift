// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Standard output and standard error.
enum Console {
    /// Writes the answer.
    static func answer(_ text: String) {
        StandardStream.output.write(text)
    }

    /// Writes an answer in JSON.
    ///
    /// On a terminal, control characters and characters that change the direction of writing are escaped.
    static func answer(json text: String) {
        answer(isTerminal ? text.escapingInvisibles : text)
    }

    /// Writes progress, warnings and errors.
    static func error(_ text: String) {
        StandardStream.error.write(text)
    }

    /// Writes sentences to standard error; on a terminal its lines end between words.
    static func prose(_ text: String) {
        error(showsProgress ? text.prose(width: errorWidth) : text)
    }

    /// Whether standard output is a terminal.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether standard error is a terminal.
    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

    /// The present time, as far as the clock is right (``Timestamp/init(clockSeconds:nanoseconds:)``).
    static let now: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(clockSeconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension StartError {
    /// The exit code for the error.
    var exitCode: Int32 {
        switch reason {
        case .inputOutput: Exit.inputOutput
        case .permission: Exit.permission
        case .configuration: Exit.configuration
        }
    }
}

// MARK: - Terminal

extension Console {
    /// The width for tables in columns: that of the terminal, else of `COLUMNS`, else 80.
    static var columns: Int {
        if let columns = size()?.ws_col, columns > 0 { return Int(columns) }
        guard let text = getenv("COLUMNS"), let columns = Int(String(cString: text)) else { return 80 }
        return min(1_000, max(20, columns))
    }

    /// The height of the terminal in lines; 24 when it has none.
    static var height: Int {
        guard let lines = size()?.ws_row, lines > 0 else { return 24 }
        return Int(lines)
    }

    /// The width of the terminal at standard error, in columns; 80 when it has none.
    static var errorWidth: Int {
        guard let columns = size(of: STDERR_FILENO)?.ws_col, columns > 0 else { return 80 }
        return Int(columns)
    }

    private static func size(of stream: Int32 = STDOUT_FILENO) -> winsize? {
        var size = winsize()
        return ioctl(stream, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }

    /// The text of standard input, at most `limit` bytes.
    ///
    /// - Parameter timeout: How many milliseconds the input may send nothing; -1 for no limit.
    static func input(limit: Int, timeout: Int32 = -1) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < limit {
            var source = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&source, 1, timeout) > 0 else { break }
            let count = read(STDIN_FILENO, &buffer, min(buffer.count, limit - bytes.count))
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether standard input is a terminal.
    static var isTyped: Bool { isatty(STDIN_FILENO) == 1 }
}
