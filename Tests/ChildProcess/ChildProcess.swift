// SPDX-License-Identifier: Apache-2.0

public import Foundation
import Glibc
import Synchronization

/// A program that a test has started, in its own process group; safe to use from any thread.
///
/// Foundation's `Process` is not used: its `run()` reads past the end of a directory entry and ends the tests with signal 11 now and then
/// (swiftlang/swift-corelibs-foundation#5472, in Swift 6.3.1).
public final class ChildProcess: Sendable {
    /// How a program ended.
    public enum Status: Sendable, Hashable {
        case exited(Int32)
        case killed(by: Int32)

        /// The exit code, or the signal as a negative number.
        public var code: Int32 {
            switch self {
            case .exited(let code): code
            case .killed(let signal): -signal
            }
        }
    }

    /// Why a program does not start.
    public struct Failure: Error, CustomStringConvertible {
        /// What was to be started, and the reason.
        public let description: String
    }

    /// Its process id.
    public let identifier: pid_t
    private let state = Mutex(State())

    private struct State {
        var status: Status?
        var waiting: [CheckedContinuation<Status, Never>] = []
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - words: The program, by its path or by a name that is searched in `PATH`, and its arguments.
    ///   - environment: Its variables; by default those of the tests.
    ///   - directory: Its working directory; by default that of the tests.
    ///   - files: Its file descriptors, each mapped to one of this process; 0, 1 and 2 are `/dev/null` by default. All others are
    ///     closed in it.
    /// - Throws: ``Failure`` when it cannot be started.
    public init(
        _ words: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String? = nil,
        files: [Int32: Int32] = [:]
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The calls that change the folder and close all other descriptors are not in the module.
        let words = directory.map { ["/usr/bin/env", "--chdir=\($0)"] + words } ?? words
        for standard in Int32(0)...2 where files[standard] == nil {
            posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
        }
        for (theirs, ours) in files.sorted(by: { $0.key < $1.key }) {
            posix_spawn_file_actions_adddup2(&actions, ours, theirs)
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        for descriptor in open where descriptor > 2 && files[descriptor] == nil {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawnp(&identifier, words.first ?? "", &actions, &attributes, &arguments, &variables)
        guard code == 0 else {
            throw Failure(description: "\(words.first ?? "nothing") does not start: \(String(cString: strerror(code)))")
        }
        self.identifier = identifier
        Thread.detachNewThread { self.reap() }
    }

    /// Waits for the end of the program.
    private func reap() {
        var info = siginfo_t()
        // The process stays a zombie until its status is stored, so that no signal reaches another process with its id.
        while waitid(P_PID, id_t(identifier), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (status, waiting) = state.withLock { state in
            var raw: Int32 = 0
            while waitpid(identifier, &raw, 0) < 0, errno == EINTR {}
            let signal = raw & 0x7F
            let status = signal == 0 ? Status.exited(raw >> 8 & 0xFF) : .killed(by: signal)
            state.status = status
            defer { state.waiting = [] }
            return (status, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    /// Whether it has not ended.
    public var isRunning: Bool { state.withLock { $0.status == nil } }

    /// Sends a signal, unless it has ended.
    public func send(_ signal: Int32) {
        state.withLock { state in
            if state.status == nil { kill(identifier, signal) }
        }
    }

    /// How it ended; waits for that.
    public func status() async -> Status {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state in
                if state.status == nil { state.waiting.append(continuation) }
                return state.status
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// How it ended; blocks the thread until it does.
    public func waitUntilExit() -> Status {
        while true {
            if let status = state.withLock({ $0.status }) { return status }
            usleep(1_000)
        }
    }
}
