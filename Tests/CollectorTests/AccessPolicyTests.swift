// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import NIOCore
import OTLP
import RawHTTP
import Testing
import Usage

@testable import Collector
@testable import HTTPServer

/// Which requests are answered, by their head alone.
struct AdmissionTests {
    private static let keys = """
        { keys: [
          { name: writer, key: writer-0123456789abcdef, scopes: ["telemetry:write"] },
          { name: reader, key: reader-0123456789abcdef, scopes: ["telemetry:read"] }] }
        """

    @Test func `another name for this machine is misdirected, whatever it asks for`() async throws {
        let hub = try await OTLPHub(others: [Route(.get, "/api/health", access: .open) { _ in ServerResponse(.ok) }])
        for path in ["/api/health", "/v1/logs", "/nothing"] {
            let connection = try await hub.collector.connect()
            try connection.send("GET \(path) HTTP/1.1\nHost: evil.example:4318\n\n")
            #expect(try await connection.answer().status == 421)
        }
        try await hub.end()
    }

    @Test func `a program in a container sends by the name of its machine, a page and the API do not`() async throws {
        let hub = try await OTLPHub(
            "allowed_hosts: [hub.lan]",
            others: [Route(.get, "/api/health", access: .open) { _ in ServerResponse(.ok) }]
        )
        let body = try OTLPEncoding.json.twoRecords(.logs)
        let rows: [(fields: [String: String], status: Int)] = [
            (["Host": "host.docker.internal:4318"], 200), (["Host": "hub.lan"], 200),
            (["Host": "app.localhost:4318"], 200), (["Host": "evil.example"], 421),
            (["Host": "hub.lan", "Origin": "http://hub.lan"], 421),
            (["Host": "hub.lan", "Sec-Fetch-Site": "same-origin"], 421),
            (["Host": "hub.lan", "Content-Type": "text/plain"], 421),
        ]
        for (fields, status) in rows {
            let answer = try await hub.post(.logs, body, OTLPEncoding.json.fields.merging(fields) { $1 })
            #expect(answer.status == status, "\(fields)")
            let isProgram = fields.count == 1
            #expect(status == 200 || answer.body.contains("allowed_hosts") == isProgram, "\(fields)")
        }
        let connection = try await hub.collector.connect()
        try connection.send("GET /api/health HTTP/1.1\nHost: hub.lan\nContent-Type: application/json\n\n")
        #expect(try await connection.answer().status == 421)
        try await hub.end()
    }

    @Test(arguments: [
        ("https://evil.example", 403), ("null", 403), ("http://localhost:1", 403), ("https://a.good.example", 200),
        ("http://localhost", 200), ("https://localhost", 200), (nil, 200), ("evil://localhost", 403),
        ("http://localhost/", 403), ("http://localhost@evil.example", 403), ("x http://localhost", 403),
    ])
    func `a page of another origin may not send`(origin: String?, status: Int) async throws {
        let hub = try await OTLPHub("cors: { allowed_origins: [\"https://*.good.example\"] }")
        var fields = OTLPEncoding.json.fields
        fields["Origin"] = origin
        let answer = try await hub.post(.logs, try OTLPEncoding.json.twoRecords(.logs), fields)
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
        let fields = OTLPEncoding.protobuf.fields.merging(["Authorization": "bearer reader-0123456789abcdef"]) { $1 }
        let refused = try await hub.post(.logs, try OTLPEncoding.protobuf.twoRecords(.logs), fields)
        #expect(refused.status == 403)
        #expect(OTLPEncoding.protobuf.isStatus(refused, 7))
        let keys = try #require(hub.collector.status.components.first { $0.id.type == "api_keys" })
        #expect(keys.counts[.refused] == 1)
        try await hub.end()
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
