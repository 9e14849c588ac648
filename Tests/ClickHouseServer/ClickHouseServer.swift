// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import CollectorTesting
import Foundation

/// A ClickHouse of the tests: its engine from PyPI (`chdb`) with its HTTP interface in front; it ends with this object and with the tests.
///
/// Needs a Python with chdb: `.build/chdb/bin/python3`, or the one that `CHDB_PYTHON` names. `.ci/run` makes the first.
public final class ClickHouseServer: Sendable {
    /// Why tests with a server do not run.
    public static let need = "needs ClickHouse: python3 -m venv .build/chdb && .build/chdb/bin/pip install chdb"

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    private static let python: String? = {
        if let given = ProcessInfo.processInfo.environment["CHDB_PYTHON"] { return given }
        let own = root.appending(path: ".build/chdb/bin/python3").path
        return FileManager.default.isExecutableFile(atPath: own) ? own : nil
    }()

    /// Whether one can be started.
    public static var isInstalled: Bool { python != nil }

    private let folder: TemporaryFolder
    private let program: ChildProcess
    private let lifeline = Pipe()
    /// The address of its HTTP interface.
    public let address: String
    private let fields: [String]

    /// Starts a server on a free port of the loopback interface.
    ///
    /// - Parameter user: The only user and the password; nil for none.
    public init(user: (name: String, password: String)? = nil) async throws {
        guard let python = Self.python else { throw Failure(description: Self.need) }
        let folder = try TemporaryFolder()
        self.folder = folder
        let script = Self.root.appending(path: "Tests/ClickHouseServer/clickhouse.py").path
        let log = "\(folder.path)/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let output = FileHandle(forWritingAtPath: log) else {
            throw Failure(description: "\(log) cannot be written")
        }
        program = try ChildProcess(
            [python, script, folder.path] + (user.map { [$0.name, $0.password] } ?? []),
            files: [0: lifeline.fileHandleForReading.fileDescriptor, 2: output.fileDescriptor]
        )
        fields =
            user.map { ["-H", "X-ClickHouse-User: \($0.name)", "-H", "X-ClickHouse-Key: \($0.password)"] } ?? []
        var port: String?
        while port == nil {
            port = try? String(contentsOfFile: "\(folder.path)/port", encoding: .utf8)
            guard program.isRunning else { throw Failure(description: (try? folder.read("log")) ?? "it has ended") }
            try await Task.sleep(for: .milliseconds(20))
        }
        address = "http://127.0.0.1:\(port ?? "")"
    }

    /// The ways in which an insert fails.
    public enum Fault: String, Sendable, CaseIterable {
        /// The server answers 503 and does nothing.
        case busy
        /// The connection is closed, and nothing was done.
        case lost
        /// The rows are inserted, and the connection is closed without an answer.
        case unheard
    }

    /// Makes the next inserts fail.
    public func fail(_ fault: Fault, times: Int = 1) async throws {
        _ = try await post("/fail?how=\(fault.rawValue)&times=\(times)", "")
    }

    /// Makes inserts succeed again.
    public func heal() async throws { _ = try await post("/heal", "") }

    /// Answers a question in SQL, a row on a line, its values with tabs between.
    public func ask(_ sql: String) async throws -> String {
        try await post("/", sql).trimmingCharacters(in: .newlines)
    }

    private func post(_ path: String, _ body: String) async throws -> String {
        // curl, so that the tests share no client with what they test.
        let target = "\(folder.path)/answer-\(UUID().uuidString)"
        let words = ["curl", "-s", "-f", "--data-binary", body.isEmpty ? " " : body, "-o", target, address + path]
        let status = await (try ChildProcess(words + fields)).status()
        let answer = (try? String(contentsOfFile: target, encoding: .utf8)) ?? ""
        guard status == .exited(0) else { throw Failure(description: "\(body): curl ended with \(status)") }
        return answer
    }
}
