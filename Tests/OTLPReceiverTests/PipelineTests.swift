// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import Testing

@testable import OTLPReceiver

@Suite struct PipelineTests {
    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `a signal without a pipeline is not found, and the listener learns why`(signal: Signal, encoding: OTLPEncoding)
        async throws
    {
        let bench = try await Bench(signals: Signal.allCases.filter { $0 != signal })
        for _ in 1...3 {
            let answer = try await bench.post(signal, encoding.body(signal, signal.twoRecords), encoding.fields)
            #expect(answer.status == 404)
            #expect(answer.body == encoding.status(5, "no pipeline for \(signal) is configured"))
            #expect(answer.rejection == Rejection(.noPipeline, "no pipeline for \(signal) is configured"))
        }
        #expect(bench.pipeline.batches.isEmpty)
    }

    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `a permanent error is the sender's`(signal: Signal, encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        bench.pipeline.refuse(with: .permanent("too old"))
        let answer = try await bench.post(signal, encoding.body(signal, signal.twoRecords), encoding.fields)
        #expect(answer.status == 400)
        #expect(answer.fields[.contentType] == encoding.rawValue)
        #expect(answer.fields[.retryAfter] == nil)
        #expect(answer.body == encoding.status(3, "too old"))
    }

    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `a passing error requests a retry`(signal: Signal, encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        bench.pipeline.refuse(with: .retryable("the disk is full", after: 10))
        let body = try encoding.body(signal, signal.twoRecords)
        let answer = try await bench.post(signal, body, encoding.fields)
        #expect(answer.status == 503)
        #expect(answer.fields[.contentType] == encoding.rawValue)
        #expect(answer.fields[.retryAfter] == "10")
        #expect(answer.body == encoding.status(14, "the disk is full"))
        bench.pipeline.refuse(with: nil)
        #expect(try await bench.post(signal, body, encoding.fields).status == 200)
    }

    @Test func `a receiver that never started shuts down`() async throws {
        await (try await Bench(start: false)).receiver.shutdown()
    }
}
