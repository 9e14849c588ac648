// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import RawHTTP
import Testing

/// A call counts once, whatever ways it comes: forwarded, directly, or read from the files of a session.
@Suite(.serialized)
struct ForwardedCallsTests {
    @Test(arguments: [false, true])
    func `a call that comes forwarded and directly counts once, with the same figures`(writesUsage: Bool) async throws {
        let bodies = try Self.recordings()
        #expect(bodies.count > 30)
        let hub = try Sandbox()
        let port = try freePort()
        try hub.write(Self.hubConfig(port), to: "config.yaml")
        let reference = try Sandbox()
        let forwarder = try Forwarder(
            to: "http://127.0.0.1:\(port)",
            exporter: "usage_attributes: \(writesUsage), sending_queue: { batch: { flush_timeout: 20ms } }",
            processors: "tokens, pricing"
        )
        let (direct, program) = (try await reference.collect(), try await hub.serve())
        let way = try await forwarder.sandbox.serve()
        for (signal, body) in bodies {
            #expect(await post(body, to: try direct.address() + "/v1/\(signal)") == 200)
            #expect(await post(body, to: forwarder.address + "/v1/\(signal)") == 200)
        }
        #expect(try await way.stop().exitCode == 0)
        let expected = try await Self.figures(direct)
        #expect((expected["callCount"] as? Int ?? 0) > 5)
        #expect(try await Self.figures(program) == expected)
        for (signal, body) in bodies {
            #expect(await post(body, to: try program.address() + "/v1/\(signal)") == 200)
        }
        #expect(try await Self.figures(program) == expected)
        #expect(try await program.stop().exitCode == 0)
        #expect(try await direct.stop().exitCode == 0)
    }

    @Test func `what real clients sent counts the same over gRPC`() async throws {
        let (overHTTP, overGRPC) = (try Sandbox(), try Sandbox())
        let (first, second) = (try await overHTTP.collect(), try await overGRPC.collect())
        let port = try #require(URL(string: try second.address())?.port.flatMap { UInt16(exactly: $0) })
        let client = RawHTTP2(try await RawConnection(port: port))
        try await client.connection.send(RawHTTP2.opening)
        let services: [Signal: String] = [
            .traces: "trace.v1.Trace", .logs: "logs.v1.Logs", .metrics: "metrics.v1.Metrics",
        ]
        for (number, (signal, body)) in try Self.recordings().enumerated() {
            #expect(await post(body, to: try first.address() + "/v1/\(signal)") == 200)
            let path = "/opentelemetry.proto.collector.\(services[signal] ?? "")Service/Export"
            // Each call may come twice, as after a lost answer.
            for time in 0..<2 {
                let stream = UInt32(4 * number + 2 * time + 1)
                let answer = try await client.answer(to: path, on: stream, body: GRPC.frame(body))
                #expect(answer.status("grpc-status") == "0")
            }
        }
        let expected = try await Self.figures(first)
        #expect((expected["callCount"] as? Int ?? 0) > 5)
        #expect(try await Self.figures(second) == expected)
        #expect(try await second.stop().exitCode == 0)
        #expect(try await first.stop().exitCode == 0)
    }

    @Test func `a session that two machines have read and one has forwarded counts once`() async throws {
        let port = try freePort()
        let hub = try Sandbox()
        try hub.write(Self.hubConfig(port), to: "config.yaml")
        let laptop = try Sandbox()
        try laptop.write(
            """
            receivers: { agent_sessions: { poll_interval: 0s } }
            processors: { tokens: , pricing: }
            exporters: { otlp_http: { endpoint: "http://127.0.0.1:\(port)", usage_attributes: true } }
            service: { pipelines: { logs: { receivers: [agent_sessions], processors: [tokens, pricing], exporters: [otlp_http] } } }
            """,
            to: "config.yaml"
        )
        for sandbox in [hub, laptop] { try Self.copySessions(to: sandbox) }
        let program = try await hub.serve()
        // Nothing runs there: the command sends what it has read before it ends.
        let scan = try await laptop.run("scan", "--config", "config.yaml")
        #expect(scan.exitCode == 0, "\(scan.errors)")
        try await waitUntil { try await Self.figures(program)["callCount"] as? Int ?? 0 > 0 }
        let forwarded = try await Self.figures(program)
        #expect(try await hub.run("scan", "--config", "config.yaml").exitCode == 0)
        #expect(try await Self.figures(program) == forwarded)
        for (signal, body) in try Self.recordings("cc-2.1.330-two-models-fork") {
            #expect(await post(body, to: try program.address() + "/v1/\(signal)") == 200)
        }
        #expect(try await Self.figures(program)["callCount"] as? Int == forwarded["callCount"] as? Int)
        #expect(try await program.stop().exitCode == 0)
    }

    private static func copySessions(to sandbox: Sandbox) throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/forwarding-sessions"
        )
        let target = sandbox.folder.appending(path: ".claude")
        for name in try FileManager.default.subpathsOfDirectory(atPath: source.path) where name.hasSuffix(".gz") {
            let bytes = [UInt8](try Data(contentsOf: source.appending(path: name)))
            let file = target.appending(path: String(name.dropLast(3)))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(Gzip.inflate(bytes, limit: 1 << 24)).write(to: file)
        }
    }

    private static func hubConfig(_ port: Int) -> String {
        """
        receivers:
          otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } }
          agent_sessions: { poll_interval: 0s }
        processors: { tokens: , pricing: , retention: , redaction: }
        exporters: { sqlite: { path: ./store.db } }
        extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: sqlite } }
        service:
          extensions: [hub]
          pipelines:
            traces: { receivers: [otlp], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
            logs: { receivers: [otlp, agent_sessions], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
            metrics: { receivers: [otlp], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
        """
    }

    /// What must not depend on the way that records took.
    private static func figures(_ program: RunningProgram) async throws -> NSDictionary {
        let summary = try await program.get("/api/telemetry/summary?from=2026-01-01&to=2027-01-01").json()
        let keys = [
            "totalCost", "totalInputTokens", "totalOutputTokens", "totalCacheReadTokens", "totalCacheWriteTokens",
            "totalReasoningTokens", "callCount", "sessionCount", "unpricedCalls", "byModel", "byAgent",
        ]
        return NSDictionary(dictionary: Dictionary(uniqueKeysWithValues: keys.map { ($0, summary[$0] ?? "none") }))
    }

    /// What real clients sent, in the order of their recording.
    private static func recordings(_ scenario: String = "") throws -> [(Signal, [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/forwarding/\(scenario)"
        )
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted().filter { $0.hasSuffix(".gz") }
            .map { name in
                let file = [UInt8](try Data(contentsOf: folder.appending(path: name)))
                let signal = try #require(Signal.allCases.first { name.contains("-\($0).") })
                return (signal, try Gzip.inflate(file, limit: 1 << 24))
            }
    }
}
