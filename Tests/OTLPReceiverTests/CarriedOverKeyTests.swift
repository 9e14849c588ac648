// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import OTLPReceiver
import Testing

/// The effect of the keys that the OpenTelemetry Collector has, too.
@Suite struct CarriedOverKeyTests {
    private static let empty = Array("{}".utf8)

    @Test func `header fields are added to every answer`() async throws {
        let bench = try await Bench {
            $0.responseHeaders = ["X-B": "2", "X-A": "1", "Vary": "Cookie"]
            $0.cors.allowedOrigins = ["*"]
        }
        let json: HTTPFields = [.contentType: "application/json"]
        let answers = [
            try await bench.post(.logs, Self.empty, json), try await bench.post(.logs, [1], json),
            try await bench.post(.logs, Self.empty, [:]),
            try await bench.send(.options, "/v1/logs", RequestBody(bytes: []), [.origin: "https://a.example"]),
        ]
        #expect(answers.map(\.status) == [200, 400, 415, 204])
        for answer in answers {
            let added = answer.fields.filter { $0.name.canonicalName.hasPrefix("x-") }.map { "\($0.name): \($0.value)" }
            #expect(added == ["X-A: 1", "X-B: 2"])
            #expect(answer.fields[.vary] == "Origin")
        }
    }

    @Test(arguments: [
        (["", "gzip"], ["": 200, "identity": 200, "gzip": 400, "x-gzip": 400, "zstd": 415], "gzip"),
        (["gzip"], ["": 415, "identity": 415, "gzip": 400], "gzip"),
        (["", "zstd"], ["": 200, "gzip": 415, "zstd": 400], "zstd"),
        (["", "zlib", "gzip"], ["deflate": 400, "zlib": 400, "br": 415], "gzip, deflate"),
        ([""], ["": 200, "gzip": 415], "identity"),
    ])
    func `only the codings of the list are taken`(list: [String], statuses: [String: Int], accepted: String)
        async throws
    {
        let bench = try await Bench { $0.compressionAlgorithms = list }
        for (coding, status) in statuses {
            var fields: HTTPFields = [.contentType: "application/json"]
            if !coding.isEmpty { fields[.contentEncoding] = coding }
            let answer = try await bench.post(.logs, Self.empty, fields)
            #expect(answer.status == status, "\(coding)")
            #expect(answer.fields[.acceptEncoding] == (status == 415 ? accepted : nil))
        }
    }

    @Test func `time limits and keep-alive are passed to the listener`() async throws {
        #expect(try await terms { _ in } == ConnectionTerms())
        var wanted = ConnectionTerms()
        wanted.headTime = .seconds(60)
        wanted.bodyTime = .seconds(1_200)
        wanted.answerTime = .seconds(30)
        wanted.idleTime = .seconds(300)
        let whole = try await terms {
            $0.readHeaderTimeout = ConfigDuration(seconds: 60)
            $0.readTimeout = ConfigDuration(seconds: 1_200)
            $0.writeTimeout = ConfigDuration(seconds: 30)
            $0.idleTimeout = ConfigDuration(seconds: 300)
        }
        #expect(whole == wanted)
        #expect(try await terms { $0.keepAlivesEnabled = false }.keepsAlive == false)
        #expect(try await terms { $0.keepalive.enabled = false }.keepsAlive == false)
        let newer = try await terms {
            $0.idleTimeout = ConfigDuration(seconds: 1)
            $0.keepalive.idleTimeout = ConfigDuration(seconds: 2)
        }
        #expect(newer.idleTime == .seconds(2))
    }

    @Test(arguments: [
        (OTLPConfig.Transport.tcp, "localhost:4318"), (.tcp4, "127.0.0.1:4318"), (.tcp6, "[::1]:4318"),
    ])
    func `the transport chooses the address of this machine`(transport: OTLPConfig.Transport, address: String)
        async throws
    {
        let bench = try await Bench {
            $0.endpoint = Endpoint(host: "localhost", port: 4_318)
            $0.transport = transport
        }
        #expect(bench.receiver.httpServing?.endpoint.description == address)
    }

    @Test func `the slash in front of a path may be left out`() async throws {
        let bench = try await Bench { $0.logsURLPath = "in/logs/" }
        #expect(bench.ownPaths == ["/v1/traces", "/v1/metrics", "/in/logs"])
    }

    @Test func `deviations are counted, and logged once for each kind`() async throws {
        let bench = try await Bench()
        let json: HTTPFields = [.contentType: "application/json"]
        let odd = [
            #"{"resource_logs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"keyStrindex":1}]}]}]}]}"#,
        ].map { Array($0.utf8) }
        let broken =
            Array(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":""#.utf8)
            + [0xFF] + Array(#""}}]}]}]}"#.utf8)
        for body in (odd + [broken]) + (odd + [broken]) {
            #expect(try await bench.post(.logs, body, json).status == 200)
        }
        #expect(bench.counters.value(.deviations) == 6)
        let words = ["snake_case", "table of strings", "UTF-8"]
        try #require(bench.log.lines.count == 3)
        for (line, word) in zip(bench.log.lines, words) { #expect(line.contains(word)) }
    }

    private func terms(_ configure: (inout OTLPConfig.HTTP) -> Void) async throws -> ConnectionTerms {
        let receiver = try await Bench(configure).receiver
        return try #require(receiver.httpServing).connectionTerms
    }
}
