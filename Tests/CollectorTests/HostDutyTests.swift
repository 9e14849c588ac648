// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization
import Testing
import Usage

@testable import Collector

/// What the host does for every component: whether it runs, and what it counts.
struct HostDutyTests {
    private let life = ComponentLife()
    private let counters = ComponentCounters()
    private let passage = ComponentCounters()

    private var counts: [ComponentCounters.Field: Int] { counters.snapshot.filter { $0.value != 0 } }

    private func exporter(
        _ sink: BatchSink,
        sendsLater: Bool = false,
        counters: ComponentCounters? = nil,
        life: ComponentLife? = nil
    ) throws -> InstrumentedExporter {
        InstrumentedExporter(
            exporter: sink,
            id: try #require(ComponentID("sink")),
            sendsLater: sendsLater,
            counters: counters ?? self.counters,
            passage: passage,
            life: life ?? self.life,
            tap: TapPoint(),
            now: { Timestamp(nanoseconds: 0) }
        )
    }

    private func batch() throws -> Batch {
        let body = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{}}]}]}]}"#
        return Batch(try OTLPBatch(signal: .logs, json: Array(body.utf8)), receivedAt: Timestamp(nanoseconds: 0))
    }

    @Test func `an exporter is given batches only while it runs`() async throws {
        let sink = BatchSink()
        let (exporter, batch) = (try exporter(sink), try batch())
        await #expect(throws: ConsumeError.retryable("sink is not running")) { try await exporter.consume(batch) }
        life.gate.open()
        try await exporter.consume(batch)
        life.gate.close()
        await #expect(throws: ConsumeError.retryable("sink is not running")) { try await exporter.consume(batch) }
        #expect(sink.batches.count == 1)
        #expect(counts == [.accepted: 2, .sent: 2, .failed: 4])
    }

    @Test func `an exporter with a queue counts by itself what it has sent`() async throws {
        life.gate.open()
        try await exporter(BatchSink(), sendsLater: true).consume(batch())
        #expect(counts == [.accepted: 2])
    }

    @Test func `the records of a receiver are counted once, with their outcome`() async throws {
        let (sink, batch) = (BatchSink(), try batch())
        let inlet = PipelineSwitch(life: life, counters: counters, tap: TapPoint())
        inlet.lead(to: try exporter(sink, counters: ComponentCounters(), life: .running))
        await #expect(throws: ConsumeError.self) { try await inlet.consume(batch) }
        #expect(counts == [:])
        life.gate.open()
        try await inlet.consume(batch)
        sink.refuse(with: .permanent("what is this"))
        await #expect(throws: ConsumeError.self) { try await inlet.consume(batch) }
        sink.refuse(with: .retryable("the disk is full"))
        for _ in 0..<2 { await #expect(throws: ConsumeError.self) { try await inlet.consume(batch) } }
        #expect(counts == [.accepted: 2, .refused: 2, .failed: 4])
    }

    @Test func `the records that a processor takes, drops and refuses are counted`() throws {
        func processor(_ work: @escaping Step.Work) -> InstrumentedProcessor {
            InstrumentedProcessor(
                processor: Step(work: work),
                counters: counters,
                passage: passage,
                tap: TapPoint(),
                now: { Timestamp(nanoseconds: 0) }
            )
        }
        var batch = try batch()
        try processor { batch throws(ConsumeError) in batch.otlp.overlay.drop(record: 0) }.process(&batch)
        #expect(counts == [.accepted: 2, .dropped: 1])
        try processor { _ throws(ConsumeError) in }.process(&batch)
        #expect(counts == [.accepted: 3, .dropped: 1])
        #expect(throws: ConsumeError.self) {
            try processor { _ throws(ConsumeError) in throw .permanent("no") }.process(&batch)
        }
        #expect(counts == [.accepted: 3, .dropped: 1, .refused: 1])
    }

    private struct Step: Processor {
        typealias Work = @Sendable (inout Batch) throws(ConsumeError) -> Void
        let work: Work

        func process(_ batch: inout Batch) throws(ConsumeError) { try work(&batch) }
    }
}

extension ComponentLife {
    /// The life of a component that runs.
    fileprivate static var running: ComponentLife {
        let life = ComponentLife()
        life.gate.open()
        return life
    }
}
