// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLPHTTPExporter
import OTLPReceiver
import Testing

@testable import Collector

/// An exporter whose destination is a receiver of the same program would forward a record without end.
@Suite struct LoopTests {
    private static func codes(_ destination: String, listener: String = "127.0.0.1:4318", pipelines: String) -> [String]
    {
        let loaded = LoadedConfig(
            """
            receivers:
              otlp: { protocols: { http: { endpoint: "\(listener)" } } }
              otlp/second: { protocols: { http: { endpoint: "127.0.0.1:4418" } } }
            exporters:
              otlp_http: { \(destination) }
              otlp_http/back: { endpoint: "http://127.0.0.1:4318" }
            service:
              pipelines: { \(pipelines) }
            """,
            registry: Registry([.otlp, .otlpHTTP()])
        )
        return loaded.codes.filter { $0 != "unused-component" }
    }

    private static let own = "traces: { receivers: [otlp], exporters: [otlp_http] }"

    @Test(arguments: [
        ("endpoint: 'http://127.0.0.1:4318'", ["loop"]), ("endpoint: 'http://localhost:4318/'", ["loop"]),
        ("traces_endpoint: 'http://localhost:4318/v1/traces'", ["loop"]), ("endpoint: 'http://[::1]:4318'", []),
        ("endpoint: 'http://127.0.0.1:4319'", []), ("endpoint: 'http://hub.example:4318'", []),
        ("endpoint: 'http://127.0.0.2:4318'", []), ("logs_endpoint: 'http://localhost:4318/v1/logs'", []),
    ])
    func `a destination that is the receiver of the pipeline is an error`(destination: String, codes: [String]) {
        #expect(Self.codes(destination, pipelines: Self.own) == codes)
    }

    @Test func `a loop over two receivers is reported, a chain is not`() {
        let first = "traces: { receivers: [otlp], exporters: [otlp_http] }"
        let chain = "traces/b: { receivers: [otlp/second], exporters: [otlp_http] }"
        let circle = "traces/b: { receivers: [otlp/second], exporters: [otlp_http/back] }"
        let next = "endpoint: 'http://127.0.0.1:4418'"
        #expect(Self.codes(next, pipelines: "\(first), \(circle)") == ["loop", "loop"])
        #expect(Self.codes("endpoint: 'http://hub.example:4318'", pipelines: "\(first), \(chain)") == [])
    }

    @Test func `another signal of the same receiver is no circle`() {
        let pipelines = """
            traces: { receivers: [otlp/second], exporters: [otlp_http/back] }, logs: { receivers: [otlp], exporters: [otlp_http] }
            """
        #expect(Self.codes("endpoint: 'http://hub.example:4318'", pipelines: pipelines) == [])
    }
}
