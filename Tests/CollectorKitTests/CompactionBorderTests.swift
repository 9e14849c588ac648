// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

/// What a store accepts after a compaction.
struct CompactionBorderTests {
    private static let hour: Int64 = 3_600_000_000_000
    private static let noon = Timestamp(nanoseconds: 1_795_348_800_000_000_000)

    private static func time(_ hours: Int64) -> Timestamp { Timestamp(nanoseconds: noon.nanoseconds + hours * hour) }

    private static func batch(_ hours: [Int64], receivedAt: Int64 = 1) throws -> Batch {
        let logs = hours.map { #"{"timeUnixNano":"\#(time($0).nanoseconds)","body":{"stringValue":"\#($0)"}}"# }
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(logs.joined(separator: ","))]}]}]}"#
        var batch = Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: time(receivedAt))
        for (position, hour) in hours.enumerated() {
            batch.observations.append(observation(UInt64(position), hour))
            let update = SessionUpdate(id: "\(hour)", time: time(hour))
            batch.sessions.assign(record: position, to: batch.sessions.append(update))
        }
        return batch
    }

    private static func observation(_ id: UInt64, _ hours: Int64) -> Observation {
        Observation(id: id, time: time(hours), source: .otlpLog, emitter: 1, priority: 90)
    }

    @Test func `records and sessions before the border are refused, observations from a day before it on are not`()
        throws
    {
        let border = CompactionBorder(before: Self.noon)
        let (batches, refused) = border.admit([try Self.batch([-25, -23, -1, 0, 1])])
        #expect(refused == 3)
        #expect(batches[0].otlp.recordCount == 2)
        #expect(batches[0].observations.map(\.time) == [-23, -1, 0, 1].map(Self.time))
        #expect(batches[0].sessions.map(\.id) == ["0", "1"])
        #expect((0..<5).map { batches[0].sessions.position(ofRecord: $0) } == [nil, nil, nil, 0, 1])
        #expect(CompactionBorder.none.admit([try Self.batch([-25])]).refused == 0)
    }

    @Test func `a call is forgotten when each repeat of it would be refused`() {
        let border = CompactionBorder(before: Self.noon)
        #expect(border.isForgotten([Self.observation(1, -25), Self.observation(2, -26)]))
        #expect(!border.isForgotten([Self.observation(1, -25), Self.observation(2, 3)]))
        #expect(!border.isForgotten([Self.observation(1, -24)]))
        #expect(border.isExpired(Self.time(-1)) && !border.isExpired(Self.noon))
    }

    @Test func `the border is a whole quarter of an hour and never before 1970`() {
        let late = Timestamp(nanoseconds: Self.noon.nanoseconds + 899_999_999_999)
        #expect(CompactionBorder(before: late).instant == Self.noon)
        #expect(CompactionBorder(before: Timestamp(nanoseconds: .min)) == .none)
        #expect(!CompactionBorder(before: Timestamp(nanoseconds: .min)).isExpired(Timestamp(nanoseconds: 0)))
        #expect(CompactionBorder(before: Timestamp(nanoseconds: .max)).instant.nanoseconds > 0)
    }

    @Test func `an earlier compaction changes nothing, and a border in the future is given up`() throws {
        let (known, later) = (CompactionBorder(before: Self.noon), CompactionBorder(before: Self.time(5)))
        #expect(known.after(later, now: Self.time(6)) == later)
        #expect(later.after(known, now: Self.time(6)) == later)
        #expect(later.after(known, now: Self.time(1)) == known)
        #expect(later.applying(to: [try Self.batch([0], receivedAt: 1)]) == .none)
        #expect(later.applying(to: [try Self.batch([0], receivedAt: 5)]) == later)
    }
}
