// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import Testing
import Usage

@Suite struct AcceptingTests {
    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `a request is passed on and answered without a partial success`(signal: Signal, encoding: OTLPEncoding)
        async throws
    {
        let bench = try await Bench()
        let answer = try await bench.post(signal, encoding.body(signal, signal.twoRecords), encoding.fields)
        #expect(answer.status == 200)
        #expect(answer.fields[.contentType] == encoding.rawValue)
        #expect(answer.text == (encoding == .json ? "{}" : ""))
        #expect(bench.pipeline.batches.map(\.signal) == [signal])
        #expect(bench.pipeline.batches.map(\.otlp.recordCount) == [2])
        #expect(bench.pipeline.batches.map(\.receivedAt.nanoseconds) == [7])
        #expect(bench.refused == 0)
    }

    @Test(arguments: [
        ("Application/JSON; charset=utf-8", "application/json"),
        (" application/json ;charset=\"utf-8\"", "application/json"),
        ("APPLICATION/X-PROTOBUF;v=1", "application/x-protobuf"),
    ])
    func `the type counts in any case and with parameters, and is answered bare`(type: String, bare: String)
        async throws
    {
        let bench = try await Bench()
        let encoding = try #require(OTLPEncoding(rawValue: bare))
        let answer = try await bench.post(.logs, encoding.body(.logs, Signal.logs.twoRecords), [.contentType: type])
        #expect(answer.status == 200)
        #expect(answer.fields[.contentType] == bare)
    }

    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `envelopes without records are accepted and not passed on`(signal: Signal, encoding: OTLPEncoding) async throws
    {
        let bench = try await Bench()
        #expect(try await bench.post(signal, encoding.body(signal, signal.noRecords), encoding.fields).status == 200)
        #expect(bench.pipeline.batches.isEmpty)
    }

    @Test func `an empty request is accepted, in JSON only as an object`() async throws {
        let bench = try await Bench()
        #expect(try await bench.post(.logs, [], OTLPEncoding.protobuf.fields).status == 200)
        #expect(try await bench.post(.logs, Array("{}".utf8), OTLPEncoding.json.fields).status == 200)
        #expect(try await bench.post(.logs, [], OTLPEncoding.json.fields).status == 400)
        #expect(bench.pipeline.batches.isEmpty)
    }

    @Test(arguments: OTLPEncoding.allCases)
    func `good records are kept, and the sender learns how many were not`(encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        let answer = try await bench.post(.traces, encoding.oneBadSpan, encoding.fields)
        #expect(answer.status == 200)
        let batch = try #require(bench.pipeline.batches.first?.otlp)
        #expect(batch.recordCount == 1)
        let reason = try #require(batch.rejectionReason)
        #expect(
            answer.body == ExportResponse.body(signal: .traces, rejected: 1, message: reason, json: encoding == .json)
        )
        #expect(bench.refused == 1)
        if encoding == .json {
            #expect(answer.text.hasPrefix(#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":""#))
        }
    }

    @Test func `a request of which nothing can be kept is a partial success, too, and not passed on`() async throws {
        let bench = try await Bench()
        let body = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8e","spanId":"eee19b7ec3c1b174"}]}]}]}"#
        let answer = try await bench.post(.traces, Array(body.utf8), OTLPEncoding.json.fields)
        #expect(answer.status == 200)
        #expect(answer.text.contains(#""rejectedSpans":"1""#))
        #expect(bench.pipeline.batches.isEmpty)
        #expect(bench.refused == 1)
        #expect(bench.intake.problems.map(\.code) == [.malformedRecords])
    }

    @Test(arguments: Signal.allCases, Signal.allCases)
    func `records on the path of another signal are an empty request, which is reported and counted`(
        signal: Signal,
        path: Signal
    ) async throws {
        guard signal != path else { return }
        let bench = try await Bench()
        for _ in 1...3 {
            let answer = try await bench.post(path, Array(signal.twoRecords.utf8), OTLPEncoding.json.fields)
            #expect(answer.status == 200)
            #expect(answer.text == "{}")
        }
        #expect(bench.pipeline.batches.isEmpty)
        #expect(bench.counters.value(.dropped) == 6)
        #expect(bench.log.lines.count == 3)
        #expect(bench.log.lines.allSatisfy { $0.contains("misplaced_records") })
        let problem = try #require(bench.intake.problems.first)
        #expect(bench.intake.problems.count == 1)
        #expect(problem.code == .misplacedRecords && problem.count == 6)
        #expect(problem.signal == signal && problem.subject == "/v1/\(path)")
    }

    @Test func `a body in pieces of unknown length is taken`() async throws {
        let bench = try await Bench()
        let body = Array(Signal.metrics.twoRecords.utf8)
        let (pieces, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        for start in stride(from: 0, to: body.count, by: 7) {
            continuation.yield(Array(body[start..<min(body.count, start + 7)]))
        }
        continuation.finish()
        let request = RequestBody(statedLength: nil, pieces: pieces)
        #expect(try await bench.post(.metrics, request, OTLPEncoding.json.fields).status == 200)
        #expect(bench.pipeline.batches.map(\.otlp.recordCount) == [2])
    }

    @Test(arguments: [
        ("claude-code-logs.json", Signal.logs, OTLPEncoding.json, ""),
        ("claude-code-metrics.json", .metrics, .json, ""),
        ("claude-code-traces.pb", .traces, .protobuf, ""),
        ("claude-code-logs.pb.gz", .logs, .protobuf, "gzip"),
        ("python-sdk-metrics.pb.gz", .metrics, .protobuf, "GZIP"),
        ("traceloop-traces.json.gz", .traces, .json, "x-gzip"),
    ])
    func `requests of real clients are accepted`(name: String, signal: Signal, encoding: OTLPEncoding, coding: String)
        async throws
    {
        let bench = try await Bench()
        let fields: HTTPFields = [.contentType: encoding.rawValue, .contentEncoding: coding]
        let answer = try await bench.post(signal, fixture(name), fields)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.text == (encoding == .json ? "{}" : ""))
        let batch = try #require(bench.pipeline.batches.first?.otlp)
        #expect(batch.recordCount > 0)
        #expect(bench.refused == 0)
        if name == "claude-code-traces.pb" { #expect(try batch.bytes == fixture(name)) }
    }
}
