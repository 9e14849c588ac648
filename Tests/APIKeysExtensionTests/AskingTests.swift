// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import Logging
import Testing
import Usage

@testable import APIKeysExtension

struct AskingTests {
    private let folder: TemporaryFolder
    private let file: KeyFile
    private let clock = HandClock()

    init() throws {
        folder = try TemporaryFolder()
        file = KeyFile(path: folder.path + "/keys.json")
    }

    private func make(_ config: APIKeysConfig = APIKeysConfig()) throws -> APIKeysExtension {
        let settings = ComponentSettings(
            id: try #require(ComponentID("api_keys")),
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() },
            home: folder.path,
            now: { [clock] in clock.now }
        )
        return APIKeysExtension(config, settings)
    }

    private func create(_ scopes: KeyScope...) throws -> NewKey {
        let key = NewKey(name: "k", scopes: scopes, createdAt: "2026-11-22T00:00:00Z")
        try file.change { $0.append(key.record) }
        return key
    }

    @Test func `it keeps the contract of components`() async throws {
        let suite = ComponentConformance(.apiKeys, home: folder.path)
        #expect(suite.configurationViolations() == [])
    }

    @Test func `a key is made, used and revoked without a start of the collector`() async throws {
        let reader = try create(.read)
        let keys = try make()
        try await keys.start()
        #expect(keys.permissions(of: reader.key) == .read)
        #expect(keys.permissions(of: reader.key + "x") == nil)
        #expect(keys.permissions(of: "") == nil)
        let both = try create(.read, .write)
        clock.pass(1)
        #expect(keys.permissions(of: both.key) == [.read, .write])
        try file.change { $0.removeAll { $0.id == reader.record.id } }
        clock.pass(1)
        #expect(keys.permissions(of: reader.key) == nil)
        #expect(keys.permissions(of: both.key) == [.read, .write])
        try FileManager.default.removeItem(atPath: file.path)
        clock.pass(1)
        #expect(keys.permissions(of: both.key) == nil)
        await keys.shutdown()
    }

    @Test func `a file that becomes unusable leaves the keys as they are, and is reported`() async throws {
        let key = try create(.write)
        let keys = try make()
        try await keys.start()
        try folder.write("{", to: "keys.json")
        clock.pass(1)
        #expect(keys.permissions(of: key.key) == .write)
        #expect(keys.trouble?.contains("is no file of keys") == true)
        try FileManager.default.removeItem(atPath: file.path)
        clock.pass(1)
        #expect(keys.permissions(of: key.key) == nil)
        #expect(keys.trouble == nil)
        await keys.shutdown()
    }

    @Test func `a file that cannot be used prevents the start`() async throws {
        try folder.write("{", to: "keys.json")
        let keys = try make()
        await #expect(throws: StartError.self) { try await keys.start() }
        await keys.shutdown()
    }

    @Test func `the last use is written down in the end`() async throws {
        let (used, unused) = (try create(.read), try create(.read))
        let keys = try make()
        try await keys.start()
        _ = keys.permissions(of: used.key)
        #expect(try file.records().allSatisfy { $0.lastUsedAt == nil })
        await keys.shutdown()
        let records = try file.records()
        #expect(records.first { $0.id == used.record.id }?.lastUsedAt == clock.now.iso8601)
        #expect(records.first { $0.id == unused.record.id }?.lastUsedAt == nil)
    }

    @Test func `a key may be in the configuration`() async throws {
        var entry = APIKeysConfig.Key()
        (entry.name, entry.key, entry.scopes) = ("build", Secret("0123456789abcdefghij"), [.write])
        var config = APIKeysConfig()
        config.keys = [entry]
        let keys = try make(config)
        try await keys.start()
        #expect(keys.permissions(of: "0123456789abcdefghij") == .write)
        #expect(keys.permissions(of: "0123456789abcdefghi") == nil)
        await keys.shutdown()
    }

    @Test(arguments: [
        ("keys: [{ name: a, key: 0123456789abcdefghij }]", [String]()),
        ("keys: [{ name: a, key: 0123456789abcdefghij, scopes: [telemetry:read] }]", []),
        ("keys: [{ name: a, key: short }]", ["key"]), ("keys: [{ key: 0123456789abcdefghij }]", ["key"]),
        ("keys: [{ name: a, key: 0123456789abcdefghij, scopes: [] }]", ["key"]),
        ("keys: [{ name: a, key: 0123456789abcdefghij }, { name: a, key: 0123456789abcdefghik }]", ["key"]),
    ])
    func `keys of the configuration must have a name, a scope and enough letters`(text: String, codes: [String]) {
        var diagnostics = Diagnostics()
        let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        let config = node.map {
            ConfigDecoder().decode(APIKeysConfig.self, from: $0, over: APIKeysConfig(), diagnostics: &diagnostics)
        }
        #expect(diagnostics.isEmpty, "\(diagnostics.rendered())")
        var findings = ConfigFindings()
        config?.validate(&findings)
        #expect(findings.items.map(\.code) == codes)
        #expect(!"\(String(describing: config))".contains("0123456789"))
    }
}
