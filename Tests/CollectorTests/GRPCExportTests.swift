// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
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
        let message = try Encoding.protobuf.twoRecords(signal)
        let answer = try await call(hub, Self.paths[signal], GRPC.frame(message))
        #expect(answer.trailers["grpc-status"] == "0")
        #expect(answer.body == GRPC.frame([]))
        #expect(hub.sink.batches.map(\.otlp.signal) == [signal])
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `a refused call has a code that shows whether to retry`() async throws {
        let hub = try await OTLPHub("max_request_body_size: 1KiB", signals: [.traces, .logs])
        let (logs, message) = (Self.paths[.logs], try Encoding.protobuf.twoRecords(.logs))
        func code(_ path: String?, _ body: [UInt8], _ fields: [(String, String)] = []) async throws -> String? {
            try await call(hub, path, body, fields).trailers["grpc-status"]
        }
        #expect(try await code(logs, GRPC.frame([0xFF, 0xFF])) == "3")
        #expect(try await code(logs, GRPC.frame([UInt8](repeating: 0, count: 2_000))) == "8")
        #expect(try await code(logs, Array(GRPC.frame(message).dropLast())) == "13")
        #expect(try await code(logs, [1] + GRPC.frame(message).dropFirst()) == "13")
        #expect(try await code(logs, [1] + GRPC.frame(message).dropFirst(), [("grpc-encoding", "snappy")]) == "12")
        #expect(try await code(Self.paths[.metrics], GRPC.frame(try Encoding.protobuf.twoRecords(.metrics))) == "12")
        #expect(try await code("/opentelemetry.proto.collector.logs.v1.LogsService/Import", []) == "12")
        hub.sink.refuse(with: .permanent("no"))
        #expect(try await code(logs, GRPC.frame(message)) == "3")
        hub.sink.refuse(with: .retryable("the disk is full", after: 7))
        let later = try await call(hub, logs, GRPC.frame(message))
        #expect(later.trailers["grpc-status"] == "14")
        #expect(later.trailers["grpc-message"] == "the disk is full")
        #expect(later.trailers["grpc-status-details-bin"]?.isEmpty == false)
        #expect(hub.sink.recordCount == 0)
        try await hub.end()
    }

    @Test func `a call needs the key that a request needs`() async throws {
        let secret = "a-key-of-the-test-with-32-letters"
        let hub = try await OTLPHub(keys: "{ keys: [ { name: test, key: \(secret), scopes: [telemetry:write] } ] }")
        let (logs, message) = (Self.paths[.logs], GRPC.frame(try Encoding.protobuf.twoRecords(.logs)))
        #expect(try await call(hub, logs, message).trailers["grpc-status"] == "16")
        let known = try await call(hub, logs, message, [("x-hammurabi-api-key", secret)])
        #expect(known.trailers["grpc-status"] == "0")
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `the health service answers without a key for the services that are there`() async throws {
        let hub = try await OTLPHub(keys: "{ keys: [ { name: test, key: a-key-of-the-test-with-32-letters } ] }")
        let path = "/grpc.health.v1.Health/Check"
        let serving = try await call(hub, path, GRPC.frame([]))
        #expect(serving.trailers["grpc-status"] == "0")
        #expect(serving.body == GRPC.frame([8, 1]))
        let name = Array("opentelemetry.proto.collector.trace.v1.TraceService".utf8)
        let named = try await call(hub, path, GRPC.frame([0x0A, UInt8(name.count)] + name))
        #expect(named.body == GRPC.frame([8, 1]))
        let other = try await call(hub, path, GRPC.frame([0x0A, 1, 0x78]))
        #expect(other.trailers["grpc-status"] == "5")
        try await hub.end()
    }
}
