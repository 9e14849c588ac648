// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLPHTTPExporter
import OTLPReceiver
import Testing
import YAML

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

    @Test(arguments: [
        ("0.0.0.0:4318", "10.0.0.7:4318", true), ("0.0.0.0:4318", "ADA-laptop:4318", true),
        ("0.0.0.0:4318", "ada-laptop.:4318", true), ("0.0.0.0:4318", "10.0.0.8:4318", false),
        ("0.0.0.0:4318", "10.0.0.7:4319", false), ("[::]:4318", "[FD00:0::7]:4318", true),
        ("10.0.0.7:4318", "ada-laptop:4318", true), ("10.0.0.7:4318", "[::ffff:10.0.0.7]:4318", true),
        ("10.0.0.7:4318", "[fd00::7]:4318", false), ("ada-laptop:4318", "10.0.0.7:4318", true),
        ("127.0.0.1:4318", "10.0.0.7:4318", false), ("127.0.0.1:4318", "ada-laptop:4318", false),
        ("0.0.0.0:4318", "other:4318", false),
    ])
    func `a destination may be this machine by its name or the address of an interface`(
        listener: String,
        destination: String,
        isLoop: Bool
    ) throws {
        let machine = Whereabouts(
            name: "Ada-Laptop",
            addresses: Set(["10.0.0.7", "fd00::7", "127.0.0.1"].compactMap { IPAddress($0) })
        )
        var diagnostics = Diagnostics()
        let text = """
            receivers: { otlp: { protocols: { http: { endpoint: "\(listener)" } } } }
            exporters: { otlp_http: { endpoint: "http://\(destination)" } }
            service: { pipelines: { \(Self.own) } }
            """
        let root = try #require(
            Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        )
        _ = GraphBuilder.build(
            root,
            registry: Registry([.otlp, .otlpHTTP()]),
            home: "/home/ada",
            machine: machine,
            diagnostics: &diagnostics
        )
        #expect(diagnostics.items.contains { $0.code == "loop" } == isLoop, "\(diagnostics.rendered())")
    }

    @Test func `the machine knows its own addresses`() {
        #expect(IPAddress.ofThisMachine.contains { $0 == IPAddress("127.0.0.1") || $0 == IPAddress("::1") })
        let whereabouts = Environment.process.whereabouts
        let (everywhere, here) = (Endpoint(host: "0.0.0.0", port: 1), Endpoint(host: "127.0.0.1", port: 1))
        #expect(whereabouts.reaches(everywhere, at: here))
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
