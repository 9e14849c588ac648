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

    private static func call(ofRecord record: Int32, _ origin: CallOrigin) -> Observation {
        var observation = Observation(
            id: UInt64(record + 2),
            time: Timestamp(nanoseconds: 1_793_491_200_000_000_000),
            source: .otlpLog,
            emitter: 1,
            priority: 1,
            origin: SharedOrigin(origin)
        )
        observation.record = record
        return observation
    }

    @Test func `labels are added to calls that lack them, and nothing else of a call changes`() throws {
        var batch = try Self.batch()
        var (known, group) = (CallOrigin(), CallOrigin())
        (known.session, known.user) = ("s", "ada")
        (group.session, group.sessionIsTrace, group.agent) = ("shop · 2026-11-01 (no session)", true, "shop")
        batch.observations = [
            Self.call(ofRecord: 0, known), Self.call(ofRecord: 1, group), Self.call(ofRecord: -1, known),
        ]
        batch.observations[1].counts.output = 7
        batch.otlp.overlay.drop(record: 2)
        let before = batch.observations
        let changes = [
            PluginChange(record: 0, operation: .label(.user, "bob")),
            PluginChange(record: 0, operation: .label(.machine, "m1")),
            PluginChange(record: 1, operation: .label(.user, "bob")),
            PluginChange(record: 1, operation: .label(.project, "")),
        ]
        try PluginDelta(for: batch).apply(.delta(changes), to: &batch)
        #expect(batch.observations[0].user == "ada" && batch.observations[0].machine == "m1")
        #expect(batch.observations[0].session == "s")
        // Sums by user are made from sessions: the call has a group with the user now.
        #expect(batch.observations[1].user == "bob" && batch.observations[1].project == nil)
        #expect(batch.observations[1].session == "shop · 2026-11-01 (no session) · bob")
        #expect(batch.observations[2] == before[2])
        for (place, old) in before.enumerated() {
            var new = batch.observations[place]
            new.origin = old.origin
            #expect(new == old)
        }
    }

    @Test func `a label that no call has is a fault`() throws {
        func payload(_ key: String, _ value: [UInt8]) -> [UInt8] {
            [0, 1, 0, 0, 0, 0, 0, 0, 4, 0, UInt8(key.utf8.count), 0, 0, 0, 0, 0, UInt8(value.count), 0, 0, 0] + key.utf8
                + value
        }
        let text: [UInt8] = [0x0A, 1, 0x78]
        let label = PluginChange(record: 0, operation: .label(.user, "x"))
        #expect(try PluginAnswer(parsing: payload("user", text)) == .ok(.delta([label])))
        for wrong in [payload("model", text), payload("user", [0x18, 1]), payload("", text)] {
            #expect(throws: PluginFault.self) { try PluginAnswer(parsing: wrong) }
        }
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
