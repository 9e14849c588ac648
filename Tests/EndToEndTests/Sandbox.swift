// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Foundation
import Glibc
import Testing

/// A temporary home for the real program, removed with the object.
final class Sandbox: Sendable {
    let folder: URL

    /// Flags that make a collector listen on a free port; the line `ready` names it.
    static let anyPort = [
        "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:0", "--set", "extensions.hub.endpoint=127.0.0.1:0",
        "--set", "receivers.events.endpoint=127.0.0.1:0", "--set", "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
    ]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "hammurabi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The folder of the program's files, which the program creates.
    var home: URL { folder.appending(path: "home") }

    /// Writes a file to the working directory of the program.
    func write(_ text: String, to name: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    /// Runs a command to its end.
    func run(_ arguments: String...) async throws -> Outcome { try await run(arguments) }

    /// Runs a command to its end.
    ///
    /// - Parameter input: The text of standard input.
    func run(_ arguments: [String], input: String = "", environment: [String: String] = [:]) async throws -> Outcome {
        try await start(arguments, input: input, environment: environment).outcome()
    }

    /// Starts a collector and returns when it reports that it is ready.
    func collect(_ arguments: String...) async throws -> RunningProgram { try await collect(arguments) }

    /// Starts a collector and returns when it reports that it is ready.
    func collect(_ arguments: [String]) async throws -> RunningProgram {
        let program = try start(["run"] + Self.anyPort + arguments)
        try await program.waitUntilReady()
        return program
    }

    /// Starts a collector on the addresses of its configuration and returns when it reports that it is ready.
    func serve() async throws -> RunningProgram {
        let program = try start(["run", "--config", "config.yaml"])
        try await program.waitUntilReady()
        return program
    }

    /// Starts a command.
    func start(
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:]
    ) throws -> RunningProgram {
        let own = ["HOME": folder.path, "HAMMURABI_HOME": home.path, "TZ": "UTC"]
        return try RunningProgram(
            arguments,
            in: folder,
            environment: own.merging(environment) { $1 },
            input: input
        )
    }
}

/// The exit code and the output of a command.
struct Outcome {
    let exitCode: Int32
    let output: String
    let errors: String

    /// Standard output as JSON.
    func json() throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? NSDictionary, "\(output)")
    }
}

/// The program as a process.
final class RunningProgram: Sendable {
    private let process: ChildProcess
    private let output: URL
    private let errors: URL

    /// The program that was built together with these tests, in the same folder.
    static let executable: URL = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "hammurabi")
    }()

    /// The settings of sanitizers, which the program gets, too (`Tests/Sanitizers/run`).
    static let sanitizerOptions = ProcessInfo.processInfo.environment.filter {
        $0.key.hasSuffix("SAN_OPTIONS") || $0.key == "LD_PRELOAD"
    }

    /// - Parameter command: A command that starts the program, if it is not started directly.
    init(
        _ arguments: [String],
        in folder: URL,
        environment: [String: String],
        input: String = "",
        through command: [String] = []
    ) throws {
        let name = UUID().uuidString
        output = folder.appending(path: name + ".out")
        errors = folder.appending(path: name + ".err")
        for file in [output, errors] { try Data().write(to: file) }
        let given = folder.appending(path: name + ".in")
        try Data(input.utf8).write(to: given)
        let files = try [
            FileHandle(forReadingFrom: given), FileHandle(forWritingTo: output), FileHandle(forWritingTo: errors),
        ]
        process = try ChildProcess(
            command + [Self.executable.path] + arguments,
            environment: environment.merging(Self.sanitizerOptions) { given, _ in given },
            directory: folder.path,
            files: Dictionary(uniqueKeysWithValues: zip([0, 1, 2], files.map(\.fileDescriptor)))
        )
        withExtendedLifetime(files) {}
    }

    deinit { process.send(SIGKILL) }

    /// What it has written to standard error so far.
    var errorText: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    /// What it has written to standard output so far.
    var outputText: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    func waitUntilReady() async throws {
        for _ in 0..<6_000 {
            if errorText.contains("ready http") { return }
            try #require(process.isRunning, "the program ended: \(errorText)")
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never ready: \(errorText)")
    }

    /// The first address that it reported as ready.
    func address() throws -> String {
        let line = try #require(errorText.split(separator: "\n").first { $0.hasPrefix("ready ") })
        return try #require(line.split(separator: " ").dropFirst().first.map(String.init))
    }

    var identifier: pid_t { process.identifier }

    var isRunning: Bool { process.isRunning }

    /// The memory it has now, in bytes.
    func residentMemory() throws -> Int { try memory("VmRSS:") }

    /// The most memory it had since the start or ``forgetPeakMemory()``, in bytes.
    func peakMemory() throws -> Int { try memory("VmHWM:") }

    /// Resets the peak to the present memory.
    func forgetPeakMemory() throws {
        try Data("5".utf8).write(to: URL(filePath: "/proc/\(process.identifier)/clear_refs"))
    }

    private func memory(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.identifier)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name) })
        return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) }) * 1_024
    }

    func send(_ signal: Int32) { process.send(signal) }

    /// How it ended; waits for that.
    func outcome() async throws -> Outcome {
        let code = await process.status().code
        return Outcome(exitCode: code, output: try String(contentsOf: output, encoding: .utf8), errors: errorText)
    }

    /// Stops it as a service manager does.
    func stop() async throws -> Outcome {
        send(SIGTERM)
        return try await outcome()
    }
}
