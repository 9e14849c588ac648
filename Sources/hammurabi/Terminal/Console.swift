// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import Glibc
import Usage

/// Standard output and standard error.
enum Console {
    /// Writes the answer.
    static func answer(_ text: String) {
        StandardStream.output.write(text)
    }

    /// Writes an answer in JSON.
    ///
    /// On a terminal, characters that steer it or change the direction of writing are escaped.
    static func answer(json text: String) {
        answer(isTerminal ? text.escapingInvisibles : text)
    }

    /// Writes progress, warnings and errors.
    static func error(_ text: String) {
        StandardStream.error.write(text)
    }

    /// Whether people read the answer, not a program.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether people watch what is written beside the answer.
    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

    /// The present, as far as the clock is right (``Timestamp/init(clockSeconds:nanoseconds:)``).
    static let now: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(clockSeconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension StartError {
    /// The exit code that goes with the reason.
    var exitCode: Int32 {
        switch reason {
        case .inputOutput: Exit.inputOutput
        case .permission: Exit.permission
        case .configuration: Exit.configuration
        }
    }
}
