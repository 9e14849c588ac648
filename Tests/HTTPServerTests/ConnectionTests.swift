// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import NIOCore
import RawHTTP
import Testing

@testable import HTTPServer

/// The limits of a listener for its clients, and its behaviour when one exceeds them.
struct ConnectionTests {
    @Test func `requests that come at once are answered in their order`() async throws {
        let bench = try await ListenerBench([echo, slow])
        let connection = try await bench.connect()
        let first = "POST /slow HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n"
        let rest = (1...20).map { "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n\($0 + 10)" }.joined()
        try connection.send(first + rest)
        #expect(try await connection.answer().body == "slow")
        for number in 1...20 { #expect(try await connection.answer().body == "\(number + 10)") }
        await bench.server.drain()
    }

    @Test func `a client that has sent everything still gets all its answers`() async throws {
        let bench = try await ListenerBench([echo, slow])
        let connection = try await bench.connect()
        try connection.send("POST /slow HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n")
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        connection.endSending()
        #expect(try await connection.answer().body == "slow")
        #expect(try await connection.answer().body == "ok")
        #expect(try await connection.rest().isEmpty)
    }

    @Test func `the reader of a body that is cut off gets an error`() async throws {
        let journal = Journal()
        let reader = Route(.post, "/read") { request in
            do {
                _ = try await request.body.collect(limit: 1_000_000)
            } catch {
                journal.write("\(error)")
            }
            return ServerResponse(.badRequest, body: .bytes(Array("cut".utf8)))
        }
        let bench = try await ListenerBench([reader])
        let connection = try await bench.connect()
        try connection.send("POST /read HTTP/1.1\nHost: localhost\nContent-Length: 900000\n\nnot all")
        connection.endSending()
        #expect(try await connection.answer().body == "cut")
        #expect(journal.entries == ["interrupted"])
    }

    @Test func `a request for the head alone is answered with the length and no body`() async throws {
        let bench = try await ListenerBench([Route(.get, "/a") { _ in ServerResponse(.ok, body: .bytes([65, 66])) }])
        let connection = try await bench.connect()
        try connection.send("HEAD /a HTTP/1.1\nHost: localhost\nConnection: close\n\n")
        #expect(try await connection.rest() == "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
    }

    @Test func `a large body is read when its handler asks, in pieces or whole`() async throws {
        let pieces = Route(.post, "/pieces") { request in
            var count = 0
            for try await piece in request.body.pieces { count += piece.count }
            return ServerResponse(.ok, body: .bytes(Array("\(count)".utf8)))
        }
        let whole = Route(.post, "/whole") { request in
            let body = try await request.body.collect(limit: 3_000_000)
            return ServerResponse(.ok, body: .bytes(Array("\(body.count)".utf8)))
        }
        let bench = try await ListenerBench([pieces, whole])
        let connection = try await bench.connect()
        for path in ["/pieces", "/whole", "/pieces"] {
            let body = [UInt8](repeating: 65, count: 3_000_000)
            try await connection.send(
                Array("POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n".utf8) + body
            )
            #expect(try await connection.answer().body == "3000000")
        }
    }

    @Test(arguments: [
        ("GET /a HTTP/1.1\n\n", 400), ("GET /a HTTP/1.1\nHost: localhost\nHost: b\n\n", 400),
        ("GET /a HTTP/3.0\nHost: localhost\n\n", 505), ("GET /a HTTP/1.1\nHost: localhost\nExpect: money\n\n", 417),
        ("POST /a HTTP/1.1\nHost: localhost\nTransfer-Encoding: gzip, chunked\n\n0\n\n", 501),
        ("POST /a HTTP/1.1\nHost: localhost\nContent-Length: 1\nContent-Length: 2\n\nab", 400),
        ("POST /a HTTP/1.1\nHost: localhost\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n", 400),
        ("GET /a HTTP/1.1\nHost: localhost\n" + String(repeating: "X: y\n", count: 101) + "\n", 431),
        ("GET /a HTTP/1.1\nHost: localhost\nX: \(String(repeating: "y", count: 33_000))\n\n", 431),
        ("GET /\(String(repeating: "y", count: 33_000)) HTTP/1.1\nHost: localhost\n\n", 431),
        ("GET /a HTTP/1.1\nHost: localhost\nX\u{01}: y\n\n", 400),
    ])
    func `a head that has no single meaning or is too long ends the connection`(text: String, status: Int)
        async throws
    {
        let bench = try await ListenerBench([Route(.get, "/a") { _ in ServerResponse(.ok) }])
        let connection = try await bench.connect()
        try connection.send(text)
        let answer = try await connection.answer()
        #expect(answer.status == status, "\(answer.body)")
        #expect(answer.fields["connection"] == "close")
        #expect(answer.body.hasPrefix("{\"code\":"))
        #expect(try await connection.rest().isEmpty)
    }

    @Test func `a slow head is 408, and so is a slow body, whether it is small or large`() async throws {
        var limits = ListenerLimits()
        limits.headTime = .milliseconds(20)
        limits.bodyPause = .milliseconds(20)
        let bench = try await ListenerBench([echo], limits)
        for text in [
            "POST /v1/echo HTTP/1.1\nHo", "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 9\n\n1234",
            "POST /v1/echo HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n9\n1234",
        ] {
            let connection = try await bench.connect()
            try connection.send(text)
            let answer = try await connection.answer()
            #expect(answer.status == 408)
            #expect(answer.body.hasPrefix("{\"code\":4,"))
            #expect(try await connection.rest().isEmpty)
        }
    }

    @Test func `a body that comes more slowly than the least rate is 408, however steadily it comes`() async throws {
        var limits = ListenerLimits()
        limits.bodyRate = 100_000
        limits.bodyGrace = .milliseconds(200)
        let taker = Route(.post, "/take") { request in
            _ = try await request.body.collect(limit: 2_000_000)
            return ServerResponse(.ok)
        }
        let bench = try await ListenerBench([taker], limits)
        for length in [1_000, 1_000_000] {
            let connection = try await bench.connect()
            try connection.send("POST /take HTTP/1.1\nHost: localhost\nContent-Length: \(length)\n\n")
            // One byte at a time pauses too briefly to count as a pause, but is too slow on average.
            let isRefused = await eventually {
                (try? connection.send("x")) == nil || !connection.hasNothing
            }
            #expect(isRefused)
            #expect(try await connection.answer().status == 408)
        }
        // A body that is sent at once is never slow.
        let connection = try await bench.connect()
        let body = [UInt8](repeating: 65, count: 900_000)
        try await connection.send(
            Array("POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n".utf8) + body
        )
        #expect(try await connection.answer().status == 200)
    }

    @Test func `a client does not answer for the time that its body is worked on`() async throws {
        var limits = ListenerLimits()
        limits.bodyPause = .milliseconds(300)
        limits.bodyGrace = .milliseconds(300)
        let late = Route(.post, "/late") { request in
            try await Task.sleep(for: .milliseconds(500))
            _ = try await request.body.collect(limit: 2_000_000)
            try await Task.sleep(for: .milliseconds(500))
            return ServerResponse(.ok)
        }
        let bench = try await ListenerBench([late], limits)
        let connection = try await bench.connect()
        try await connection.send(
            Array("POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n".utf8)
                + [UInt8](repeating: 65, count: 900_000)
        )
        #expect(try await connection.answer().status == 200)
    }

    @Test func `work on a long body, and one that inflates to one, leaves the event loop`() async throws {
        let short = Route(.post, "/short") { request in
            let most = request.shortWork?.bytes
            return ServerResponse(.ok, body: .bytes(Array("\(most ?? 0)".utf8)))
        }
        let bench = try await ListenerBench([short])
        let connection = try await bench.connect()
        for (length, bound) in [(10, ListenerLimits().smallBody), (300_000, 0)] {
            try await connection.send(
                Array("POST /short HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\n".utf8)
                    + [UInt8](repeating: 65, count: length)
            )
            let answer = try await connection.answer()
            #expect(answer.body == "\(bound)")
        }
    }

    @Test func `a connection without a request is closed after a while`() async throws {
        var limits = ListenerLimits()
        limits.idleTime = .milliseconds(20)
        let bench = try await ListenerBench([echo], limits)
        #expect(try await bench.connect().rest().isEmpty)
    }

    @Test func `a connection that is not kept ends with its answer`() async throws {
        var terms = ConnectionTerms()
        terms.keepsAlive = false
        let bench = try await ListenerBench([echo], ListenerLimits(terms))
        let connection = try await bench.connect()
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        let answer = try await connection.answer()
        #expect(answer.body == "ok")
        #expect(answer.fields["connection"] == "close")
        #expect(try await connection.rest().isEmpty)
    }

    @Test func `one connection too many gets 503, and is accepted when another has ended`() async throws {
        var limits = ListenerLimits()
        limits.connections = 2
        let bench = try await ListenerBench([echo], limits)
        let request = "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok"
        var open: [RawConnection] = []
        for _ in 1...2 {
            open.append(try await bench.connect())
            try open.last?.send(request)
            #expect(try await open.last?.answer().status == 200)
        }
        let third = try await bench.connect()
        let answer = try await third.answer()
        #expect(answer.status == 503)
        #expect(answer.fields["retry-after"] == "1")
        #expect(bench.intake.problems.map(\.code) == [.tooManyConnections])
        #expect(bench.intake.requests.map { "\($0.path) \($0.code)" } == ["/v1/echo 200", "other 503"])
        open.removeAll()
        let isServed = await eventually {
            guard let connection = try? await bench.connect(), (try? connection.send(request)) != nil else {
                return false
            }
            return (try? await connection.answer().status) == 200
        }
        #expect(isServed)
    }

    @Test func `an answer in pieces that fails does not look whole`() async throws {
        let broken = Route(.get, "/broken") { _ in
            let pieces = AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield([65])
                continuation.finish(throwing: CancellationError())
            }
            return ServerResponse(.ok, body: .stream(pieces))
        }
        let bench = try await ListenerBench([broken])
        let connection = try await bench.connect()
        try connection.send("GET /broken HTTP/1.1\nHost: localhost\n\n")
        #expect(try await connection.rest().hasSuffix("\r\n\r\n1\r\nA\r\n"))
    }

    @Test(arguments: ["HTTP/1.1", "HTTP/1.0"])
    func `a feed of events ends with the listener`(version: String) async throws {
        let feed = Route(.get, "/feed") { _ in
            let (pieces, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            continuation.yield([65])
            return ServerResponse(.ok, [.contentType: "text/event-stream"], body: .stream(pieces))
        }
        let bench = try await ListenerBench([feed])
        let connection = try await bench.connect()
        try connection.send("GET /feed \(version)\nHost: localhost\n\n")
        #expect(await eventually { !connection.hasNothing })
        await bench.server.drain()
        #expect(try await connection.rest().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func `a request of a disconnected client is still processed`() async throws {
        let journal = Journal()
        let (opened, gate) = AsyncStream<Void>.makeStream()
        let held = Route(.post, "/held") { _ in
            journal.write("begun")
            for await _ in opened {}
            journal.write(Task.isCancelled ? "cancelled" : "done")
            return ServerResponse(.ok)
        }
        let bench = try await ListenerBench([held])
        var connection: RawConnection? = try await bench.connect()
        try connection?.send("POST /held HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n")
        #expect(await eventually { journal.entries == ["begun"] })
        connection = nil
        gate.finish()
        #expect(await eventually { journal.entries == ["begun", "done"] })
        await bench.server.drain()
    }

    /// Answers on another thread.
    private var slow: Route {
        Route(.post, "/slow") { _ in
            try await Task.sleep(for: .milliseconds(5))
            return ServerResponse(.ok, body: .bytes(Array("slow".utf8)))
        }
    }
}

/// A listener without a collector.
struct ListenerBench {
    let server: HTTPServer
    let intake = IntakeLog()

    init(_ routes: [Route], _ limits: ListenerLimits = ListenerLimits()) async throws {
        let endpoint = Endpoint(host: "127.0.0.1", port: 0)
        let listener = HTTPListener(
            endpoint: endpoint,
            site: ServedSite(try RouteTable(routes), limits),
            intake: intake,
            logger: .silent
        )
        server = try await HTTPServer.open([listener])
    }

    func connect() async throws -> RawConnection {
        let port = try #require(server.addresses.first?.split(separator: ":").last.flatMap { UInt16($0) })
        return try await RawConnection(port: port)
    }
}
