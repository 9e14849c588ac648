// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// A path of the program's own files has another kind of file: it is refused in one line, without waiting.
@Suite(.serialized)
struct FilesInPlaceTests {
    /// The kind of file.
    enum Obstacle: String, CaseIterable {
        case pipe = "a named pipe"
        case folder = "a folder"
        case link = "a symbolic link"
        case socket = "a socket"

        func place(_ path: String) throws {
            try? FileManager.default.removeItem(atPath: path)
            switch self {
            case .pipe: try #require(mkfifo(path, 0o600) == 0)
            case .folder: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            // Endless to read, and not writable.
            case .link: try #require(symlink("/dev/zero", path) == 0)
            case .socket: try Self.listen(at: path)
            }
        }

        private static func listen(at path: String) throws {
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let name = Array(path.utf8)
            try #require(name.count < MemoryLayout.size(ofValue: address.sun_path))
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
            }
            try #require(status == 0)
        }
    }

    /// A configuration that uses every kind of the program's own files.
    private static func config(_ store: String) throws -> String {
        let port = try freePort()
        return """
            receivers:
              events: { endpoint: "127.0.0.1:\(port)" }
              agent_sessions: { poll_interval: 0s, checkpoint: ./data/sessions.checkpoint, claude_code: { directories: [./claude] }, codex: { directories: [] } }
            processors: { tokens: , pricing: , redaction: { hash_attributes: [user.id] } }
            exporters:
              \(store): { path: ./data/store }
              otlp_http: { endpoint: "http://127.0.0.1:\(try freePort())", sending_queue: { directory: ./data/queue } }
            extensions:
              api_keys: { file: ./data/keys.json }
              hub: { endpoint: "127.0.0.1:\(port)", store: \(store) }
            service:
              extensions: [hub, api_keys]
              pipelines:
                logs: { receivers: [events, agent_sessions], processors: [tokens, pricing, redaction], exporters: [\(store), otlp_http] }
            """
    }

    private static let files: [(store: String, file: String)] =
        [
            "store", "store-wal", "store-shm", "keys.json", "sessions.checkpoint", "sessions.checkpoint.new",
            "queue/lock", "salt",
        ]
        .map { ("sqlite", $0) }
        + [
            "store", "store.lock", "store.checkpoint", "store.index", "store.index-wal", "store.index-shm",
            "store.torn", "store.compacting",
        ]
        .map { ("jsonl", $0) }

    @Test(.timeLimit(.minutes(2)), arguments: files, Obstacle.allCases)
    func `a path that is not a regular file stops the start, with its name and kind`(
        file: (store: String, file: String),
        obstacle: Obstacle
    ) async throws {
        let sandbox = try Sandbox()
        try sandbox.write(try Self.config(file.store), to: "config.yaml")
        let data = sandbox.folder.appending(path: "data")
        try FileManager.default.createDirectory(at: data.appending(path: "queue"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(at: sandbox.home, withIntermediateDirectories: true)
        let path = file.file == "salt" ? sandbox.home.path + "/redaction.salt" : data.path + "/" + file.file
        try obstacle.place(path)
        let outcome = try await sandbox.run("run", "--config", "config.yaml")
        #expect([74, 77].contains(outcome.exitCode), "\(outcome)")
        let lines = outcome.errors.split(separator: "\n").filter { $0.contains(file.file) }
        #expect(lines.count == 1, "\(outcome.errors)")
        #expect(lines.first?.contains(obstacle.rawValue) == true, "\(outcome.errors)")
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["keys.json", "keys.json.lock"], Obstacle.allCases)
    func `no key is made where the path is something else`(file: String, obstacle: Obstacle) async throws {
        let sandbox = try Sandbox()
        try FileManager.default.createDirectory(at: sandbox.home, withIntermediateDirectories: true)
        try obstacle.place(sandbox.home.path + "/" + file)
        let outcome = try await sandbox.run("keys", "create", "--name", "one")
        #expect([74, 77].contains(outcome.exitCode), "\(outcome)")
        #expect(outcome.errors.contains(obstacle.rawValue) && outcome.errors.contains("keys.json"), "\(outcome)")
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["sqlite", "jsonl"], Obstacle.allCases)
    func `what takes the place of a running store is refused for now, and the store goes on without it`(
        store: String,
        obstacle: Obstacle
    ) async throws {
        let subject = try StoreProgram(store)
        let program = try await subject.sandbox.serve()
        #expect(try await program.post("/api/telemetry/ingest", StoreProgram.events(0..<5)).status == 202)
        try obstacle.place(subject.path)
        #expect(try await program.post("/api/telemetry/ingest", StoreProgram.events(5..<10)).status == 503)
        #expect(try await program.get("/api/health").json()["status"] as? String == "degraded")
        #expect(program.errorText.contains(obstacle.rawValue), "\(program.errorText)")
        try FileManager.default.removeItem(atPath: subject.path)
        #expect(try await program.post("/api/telemetry/ingest", StoreProgram.events(5..<10)).status == 202)
        #expect(try await program.get("/api/health").json()["status"] as? String == "ok")
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(.timeLimit(.minutes(2)), arguments: [Obstacle.pipe, .folder, .link])
    func `a price table that never ends is not read`(obstacle: Obstacle) async throws {
        let sandbox = try Sandbox()
        try obstacle.place(sandbox.folder.path + "/table")
        let outcome = try await sandbox.run(["run", "--set", "processors.pricing.table=./table"] + Sandbox.anyPort)
        #expect([74, 77, 78].contains(outcome.exitCode), "\(outcome)")
        #expect(outcome.errors.contains("table"), "\(outcome)")
    }
}
