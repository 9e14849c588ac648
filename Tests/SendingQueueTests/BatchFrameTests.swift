// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import Testing
import Usage

@testable import SendingQueue

/// A batch with what processors found, as one OTLP request.
struct BatchFrameTests {
    private static func logs(_ names: [String]) throws -> OTLPBatch {
        let records = names.map { #"{"eventName":"\#($0)","timeUnixNano":"5","body":{"stringValue":"x"}}"# }
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}"#
        return try OTLPBatch(signal: .logs, json: Array(json.utf8))
    }

    private static func batch() throws -> Batch {
        var batch = Batch(try logs(["a", "b", "c"]), receivedAt: time(7))
        // The numbers of records are those of the records that are left.
        batch.otlp.overlay.drop(record: 0)
        var update = SessionUpdate(id: "s", time: time(1))
        update.extend(to: time(9))
        (update.agent, update.user, update.project, update.machine) = ("g", "u", "p", "m")
        (update.team, update.parent) = ("t", "q")
        update.name = LastWrite("name", at: time(2))
        update.branch = LastWrite("branch", at: time(3))
        update.agentVersion = LastWrite("1", at: time(4))
        update.taskStatus = LastWrite("busy", at: time(5))
        update.completion = LastWrite(1, at: time(6))
        update.reportedCost = LastWrite(Money(nanodollars: 12), at: time(7))
        update.provenance = [.measured, .transcript]
        batch.sessions.append(SessionUpdate(id: "other", time: time(3)))
        batch.sessions.assign(record: 2, to: batch.sessions.append(update))
        var observation = Observation(id: 3, time: time(4), source: .otlpLog, emitter: 5, priority: 6)
        observation.model = "m"
        observation.counts = TokenCounts(uncachedInput: 8, output: 9)
        batch.observations = [observation]
        batch.hops = 2
        return batch
    }

    @Test func `a batch comes back as it was, and is an OTLP request meanwhile`() throws {
        let batch = try Self.batch()
        let bytes = BatchFrame.bytes(of: batch)
        let shown = try OTLPBatch(signal: .logs, protobuf: bytes)
        #expect(shown.recordCount == 2)
        let back = try #require(BatchFrame.batch(bytes[...], .logs, hops: 2, prices: { nil }))
        #expect(back.otlp.bytes == batch.otlp.encoded())
        #expect(back.observations == batch.observations)
        #expect(Array(back.sessions) == Array(batch.sessions))
        #expect((0..<3).map { back.sessions[record: $0]?.id } == [nil, "s", nil])
        #expect(back.receivedAt == batch.receivedAt && back.hops == 2 && back.pricing == nil)
        // Joined with others it can still be read as one.
        #expect(try OTLPBatch(signal: .logs, protobuf: bytes + bytes).recordCount == 4)
    }

    @Test func `only a batch that had prices gets those in force`() throws {
        var batch = try Self.batch()
        let prices = Pricing(table: try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8)))
        let without = BatchFrame.bytes(of: batch)
        #expect(BatchFrame.batch(without[...], .logs, hops: 0, prices: { prices })?.pricing == nil)
        batch.pricing = prices
        #expect(BatchFrame.batch(BatchFrame.bytes(of: batch)[...], .logs, hops: 0, prices: { prices })?.pricing != nil)
    }

    @Test func `a batch of nothing but calls is kept, one of nothing at all is not`() throws {
        var batch = Batch(try Self.logs([]), receivedAt: time(1))
        #expect(QueuedForm.batch.isEmpty(batch))
        batch.observations = [Observation(id: 3, time: time(4), source: .otlpLog, emitter: 5, priority: 6)]
        #expect(!QueuedForm.batch.isEmpty(batch) && QueuedForm.records.isEmpty(batch))
        #expect(
            BatchFrame.batch(BatchFrame.bytes(of: batch)[...], .logs, hops: 0, prices: { nil })?.observations.count == 1
        )
    }

    @Test func `what is cut or was not made here is not read`() throws {
        let bytes = BatchFrame.bytes(of: try Self.batch())
        for end in bytes.indices {
            #expect(BatchFrame.batch(bytes[..<end], .logs, hops: 0, prices: { nil }) == nil, "\(end)")
        }
        #expect(BatchFrame.batch(try Self.logs(["a"]).bytes[...], .logs, hops: 0, prices: { nil }) == nil)
        // Sizes from outside do not lead beyond the bytes.
        for place in bytes.indices.suffix(40) {
            var changed = bytes
            changed[place] ^= 0xFF
            _ = BatchFrame.batch(changed[...], .logs, hops: 0, prices: { nil })
        }
    }
}
