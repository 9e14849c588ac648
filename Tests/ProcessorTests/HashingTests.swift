// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FlushCounter
import FoundationEssentials
import OTLP
import Testing
import Usage

@testable import RedactionProcessor

@Suite struct HashingTests {
    /// FIPS 180-4 and NIST's examples, with lengths around the block.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func `SHA-256 gives the published digests`(message: String, digest: String) {
        #expect(SHA256.hex(SHA256.digest(Array(message.utf8))) == digest)
    }

    /// RFC 4231, cases 2 and 6: a short key, and one longer than a block.
    @Test func `HMAC gives the published codes`() {
        let short = SHA256.authenticationCode(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(SHA256.hex(short) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let long = SHA256.authenticationCode(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            key: Array(repeating: 0xaa, count: 131)
        )
        #expect(SHA256.hex(long) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `equal values give equal hashes, in any place and of any type`() throws {
        let processor = try processor(salt: "a salt of some length")
        var first = try spans(
            """
            "attributes":[\(text("user.email", "ann@example.org")),{"key":"n","value":{"intValue":"7"}}],
            "events":[{"name":"e","attributes":[\(text("user.email", "ann@example.org"))]}]
            """,
            resource: text("user.email", "ann@example.org")
        )
        try processor.process(&first)
        let hash = try #require(first.otlp.attribute(.userEmail, record: 0).map(first.otlp.text))
        #expect(hash.count == 32 && hash.allSatisfy { $0.isHexDigit })
        let sent = try first.otlp.sent()
        #expect(sent.split(separator: hash, omittingEmptySubsequences: false).count == 4)
        #expect(!sent.contains("ann@") && sent.contains(#""intValue":"7""#))
        var other = try logs(#""attributes":[\#(text("user.email", "bob@example.org"))]"#)
        try processor.process(&other)
        #expect(other.otlp.attribute(.userEmail, record: 0).map(other.otlp.text) != hash)
        var salted = try logs(#""attributes":[\#(text("user.email", "ann@example.org"))]"#)
        try self.processor(salt: "another salt of some length").process(&salted)
        #expect(salted.otlp.attribute(.userEmail, record: 0).map(salted.otlp.text) != hash)
    }

    @Test func `hashing comes before dropping`() throws {
        var config = RedactionConfig()
        (config.dropAttributes, config.hashAttributes) = (["user.*", "user.email"], ["user.email"])
        config.salt = "a salt of some length"
        var batch = try logs(#""attributes":[\#(text("user.email", "x")),\#(text("user.nick", "y"))]"#)
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&batch)
        #expect(batch.otlp.attribute(.userEmail, record: 0).map(batch.otlp.text)?.count == 32)
        #expect(batch.otlp.attribute("user.nick", of: .record(0)) == nil)
    }

    @Test func `without a salt one is made, kept to its owner and used again`() async throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/deep/er"
        let flushes = FlushCounter(below: folder.path)
        let one = try await hash(home: home)
        // The salt, its name and those of its folders: another salt after a power cut would give other hashes.
        #expect(flushes.all["/"] == 1 && flushes.all["deep"] == 1 && flushes.all["deep/er"] == 1)
        #expect(flushes.all.count == 4)
        let path = home + "/redaction.salt"
        let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(permissions == 0o600)
        #expect(try await hash(home: home) == one)
        #expect(try FileManager.default.contentsOfDirectory(atPath: home) == ["redaction.salt"])
        try FileManager.default.removeItem(atPath: path)
        #expect(try await hash(home: home) != one)
    }

    @Test func `several that start at once agree on one salt`() async throws {
        let folder = try TemporaryFolder()
        let hashes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await hash(home: folder.path) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(hashes.count == 1)
    }

    @Test func `a damaged salt prevents the start and says what to do`() async throws {
        let folder = try TemporaryFolder()
        try Data("short".utf8).write(to: URL(filePath: folder.path + "/redaction.salt"))
        let error = await #expect(throws: StartError.self) { try await hash(home: folder.path) }
        #expect(error?.description.contains("delete it") == true)
        #expect(error?.reason == .configuration)
    }

    @Test func `before the start what should be hashed is dropped`() throws {
        var config = RedactionConfig()
        config.hashAttributes = ["user.email"]
        var batch = try logs(#""attributes":[\#(text("user.email", "x"))]"#)
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&batch)
        #expect(batch.otlp.attribute(.userEmail, record: 0) == nil)
    }

    private func processor(salt: Secret) throws -> any Processor {
        var config = RedactionConfig()
        config.hashAttributes = ["user.email"]
        config.salt = salt
        return try ComponentFactory.redaction.makeProcessor(config, settings("redaction"))
    }

    private func hash(home: String) async throws -> String {
        var config = RedactionConfig()
        config.hashAttributes = ["user.email"]
        let processor = try ComponentFactory.redaction.makeProcessor(config, settings("redaction", home: home))
        try await processor.start()
        var batch = try logs(#""attributes":[\#(text("user.email", "x"))]"#)
        try processor.process(&batch)
        await processor.shutdown()
        return try #require(batch.otlp.attribute(.userEmail, record: 0).map(batch.otlp.text))
    }
}
