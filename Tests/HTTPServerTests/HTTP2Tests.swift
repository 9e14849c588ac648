// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import RawHTTP
import Testing

@testable import HTTPServer

/// What a listener does with HTTP/2: told by its first bytes, bounded, and ended with notice.
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
            // What was sent is read on its own.
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
        // The client never confirms the end, and does not hold it up.
        await drained
    }
}
