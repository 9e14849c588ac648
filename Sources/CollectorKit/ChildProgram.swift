// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that was started beside this one, in a process group of its own, with no signal blocked or ignored.
///
/// The components in processes of their own (`plugins:`) are started another way: they end with the thread that feeds them.
/// Each child must be waited for once; safe to use from one task at a time.
package struct ChildProgram: Sendable {
    /// How a program ended.
    package enum Status: Sendable, Hashable {
        case exited(Int32)
        case killed(by: Int32)
    }

    /// Why a program does not start: the reason of the system.
    package struct Failure: Error, Hashable {
        package let reason: String

        package init(reason: String) { self.reason = reason }
    }

    private let identifier: pid_t

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - words: The program, by its path or a name that is searched in `PATH`, and its arguments.
    ///   - environment: Its variables as `NAME=value`; nil for those of this program.
    ///   - input: What becomes its standard input; nil for `/dev/null`, which its output always is.
    ///   - sharesErrors: Whether it writes errors where this program does; else they go to `/dev/null`, too.
    package init(_ words: [String], environment: [String]? = nil, input: Int32? = nil, sharesErrors: Bool = false)
        throws(Failure)
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        if !sharesErrors { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, usual) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&usual)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let arguments = words.map { strdup($0) } + [nil]
        let variables = (environment ?? Self.environment).map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child = pid_t()
        let code = posix_spawnp(&child, words.first ?? "", &actions, &attributes, arguments, variables)
        guard code == 0 else { throw Failure(reason: String(cString: strerror(code))) }
        identifier = child
    }

    private static var environment: [String] {
        ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
    }

    /// How it ended; nil while it runs.
    ///
    /// - Throws: ``Failure`` when the system knows no such child.
    package func ended() throws(Failure) -> Status? { try status(WNOHANG) }

    /// Waits until it has ended; blocks the thread.
    @discardableResult
    package func wait() throws(Failure) -> Status? { try status(0) }

    /// Kills it with all that it started.
    package func kill() { systemKill(-identifier, SIGKILL) }

    private func status(_ flags: Int32) throws(Failure) -> Status? {
        var status: Int32 = 0
        while true {
            let ended = waitpid(identifier, &status, flags)
            if ended == 0 { return nil }
            if ended == identifier { break }
            if errno != EINTR { throw Failure(reason: "the program was lost") }
        }
        return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .killed(by: status & 0x7f)
    }
}

/// A method of the same name hides the system's `kill`.
private func systemKill(_ process: pid_t, _ signal: Int32) { _ = kill(process, signal) }
