// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import Logging
import OTLP
import RawHTTP
import Synchronization
import Testing
import Usage

@testable import Collector
@testable import HTTPServer

/// A request that is refused must be found in the log, the metrics and the status: "nothing arrives" has no other answer
/// (anthropics/claude-code#1911, open-telemetry/opentelemetry-collector#10334).
struct RefusedRequestTests {
    /// The bytes of a request, and the expected log and status.
    struct Case: Sendable, CustomTestStringConvertible {
        let code: IntakeProblem.Code
        let status: Int?
        let subject: String
        let text: String
        var path: String?

        var testDescription: String { code.rawValue }
    }

    private static func post(
        _ path: String,
        host: String = "localhost",
        type: String = "application/json",
        more: String = "",
        length: Int = 2
    ) -> String {
        "POST \(path) HTTP/1.1\nHost: \(host)\nUser-Agent: sender/1\nContent-Type: \(type)\n\(more)Content-Length: \(length)\n\n{}"
    }

    private static let cases = [
        Case(code: .unknownPath, status: 404, subject: "/otlp/v1/traces", text: post("/otlp/v1/traces")),
        Case(
            code: .noPipeline,
            status: 404,
            subject: "/v1/metrics",
            text: post("/v1/metrics"),
            path: "/v1/metrics"
        ),
        Case(
            code: .wrongMethod,
            status: 405,
            subject: "/v1/logs",
            text: post("/v1/logs").replacing("POST", with: "PUT"),
            path: "/v1/logs"
        ),
        Case(
            code: .unsupportedType,
            status: 415,
            subject: "/v1/logs",
            text: post("/v1/logs", type: "text/plain"),
            path: "/v1/logs"
        ),
        Case(
            code: .unsupportedCoding,
            status: 415,
            subject: "/v1/logs",
            text: post("/v1/logs", more: "Content-Encoding: br\n"),
            path: "/v1/logs"
        ),
        Case(
            code: .unreadableBody,
            status: 400,
            subject: "/v1/logs",
            text: post("/v1/logs").replacing("{}", with: "[}"),
            path: "/v1/logs"
        ),
        Case(
            code: .tooLarge,
            status: 413,
            subject: "/v1/logs",
            text: post("/v1/logs", length: 2_000_000),
            path: "/v1/logs"
        ),
        Case(
            code: .foreignHost,
            status: 421,
            subject: "/v1/logs",
            text: post("/v1/logs", host: "hub.example:4318"),
            path: "/v1/logs"
        ),
        Case(
            code: .foreignOrigin,
            status: 403,
            subject: "/v1/logs",
            text: post("/v1/logs", more: "Origin: https://evil.example\n"),
            path: "/v1/logs"
        ),
        Case(code: .malformedRequest, status: 400, subject: "", text: "this is not HTTP\n\n"),
        Case(
            code: .headTooLarge,
            status: 431,
            subject: "",
            text: "POST /v1/logs HTTP/1.1\nHost: localhost\nX: \(String(repeating: "x", count: 40_000))\n\n"
        ),
        Case(code: .http2, status: nil, subject: "", text: "PRI * HTTP/2.0\n\nSM\n\nthis is no frame of HTTP/2"),
    ]

    @Test(arguments: cases)
    func `each is counted, listed and logged with its reason`(expected: Case) async throws {
        let hub = try await OTLPHub("max_request_body_size: 1MiB", signals: [.traces, .logs])
        let connection = try await hub.collector.connect()
        try connection.send(expected.text)
        // The connection ends with the answer or after it: then all of it has arrived.
        connection.endSending()
        let answer = try await connection.rest()
        if let status = expected.status {
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            let path = expected.path ?? "other"
            #expect(
                hub.collector.status.requests
                    == [RequestCount(listener: "127.0.0.1:0", path: path, code: status, count: 1)]
            )
        } else {
            #expect(hub.collector.status.requests.isEmpty)
        }
        let problem = try #require(hub.collector.status.intakeProblems.first)
        #expect(hub.collector.status.intakeProblems.count == 1)
        #expect(problem.code == expected.code)
        #expect(problem.subject == expected.subject)
        #expect(problem.client == (expected.subject.isEmpty ? "" : "sender/1"))
        #expect(problem.status == expected.status)
        #expect(!problem.reason.isEmpty && problem.reason.utf8.count < 320, "it is not cut")
        #expect(problem.count == 1)
        let line = try #require(hub.log.lines.first)
        #expect(hub.log.lines.count == 1)
        #expect(line.contains(expected.code.rawValue) && line.contains(problem.client), "\(line)")
        try await hub.end()
    }

    @Test(arguments: [
        ("", IntakeProblem.Code.missingKey, 401), ("X-Hammurabi-Api-Key: wrong-0123456789\n", .unknownKey, 401),
        ("X-Hammurabi-Api-Key: reader-0123456789abcdef\n", .missingScope, 403),
    ])
    func `a sender without the right key is named`(fields: String, code: IntakeProblem.Code, status: Int) async throws {
        let keys = #"{ keys: [{ name: reader, key: reader-0123456789abcdef, scopes: ["telemetry:read"] }] }"#
        let hub = try await OTLPHub(keys: keys)
        let connection = try await hub.collector.connect()
        try connection.send(Self.post("/v1/logs", host: "any.example", more: fields))
        #expect(try await connection.answer().status == status)
        let problem = try #require(hub.collector.status.intakeProblems.first)
        #expect(problem.code == code && problem.subject == "/v1/logs" && problem.client == "sender/1")
        #expect(!"\(hub.log.lines)\(problem)".contains("0123456789"))
        try await hub.end()
    }

    @Test func `a store that cannot take data, and a body for which there is no memory, are reported`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        hub.sink.refuse(with: .retryable("the disk is full"))
        #expect(try await hub.post(.logs, OTLPEncoding.json.twoRecords(.logs), OTLPEncoding.json.fields).status == 503)
        let connection = try await hub.collector.connect()
        try connection.send(Self.post("/v1/logs", length: 2 << 20))
        #expect(try await connection.answer().status == 413)
        let problems = hub.collector.status.intakeProblems
        #expect(problems.map(\.code).sorted { $0.rawValue < $1.rawValue } == [.tooLarge, .unavailable])
        #expect(problems.contains { $0.reason == "the disk is full" })
        try await hub.end()
    }

    @Test func `a refused query is counted and not listed, because its client sees the answer`() async throws {
        let route = Route(.get, "/api/read/{id}") { _ in ServerResponse(.ok) }
        let faulty = Route(.post, "/api/do") { _ in ServerResponse(.badRequest) }
        let hub = try await OTLPHub(others: [route, faulty])
        let connection = try await hub.collector.connect()
        for text in [
            "GET /favicon.ico HTTP/1.1", "GET /v1/logs HTTP/1.1", "HEAD /api/read/7 HTTP/1.1",
            "POST /api/do HTTP/1.1",
        ] {
            try connection.send(text + "\nHost: localhost\n\n")
            _ = try await connection.answer()
        }
        let answers = hub.collector.status.requests.map { "\($0.path) \($0.code)" }
        #expect(answers == ["/api/do 400", "/api/read/{id} 200", "/v1/logs 405", "other 404"])
        #expect(hub.collector.status.intakeProblems.isEmpty)
        #expect(hub.log.lines.isEmpty)
        try await hub.end()
    }

    @Test func `every answer is counted once, on a connection that is kept, too`() async throws {
        let hub = try await OTLPHub()
        let connection = try await hub.collector.connect()
        for _ in 0..<3 {
            try await connection.post("/v1/logs", OTLPEncoding.json.twoRecords(.logs), OTLPEncoding.json.fields)
            #expect(try await connection.answer().status == 200)
        }
        let expected = RequestCount(listener: "127.0.0.1:0", path: "/v1/logs", code: 200, count: 3)
        #expect(hub.collector.status.requests == [expected])
        try await hub.end()
    }

    @Test func `a body that never comes is a request that took too long`() async throws {
        let hub = try await OTLPHub("read_timeout: 50ms")
        let connection = try await hub.collector.connect()
        try connection.send(Self.post("/v1/logs", length: 300_000))
        #expect(try await connection.answer().status == 408)
        #expect(hub.collector.status.intakeProblems.map(\.code) == [.tooSlow])
        #expect(hub.collector.status.requests.map { "\($0.path) \($0.code)" } == ["/v1/logs 408"])
        try await hub.end()
    }

    @Test func `the log has each kind once a minute, with path and client`() async throws {
        let lines = Journal()
        let seconds = Atomic<Int64>(0)
        let output = LogOutput(
            TelemetryConfig.Logs(),
            now: { Timestamp(nanoseconds: seconds.load(ordering: .relaxed) * 1_000_000_000) },
            write: { lines.write($0) }
        )
        let intake = IntakeLog()
        let logger = Logger(label: "hub") { _ in StderrLogHandler(output) }
        func refuse(_ path: String, _ client: String) {
            let reason = "nothing is answered here"
            intake.note(.unknownPath, path, client: client, status: 404, reason: reason, logger: logger)
        }
        for _ in 0..<5 {
            refuse("/a", "one/1")
            refuse("/a", "two/2")
        }
        #expect(lines.entries.count == 2)
        seconds.store(61, ordering: .relaxed)
        refuse("/a", "one/1")
        let last = try #require(lines.entries.last)
        for part in ["warning", "reason=unknown_path", "path=/a", "client=one/1", "status=404", "repeated=4"] {
            #expect(last.contains(part), "\(last)")
        }
    }
}

/// Langfuse's SDK sends its keys as a user name and a password.
struct BasicAuthenticationTests {
    private static let keys = """
        { keys: [
          { name: writer, key: writer-0123456789abcdef, scopes: ["telemetry:write"] },
          { name: reader, key: reader-0123456789abcdef, scopes: ["telemetry:read"] }] }
        """
    private static let path = "/api/public/otel/v1/traces"

    /// The field for a user and a password.
    private static func basic(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = "Basic "
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let word = group[0] << 16 | group[1] << 8 | group[2]
            let count = min(3, bytes.count - start)
            for place in 0..<4 {
                result.append(place <= count ? alphabet[Int(word >> UInt32(18 - 6 * place) & 63)] : "=")
            }
        }
        return result
    }

    @Test(arguments: [
        ("pk-lf-1:writer-0123456789abcdef", 200), (":writer-0123456789abcdef", 200),
        ("pk:reader-0123456789abcdef", 403), ("writer-0123456789abcdef:", 401), ("writer-0123456789abcdef", 401),
        ("pk:writer-0123456789abcdee", 401), ("pk:x:writer-0123456789abcdef", 401),
    ])
    func `the password is the key, whatever the user`(credentials: String, status: Int) async throws {
        let hub = try await OTLPHub(keys: Self.keys)
        var fields = OTLPEncoding.protobuf.fields
        fields["Authorization"] = Self.basic(credentials)
        let body = try OTLPEncoding.protobuf.twoRecords(.traces)
        let answer = try await hub.post(.traces, body, fields, path: Self.path)
        #expect(answer.status == status)
        #expect(hub.sink.recordCount == (status == 200 ? 2 : 0))
        let challenge = status == 401 ? #"Basic realm="Telemetry Hub", charset="UTF-8""# : nil
        #expect(answer.fields["www-authenticate"] == challenge)
        try await hub.end()
    }

    @Test func `elsewhere a password is no key, because browsers send it by themselves`() async throws {
        let hub = try await OTLPHub(keys: Self.keys)
        var fields = OTLPEncoding.protobuf.fields
        fields["Authorization"] = Self.basic("pk:writer-0123456789abcdef")
        let answer = try await hub.post(.traces, try OTLPEncoding.protobuf.twoRecords(.traces), fields)
        #expect(answer.status == 401)
        #expect(answer.fields["www-authenticate"] == "Bearer")
        try await hub.end()
    }

    @Test(arguments: ["Basic", "Basic !!!", "Basic =", "basic", ""])
    func `invalid credentials are no key`(field: String) async throws {
        let hub = try await OTLPHub(keys: Self.keys)
        var fields = OTLPEncoding.protobuf.fields
        fields["Authorization"] = field
        let body = try OTLPEncoding.protobuf.twoRecords(.traces)
        #expect(try await hub.post(.traces, body, fields, path: Self.path).status == 401)
        #expect(hub.collector.status.intakeProblems.map(\.code) == [.missingKey])
        try await hub.end()
    }

    @Test func `without keys the path is open to this machine, with or without credentials`() async throws {
        let hub = try await OTLPHub()
        var fields = OTLPEncoding.protobuf.fields
        let body = try OTLPEncoding.protobuf.twoRecords(.traces)
        #expect(try await hub.post(.traces, body, fields, path: Self.path).status == 200)
        fields["Authorization"] = Self.basic("pk-lf-1:sk-lf-1")
        #expect(try await hub.post(.traces, body, fields, path: Self.path).status == 200)
        #expect(hub.sink.recordCount == 4)
        try await hub.end()
    }

    @Test func `the path gives way to a component that answers it`() throws {
        let own = Route(.post, "/a") { _ in ServerResponse(.ok) }
        let fixed = Route(.post, "/a", givesWay: true) { _ in ServerResponse(.notFound) }
        for routes in [[own, fixed], [fixed, own], [fixed, own, fixed]] {
            guard case .route(let route, _) = try RouteTable(routes).match(.post, "/a") else {
                Issue.record("no route")
                continue
            }
            #expect(!route.givesWay)
        }
        guard case .route = try RouteTable([fixed, fixed]).match(.post, "/a") else {
            Issue.record("no route")
            return
        }
    }
}
