// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Foundation
import Glibc
import Synchronization
import Testing

/// A headless browser as a process, controlled over a pair of pipes (the DevTools protocol).
final class Chromium: Sendable {
    /// The browser itself; the script of the same name would leave it running.
    static let executable = "/usr/lib/chromium/chromium-headless-shell"

    /// Whether a browser is installed; continuous integration must have one.
    static var isThere: Bool {
        FileManager.default.isExecutableFile(atPath: executable) || ProcessInfo.processInfo.environment["CI"] != nil
    }

    private struct State {
        var lastID = 0
        var waiting: [Int: CheckedContinuation<JSON, any Error>] = [:]
        var events: [(session: String?, method: String, parameters: JSON)] = []
        var hasEnded = false
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let state = Mutex(State())
    private let input: Int32
    private let process: ChildProcess
    private let folder: URL

    init() throws {
        guard FileManager.default.isExecutableFile(atPath: Self.executable) else {
            throw Failure(description: "no browser at \(Self.executable); install chromium-headless-shell")
        }
        signal(SIGPIPE, SIG_IGN)
        folder = FileManager.default.temporaryDirectory.appending(path: "hammurabi-browser-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (commands, answers) = (try Self.pipe(), try Self.pipe())
        input = commands.write
        process = try Self.spawn(folder, reads: commands.read, writes: answers.write)
        close(commands.read)
        close(answers.write)
        let output = answers.read
        Thread.detachNewThread { [weak self] in
            Self.read(output) { message in self?.take(message) }
            self?.end()
            close(output)
        }
    }

    deinit {
        // Closing the pipe ends the browser; its remaining processes must not outlive the test.
        close(input)
        process.send(SIGKILL)
        _ = process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Sends a command and returns the answer.
    func call(_ method: String, _ parameters: JSON = [:], session: String? = nil) async throws -> JSON {
        try await withCheckedThrowingContinuation { continuation in
            let id = state.withLock { state -> Int? in
                guard !state.hasEnded else { return nil }
                state.lastID += 1
                state.waiting[state.lastID] = continuation
                return state.lastID
            }
            guard let id else {
                return continuation.resume(throwing: Failure(description: "the browser has ended"))
            }
            var message: [String: JSON] = ["id": .number(Double(id)), "method": .string(method), "params": parameters]
            if let session { message["sessionId"] = .string(session) }
            write(.object(message))
        }
    }

    /// The events of a type on a page.
    func events(_ method: String, session: String) -> [JSON] {
        state.withLock { $0.events.filter { $0.session == session && $0.method == method }.map(\.parameters) }
    }

    private func write(_ message: JSON) {
        guard let data = try? JSONEncoder().encode(message) else { return }
        let bytes = Array(data) + [0]
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(input, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                guard count > 0 else { return }
                written += count
            }
        }
    }

    private func take(_ message: JSON) {
        guard let id = message["id"].int else {
            let (session, method) = (message["sessionId"].text, message["method"].text ?? "")
            return state.withLock { $0.events.append((session, method, message["params"])) }
        }
        let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
        if let error = message["error"]["message"].text {
            waiting?.resume(throwing: Failure(description: error))
        } else {
            waiting?.resume(returning: message["result"])
        }
    }

    private func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(throwing: Failure(description: "the browser has ended")) }
    }
}

extension Chromium {
    /// A pipe that is not inherited, with descriptors above those that the browser needs.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 20) }
        ends.forEach { close($0) }
        return (moved[0], moved[1])
    }

    private static func spawn(_ folder: URL, reads: Int32, writes: Int32) throws -> ChildProcess {
        let flags = [
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--hide-scrollbars",
            "--force-device-scale-factor=1", "--lang=en-US", "--user-data-dir=\(folder.path)", "about:blank",
        ]
        var environment = ProcessInfo.processInfo.environment
        environment["TZ"] = "UTC"
        return try ChildProcess([executable] + flags, environment: environment, files: [3: reads, 4: writes])
    }

    /// Reads messages, each ended by a zero byte, until the pipe ends.
    private static func read(_ output: Int32, _ message: (JSON) -> Void) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            let known = rest.count
            rest += buffer[..<count]
            var start = 0
            var from = known
            while let end = rest[from...].firstIndex(of: 0) {
                if let value = try? JSONDecoder().decode(JSON.self, from: Data(rest[start..<end])) { message(value) }
                start = end + 1
                from = start
            }
            rest.removeFirst(start)
        }
    }
}
