// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import CollectorTesting
import Logging
import OTLP
import OTLPReceiver
import RawHTTP
import Testing

/// OTLP/gRPC at the port of OTLP/HTTP: the received data, and the code of each refusal.
struct GRPCExportTests {
    private static let paths: [Signal: String] = [
        .traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        .metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ]

    /// Sends one call on a new connection.
    private func call(
        _ hub: OTLPHub,
        _ path: String?,
        _ body: [UInt8],
        _ fields: [(String, String)] = []
    ) async throws -> RawHTTP2.Answer {
        let client = RawHTTP2(try await hub.collector.connect())
        let bytes = RawHTTP2.opening + RawHTTP2.call(path ?? "/none", on: 1, fields, body: body)
        try await client.connection.send(bytes)
        return try await client.answer(on: 1)
    }

    @Test(arguments: Signal.allCases)
    func `each signal arrives by its own service`(signal: Signal) async throws {
        let hub = try await OTLPHub()
        let message = try OTLPEncoding.protobuf.twoRecords(signal)
        let answer = try await call(hub, Self.paths[signal], GRPC.frame(message))
        #expect(answer.status("grpc-status") == "0")
        #expect(answer.body == GRPC.frame([]))
        #expect(hub.sink.batches.map(\.otlp.signal) == [signal])
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `a refused call has a code that shows whether to retry`() async throws {
        let hub = try await OTLPHub("max_request_body_size: 1KiB", signals: [.traces, .logs])
        let (logs, message) = (Self.paths[.logs], try OTLPEncoding.protobuf.twoRecords(.logs))
        func code(_ path: String?, _ body: [UInt8], _ fields: [(String, String)] = []) async throws -> String? {
            try await call(hub, path, body, fields).status("grpc-status")
        }
        #expect(try await code(logs, GRPC.frame([0xFF, 0xFF])) == "3")
        #expect(try await code(logs, GRPC.frame([UInt8](repeating: 0, count: 2_000))) == "8")
        #expect(try await code(logs, Array(GRPC.frame(message).dropLast())) == "13")
        #expect(try await code(logs, [1] + GRPC.frame(message).dropFirst()) == "13")
        #expect(try await code(logs, [1] + GRPC.frame(message).dropFirst(), [("grpc-encoding", "snappy")]) == "12")
        #expect(
            try await code(Self.paths[.metrics], GRPC.frame(try OTLPEncoding.protobuf.twoRecords(.metrics))) == "12"
        )
        #expect(try await code("/opentelemetry.proto.collector.logs.v1.LogsService/Import", []) == "12")
        // Bytes that are not what their coding says are a fault of the call, and not of what it carries.
        for coding in ["gzip", "deflate", "zstd"] {
            let corrupt = [1] + GRPC.frame([0x1F, 0x8B, 8, 0, 1, 2]).dropFirst()
            #expect(try await code(logs, corrupt, [("grpc-encoding", coding)]) == "13", "\(coding)")
        }
        let bomb = [1] + GRPC.frame(try Gzip.deflate([UInt8](repeating: 0, count: 5_000), level: 1)).dropFirst()
        let large = try await call(hub, logs, bomb, [("grpc-encoding", "gzip")])
        #expect(large.status("grpc-status") == "8")
        #expect(large.status("grpc-message")?.contains("raise max_request_body_size") == true)
        #expect(large.status("grpc-accept-encoding") == "identity,gzip,deflate,zstd")
        // All that is said of a failure is in one frame.
        #expect(large.frames == 1 && large.trailers.isEmpty)
        hub.sink.refuse(with: .permanent("no"))
        #expect(try await code(logs, GRPC.frame(message)) == "3")
        hub.sink.refuse(with: .retryable("the disk is full", after: 7))
        let later = try await call(hub, logs, GRPC.frame(message))
        #expect(later.status("grpc-status") == "14")
        #expect(later.status("grpc-message") == "the disk is full")
        #expect(later.status("grpc-status-details-bin")?.isEmpty == false)
        #expect(hub.sink.recordCount == 0)
        try await hub.end()
    }

    @Test func `a call needs the key that a request needs`() async throws {
        let secret = "a-key-of-the-test-with-32-letters"
        let hub = try await OTLPHub(keys: "{ keys: [ { name: test, key: \(secret), scopes: [telemetry:write] } ] }")
        let (logs, message) = (Self.paths[.logs], GRPC.frame(try OTLPEncoding.protobuf.twoRecords(.logs)))
        #expect(try await call(hub, logs, message).status("grpc-status") == "16")
        let known = try await call(hub, logs, message, [("x-hammurabi-api-key", secret)])
        #expect(known.status("grpc-status") == "0")
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `the health service answers without a key for the services that are there`() async throws {
        let hub = try await OTLPHub(keys: "{ keys: [ { name: test, key: a-key-of-the-test-with-32-letters } ] }")
        let path = "/grpc.health.v1.Health/Check"
        let serving = try await call(hub, path, GRPC.frame([]))
        #expect(serving.status("grpc-status") == "0")
        #expect(serving.body == GRPC.frame([8, 1]))
        let name = Array("opentelemetry.proto.collector.trace.v1.TraceService".utf8)
        let named = try await call(hub, path, GRPC.frame([0x0A, UInt8(name.count)] + name))
        #expect(named.body == GRPC.frame([8, 1]))
        let other = try await call(hub, path, GRPC.frame([0x0A, 1, 0x78]))
        #expect(other.status("grpc-status") == "5")
        try await hub.end()
    }

    @Test(arguments: ["gzip", "deflate", "zstd"])
    func `a compressed call arrives`(coding: String) async throws {
        let hub = try await OTLPHub()
        let message = try OTLPEncoding.protobuf.twoRecords(.logs)
        let compressed =
            switch coding {
            case "zstd": try Zstandard.deflate(message, level: 3)
            case "gzip": try Gzip.deflate(message, level: 1)
            default: zlib(message)
            }
        let body = [1] + GRPC.frame(compressed).dropFirst()
        let answer = try await call(hub, Self.paths[.logs], body, [("grpc-encoding", coding)])
        #expect(answer.status("grpc-status") == "0")
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    /// The zlib format (RFC 1950) with stored blocks (RFC 1951 §3.2.4).
    private func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var (a, b) = (UInt32(1), UInt32(0))
        for byte in bytes {
            a = (a + UInt32(byte)) % 65_521
            b = (b + a) % 65_521
        }
        let length = UInt16(bytes.count)
        let sum = b << 16 | a
        return [0x78, 0x01, 1] + [length, ~length].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } + bytes
            + [24, 16, 8, 0].map { UInt8(sum >> UInt32($0) & 255) }
    }

    @Test func `the keys of otelcol for gRPC open an address that takes calls and requests`() async throws {
        let sink = BatchSink()
        let collector = try await RunningCollector(
            """
            receivers:
              otlp:
                protocols:
                  grpc: { endpoint: "127.0.0.1:0", max_recv_msg_size_mib: 1, max_concurrent_streams: 7 }
            exporters: { sink: }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [sink] } } }
            """,
            Registry([.otlp, .sink(sink)])
        )
        let client = RawHTTP2(try await collector.connect())
        let message = try OTLPEncoding.protobuf.twoRecords(.logs)
        let logs = try #require(Self.paths[.logs])
        try await client.connection.send(RawHTTP2.opening + RawHTTP2.call(logs, on: 1, body: GRPC.frame(message)))
        #expect(try await client.answer(on: 1).status("grpc-status") == "0")
        // SETTINGS_MAX_CONCURRENT_STREAMS is 3.
        let settings = try #require(client.frames.first { $0.type == RawHTTP2.Frame.settings })
        let pairs = stride(from: 0, to: settings.payload.count, by: 6).map { Array(settings.payload[$0..<$0 + 6]) }
        #expect(pairs.contains([0, 3, 0, 0, 0, 7]))
        let plain = try await collector.connect()
        try await plain.post("/v1/logs", message, ["Content-Type": "application/x-protobuf"])
        #expect(try await plain.answer().status == 200)
        #expect(sink.recordCount == 4)
        let large = GRPC.frame([UInt8](repeating: 0, count: (1 << 20) + 1))
        let other = RawHTTP2(try await collector.connect())
        try await other.connection.send(
            RawHTTP2.opening + RawHTTP2.call(logs, on: 1, body: Array(large[..<16_000]), ends: false)
        )
        for start in stride(from: 16_000, to: large.count, by: 16_000) {
            let end = min(start + 16_000, large.count)
            let frame = RawHTTP2.Frame(
                RawHTTP2.Frame.data,
                flags: end == large.count ? 1 : 0,
                stream: 1,
                Array(large[start..<end])
            )
            try? await other.connection.send(frame.bytes)
        }
        let refused = try await other.answer(on: 1)
        #expect(refused.status("grpc-status") == "8")
        #expect(refused.status("grpc-message")?.contains("max_recv_msg_size_mib") == true)
        try await collector.end()
    }

    @Test func `a reload that gives up an address announces it and answers the calls that have begun`() async throws {
        let sink = BatchSink()
        let registry = Registry([.otlp, .sink(sink)])
        func text(_ protocols: String) -> String {
            """
            receivers: { otlp: { protocols: { \(protocols) } } }
            exporters: { sink: }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [sink] } } }
            """
        }
        let source = ConfigText(text("grpc: { endpoint: \"127.0.0.1:0\" }"))
        let collector = try await RunningCollector(source.value, registry, load: source.loading(registry))
        let client = RawHTTP2(try await collector.connect())
        let call = RawHTTP2.call(
            try #require(Self.paths[.logs]),
            on: 1,
            body: GRPC.frame(try OTLPEncoding.protobuf.twoRecords(.logs))
        )
        sink.hold()
        try await client.connection.send(RawHTTP2.opening + call)
        #expect(await eventually { sink.heldCount == 1 })
        source.value = text("http: { endpoint: \"localhost:0\" }")
        async let outcome = collector.reload()
        while try await client.next().type != RawHTTP2.Frame.goAway {}
        sink.release()
        #expect(try await client.answer(on: 1).status("grpc-status") == "0")
        _ = await outcome
        try await collector.end()
    }

    @Test func `what goes round in a circle of collectors is cut and counted`() async throws {
        let hub = try await OTLPHub()
        let message = try OTLPEncoding.protobuf.twoRecords(.logs)
        let fields = ["Content-Type": "application/x-protobuf"]
        let last = ["X-Hammurabi-Hops": "\(HopLimit.most)"]
        #expect(try await hub.post(.logs, message, fields.merging(last) { $1 }).status == 200)
        #expect(hub.sink.batches.map(\.hops) == [HopLimit.most])
        for _ in 0..<2 {
            let answer = try await hub.post(.logs, message, fields.merging(["X-Hammurabi-Hops": "9"]) { $1 })
            #expect(answer.status == 200)
            #expect(answer.body.contains("circle"))
        }
        let cut = try await call(hub, Self.paths[.logs], GRPC.frame(message), [("x-hammurabi-hops", "999999")])
        #expect(cut.status("grpc-status") == "0")
        #expect(hub.sink.recordCount == 2)
        let problems = hub.collector.status.intakeProblems
        #expect(problems.allSatisfy { $0.code == .circle && $0.status == 200 && !$0.next.isEmpty })
        #expect(problems.reduce(0) { $0 + $1.count } == 6)
        try await hub.end()
    }
}
