// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// How the user finds out why telemetry does not arrive.
struct IntakeTests {
    private let sandbox: Sandbox
    private let port: Int

    init() throws {
        sandbox = try Sandbox()
        port = try freePort()
        try sandbox.write(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } } }
            processors: { tokens: , pricing: }
            exporters: { sqlite: }
            extensions: { hub: { endpoint: "127.0.0.1:\(port)" } }
            service:
              extensions: [hub]
              pipelines:
                logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite] }
                traces: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite] }
            """,
            to: "config.yaml"
        )
    }

    /// A span of an unknown client, with its usage as JSON.
    private static let span = Data(
        #"""
        {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
        "name":"call","endTimeUnixNano":"1795334400000000000","attributes":[{"key":"vendor.usage_details",
        "value":{"stringValue":"{\"input\":10,\"output\":2}"}}]}]}]}]}
        """#.utf8
    )

    @Test func `lost telemetry is in the log, status, doctor, data quality and the metrics`() async throws {
        let program = try await sandbox.serve()
        let agent = ["User-Agent": "langfuse-sdk/5.0.4"]
        #expect(
            try await program.request("POST", "/otlp/v1/traces", Self.span, type: "application/json", fields: agent)
                .status == 404
        )
        #expect(try await program.post("/v1/logs", Data("{}".utf8), type: "text/plain").status == 415)
        #expect(try await program.post("/api/public/otel/v1/traces", Self.span).status == 200)
        let sentences = [
            "1 request to /otlp/v1/traces by langfuse-sdk/5.0.4 was refused with 404",
            "1 span with usage in `vendor.usage_details` that this version does not read", "/v1/logs",
        ]
        let status = try await sandbox.run("status")
        let doctor = try await sandbox.run("doctor")
        let quality = try await sandbox.run("doctor", "--data")
        let page = try await program.get("/api/telemetry/quality").text
        for text in [status.errors, doctor.output, quality.output, page] {
            for sentence in sentences {
                #expect(text.replacing("\n    ", with: " ").replacing("\\/", with: "/").contains(sentence), "\(text)")
            }
        }
        let metrics = try await program.get("/metrics").text
        for line in [
            #"{listener="127.0.0.1:\#(port)",path="other",code="404"} 1"#,
            #"{listener="127.0.0.1:\#(port)",path="/v1/logs",code="415"} 1"#,
            #"{listener="127.0.0.1:\#(port)",path="/api/public/otel/v1/traces",code="200"} 1"#,
        ] {
            #expect(metrics.contains("hammurabi_http_requests_total" + line), "\(metrics)")
        }
        let log = try await program.stop().errors
        for part in [
            "reason=unknown_path", "client=langfuse-sdk/5.0.4", "reason=unsupported_type", "reason=unread_usage",
        ] {
            #expect(log.contains(part), "\(log)")
        }
        // Without a collector nothing is known about it, and nothing is reported.
        #expect(!(try await sandbox.run("doctor").output.contains("intake")))
    }

    @Test func `doctor says what a collector lost whose home is gone`() async throws {
        let program = try await sandbox.serve()
        #expect(try await program.post("/v1/logs", Data("{}".utf8), type: "text/plain").status == 415)
        let gone = ["HAMMURABI_HOME": sandbox.folder.appending(path: "gone").path]
        let doctor = try await sandbox.run(["doctor", "--config", "config.yaml"], environment: gone)
        #expect(doctor.output.contains("/v1/logs"), "\(doctor.output)")
        _ = try await program.stop()
        let alone = try await sandbox.run(["doctor", "--config", "config.yaml"], environment: gone)
        #expect(!alone.output.contains("/v1/logs"))
        #expect(!FileManager.default.fileExists(atPath: gone["HAMMURABI_HOME"] ?? "/"), "doctor makes no home")
    }
}
