// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import OTLPHTTPExporter
import SendingQueue
import SinkServer
import Synchronization
import Testing
import Usage

/// The sent requests, and the outcome of each answer.
struct SendingTests {
    @Test func `each signal goes to its own path with what a server needs to know`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address + "/base/") {
            $0.compression = .gzip
            $0.headers = ["X-Key": "s3cret-value"]
            $0.logsEndpoint = sink.address + "/elsewhere/logs?tenant=1"
        }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await bench.consume(try logs("b", signal: .traces))
        try await waitUntil { sink.requests.count == 2 }
        let requests = sink.requests.sorted { $0.path < $1.path }
        #expect(requests.map(\.path) == ["/base/v1/traces", "/elsewhere/logs?tenant=1"])
        for request in requests {
            #expect(request.fields["content-type"] == "application/x-protobuf")
            #expect(request.fields["content-encoding"] == "gzip")
            #expect(request.fields["x-key"] == "s3cret-value")
            #expect(request.fields["user-agent"]?.hasPrefix("hammurabi/1.2.3 (") == true)
            #expect(try request.batch().recordCount == 1)
        }
        await bench.stop()
        #expect(bench.counters.value(.sent) == 2)
        #expect(!bench.log.lines.contains { $0.contains("s3cret") })
        await sink.stop()
    }

    @Test(arguments: OTLPHTTPConfig.Compression.allCases)
    func `a body is compressed as configured and says so`(compression: OTLPHTTPConfig.Compression) async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address) { $0.compression = compression }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { sink.requests.count == 1 }
        let request = try #require(sink.requests.first)
        #expect(request.fields["content-encoding"] == (compression == .none ? nil : compression.rawValue))
        #expect(try request.texts() == ["a-0"])
        await bench.stop()
        await sink.stop()
    }

    @Test func `bytes arrive as they came in, and JSON says the same`() async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/cc-2.1.330-two-models-fork"
        )
        for encoding in OTLPHTTPConfig.Encoding.allCases {
            let sink = try await SinkServer.start()
            let bench = Bench(sink.address) { $0.encoding = encoding }
            try await bench.start()
            var count = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
                let signal = try #require(Signal.allCases.first { name.contains("\($0)") })
                let body = try Gzip.inflate([UInt8](try Data(contentsOf: folder.appending(path: name))), limit: 1 << 22)
                let batch = try OTLPBatch(signal: signal, protobuf: body)
                try await bench.consume(Batch(batch, receivedAt: Timestamp(nanoseconds: 0)))
                count += 1
                try await waitUntil { sink.requests.count == count }
                var json = OTLPJSONWriter()
                json.writeRequest(batch)
                let written = encoding == .proto ? body : json.text
                #expect(sink.requests[count - 1].body == written)
            }
            #expect(count == 10)
            await bench.stop()
            await sink.stop()
        }
    }

    @Test(arguments: [400, 401, 403, 404, 408, 415, 500, 501, 505])
    func `a refusal is for good: the batch is not sent again and kept as a dead letter`(status: Int) async throws {
        let sink = try await SinkServer.start { request in
            let isBad = (try? request.texts().contains("bad-0")) ?? false
            return isBad
                ? SinkServer.Reply(
                    status,
                    [("Content-Type", "application/json")],
                    Array(#"{"message":"no such tenant"}"#.utf8)
                ) : SinkServer.Reply(200)
        }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("bad", 3))
        try await waitUntil { bench.counters.value(.failed) == 3 }
        try await bench.consume(try logs("good"))
        try await waitUntil { bench.counters.value(.sent) == 1 }
        #expect(sink.requests.count == 2)
        try await waitUntil { bench.status?.batches == 0 }
        let letters = try await bench.deadLetters()
        #expect(letters.map(\.records) == [3])
        #expect(letters.map(\.reason) == ["the destination answered \(status): no such tenant"])
        #expect(try OTLPBatch(signal: .logs, protobuf: letters[0].request).recordCount == 3)
        #expect(bench.log.lines.contains { $0.contains("refused a batch for good") })
        await sink.stop()
    }

    @Test(arguments: [429, 502, 503, 504])
    func `a passing failure is retried until the batch is accepted`(status: Int) async throws {
        let left = Mutex(3)
        let sink = try await SinkServer.start { _ in
            left.withLock { left in
                left -= 1
                return SinkServer.Reply(left >= 0 ? status : 200)
            }
        }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.trouble?.contains("\(status)") ?? false || bench.counters.value(.sent) == 1 }
        try await waitUntil { bench.counters.value(.sent) == 1 }
        try await waitUntil { bench.trouble == nil }
        #expect(sink.requests.count == 4)
        #expect(bench.counters.value(.failed) == 0)
        #expect(bench.counters.lastTrouble?.count == 3)
        await bench.stop()
        await sink.stop()
    }

    @Test func `a destination that is not there, or hangs up, gets it when it is back`() async throws {
        let kept = try #require(SinkServer.KeptPort())
        let bench = Bench("http://127.0.0.1:\(kept.port)")
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.trouble != nil }
        let resets = Mutex(2)
        let sink = try await SinkServer.start(port: kept.port) { _ in
            resets.withLock { resets in
                resets -= 1
                return resets >= 0 ? .reset : SinkServer.Reply(204)
            }
        }
        try await waitUntil { bench.counters.value(.sent) == 1 }
        #expect(sink.requests.count >= 3)
        await bench.stop()
        await sink.stop()
    }

    @Test(arguments: ["application/json", "application/x-protobuf"])
    func `a partial success is counted and logged, and nothing of it is sent again`(type: String) async throws {
        let body = ExportResponse.body(signal: .logs, rejected: 2, message: "too old", json: type == "application/json")
        let sink = try await SinkServer.start { _ in SinkServer.Reply(200, [("Content-Type", type)], body) }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a", 5))
        try await waitUntil { bench.counters.value(.sent) == 3 }
        #expect(bench.counters.value(.failed) == 2)
        #expect(bench.log.lines.contains { $0.contains("not all of it") && $0.contains("too old") })
        #expect(sink.requests.count == 1)
        #expect(try await bench.deadLetters() == [])
        await sink.stop()
    }

    @Test func `a success whose body cannot be read stays one`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(200, [], [UInt8](repeating: 65, count: 5 << 20)) }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.counters.value(.sent) == 1 }
        #expect(sink.requests.count == 1)
        await bench.stop()
        await sink.stop()
    }

    @Test func `a request that is too large is divided between its records until it fits`() async throws {
        let sink = try await SinkServer.start { request in
            let texts = (try? request.texts()) ?? []
            return SinkServer.Reply(texts.count > 3 || texts == ["a-4"] ? 413 : 200)
        }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a", 20))
        try await waitUntil { bench.counters.value(.sent) + bench.counters.value(.failed) == 20 }
        let taken = try sink.requests.map { try $0.texts() }.filter { $0.count <= 3 && $0 != ["a-4"] }.flatMap { $0 }
        let letters = try await bench.deadLetters()
        let refused = try letters.flatMap { letter -> [String] in
            let batch = try OTLPBatch(signal: .logs, protobuf: letter.request)
            return batch.records.map { batch.text(of: $0.body) }
        }
        #expect((taken + refused).sorted() == (0..<20).map { "a-\($0)" }.sorted())
        #expect(refused == (taken.contains("a-4") ? [] : ["a-4"]))
        await sink.stop()
    }

    @Test func `small batches become one request, and no request is larger than is wanted`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address) {
            $0.sendingQueue.batch.flushTimeout = ConfigDuration(seconds: 3_600)
            $0.sendingQueue.batch.minSize = SendingQueueConfig.Amount(count: 50)
            $0.sendingQueue.batch.maxSize = SendingQueueConfig.Amount(count: 60)
        }
        try await bench.start()
        for number in 0..<25 { try await bench.consume(try logs("a\(number)", 2)) }
        try await waitUntil { bench.counters.value(.sent) == 50 }
        #expect(sink.requests.count == 1)
        try await bench.consume(try logs("b", 150))
        try await waitUntil { bench.counters.value(.sent) == 200 }
        #expect(try sink.requests.dropFirst().map { try $0.texts().count }.max() ?? 0 <= 60)
        #expect(Set(try sink.requests.flatMap { try $0.texts() }).count == 200)
        await bench.stop()
        await sink.stop()
    }

    @Test func `the same request goes where the same machine redirects it, and nowhere else`() async throws {
        let other = try await SinkServer.start()
        let sink = try await SinkServer.start { request in
            switch request.path {
            case "/v1/logs": SinkServer.Reply(307, [("Location", "/moved/logs")])
            case "/v1/traces": SinkServer.Reply(308, [("Location", "\(other.address)/v1/traces")])
            case "/v1/metrics": SinkServer.Reply(302, [("Location", "/moved/metrics")])
            default: SinkServer.Reply(200)
            }
        }
        let bench = Bench(sink.address) { $0.headers = ["Authorization": "Bearer abcdefgh12345"] }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await bench.consume(try logs("b", signal: .traces))
        try await waitUntil { bench.counters.value(.sent) + bench.counters.value(.failed) == 2 }
        let moved = try #require(sink.requests.first { $0.path == "/moved/logs" })
        #expect(try moved.texts() == ["a-0"])
        #expect(moved.fields["authorization"] == "Bearer abcdefgh12345")
        #expect(other.requests.isEmpty)
        let reasons = try await bench.deadLetters().map(\.reason)
        #expect(reasons.count == 1 && reasons[0].contains("must not get the headers"))
        await sink.stop()
        await other.stop()
    }

    @Test func `secrets that a destination echoes are not shown`() async throws {
        let sink = try await SinkServer.start { request in
            SinkServer.Reply(
                401,
                [("Content-Type", "text/plain")],
                Array("bad key \(request.fields["authorization"] ?? "")\nsorry".utf8)
            )
        }
        let bench = Bench(sink.address) { $0.headers = ["Authorization": "Bearer sk-123456789"] }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.counters.value(.failed) == 1 }
        let letters = try await bench.deadLetters()
        #expect(letters[0].reason == "the destination answered 401: bad key [redacted] sorry")
        #expect(!(bench.log.lines + [bench.counters.lastTrouble?.message ?? ""]).contains { $0.contains("sk-123") })
        await sink.stop()
    }
}
