// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import RawHTTP
import Synchronization
import Testing
import Usage

@testable import Collector

struct PipelineTests {
    @Test func `a batch goes through the processors in their order and then to all exporters`() async throws {
        let journal = Journal()
        let pipeline = Pipeline(
            processors: ["first", "second"].map { name in Step { _ throws(ConsumeError) in journal.write(name) } },
            exporters: [Sink(journal, "a"), Sink(journal, "b")]
        )
        try await pipeline.consume(try sample())
        #expect(journal.entries.prefix(2) == ["first", "second"])
        #expect(journal.entries.dropFirst(2).sorted() == ["a 2", "b 2"])
    }

    @Test func `what a processor drops is not passed on`() async throws {
        let journal = Journal()
        let dropFirst = Step { batch throws(ConsumeError) in batch.otlp.overlay.drop(record: 0) }
        let dropSecond = Step { batch throws(ConsumeError) in batch.otlp.overlay.drop(record: 1) }
        try await Pipeline(processors: [dropFirst], exporters: [Sink(journal, "a")]).consume(try sample())
        #expect(journal.entries == ["a 1"])
        try await Pipeline(processors: [dropFirst, dropSecond], exporters: [Sink(journal, "a")]).consume(try sample())
        #expect(journal.entries == ["a 1"])
    }

    @Test func `a processor that refuses a batch ends its way`() async throws {
        let journal = Journal()
        let refuse = Step { _ throws(ConsumeError) in throw .permanent("not this one") }
        let pipeline = Pipeline(
            processors: [refuse, Step { _ throws(ConsumeError) in journal.write("second") }],
            exporters: [Sink(journal, "a")]
        )
        let batch = try sample()
        await #expect(throws: ConsumeError.permanent("not this one")) { try await pipeline.consume(batch) }
        #expect(journal.entries.isEmpty)
    }

    @Test(arguments: [
        ([ConsumeError?.none, nil], ConsumeError?.none),
        ([.retryable("busy"), nil], .retryable("busy")),
        ([.retryable("busy"), .permanent("bad")], .permanent("bad")),
        ([.permanent("bad"), .retryable("busy", after: 60), nil], .permanent("bad")),
        ([.retryable("soon", after: 2), .retryable("late", after: 30)], .retryable("late", after: 30)),
    ])
    func `all exporters are asked and the gravest answer counts`(answers: [ConsumeError?], expected: ConsumeError?)
        async throws
    {
        let journal = Journal()
        let exporters = answers.enumerated().map { Sink(journal, "\($0)", refusing: $1) }
        let batch = try sample()
        do throws(ConsumeError) {
            try await FanOut(consumers: exporters).consume(batch)
            #expect(expected == nil)
        } catch {
            #expect(error == expected)
        }
        #expect(journal.entries.sorted() == answers.indices.map { "\($0) 2" })
    }

    @Test func `the store that knew the fewest calls says how many were new`() async throws {
        struct Store: Consumer {
            let newCalls: Int?
            func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
                newCalls.map { calls in Delivery { calls } } ?? .unkept
            }
        }
        for (answers, expected) in [([3, nil, 5], 5), ([nil, nil], nil), ([0], 0), ([nil, 0], 0)] as [([Int?], Int?)] {
            let pipeline = Pipeline(processors: [], exporters: answers.map { Store(newCalls: $0) })
            #expect(try await pipeline.consume(try sample()).newCalls == expected)
        }
        let dropAll = Step { batch throws(ConsumeError) in
            for record in batch.otlp.records.indices { batch.otlp.overlay.drop(record: record) }
        }
        let emptied = Pipeline(processors: [dropAll], exporters: [Store(newCalls: 7)])
        #expect(try await emptied.consume(try sample()).newCalls == 0)
    }

    @Test func `a slow exporter does not keep a batch from the others`() async throws {
        let journal = Journal()
        let (opened, open) = AsyncStream<Void>.makeStream()
        let slow = Sink(journal, "slow") { for await _ in opened {} }
        let batch = try sample()
        async let done = FanOut(consumers: [slow, Sink(journal, "quick")]).consume(batch)
        #expect(await eventually { journal.entries == ["quick 2"] })
        open.finish()
        _ = try await done
        #expect(journal.entries == ["quick 2", "slow 2"])
    }
}

/// A processor made of one function.
private struct Step: Processor {
    let work: @Sendable (inout Batch) throws(ConsumeError) -> Void

    func process(_ batch: inout Batch) throws(ConsumeError) { try work(&batch) }
}

/// An exporter that records how many records it was given.
private struct Sink: Consumer {
    let journal: Journal
    let name: String
    let refusal: ConsumeError?
    let wait: @Sendable () async -> Void

    init(
        _ journal: Journal,
        _ name: String,
        refusing: ConsumeError? = nil,
        wait: @escaping @Sendable () async -> Void = {}
    ) {
        self.journal = journal
        self.name = name
        refusal = refusing
        self.wait = wait
    }

    func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        await wait()
        journal.write("\(name) \(batch.otlp.recordCount)")
        if let refusal { throw refusal }
        return .unkept
    }
}

private func sample() throws -> Batch {
    let json =
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{"stringValue":"b"}}]}]}]}"#
    return Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: Timestamp(nanoseconds: 0))
}
