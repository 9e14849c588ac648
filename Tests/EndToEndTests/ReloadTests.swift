// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Glibc
import Testing

/// Configurations that cannot be read while the program runs.
struct ReloadTests {
    private static let config = """
        receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" } } } }
        exporters: { jsonl: { path: ./store.jsonl } }
        service: { pipelines: { logs: { receivers: [otlp], exporters: [jsonl] } } }
        """

    /// A pipe without a writer would block its reader, all later reloads and the end of the program.
    @Test(arguments: ["pipe", "folder", "nothing", "/dev/zero", "noise"])
    func `whatever replaces the configuration file, the collector goes on and can be stopped`(kind: String)
        async throws
    {
        let sandbox = try Sandbox()
        try sandbox.write(Self.config, to: "config.yaml")
        let program = try await sandbox.collect("--config", "config.yaml")
        let path = sandbox.folder.appending(path: "config.yaml").path
        try FileManager.default.removeItem(atPath: path)
        switch kind {
        case "pipe": #expect(mkfifo(path, 0o600) == 0)
        case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        case "nothing": break
        case "noise": try Data((0..<5_000).map { UInt8($0 * 7 % 256) }).write(to: URL(filePath: path))
        default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: kind)
        }
        for _ in 0..<20 { program.send(SIGHUP) }
        try await waitUntil { program.errorText.contains("the new configuration is refused") }
        #expect(try await program.post("/v1/logs", Data(#"{"resourceLogs":[]}"#.utf8)).status == 200)
        try? FileManager.default.removeItem(atPath: path)
        try sandbox.write(Self.config, to: "config.yaml")
        program.send(SIGHUP)
        try await waitUntil { program.errorText.contains("the new configuration is in force") }
        #expect(try await program.stop().exitCode == 0)
    }
}
