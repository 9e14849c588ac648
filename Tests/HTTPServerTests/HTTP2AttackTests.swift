// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import NIOCore
import RawHTTP
import Testing

@testable import HTTPServer

/// What one client of HTTP/2 can make a listener hold or do is bounded, and other clients do not notice.
struct HTTP2AttackTests {
    private typealias Frame = RawHTTP2.Frame

    private func open(_ bench: ListenerBench) async throws -> RawHTTP2 {
        let client = RawHTTP2(try await bench.connect())
        try await client.connection.send(RawHTTP2.opening)
        return client
    }

    /// Whether another client is answered.
    private func isAlive(_ bench: ListenerBench) async throws -> Bool {
        let other = try await open(bench)
        try await other.connection.send(RawHTTP2.post("/v1/echo", on: 1, body: [5]))
        return try await other.answer(on: 1).body == [5]
    }

    /// Frames of a flood, and what the log says of the client.
    struct Flood: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let reason: String

        var testDescription: String { name }
    }

    private static let head = RawHTTP2.head([
        (":method", "POST"), (":scheme", "http"), (":path", "/v1/echo"), (":authority", "localhost"),
    ])

    static let floods = [
        Flood(
            name: "settings",
            bytes: (0..<3_000).flatMap { _ in Frame(Frame.settings).bytes },
            reason: "it sends settings or pings one after the other"
        ),
        Flood(
            name: "pings",
            bytes: (0..<3_000).flatMap { _ in Frame(Frame.ping, [UInt8](repeating: 1, count: 8)).bytes },
            reason: "it sends settings or pings one after the other"
        ),
        Flood(
            name: "CONTINUATION",
            bytes: Frame(Frame.headers, stream: 1, head).bytes
                + (0..<2_000).flatMap { number in
                    let field = RawHTTP2.head([("x-\(number)", String(repeating: "a", count: 100))])
                    return Frame(Frame.continuation, stream: 1, field).bytes
                },
            reason: "the head of a request is too long"
        ),
        Flood(
            name: "empty frames",
            bytes: Frame(Frame.headers, flags: 4, stream: 1, head).bytes
                + (0..<1_000).flatMap { _ in Frame(Frame.data, stream: 1).bytes },
            reason: "it sends one empty frame after the other"
        ),
        Flood(
            name: "resets",
            bytes: (0..<400).flatMap { number in
                let stream = UInt32(2 * number + 1)
                return RawHTTP2.post("/v1/echo", on: stream, body: [1], ends: false)
                    + Frame(Frame.reset, stream: stream, [0, 0, 0, 8]).bytes
            },
            reason: "it resets one stream after the other"
        ),
        Flood(
            name: "a stream of an even number",
            bytes: RawHTTP2.post("/v1/echo", on: 2, body: [1]),
            reason: "a frame came that is not allowed there"
        ),
        Flood(
            name: "data of the connection as a whole",
            bytes: Frame(Frame.data, stream: 0, [1]).bytes,
            reason: "a frame cannot be read"
        ),
        Flood(
            name: "a window that overflows",
            bytes: Frame(8, stream: 0, [0x7F, 0xFF, 0xFF, 0xFF]).bytes,
            reason: "it does not keep to the windows of flow control"
        ),
    ]

    @Test(arguments: floods)
    func `a flood ends its connection, is told in words, and no other client notices`(flood: Flood) async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        // The connection may be closed before all of it is sent.
        try? await client.connection.send(flood.bytes)
        _ = try? await client.connection.rest()
        #expect(await eventually { bench.intake.problems.contains { $0.code == .http2 } })
        let problem = try #require(bench.intake.problems.first)
        #expect(problem.reason == "the client does not keep the rules of HTTP/2: \(flood.reason)")
        #expect(try await isAlive(bench))
        await bench.server.drain()
    }

    @Test func `a call may come byte by byte`() async throws {
        let bench = try await ListenerBench([echo])
        let client = RawHTTP2(try await bench.connect())
        for byte in RawHTTP2.opening + RawHTTP2.post("/v1/echo", on: 1, body: [1, 2, 3]) {
            try await client.connection.send([byte])
        }
        #expect(try await client.answer(on: 1).body == [1, 2, 3])
        await bench.server.drain()
    }

    @Test func `an answer for which a client opens no window is given up in time`() async throws {
        var limits = ListenerLimits()
        limits.answerTime = .milliseconds(200)
        let bench = try await ListenerBench([echo], limits)
        let client = RawHTTP2(try await bench.connect())
        // SETTINGS_INITIAL_WINDOW_SIZE is 4.
        let settings = Frame(Frame.settings, [0, 4, 0, 0, 0, 0]).bytes
        try await client.connection.send(
            Array(RawHTTP2.opening.dropLast(9)) + settings + RawHTTP2.post("/v1/echo", on: 1, body: [1])
        )
        #expect(try await client.answer(on: 1).reset != nil)
        #expect(try await isAlive(bench))
        await bench.server.drain()
    }

    @Test func `a thousand requests pass over one connection, and no more at once than are allowed`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        for first in stride(from: 0, to: 1_000, by: 20) {
            let streams = (first..<first + 20).map { UInt32(2 * $0 + 1) }
            try await client.connection.send(
                streams.flatMap { RawHTTP2.post("/v1/echo", on: $0, body: [UInt8($0 & 255)]) }
            )
            var answered: Set<UInt32> = []
            while answered.count < streams.count {
                for stream in streams where !answered.contains(stream) {
                    let answer = try await client.answer(on: stream)
                    #expect(answer.body == [UInt8(stream & 255)])
                    answered.insert(stream)
                }
            }
        }
        #expect(bench.intake.problems.isEmpty)
        await bench.server.drain()
    }

    @Test func `a client that opens more streams at once than are allowed loses its connection`() async throws {
        var limits = ListenerLimits()
        limits.streams = 4
        let gate = AsyncStream<Void>.makeStream()
        let waiting = Route(.post, "/wait") { _ in
            for await _ in gate.stream { break }
            return ServerResponse(.ok, body: .bytes([9]))
        }
        let bench = try await ListenerBench([waiting, echo], limits)
        let client = try await open(bench)
        // The client has read how many are allowed before it goes beyond that.
        var isConfirmed = false
        while !isConfirmed { isConfirmed = try await client.next().type == Frame.settings }
        try await client.connection.send(Frame(Frame.settings, flags: 1).bytes)
        let streams = (0..<10).map { UInt32(2 * $0 + 1) }
        try? await client.connection.send(streams.flatMap { RawHTTP2.post("/wait", on: $0, body: []) })
        _ = try? await client.connection.rest()
        #expect(await eventually { !bench.intake.problems.isEmpty })
        #expect(
            bench.intake.problems.map(\.reason) == [
                "the client does not keep the rules of HTTP/2: it opens more streams than are allowed at once"
            ]
        )
        gate.continuation.finish()
        #expect(try await isAlive(bench))
        await bench.server.drain()
    }

    @Test func `a sender that stops within a call is told so, and its connection goes on`() async throws {
        var limits = ListenerLimits()
        limits.bodyPause = .milliseconds(100)
        let bench = try await ListenerBench([echo], limits)
        let client = try await open(bench)
        try await client.connection.send(RawHTTP2.call("/v1/echo", on: 1, body: [0, 0], ends: false))
        #expect(try await client.answer(on: 1).status("grpc-status") == "4")
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 3, body: [7]))
        #expect(try await client.answer(on: 3).body == [7])
        await bench.server.drain()
    }

    @Test func `a connection that has reached its age ends with notice`() async throws {
        var limits = ListenerLimits()
        limits.connectionAge = .milliseconds(100)
        let bench = try await ListenerBench([echo], limits)
        let client = try await open(bench)
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 1, body: [7]))
        #expect(try await client.answer(on: 1).body == [7])
        var frame = try await client.next()
        while frame.type != Frame.goAway { frame = try await client.next() }
        await bench.server.drain()
    }

    @Test func `a call that finds no memory is put off with a delay`() async throws {
        let budget = MemoryBudget(limit: 1_000)
        let listener = HTTPListener(
            endpoint: Endpoint(host: "127.0.0.1", port: 0),
            site: ServedSite(try RouteTable([echo]), ListenerLimits()),
            memory: budget,
            logger: .silent
        )
        let server = try await HTTPServer.open([listener])
        let port = try #require(server.addresses.first?.split(separator: ":").last.flatMap { UInt16($0) })
        let share = MemoryShare(of: budget)
        #expect(share.take(990))
        let client = RawHTTP2(try await RawConnection(port: port))
        let body = [UInt8](repeating: 0, count: 500)
        try await client.connection.send(RawHTTP2.opening + RawHTTP2.call("/v1/echo", on: 1, body: body))
        let putOff = try await client.answer(on: 1)
        #expect(putOff.status("grpc-status") == "14")
        #expect(putOff.status("grpc-status-details-bin")?.isEmpty == false)
        share.give(990)
        try await client.connection.send(RawHTTP2.call("/v1/echo", on: 3, body: body))
        #expect(try await client.answer(on: 3).status("grpc-status") == "0")
        await server.drain()
    }

    /// What is wrong with one stream, and the code of its reset.
    struct BadStream: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: @Sendable (UInt32) -> [UInt8]

        var testDescription: String { name }

        /// A whole request with these fields.
        static func request(_ name: String, _ fields: [(String, String)], isWhole: Bool = true) -> BadStream {
            let head = RawHTTP2.head(fields)
            return BadStream(name: name) { stream in
                Frame(Frame.headers, flags: isWhole ? 5 : 4, stream: stream, head).bytes
                    + (isWhole ? [] : Frame(Frame.data, flags: 1, stream: stream, [1, 2]).bytes)
            }
        }
    }

    private static let fields = [
        (":method", "POST"), (":scheme", "http"), (":path", "/v1/echo"), (":authority", "localhost"),
    ]

    static let badStreams = [
        BadStream.request("a name in capitals", fields + [("X-Up", "a")]),
        BadStream.request("no path", fields.filter { $0.0 != ":path" }),
        BadStream.request("a space in the path", fields.map { $0.0 == ":path" ? ($0.0, "/v1/ec ho") : $0 }),
        BadStream.request("a field of HTTP/1.1's connections", fields + [("connection", "keep-alive")]),
        BadStream.request("two methods", [(":method", "GET")] + fields),
        BadStream.request("a wrong length", fields + [("content-length", "3")], isWhole: false),
        BadStream(name: "a window that does not grow") { stream in
            Frame(Frame.headers, flags: 4, stream: stream, head).bytes
                + Frame(Frame.windowUpdate, stream: stream, [0, 0, 0, 0]).bytes
        },
    ]

    @Test(arguments: badStreams)
    func `a stream that breaks the rules is reset, and the others of its connection are answered`(
        bad: BadStream
    ) async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 1, body: [1], ends: false))
        // More than may be open at once: a stream that was reset is closed.
        for number in 1...40 {
            let stream = UInt32(2 * number + 1)
            try await client.connection.send(bad.bytes(stream))
            #expect(try await client.answer(on: stream).reset == 1)
        }
        try await client.connection.send(Frame(Frame.data, flags: 1, stream: 1, [2]).bytes)
        #expect(try await client.answer(on: 1).body == [1, 2])
        try await client.connection.send(RawHTTP2.post("/v1/echo", on: 101, body: [3]))
        #expect(try await client.answer(on: 101).body == [3])
        #expect(bench.intake.problems.map(\.code) == [.http2])
        await bench.server.drain()
    }

    @Test func `bad streams one after the other end their connection`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        let bad = Self.badStreams[0]
        try? await client.connection.send((0..<300).flatMap { bad.bytes(UInt32(2 * $0 + 1)) })
        var frame = try await client.next()
        while frame.type != Frame.goAway { frame = try await client.next() }
        // ENHANCE_YOUR_CALM
        #expect(frame.payload[4..<8] == [0, 0, 0, 11])
        #expect(try await isAlive(bench))
        await bench.server.drain()
    }

    @Test func `an error of the connection is announced with its code`() async throws {
        let bench = try await ListenerBench([echo])
        let client = try await open(bench)
        // A field of the table that is not there (RFC 7541 §6.1).
        try await client.connection.send(Frame(Frame.headers, flags: 5, stream: 1, [0xFE]).bytes)
        var frame = try await client.next()
        while frame.type != Frame.goAway { frame = try await client.next() }
        // COMPRESSION_ERROR
        #expect(frame.payload[4..<8] == [0, 0, 0, 9])
        _ = try await client.connection.rest()
        await bench.server.drain()
    }
}
