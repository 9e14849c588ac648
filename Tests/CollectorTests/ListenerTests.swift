// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import RawHTTP
import Testing

@testable import Collector
@testable import HTTPServer

struct ListenerTests {
    @Test func `components with one endpoint share a listener`() async throws {
        let collector = try await RunningCollector(web("a", "b"), .probes(Journal(), ["a": [echo], "b": [session]]))
        #expect(collector.addresses.count == 1)
        let connection = try await collector.connect()
        try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await connection.answer().body == "ok")
        try connection.send("GET /api/sessions/7 HTTP/1.1\nHost: localhost\n\n")
        #expect(try await connection.answer().body == "session 7")
        try await collector.end()
    }

    @Test func `components with two endpoints have two listeners`() async throws {
        let config = web("a", "b").replacing("web/b:", with: "web/b: { endpoint: \"localhost:0\" }")
        let collector = try await RunningCollector(config, .probes(Journal(), ["a": [echo], "b": [session]]))
        #expect(collector.addresses.count == 2)
        #expect(collector.addresses[0].hasPrefix("http://127.0.0.1:"))
        #expect(collector.addresses[1].hasPrefix("http://localhost:"))
        let (first, second) = (try await collector.connect(to: 0), try await collector.connect(to: 1))
        try first.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await first.answer().body == "ok")
        try second.send("GET /api/sessions/7 HTTP/1.1\nHost: localhost\n\n")
        #expect(try await second.answer().body == "session 7")
        try await collector.end()
    }

    @Test func `a port in use is explained and everything started is stopped`() async throws {
        let first = try await RunningCollector(web("a"), .probes(Journal(), ["a": [echo]]))
        let port = try first.port()
        let journal = Journal()
        let config = web("a").replacing("web/a:", with: "web/a: { endpoint: \"127.0.0.1:\(port)\" }")
        let error = await #expect(throws: StartError.self) {
            try await RunningCollector(config, .probes(journal, ["a": [session]]))
        }
        #expect(error?.reason == .inputOutput)
        #expect(
            error?.description
                == "127.0.0.1:\(port) is in use by another program; stop it, or write another endpoint in the configuration"
        )
        #expect(journal.entries == ["start out", "start in", "stop in", "stop out"])
        try await first.end()
    }
}

/// A configuration with components that answer requests, all on one free port.
func web(_ names: String...) -> String {
    """
    receivers:
      probe/in:
    exporters:
      probe/out:
    extensions:
    \(names.map { "  web/\($0):" }.joined(separator: "\n"))
    service:
      extensions: [\(names.map { "web/\($0)" }.joined(separator: ", "))]
      pipelines:
        logs: { receivers: [probe/in], exporters: [probe/out] }
    """
}

/// Answers with the body of the request.
let echo = Route(.post, "/v1/echo") { request in
    ServerResponse(.ok, body: .bytes(try await request.body.collect(limit: 1_000)))
}

/// Answers with the segment of the path.
private let session = Route(.get, "/api/sessions/{id}") { request in
    ServerResponse(.ok, body: .bytes(Array("session \(request.parameters["id"] ?? "")".utf8)))
}
