// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import RawHTTP
import Testing

@testable import HTTPServer

/// What a listener answers by itself, and how it hands requests to routes.
struct ListenerTests {
    @Test func `a path that is not there is answered in the client's own form`() async throws {
        let bench = try await ListenerBench([echo, session])
        let connection = try await bench.connect()
        try connection.send("GET /v1/nothing HTTP/1.1\nHost: localhost\n\n")
        let otlp = try await connection.answer()
        #expect(otlp.status == 404)
        #expect(otlp.fields["content-type"] == "application/json")
        #expect(otlp.body == #"{"code":5,"message":"nothing is answered here; there is /v1/echo"}"#)
        try connection.send("GET /nothing HTTP/1.1\nHost: localhost\n\n")
        let plain = try await connection.answer()
        #expect(plain.status == 404)
        #expect(plain.fields["content-type"] == "application/json")
        #expect(plain.body == #"{"error":"nothing is answered here; there is /v1/echo","status":404}"#)
        await bench.server.drain()
    }

    @Test func `another method is told which ones there are`() async throws {
        let bench = try await ListenerBench([echo, session])
        let connection = try await bench.connect()
        try connection.send("GET /v1/echo HTTP/1.1\nHost: localhost\n\n")
        let otlp = try await connection.answer()
        #expect(otlp.status == 405)
        #expect(otlp.fields["allow"] == "POST")
        #expect(otlp.body == #"{"code":12,"message":"GET is not answered here; use POST"}"#)
        try connection.send("DELETE /api/sessions/7 HTTP/1.1\nHost: localhost\n\n")
        let plain = try await connection.answer()
        #expect(plain.status == 405)
        #expect(plain.fields["allow"] == "GET")
        #expect(plain.body == #"{"error":"DELETE is not answered here; use GET","status":405}"#)
        await bench.server.drain()
    }

    @Test func `parameters reach the handler decoded`() async throws {
        let bench = try await ListenerBench([session])
        let connection = try await bench.connect()
        try connection.send("GET /api/sessions/a%2Fb/?x=1 HTTP/1.1\nHost: localhost\n\n")
        #expect(try await connection.answer().body == "session a/b")
        await bench.server.drain()
    }

    @Test func `requests on one connection are answered one after the other`() async throws {
        let bench = try await ListenerBench([echo])
        let connection = try await bench.connect()
        for text in ["one", "two"] {
            try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 3\n\n\(text)")
            #expect(try await connection.answer().body == text)
        }
        let both = ["red", "blu"].map { "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 3\n\n\($0)" }.joined()
        try connection.send(both)
        #expect(try await connection.answer().body == "red")
        #expect(try await connection.answer().body == "blu")
        await bench.server.drain()
    }

    @Test func `a body may come in chunks and without a length`() async throws {
        let bench = try await ListenerBench([echo])
        let connection = try await bench.connect()
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n3\nabc\n")
        try connection.send("A\n0123456789\n0\n\n")
        let answer = try await connection.answer()
        #expect(answer.status == 200)
        #expect(answer.body == "abc0123456789")
        await bench.server.drain()
    }

    @Test func `a client that asks first is told to go on`() async throws {
        let bench = try await ListenerBench([echo])
        let connection = try await bench.connect()
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\nExpect: 100-Continue\n\n")
        #expect(try await connection.answer().status == 100)
        try connection.send("ok")
        let answer = try await connection.answer()
        #expect(answer.status == 200)
        #expect(answer.body == "ok")
        await bench.server.drain()
    }

    @Test func `an answer may come in pieces`() async throws {
        let pieces = Route(.get, "/pieces") { _ in
            let (stream, pieces) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            for piece in ["one ", "two"] { pieces.yield(Array(piece.utf8)) }
            pieces.finish()
            return ServerResponse(.ok, body: .stream(stream))
        }
        let bench = try await ListenerBench([pieces])
        let connection = try await bench.connect()
        try connection.send("GET /pieces HTTP/1.1\nHost: localhost\nConnection: close\n\n")
        let text = try await connection.rest()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"))
        await bench.server.drain()
    }

    @Test func `a handler that fails is answered without its reason`() async throws {
        let failing = ["/v1/fail", "/fail"].map { Route(.get, $0) { _ in throw Reason() } }
        let bench = try await ListenerBench(failing)
        let connection = try await bench.connect()
        try connection.send("GET /fail HTTP/1.1\nHost: localhost\n\n")
        let plain = try await connection.answer()
        #expect(plain.status == 500)
        #expect(plain.body == #"{"error":"the request could not be answered; see the log","status":500}"#)
        try connection.send("GET /v1/fail HTTP/1.1\nHost: localhost\n\n")
        #expect(
            try await connection.answer().body
                == #"{"code":13,"message":"the request could not be answered; see the log"}"#
        )
        await bench.server.drain()
    }

    @Test(arguments: [
        "this is not HTTP\n\n", "PRI * HTTP/2.0\n\nSM\n\nno frame of HTTP/2",
        "GET / HTTP/1.1\nContent-Length: many\n\n",
    ])
    func `what is not HTTP ends the connection and nothing else`(text: String) async throws {
        let bench = try await ListenerBench([echo])
        let broken = try await bench.connect()
        try broken.send(text)
        let rest = try await broken.rest()
        #expect(rest.hasPrefix("\0") || rest.hasPrefix("HTTP/1.1 4"), "\(rest)")
        let connection = try await bench.connect()
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await connection.answer().body == "ok")
        await bench.server.drain()
    }

    @Test func `an address of another machine is explained`() async throws {
        // An address that is set aside for documentation (RFC 5737).
        let endpoint = Endpoint(host: "192.0.2.1", port: 0)
        let listener = HTTPListener(
            endpoint: endpoint,
            site: ServedSite(try RouteTable([]), ListenerLimits()),
            logger: .silent
        )
        let error = await #expect(throws: StartError.self) { try await HTTPServer.open([listener]) }
        #expect(error?.reason == .inputOutput)
        #expect(error?.description.hasPrefix("192.0.2.1:0 is no address of this machine; write 127.0.0.1:0") == true)
    }

    @Test func `a spare address that another program has is left out`() async throws {
        let first = try await ListenerBench([echo])
        let port = try #require(first.server.addresses.first?.split(separator: ":").last.flatMap { Int($0) })
        func listener(_ port: Int, isSpare: Bool) throws -> HTTPListener {
            HTTPListener(
                endpoint: Endpoint(host: "127.0.0.1", port: port),
                isSpare: isSpare,
                site: ServedSite(try RouteTable([echo]), ListenerLimits()),
                logger: .silent
            )
        }
        let server = try await HTTPServer.open([listener(port, isSpare: true), listener(0, isSpare: false)])
        #expect(server.addresses.count == 1)
        #expect(!server.addresses[0].hasSuffix(":\(port)"))
        let error = await #expect(throws: StartError.self) {
            try await HTTPServer.open([listener(0, isSpare: true), listener(port, isSpare: false)])
        }
        #expect(error?.description.contains("is in use by another program") == true)
        await server.drain()
        await first.server.drain()
        // What is spare comes last, whatever its port.
        let both = try await HTTPServer.open([listener(0, isSpare: true), listener(0, isSpare: false)])
        #expect(both.listeners.map { "http://\($0.address)" } == both.addresses)
        await both.drain()
    }

    private struct Reason: Error {}
}

/// Answers with the body of the request.
let echo = Route(.post, "/v1/echo") { request in
    ServerResponse(.ok, body: .bytes(try await request.body.collect(limit: 1_000)))
}

/// Answers with the segment of the path.
private let session = Route(.get, "/api/sessions/{id}") { request in
    ServerResponse(.ok, body: .bytes(Array("session \(request.parameters["id"] ?? "")".utf8)))
}
