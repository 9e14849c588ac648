// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FlushCounter
import FoundationEssentials
import Glibc
import Testing

@testable import APIKeysExtension

struct KeyFileTests {
    private let folder: TemporaryFolder
    private let file: KeyFile

    init() throws {
        folder = try TemporaryFolder()
        file = KeyFile(path: folder.path + "/keys.json")
    }

    @Test func `a key is long, recognisable, different each time and not in its record`() throws {
        let keys = (0..<100).map { _ in NewKey(name: "a", scopes: [.read], createdAt: "2026-11-22T00:00:00Z") }
        #expect(Set(keys.map(\.key)).count == 100)
        #expect(Set(keys.map(\.record.id)).count == 100)
        for key in keys {
            #expect(key.key.hasPrefix("hammurabi_"))
            #expect(key.key.count == 10 + 43)
            #expect(
                key.key.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45 || $0 == 95
                }
            )
            #expect(!"\(key.record)".contains(key.key))
        }
    }

    @Test func `a key that was made or revoked is so after a power cut`() throws {
        let flushes = FlushCounter(below: folder.path)
        let key = NewKey(name: "a", scopes: [.read], createdAt: "2026-11-22T00:00:00Z")
        try file.change { $0.append(key.record) }
        #expect(flushes.all == ["keys.json.new": 1, "/": 1])
        try file.change { $0 = [] }
        #expect(flushes.all == ["keys.json.new": 2, "/": 2])
    }

    @Test func `the folders of the first key are on the disk, too`() throws {
        let flushes = FlushCounter(below: folder.path)
        let file = KeyFile(path: folder.path + "/deep/er/keys.json")
        try file.change { $0.append(NewKey(name: "a", scopes: [.read], createdAt: "2026-11-22T00:00:00Z").record) }
        #expect(flushes.all == ["deep/er/keys.json.new": 1, "deep/er": 1, "deep": 1, "/": 1])
    }

    @Test func `a digest is SHA-256`() throws {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(KeyDigest(of: "abc").hex == hex)
        #expect(KeyDigest(hex: hex) == KeyDigest(of: "abc"))
        #expect(KeyDigest(hex: hex) != KeyDigest(of: "abd"))
        for bad in ["", "ba78", String(hex.dropLast()) + "g", hex + "00"] { #expect(KeyDigest(hex: bad) == nil) }
    }

    @Test func `without a file there are no keys, and the first makes it, for its owner alone`() throws {
        #expect(try file.records() == [])
        let key = NewKey(name: "laptop", scopes: [.read, .write], createdAt: "2026-11-22T00:00:00Z")
        try file.change { $0.append(key.record) }
        #expect(try file.records() == [key.record])
        var facts = stat()
        #expect(stat(file.path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        let text = String(decoding: try Data(contentsOf: URL(filePath: file.path)), as: UTF8.self)
        #expect(!text.contains(key.key))
        #expect(text.contains("telemetry:read"))
    }

    @Test func `a file that others may read is refused`() throws {
        try file.change { $0.append(NewKey(name: "a", scopes: [.read], createdAt: "").record) }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
        let error = #expect(throws: StartError.self) { try file.records() }
        #expect(error?.reason == .permission)
        #expect(error?.description.contains("chmod 600 \(file.path)") == true)
        #expect(throws: StartError.self) { try file.change { _ in } }
    }

    @Test(arguments: ["", "{", "[]", "{\"keys\":[{\"id\":1}]}", "{\"keys\":{}}"])
    func `a file of another program is refused and not overwritten`(text: String) throws {
        try folder.write(text, to: "keys.json")
        let error = #expect(throws: StartError.self) { try file.records() }
        #expect(error?.reason == .configuration)
        #expect(throws: StartError.self) {
            try file.change { $0.append(NewKey(name: "a", scopes: [], createdAt: "").record) }
        }
        #expect(try folder.read("keys.json") == text)
    }

    @Test func `an invalid hash is refused`() throws {
        var record = NewKey(name: "a", scopes: [.read], createdAt: "").record
        record.hash = "abc"
        try file.change { [record] in $0.append(record) }
        #expect(throws: StartError.self) { try file.records() }
    }

    @Test func `changes at the same time do not undo one another`() async throws {
        await withTaskGroup { group in
            for number in 0..<20 {
                group.addTask { [file] in
                    _ = try? file.change { $0.append(NewKey(name: "\(number)", scopes: [.read], createdAt: "").record) }
                }
            }
        }
        #expect(Set(try file.records().map(\.name)).count == 20)
    }
}
