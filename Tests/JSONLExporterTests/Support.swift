// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import Logging
import OTLP
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// A store in a folder of its own, which is removed with it.
final class Bench: StoreBench, Sendable {
    private let home: TemporaryFolder
    let counters = ComponentCounters()
    let exporter: any Exporter
    let store: any UsageStore

    init(
        start: Bool = true,
        path: String = "t.jsonl",
        calls: StorageCalls = .system,
        _ change: (inout JSONLConfig) -> Void = { _ in }
    ) async throws {
        home = try TemporaryFolder()
        exporter = try Self.makeExporter(
            home.url.appending(path: path).path,
            counters,
            calls,
            change
        )
        store = try #require(exporter.usageStore)
        if start { try await exporter.start() }
    }

    var folder: URL { home.url }

    var path: String { folder.appending(path: "t.jsonl").path }

    static func makeExporter(
        _ path: String,
        _ counters: ComponentCounters = ComponentCounters(),
        _ calls: StorageCalls = .system,
        _ change: (inout JSONLConfig) -> Void = { _ in }
    ) throws -> any Exporter {
        var config = JSONLConfig()
        config.path = ConfigPath(path)
        change(&config)
        let settings = ComponentSettings(
            id: try #require(ComponentID("jsonl")),
            logger: Logger(label: "jsonl") { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: "/nowhere",
            now: { morning }
        )
        return try ComponentFactory.jsonl(calls: calls).makeExporter(config, settings)
    }

    /// The same files opened anew by another store.
    func again(_ calls: StorageCalls = .system, _ change: (inout JSONLConfig) -> Void = { _ in }) async throws
        -> (any Exporter & UsageStore)
    {
        let exporter = try Self.makeExporter(path, ComponentCounters(), calls, change)
        try await exporter.start()
        return try #require(exporter as? any Exporter & UsageStore)
    }

    /// The bytes of a file in the folder.
    func bytes(_ name: String = "t.jsonl") -> [UInt8] {
        (try? Data(contentsOf: folder.appending(path: name))).map(Array.init) ?? []
    }

    func write(_ bytes: [UInt8], _ name: String = "t.jsonl") throws {
        try Data(bytes).write(to: folder.appending(path: name))
    }

    /// Takes the index away, so that the next start makes it from the lines.
    func removeIndex() { for end in ["", "-wal", "-shm"] { remove("t.jsonl.index" + end) } }

    func remove(_ name: String) { try? FileManager.default.removeItem(at: folder.appending(path: name)) }

    /// The names of the files of the store, without the lock.
    func files() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasSuffix(".lock") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }.sorted()
    }

    func lines(_ name: String = "t.jsonl") -> [String] {
        bytes(name).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }
}
