// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import OTLPReceiver
import Testing
import Usage

@Suite struct RefusingTests {
    @Test(
        arguments: Signal.allCases,
        [nil, "", "text/plain", "application/protobuf", "json", ";", "application/json,x"]
    )
    func `an unusable type is answered in JSON with what is usable`(signal: Signal, type: String?) async throws {
        let bench = try await Bench()
        let fields: HTTPFields = type.map { [.contentType: $0] } ?? [:]
        let answer = try await bench.post(signal, Self.unread, fields)
        #expect(answer.status == 415)
        #expect(answer.fields[.accept] == "application/x-protobuf, application/json")
        #expect(answer.fields[.contentType] == "application/json")
        #expect(
            answer.body
                == OTLPEncoding.json.status(3, "the Content-Type must be application/x-protobuf or application/json")
        )
    }

    @Test(arguments: ["snappy", "lz4", "gzip, gzip", "br"], OTLPEncoding.allCases)
    func `an unknown coding is answered with the known ones`(coding: String, encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        let answer = try await bench.post(
            .logs,
            Self.unread,
            [.contentType: encoding.rawValue, .contentEncoding: coding]
        )
        #expect(answer.status == 415)
        #expect(answer.fields[.acceptEncoding] == "gzip, deflate, zstd")
        #expect(answer.body == encoding.status(3, "the Content-Encoding must be gzip, deflate, zstd or identity"))
    }

    @Test(arguments: OTLPEncoding.allCases)
    func `damaged gzip is bad data`(encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        let fields: HTTPFields = [.contentType: encoding.rawValue, .contentEncoding: "gzip"]
        let whole = try fixture("claude-code-logs.pb.gz")
        var broken = whole
        broken[whole.count / 2] ^= 0xFF
        for body in [Array("plain text".utf8), [], Array(whole.dropLast(9)), broken] {
            let answer = try await bench.post(.logs, body, fields)
            #expect(answer.status == 400)
            #expect(answer.fields[.contentType] == encoding.rawValue)
        }
        let answer = try await bench.post(.logs, Array("plain text".utf8), fields)
        #expect(answer.body == encoding.status(3, "gzip: invalid header"))
        #expect(bench.pipeline.batches.isEmpty)
    }

    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `a body that states too great a length is refused unread`(signal: Signal, encoding: OTLPEncoding) async throws
    {
        let bench = try await Bench { $0.maxRequestBodySize.bytes = 99 }
        let answer = try await bench.post(signal, Self.unread, encoding.fields)
        #expect(answer.status == 413)
        #expect(answer.fields[.connection] == "close")
        #expect(answer.fields[.contentType] == encoding.rawValue)
        let message = "the body has more than 99 bytes; send smaller batches or raise max_request_body_size"
        #expect(answer.body == encoding.status(3, message))
    }

    @Test func `the limit is exact, and holds for bodies of unknown length`() async throws {
        let body = Array(Signal.logs.twoRecords.utf8)
        for (limit, status) in [(body.count, 200), (body.count - 1, 413)] {
            let bench = try await Bench { $0.maxRequestBodySize.bytes = Int64(limit) }
            let (pieces, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            continuation.yield(Array(body.prefix(10)))
            continuation.yield(Array(body.dropFirst(10)))
            continuation.finish()
            let request = RequestBody(statedLength: nil, pieces: pieces)
            #expect(try await bench.post(.logs, request, OTLPEncoding.json.fields).status == status)
        }
    }

    @Test func `a small body that inflates beyond the limit is refused`() async throws {
        let bench = try await Bench { $0.maxRequestBodySize.bytes = 1_000_000 }
        let answer = try await bench.post(
            .logs,
            fixture("zeros-10MiB.gz"),
            [.contentType: "application/json", .contentEncoding: "gzip"]
        )
        #expect(answer.status == 413)
        #expect(answer.text.contains("the inflated body has more than 1000000 bytes"))
    }

    @Test func `ten megabytes that inflate to ten gigabytes are refused in bounded memory`() async throws {
        let bench = try await Bench()
        let member = try fixture("zeros-10MiB.gz")
        var bomb: [UInt8] = []
        for _ in 1...1_000 { bomb += member }
        let before = peakMemory()
        let answer = try await bench.post(
            .traces,
            bomb,
            [.contentType: "application/x-protobuf", .contentEncoding: "gzip"]
        )
        #expect(answer.status == 413)
        #expect(peakMemory() - before < 400 << 20)
    }

    @Test func `a body that is cut off is refused and ends the connection`() async throws {
        let bench = try await Bench()
        let (pieces, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        continuation.yield(Array("{".utf8))
        continuation.finish(throwing: CancellationError())
        let answer = try await bench.post(
            .logs,
            RequestBody(statedLength: 70, pieces: pieces),
            OTLPEncoding.json.fields
        )
        #expect(answer.status == 400)
        #expect(answer.fields[.connection] == "close")
    }

    @Test(arguments: Signal.allCases)
    func `data that cannot be decoded is answered with its place`(signal: Signal) async throws {
        let bench = try await Bench()
        let json = try await bench.post(signal, Array("{\"\(signal.top)\":[7]}".utf8), OTLPEncoding.json.fields)
        #expect(json.status == 400)
        #expect(json.text.hasPrefix("{\"code\":3,\"message\":\"\(signal.top)[0]"), "\(json.text)")
        let protobuf = try await bench.post(signal, [0x0A, 0x7F, 0x01], OTLPEncoding.protobuf.fields)
        #expect(protobuf.status == 400)
        #expect(protobuf.body.starts(with: [0x08, 0x03, 0x12]))
        #expect(protobuf.text.contains("byte "))
        #expect(bench.refused == 0)
        #expect(bench.pipeline.batches.isEmpty)
    }

    @Test(arguments: OTLPEncoding.allCases)
    func `a message in an answer has at most a kibibyte`(encoding: OTLPEncoding) async throws {
        let bench = try await Bench()
        bench.pipeline.refuse(with: .permanent(String(repeating: "ä", count: 5_000)))
        let answer = try await bench.post(.logs, encoding.body(.logs, Signal.logs.twoRecords), encoding.fields)
        #expect(answer.status == 400)
        #expect((1_024...1_060).contains(answer.body.count))
    }

    /// A body that must not be read.
    private static var unread: RequestBody {
        let pieces = AsyncThrowingStream<[UInt8], any Error> {
            Issue.record("the body was read")
            return nil
        }
        return RequestBody(statedLength: 100, pieces: pieces)
    }

    /// The most memory that this process has used, in bytes; 0 when the system does not report it.
    private func peakMemory() -> Int {
        guard let status = try? file("/proc/self/status") else { return 0 }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first).flatMap { Int($0) }.map {
            $0 << 10
        } ?? 0
    }
}

extension Signal {
    fileprivate var top: String {
        switch self {
        case .traces: "resourceSpans"
        case .logs: "resourceLogs"
        case .metrics: "resourceMetrics"
        }
    }
}
