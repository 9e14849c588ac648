// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import OTLPReceiver
import Testing
import YAML

/// What the OpenTelemetry Collector's documentation shows for `otlp` over HTTP can be pasted and means the same here.
struct CarriedOverSnippetTests {
    private static func loaded(_ http: String) -> LoadedConfig {
        LoadedConfig(
            """
            receivers:
              otlp:
                protocols:
                  http:
                    \(http.split(separator: "\n").joined(separator: "\n        "))
            exporters: { sqlite: }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        )
    }

    private static func config(_ loaded: LoadedConfig) -> OTLPConfig.HTTP? {
        let receiver = ComponentID("otlp").flatMap { loaded.graph?.component(.receiver, $0) }
        return (receiver?.config as? OTLPConfig)?.protocols.http
    }

    static let accepted: [(snippet: String, holds: @Sendable (OTLPConfig.HTTP) -> Bool)] = [
        ("endpoint: localhost:55681", { $0.endpoint.description == "localhost:55681" }),
        ("endpoint: \"127.0.0.1:4318\"", { $0.endpoint.port == 4318 }),
        ("endpoint: ${env:UNSET:-127.0.0.1}:${env:UNSET:-4319}", { $0.endpoint.port == 4319 }),
        ("max_request_body_size: 20971520", { $0.maxRequestBodySize.bytes == 20 << 20 }),
        (
            "traces_url_path: /a\nmetrics_url_path: /b\nlogs_url_path: /c",
            { [$0.tracesURLPath, $0.metricsURLPath, $0.logsURLPath] == ["/a", "/b", "/c"] }
        ),
        (
            "cors:\n  allowed_origins:\n    - http://test.com\n    # a comment\n    - https://*.example.com",
            { $0.cors.allowedOrigins == ["http://test.com", "https://*.example.com"] }
        ),
        ("cors: { allowed_origins: [\"*\"] }", { $0.cors.allowedOrigins == ["*"] }),
    ]

    @Test(arguments: accepted.indices)
    func `a key that is offered means the same`(row: Int) throws {
        let row = Self.accepted[row]
        let loaded = Self.loaded(row.snippet)
        #expect(loaded.diagnostics.rendered() == "")
        #expect(row.holds(try #require(Self.config(loaded))))
    }

    @Test func `every protocol may be left to its defaults`() {
        for protocols in ["", "protocols:", "protocols: { http: }", "protocols: { http: {} }"] {
            let loaded = LoadedConfig(
                """
                receivers: { otlp: { \(protocols) } }
                exporters: { sqlite: }
                service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
                """
            )
            #expect(loaded.diagnostics.rendered() == "")
            #expect(Self.config(loaded)?.endpoint == .otlpHTTP)
        }
    }
}
