// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

@testable import PluginProcesses

struct PluginDeltaTests {
    /// Three log records of one resource, each with its number.
    private static func batch() throws -> Batch {
        let records = (0..<3).map {
            #"{"body":{"stringValue":"\#($0)"},"attributes":[{"key":"n","value":{"intValue":"\#($0)"}}]}"#
        }
        let json = """
            {"resourceLogs":[{"resource":{"attributes":[{"key":"user","value":{"stringValue":"ada"}}]},
              "scopeLogs":[{"scope":{"name":"s"},"logRecords":[\(records.joined(separator: ","))]}]}]}
            """
        let otlp = try OTLPBatch(signal: .logs, json: Array(json.utf8))
        return Batch(otlp, receivedAt: Timestamp(nanoseconds: 0))
    }

    private static func numbers(_ batch: Batch) throws -> [Int64] {
        let again = try OTLPBatch(signal: .logs, protobuf: batch.otlp.encoded())
        return again.records.indices.compactMap { record in
            again.attribute("n", of: .record(record)).flatMap { again.number(of: $0) }
        }
    }

    @Test func `a delta changes records, their scope and their resource`() throws {
        var batch = try Self.batch()
        let changes = [
            PluginChange(record: 0, operation: .drop),
            PluginChange(record: 1, operation: .set("team", "red", .record)),
            PluginChange(record: 1, operation: .set("team", "blue", .resource)),
            PluginChange(record: 2, operation: .set("kind", 3, .scope)),
            PluginChange(record: 2, operation: .unset("user", .resource)),
        ]
        try PluginDelta(for: batch).apply(.delta(changes), to: &batch)
        let otlp = try OTLPBatch(signal: .logs, protobuf: batch.otlp.encoded())
        #expect(try Self.numbers(batch) == [1, 2])
        #expect(otlp.attribute("team", of: .record(0)).map { otlp.text(of: $0) } == "red")
        #expect(otlp.attribute("team", of: .record(1)) == nil)
        #expect(otlp.attribute("team", of: .resource(0)).map { otlp.text(of: $0) } == "blue")
        #expect(otlp.attribute("kind", of: .scope(0)).map { otlp.text(of: $0) } == "3")
        #expect(otlp.attribute("user", of: .resource(0)) == nil)
    }

    @Test func `records are counted as the plugin got them, without those dropped before`() throws {
        var batch = try Self.batch()
        batch.otlp.overlay.drop(record: 0)
        let delta = PluginDelta(for: batch)
        try delta.apply(.delta([PluginChange(record: 1, operation: .drop)]), to: &batch)
        #expect(try Self.numbers(batch) == [1])
    }

    @Test func `an answer that cannot be used changes nothing`() throws {
        var batch = try Self.batch()
        let delta = PluginDelta(for: batch)
        let wrong = [PluginChange(record: 0, operation: .drop), PluginChange(record: 3, operation: .drop)]
        #expect(throws: PluginFault.self) { try delta.apply(.delta(wrong), to: &batch) }
        #expect(throws: PluginFault.self) { try delta.apply(.batch([0xFF, 0xFF]), to: &batch) }
        #expect(throws: PluginFault.self) { try delta.drop([3], from: &batch) }
        #expect(try Self.numbers(batch) == [0, 1, 2])
    }

    @Test func `a whole batch takes the place of the old one`() throws {
        var batch = try Self.batch()
        var other = try Self.batch()
        other.otlp.overlay.drop(record: 1)
        batch.observations = [
            Observation(id: 1, time: Timestamp(nanoseconds: 0), source: .otlpLog, emitter: 1, priority: 1)
        ]
        batch.observations[0].record = 2
        try PluginDelta(for: batch).apply(.batch(other.otlp.encoded()), to: &batch)
        #expect(try Self.numbers(batch) == [0, 2])
        #expect(batch.observations[0].record == -1)
    }

    @Test func `refused records go no further`() throws {
        var batch = try Self.batch()
        try PluginDelta(for: batch).drop([0, 2], from: &batch)
        #expect(try Self.numbers(batch) == [1])
    }
}
