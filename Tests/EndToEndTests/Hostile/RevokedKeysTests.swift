// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A key that is revoked, or loses a scope, must not continue to read an open answer.
struct RevokedKeysTests {
    private static let arguments = [
        "--set", "extensions.api_keys={}", "--set", "service.extensions=[hub, api_keys]",
    ]

    @Test(arguments: ["/api/telemetry/stream", "/api/telemetry/tap/events?limit=10000"])
    func `an open feed ends when its key is revoked`(path: String) async throws {
        let sandbox = try Sandbox()
        let key = try await Self.key("reader", "read", sandbox)
        // A key that is made while the collector runs is known within a second, not at once.
        let other = try await Self.key("other", "read", sandbox)
        let program = try await sandbox.collect(arguments: Self.arguments)
        let reader = try StreamReader(program.address() + path, key: key)
        let spared = try StreamReader(program.address() + "/api/telemetry/stream", key: other)
        try await reader.waitForStart()
        try await spared.waitFor("event: summary")
        #expect(try await sandbox.run(["keys", "revoke", "reader"] + Self.arguments).exitCode == 0)
        try await reader.waitForEnd()
        #expect(!spared.isOver)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `an open feed ends when its key loses the scope`() async throws {
        let sandbox = try Sandbox()
        let key = try await Self.key("reader", "read", sandbox)
        let program = try await sandbox.collect(arguments: Self.arguments)
        let reader = try StreamReader(program.address() + "/api/telemetry/stream", key: key)
        try await reader.waitFor("event: summary")
        let file = sandbox.home.appending(path: "keys.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        let changed = sandbox.home.appending(path: "keys.changed")
        try Data(text.replacing("telemetry:read", with: "telemetry:write").utf8).write(to: changed)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: changed.path)
        #expect(rename(changed.path, file.path) == 0)
        try await reader.waitForEnd()
        #expect(try await program.stop().exitCode == 0)
    }

    private static func key(_ name: String, _ scope: String, _ sandbox: Sandbox) async throws -> String {
        let made = try await sandbox.run(["keys", "create", "--name", name, "--scope", scope] + arguments)
        #expect(made.exitCode == 0)
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
