// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import Testing

@testable import OTLPReceiver

/// Langfuse's SDK appends its own path to the host that its user configures.
struct LangfusePathTests {
    @Test(arguments: Signal.allCases, OTLPEncoding.allCases)
    func `telemetry is taken at the path of Langfuse beside the configured one`(signal: Signal, encoding: OTLPEncoding)
        async throws
    {
        let bench = try await Bench { $0.tracesURLPath = "/in/traces" }
        let body = RequestBody(bytes: try encoding.body(signal, signal.twoRecords))
        let answer = try await bench.send(.post, "/api/public/otel/v1/\(signal)", body, encoding.fields)
        #expect(answer.status == 200)
        #expect(bench.pipeline.batches.map(\.otlp.recordCount) == [2])
        #expect(bench.routes.contains { $0.path == (signal == .traces ? "/in/traces" : "/v1/\(signal)") })
    }

    @Test func `only that path takes a key as a password`() async throws {
        let bench = try await Bench()
        for route in bench.routes {
            #expect(route.acceptsBasicAuthentication == route.path.hasPrefix("/api/public/otel/"), "\(route.path)")
            // The health check needs no key.
            let isHealth = route.path == "/grpc.health.v1.Health/Check"
            #expect(route.takesTelemetry == !isHealth)
            #expect(route.access == (isHealth ? .open : .write))
        }
    }

    @Test func `pages that may send may send there, too`() async throws {
        let bench = try await Bench { $0.cors.allowedOrigins = ["https://a.example"] }
        let answer = try await bench.send(
            .options,
            "/api/public/otel/v1/traces",
            RequestBody(bytes: []),
            [.origin: "https://a.example"]
        )
        #expect(answer.fields[.accessControlAllowOrigin] == "https://a.example")
    }
}
