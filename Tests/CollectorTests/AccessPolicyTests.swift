// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import OTLP
import Testing
import Usage

@testable import Collector
@testable import HTTPServer

/// Who is answered, by the head of a request alone.
struct AdmissionTests {
    private static let keys = """
        { keys: [
          { name: writer, key: writer-0123456789abcdef, scopes: ["telemetry:write"] },
          { name: reader, key: reader-0123456789abcdef, scopes: ["telemetry:read"] }] }
        """

    @Test(arguments: [
        ("localhost", true), ("localhost:4318", true), ("localhost:9999", true), ("LOCALHOST:4318", true),
        ("127.0.0.1", true), ("127.0.0.1:4318", true), ("127.9.8.7:4318", true), ("[::1]:4318", true), ("[::1]", true),
        ("127.0.0.1:9999", false), ("[::1]:9999", false), ("evil.example", false), ("evil.example:4318", false),
        ("localhost.evil.example", false), ("127.0.0.1.evil.example:4318", false), ("192.168.1.2:4318", false),
        ("0.0.0.0:4318", false), ("", false), ("localhost:", false), ("localhost:x", false),
        ("localhost:+80", false), ("127.0.0.1:+4318", false), ("127.0.0.+1:4318", false), ("127.0.0.01:4318", false),
        ("127.1:4318", false), ("[127.0.0.1]:4318", false), ("[localhost]:4318", false), ("::1:4318", false),
        ("[::ffff:127.0.0.1]:4318", false), ("user@127.0.0.1:4318", false), ("127.0.0.1:4318@evil.example", false),
        ("localhost.:4318", false), ("127.0.0.1:04318", true),
    ])
    func `without keys a request must name this machine`(host: String, isLocal: Bool) {
        #expect(LocalRule(port: 4_318).isLocal(host) == isLocal)
    }

    @Test func `another name for this machine is misdirected, whatever it asks for`() async throws {
        let hub = try await OTLPHub(others: [Route(.get, "/api/health", access: .open) { _ in ServerResponse(.ok) }])
        for path in ["/api/health", "/v1/logs", "/nothing"] {
            let connection = try await hub.collector.connect()
            try connection.send("GET \(path) HTTP/1.1\nHost: evil.example:4318\n\n")
            #expect(try await connection.answer().status == 421)
        }
        try await hub.end()
    }

    @Test(arguments: [
        ("https://evil.example", 403), ("null", 403), ("http://localhost:1", 403), ("https://a.good.example", 200),
        ("http://localhost", 200), ("https://localhost", 200), (nil, 200), ("evil://localhost", 403),
        ("http://localhost/", 403), ("http://localhost@evil.example", 403), ("x http://localhost", 403),
    ])
    func `a page of another origin may not send`(origin: String?, status: Int) async throws {
        let hub = try await OTLPHub("cors: { allowed_origins: [\"https://*.good.example\"] }")
        var fields = Encoding.json.fields
        fields["Origin"] = origin
        let answer = try await hub.post(.logs, try Encoding.json.twoRecords(.logs), fields)
        #expect(answer.status == status)
        #expect(hub.sink.recordCount == (status == 200 ? 2 : 0))
        try await hub.end()
    }

    @Test func `a refusal comes before the body`() async throws {
        let hub = try await OTLPHub(keys: Self.keys)
        let connection = try await hub.collector.connect()
        try connection.send(
            "POST /v1/logs HTTP/1.1\nHost: anything\nContent-Type: application/json\nContent-Length: 40000000\n\n"
        )
        let answer = try await connection.answer()
        #expect(answer.status == 401)
        #expect(answer.fields["connection"] == "close")
        try await hub.end()
    }

    @Test func `a key opens what its scopes say`() async throws {
        let read = Route(.get, "/api/read") { _ in ServerResponse(.ok) }
        let open = Route(.get, "/api/open", access: .open) { _ in ServerResponse(.ok) }
        let hub = try await OTLPHub(others: [read, open], keys: Self.keys)
        let connection = try await hub.collector.connect()
        for (key, path, status) in [
            ("reader-0123456789abcdef", "/api/read", 200), ("writer-0123456789abcdef", "/api/read", 403),
            ("", "/api/read", 401), ("", "/api/open", 200), ("reader-0123456789abcdee", "/api/read", 401),
        ] {
            // A request without a body keeps its connection, whatever the answer.
            try connection.send("GET \(path) HTTP/1.1\nHost: any.example\nX-Hammurabi-Api-Key: \(key)\n\n")
            let answer = try await connection.answer()
            #expect(answer.status == status, "\(path)")
            if status > 200 { #expect(answer.body.hasSuffix(",\"status\":\(status)}")) }
        }
        let fields = Encoding.protobuf.fields.merging(["Authorization": "bearer reader-0123456789abcdef"]) { $1 }
        let refused = try await hub.post(.logs, try Encoding.protobuf.twoRecords(.logs), fields)
        #expect(refused.status == 403)
        #expect(Encoding.protobuf.isStatus(refused, 7))
        let keys = try #require(hub.collector.status.components.first { $0.id.type == "api_keys" })
        #expect(keys.counts[.refused] == 1)
        try await hub.end()
    }

    @Test func `wrong keys take longer and longer, to a bound, and are forgotten`() {
        let failures = KeyFailures()
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let delays = (0..<14).map { _ in failures.note("10.0.0.1", at: start) }
        #expect(delays.prefix(5).allSatisfy { $0 == .zero })
        #expect(delays[5] == .milliseconds(250))
        #expect(delays[6] == .milliseconds(500))
        #expect(delays[9...].allSatisfy { $0 == .seconds(4) })
        #expect(failures.note("10.0.0.2", at: start) == .zero)
        #expect(failures.note("10.0.0.1", at: start + .minutes(11)) == .zero)
        // A client has many addresses of one network, but only one network.
        for _ in 0..<6 { _ = failures.note("2001:db8:0:1:aaaa:bbbb:cccc:1", at: start) }
        #expect(failures.note("2001:db8:0:1:1:2:3:4", at: start) > .zero)
    }

    @Test func `many addresses do not take up more and more memory`() {
        let failures = KeyFailures()
        for number in 0..<20_000 { _ = failures.note("\(number)", at: .now()) }
        #expect(failures.count <= 4_096)
    }

    @Test func `without keys nothing but loopback is opened, validated or not`() throws {
        let config = """
            receivers: { otlp: { protocols: { http: { endpoint: "0.0.0.0:0" } } } }
            exporters: { sqlite: }
            extensions: { api_keys: }
            service: { extensions: [api_keys], pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        #expect(LoadedConfig(config).codes.isEmpty)
        let open = config.replacing("extensions: [api_keys], ", with: "")
        #expect(LoadedConfig(open).codes.contains("open-listener"))
        let graph = try #require(LoadedConfig(open).graph)
        let error = #expect(throws: StartError.self) {
            try Collector(graph, home: "/nowhere", logger: .silent, now: { .init(nanoseconds: 0) }, onReady: { _ in })
        }
        #expect(error?.reason == .configuration)
    }
}
