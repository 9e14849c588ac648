// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Foundation
import FoundationNetworking
import Glibc
import Testing

/// The real program, serving its dashboard from its own store on a free port.
final class Hub: Sendable {
    let origin: String
    private let folder: URL
    private let process: ChildProcess

    /// Starts a collector with the default configuration.
    ///
    /// - Parameters:
    ///   - more: Lines of a configuration that is merged into the default one.
    ///   - transcripts: The branches of sessions of Claude Code with one call each, whose transcripts are in the home folder.
    init(_ more: String? = nil, transcripts: [String: String] = [:]) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "hammurabi-ui-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (session, branch) in transcripts {
            let path = folder.appending(path: ".claude/projects/-work-shop/\(session).jsonl")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Self.transcript(session, branch).write(to: path, atomically: true, encoding: .utf8)
        }
        let errors = folder.appending(path: "errors")
        try Data().write(to: errors)
        var arguments = [
            "run", "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
            "--set", "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
            "--set", "receivers.events.endpoint=127.0.0.1:0", "--set", "extensions.hub.endpoint=127.0.0.1:0",
        ]
        if let more {
            let file = folder.appending(path: "more.yaml")
            try more.write(to: file, atomically: true, encoding: .utf8)
            let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            arguments += ["--config", package.appending(path: "config.yaml").path, "--config", file.path]
        }
        let file = try FileHandle(forWritingTo: errors)
        process = try ChildProcess(
            [Self.executable.path] + arguments,
            environment: ProcessInfo.processInfo.environment
                .filter { $0.key.hasSuffix("SAN_OPTIONS") || $0.key == "LD_PRELOAD" }
                .merging(["HOME": folder.path, "HAMMURABI_HOME": folder.path + "/home", "TZ": "UTC"]) { $1 },
            directory: folder.path,
            files: [2: file.fileDescriptor]
        )
        origin = try await Self.address(of: process, errors)
    }

    deinit {
        process.send(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }

    /// A line of a transcript in the form of a recorded one.
    private static func transcript(_ session: String, _ branch: String) -> String {
        let time = Date().formatted(.iso8601)
        return """
            {"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/work/shop","sessionId":"\(session)",\
            "version":"2.1.330","gitBranch":"\(branch)","type":"assistant","message":{"id":"msg_01\(session.prefix(8))ABCDEF",\
            "type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],\
            "usage":{"input_tokens":900,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":90,\
            "service_tier":"standard"}},"requestId":"req_01\(session.prefix(8))GHIJKL","uuid":"\(UUID().uuidString.lowercased())",\
            "timestamp":"\(time)"}

            """
    }

    /// The program that was built together with these tests, in the same folder.
    private static let executable: URL = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "hammurabi")
    }()

    private static func address(of process: ChildProcess, _ errors: URL) async throws -> String {
        for _ in 0..<6_000 {
            let text = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ready http://") }) {
                return try #require(line.split(separator: " ").dropFirst().first.map(String.init))
            }
            try #require(process.isRunning, "the program ended: \(text)")
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Chromium.Failure(description: "the program was never ready")
    }

    /// The document at a path.
    func get(_ path: String) async throws -> JSON {
        let url = try #require(URL(string: origin + path))
        let (data, _) = try await URLSession.shared.data(from: url)
        return try JSONDecoder().decode(JSON.self, from: data)
    }

    /// Sends calls as Claude Code does.
    func send(_ calls: [AgentCall]) async throws { try await post("/v1/logs", try AgentCall.export(calls)) }

    /// Sends spans as a library of OpenTelemetry does.
    func export(traces: JSON) async throws { try await post("/v1/traces", traces) }

    /// Sends events as a user's own program does.
    func ingest(_ events: [JSON]) async throws { try await post("/api/telemetry/ingest", .array(events)) }

    /// Hands over the limits of a subscription, as the status line of Claude Code does.
    func reportStatusLine(_ report: JSON) async throws { try await post("/api/telemetry/statusline", report) }

    /// Posts something and returns the status of the answer.
    func refused(_ path: String, type: String, agent: String) async throws -> Int {
        var request = URLRequest(url: try #require(URL(string: origin + path)))
        request.httpMethod = "POST"
        request.httpBody = Data("{}".utf8)
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        request.setValue(agent, forHTTPHeaderField: "User-Agent")
        let (_, response) = try await URLSession.shared.data(for: request)
        return try #require(response as? HTTPURLResponse).statusCode
    }

    private func post(_ path: String, _ body: JSON) async throws {
        var request = URLRequest(url: try #require(URL(string: origin + path)))
        request.httpMethod = "POST"
        request.httpBody = try JSONEncoder().encode(body)
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = try #require(response as? HTTPURLResponse).statusCode
        try #require([200, 202].contains(status), "\(status): \(String(decoding: data, as: UTF8.self))")
    }

    /// Kills the program, as when its machine is switched off.
    func stop() {
        process.send(SIGKILL)
        _ = process.waitUntilExit()
    }
}
