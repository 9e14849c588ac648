// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import OTLPReceiver
import Testing
import YAML

@Suite struct ConfigTests {
    @Test(arguments: ["", "protocols:", "protocols:\n  http:\n"])
    func `nothing means the defaults`(text: String) {
        let (config, problems) = decode(text)
        #expect(problems.isEmpty)
        let http = config.protocols.http
        #expect("\(http.endpoint)" == "127.0.0.1:4318")
        #expect(http.maxRequestBodySize.bytes == 64 << 20)
        #expect(
            [http.tracesURLPath, http.logsURLPath, http.metricsURLPath] == ["/v1/traces", "/v1/logs", "/v1/metrics"]
        )
        #expect(http.cors.allowedOrigins.isEmpty)
        #expect(config.resources == [ConfigResource(.endpoint(.otlpHTTP), at: ["protocols", "http", "endpoint"])])
    }

    @Test func `a snippet of the OpenTelemetry Collector is understood`() async throws {
        let (config, problems) = decode(
            """
            protocols:
              http:
                endpoint: 0.0.0.0:4319
                max_request_body_size: 1MiB
                traces_url_path: /in/traces
                cors:
                  allowed_origins: [https://*.example.com]
            """
        )
        #expect(problems.isEmpty)
        #expect(config.protocols.http.endpoint == Endpoint(host: "0.0.0.0", port: 4_319))
        #expect(config.protocols.http.maxRequestBodySize.bytes == 1 << 20)
        #expect(config.protocols.http.cors.allowedOrigins == ["https://*.example.com"])
        let bench = try await Bench { $0 = config.protocols.http }
        #expect(Set(bench.routes.map(\.path)) == ["/in/traces", "/v1/logs", "/v1/metrics"])
    }

    @Test(arguments: [
        ("traces_url_path: traces", "url-path protocols.http.traces_url_path"),
        ("logs_url_path: /a b", "url-path protocols.http.logs_url_path"),
        ("logs_url_path: /a/{id}", "url-path protocols.http.logs_url_path"),
        ("metrics_url_path: /v1/logs", "url-path protocols.http.metrics_url_path"),
        ("max_request_body_size: 0B", "out-of-range protocols.http.max_request_body_size"),
        ("max_request_body_size: 2GiB", "out-of-range protocols.http.max_request_body_size"),
        ("cors: {allowed_origins: [\"*\", a.example]}", "origin protocols.http.cors.allowed_origins.1"),
    ])
    func `values that do not work are found`(line: String, finding: String) {
        let (config, problems) = decode("protocols:\n  http:\n    \(line)\n")
        #expect(problems.isEmpty)
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map { "\($0.code) \($0.path.joined(separator: "."))" } == [finding])
        #expect(findings.items.allSatisfy { !$0.isWarning })
    }

    @Test func `an unknown key and a bad endpoint are errors`() {
        #expect(decode("protocols:\n  http:\n    endpoint: nowhere\n    tracesUrlPath: /a\n").problems.count == 2)
    }

    @Test func `every key is documented`() {
        let keys = [
            "protocols", "protocols.http", "protocols.http.endpoint", "protocols.http.max_request_body_size",
            "protocols.http.traces_url_path", "protocols.http.logs_url_path", "protocols.http.metrics_url_path",
            "protocols.http.cors", "protocols.http.cors.allowed_origins",
        ]
        #expect(Set(OTLPConfig.documentation.keys) == Set(keys))
    }

    private func decode(_ text: String) -> (config: OTLPConfig, problems: [String]) {
        var diagnostics = Diagnostics()
        let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        let config = node.map {
            ConfigDecoder().decode(OTLPConfig.self, from: $0, over: OTLPConfig(), diagnostics: &diagnostics)
        }
        return (config ?? OTLPConfig(), diagnostics.items.map(\.message))
    }
}
