// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import RawHTTP
import Testing

@testable import HTTPServer

/// HTTP/2 on a listener: detected by its first bytes, limited, and ended with notice.
struct HTTP2Tests {
    private static let call = Route(.post, "/test.Echo/Say", failureForm: .status) { request in
        let body = try await request.body.collect(limit: 1 << 20)
        return ServerResponse(.ok, body: .bytes(try GRPC.message(in: body).bytes))
    }

    private func open(_ bench: ListenerBench) async throws -> RawHTTP2 {
        let client = RawHTTP2(try await bench.connect())
        try await client.connection.send(RawHTTP2.opening)
        return client
    }

    @Test func `one port answers HTTP 1 and HTTP 2`() async throws {
        let bench = try await ListenerBench([echo])
        let old = try await bench.connect()
        try old.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await old.answer().body == "ok")
        let client = try await open(bench)
        for stream: UInt32 in [1, 3] {
            try await client.connection.send(RawHTTP2.post("/v1/echo", on: stream, body: Array("body".utf8)))
            let answer = try await client.answer(on: stream)
            #expect(answer.fields[":status"] == "200")
            #expect(answer.fields["connection"] == nil)
            #expect(answer.body == Array("body".utf8))
        }
        await bench.server.drain()
    }

    @Test func `a call is answered with its status in trailers`() async throws {
        let bench = try await ListenerBench([Self.call])
        let client = try await open(bench)
        let message = GRPC.frame([1, 2, 3])
        try await client.connection.send(RawHTTP2.call("/test.Echo/Say", on: 1, body: message))
        let done = try await client.answer(on: 1)
        #expect(done.fields["content-type"] == "application/grpc")
        #expect(done.body == message)
        #expect(done.trailers["grpc-status"] == "0")
        try await client.connection.send(RawHTTP2.call("/test.Echo/Shout", on: 3, body: message))
        let missing = try await client.answer(on: 3)
        #expect(missing.fields[":status"] == "200")
        #expect(missing.body.isEmpty)
        #expect(missing.frames == 1)
        #expect(missing.fields["grpc-status"] == "12")
        await bench.server.drain()
    }

    @Test func `a call over HTTP 1 is refused because its status could not follow`() async throws {
        let bench = try await ListenerBench([Self.call])
        let client = try await bench.connect()
        try client.send(
            "POST /test.Echo/Say HTTP/1.1\nHost: localhost\nContent-Type: application/grpc\nContent-Length: 0\n\n"
        )
        #expect(try await client.answer().status == 505)
        await bench.server.drain()
    }

    @Test func `frames may be cut anywhere`() async throws {
        let bench = try await ListenerBench([Self.call])
        let message = GRPC.frame([7, 8])
        let bytes = RawHTTP2.opening + RawHTTP2.call("/test.Echo/Say", on: 1, body: message)
        for cut in 1..<bytes.count {
            let client = RawHTTP2(try await bench.connect())
            try await client.connection.send(Array(bytes[..<cut]))
            // Each part is read separately.
            try await Task.sleep(for: .milliseconds(1))
            try await client.connection.send(Array(bytes[cut...]))
            #expect(try await client.answer(on: 1).body == message, "cut at \(cut)")
        }
        await bench.server.drain()
    }

    @Test func `a head may go on in CONTINUATION frames`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        let head = RawHTTP2.head([
            (":method", "POST"), (":scheme", "http"), (":path", "/v1/echo"), (":authority", "localhost"),
        ])
        var bytes = RawHTTP2.Frame(RawHTTP2.Frame.headers, stream: 1, Array(head[..<9])).bytes
        bytes += RawHTTP2.Frame(RawHTTP2.Frame.continuation, stream: 1, Array(head[9..<20])).bytes
        bytes += RawHTTP2.Frame(RawHTTP2.Frame.continuation, flags: 4, stream: 1, Array(head[20...])).bytes
        bytes += RawHTTP2.Frame(RawHTTP2.Frame.data, flags: 1, stream: 1, Array("ok".utf8)).bytes
        try await client.connection.send(bytes)
        #expect(try await client.answer(on: 1).body == Array("ok".utf8))
        await bench.server.drain()
    }

    @Test func `a client that resets stream after stream loses its connection and no other one`() async throws {
        let bench = try await ListenerBench([echo])
        let other = try await open(bench)
        let client = try await open(bench)
        let bytes = (0..<400).flatMap { number in
            let stream = UInt32(2 * number + 1)
            return RawHTTP2.post("/v1/echo", on: stream, body: [1], ends: false)
                + RawHTTP2.Frame(RawHTTP2.Frame.reset, stream: stream, [0, 0, 0, 8]).bytes
        }
        try await client.connection.send(bytes)
        _ = try await client.connection.rest()
        try await other.connection.send(RawHTTP2.post("/v1/echo", on: 1, body: [5]))
        #expect(try await other.answer(on: 1).body == [5])
        #expect(bench.intake.problems.map(\.code) == [.http2])
        await bench.server.drain()
    }

    @Test func `a rest that is not wanted is reset without a failure`() async throws {
        let refusing = Route(.post, "/refuse") { _ in ServerResponse(.contentTooLarge) }
        // A small body would be waited for.
        var limits = ListenerLimits()
        limits.smallBody = 0
        let bench = try await ListenerBench([refusing], limits)
        let client = try await open(bench)
        try await client.connection.send(RawHTTP2.post("/refuse", on: 1, body: [1], ends: false))
        #expect(try await client.answer(on: 1).fields[":status"] == "413")
        let reset = try await client.next()
        #expect(reset.type == RawHTTP2.Frame.reset)
        #expect(reset.payload == [0, 0, 0, 0])
        await bench.server.drain()
    }

    @Test func `a drain announces the end and waits for what has begun`() async throws {
        let gate = AsyncStream<Void>.makeStream()
        let waiting = Route(.post, "/wait") { _ in
            for await _ in gate.stream { break }
            return ServerResponse(.ok, body: .bytes([9]))
        }
        let bench = try await ListenerBench([waiting, echo])
        let client = try await open(bench)
        try await client.connection.send(RawHTTP2.post("/wait", on: 1, body: []))
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 3, body: [1]))
        _ = try await client.answer(on: 3)
        async let drained: Void = bench.server.drain()
        var frame = try await client.next()
        while frame.type != RawHTTP2.Frame.goAway { frame = try await client.next() }
        gate.continuation.yield()
        #expect(try await client.answer(on: 1).body == [9])
        // The client never confirms the end, which does not delay it.
        await drained
    }

    // MARK: - Heads

    /// A request as bytes, with exactly these fields in its head.
    private static func request(_ fields: [(String, String)], on stream: UInt32, body: [UInt8] = [1]) -> [UInt8] {
        RawHTTP2.Frame(RawHTTP2.Frame.headers, flags: 4, stream: stream, RawHTTP2.head(fields)).bytes
            + RawHTTP2.Frame(RawHTTP2.Frame.data, flags: 1, stream: stream, body).bytes
    }

    private static let withoutAuthority = [(":method", "POST"), (":scheme", "http"), (":path", "/v1/echo")]

    @Test func `a request without authority is answered by its Host field, and one without both is refused`()
        async throws
    {
        let bench = try await ListenerBench([echo, Self.call])
        let client = try await open(bench)
        try await client.connection.send(Self.request(Self.withoutAuthority + [("host", "localhost")], on: 1))
        #expect(try await client.answer(on: 1).body == [1])
        try await client.connection.send(Self.request(Self.withoutAuthority, on: 3))
        #expect(try await client.answer(on: 3).fields[":status"] == "400")
        // A call gets the status of a call.
        let call = [(":method", "POST"), (":scheme", "http"), (":path", "/test.Echo/Say")]
        try await client.connection.send(Self.request(call + [("content-type", "application/grpc+proto")], on: 5))
        let refused = try await client.answer(on: 5)
        #expect(refused.fields[":status"] == "200")
        #expect(refused.status("grpc-status") == "3")
        await bench.server.drain()
    }

    @Test func `a request that has neither path nor scheme is refused, and the next one is answered`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        let connect = [(":method", "CONNECT"), (":authority", "localhost:1")]
        try await client.connection.send(Self.request(connect, on: 1))
        #expect(["404", "405"].contains(try await client.answer(on: 1).fields[":status"]))
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 3, body: [7]))
        #expect(try await client.answer(on: 3).body == [7])
        await bench.server.drain()
    }

    @Test func `a head may go on in twenty frames`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        let fields = Self.withoutAuthority + [(":authority", "localhost")]
        var bytes = RawHTTP2.Frame(RawHTTP2.Frame.headers, stream: 1, RawHTTP2.head(fields)).bytes
        for number in 0..<20 {
            let field = RawHTTP2.head([("x-\(number)", "a")])
            let flags: UInt8 = number == 19 ? 4 : 0
            bytes += RawHTTP2.Frame(RawHTTP2.Frame.continuation, flags: flags, stream: 1, field).bytes
        }
        bytes += RawHTTP2.Frame(RawHTTP2.Frame.data, flags: 1, stream: 1, [4]).bytes
        try await client.connection.send(bytes)
        #expect(try await client.answer(on: 1).body == [4])
        await bench.server.drain()
    }

    @Test func `a head that is too long is refused in the form of its request, and its connection goes on`()
        async throws
    {
        var limits = ListenerLimits()
        limits.headBytes = 1_000
        let bench = try await ListenerBench([echo, Self.call], limits)
        let client = try await open(bench)
        let many = (0..<101).map { ("x-\($0)", "") }
        let long = (0..<10).map { ("x-\($0)", String(repeating: "a", count: 100)) }
        for (number, fields) in [many, long].enumerated() {
            let stream = UInt32(number * 4 + 1)
            try await client.connection.send(RawHTTP2.post("/v1/echo", on: stream, fields, body: [1]))
            #expect(try await client.answer(on: stream).fields[":status"] == "431")
            try await client.connection.send(RawHTTP2.call("/test.Echo/Say", on: stream + 2, fields, body: []))
            let call = try await client.answer(on: stream + 2)
            #expect(call.fields[":status"] == "200")
            #expect(call.fields["grpc-status"] == "8")
            #expect(call.frames == 1)
        }
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 9, body: [7]))
        #expect(try await client.answer(on: 9).body == [7])
        await bench.server.drain()
    }

    // MARK: - The end

    @Test func `a client that stops sending gets the answers it still waits for`() async throws {
        let gate = AsyncStream<Void>.makeStream()
        let waiting = Route(.post, "/wait") { _ in
            for await _ in gate.stream { break }
            return ServerResponse(.ok, body: .bytes([UInt8](repeating: 9, count: 60_000)))
        }
        let bench = try await ListenerBench([waiting, Self.call])
        let quick = try await open(bench)
        let message = GRPC.frame([1, 2])
        try await quick.connection.send(RawHTTP2.call("/test.Echo/Say", on: 1, body: message))
        quick.connection.endSending()
        let answer = try await quick.answer(on: 1)
        #expect(answer.body == message)
        #expect(answer.trailers["grpc-status"] == "0")
        _ = try await quick.connection.rest()

        let slow = try await open(bench)
        try await slow.connection.send(RawHTTP2.post("/wait", on: 1, body: []))
        try await slow.connection.send(RawHTTP2.call("/test.Echo/Say", on: 3, body: message))
        #expect(try await slow.answer(on: 3).body == message)
        slow.connection.endSending()
        gate.continuation.yield()
        #expect(try await slow.answer(on: 1).body.count == 60_000)
        _ = try await slow.connection.rest()
        await bench.server.drain()
    }
}
