// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import YAML

@testable import OTLPHTTPExporter
@testable import SendingQueue

struct ConfigTests {
    private func decode(_ text: String) throws -> (config: OTLPHTTPConfig, problems: [String]) {
        var diagnostics = Diagnostics()
        let file = SourceFile(name: "config.yaml", text: text)
        let node = try #require(Node(parsing: file, diagnostics: &diagnostics))
        let config = ConfigDecoder().decode(
            OTLPHTTPConfig.self,
            from: node,
            over: OTLPHTTPConfig(),
            diagnostics: &diagnostics
        )
        var findings = ConfigFindings()
        config.validate(&findings)
        return (
            config,
            diagnostics.items.map { "\($0.code)" }
                + findings.items.map { "\($0.code) \($0.path.joined(separator: "."))" }
        )
    }

    @Test(arguments: [
        ("http://u:p%40ss@127.0.0.1:45110", true), ("http://proxy:3128", true), ("http://u:p%40ss@:1", false),
        ("ftp://u:p%40ss@proxy:1", false),
    ])
    func `a proxy may have a name and a password, which are never shown`(address: String, isValid: Bool) throws {
        let text = "endpoint: http://a\nproxy_url: \"\(address)\"\n"
        let (config, problems) = try decode(text)
        #expect(problems == (isValid ? [] : ["proxy proxy_url"]))
        #expect(!"\(config)".contains("p%40ss"))
        var diagnostics = Diagnostics()
        let file = SourceFile(name: "config.yaml", text: text)
        let node = try #require(Node(parsing: file, diagnostics: &diagnostics))
        _ = ConfigDecoder().decode(
            OTLPHTTPConfig.self,
            from: node,
            over: OTLPHTTPConfig(),
            diagnostics: &diagnostics
        )
        diagnostics.append(.error("proxy", "a fault", at: node["proxy_url"]?.mark))
        #expect(!diagnostics.rendered().contains("ss@"))
        #expect(!node.rendered(redacting: diagnostics.secretKeys).contains("ss@"))
    }

    @Test func `a snippet of the OpenTelemetry Collector means the same`() throws {
        let (config, problems) = try decode(
            """
            endpoint: https://backend.example.com:4318/
            traces_endpoint: http://localhost:55681/v1/traces
            encoding: json
            compression: none
            timeout: 10s
            headers:
              "X-Scope-OrgID": fake
              authorization: Bearer token
            tls:
              insecure: false
              ca_file: /etc/ca.pem
              cert_file: client.pem
              key_file: client.key
              insecure_skip_verify: false
              server_name_override: other.example.com
              min_version: "1.3"
            sending_queue:
              enabled: true
              num_consumers: 2
              queue_size: 5000
              block_on_overflow: true
              storage: file_storage/otc
              batch:
                flush_timeout: 1s
                min_size: 100
                max_size: 1000
                sizer: items
            retry_on_failure:
              enabled: true
              initial_interval: 10s
              randomization_factor: 0.7
              multiplier: 1.3
              max_interval: 60s
              max_elapsed_time: 10m
            """
        )
        #expect(problems == [])
        #expect(
            config.addresses.mapValues(\.text) == [
                .traces: "http://localhost:55681/v1/traces", .logs: "https://backend.example.com:4318/v1/logs",
                .metrics: "https://backend.example.com:4318/v1/metrics",
            ]
        )
        #expect(config.headers["authorization"]?.value == "Bearer token")
        let limits = QueueLimits(config.sendingQueue)
        #expect((limits.batches, limits.records, limits.bytes) == (5_000, .max, 1 << 30))
        #expect((limits.minimum.records, limits.maximum.records) == (100, 1_000))
        #expect(config.sendingQueue.isInFiles)
        #expect(RetryPolicy(config.retryOnFailure).limit == .seconds(600))
        #expect("\(config)".contains("Bearer") == false)
    }

    @Test(arguments: [
        ("{ queue_size: 1GiB }", 1 << 30, Int.max, Int.max),
        ("{ queue_size: 10485760, sizer: bytes }", 10 << 20, .max, .max),
        ("{ queue_size: 70, sizer: items }", 1 << 30, .max, 70),
        ("{ queue_size: 70, sizer: requests }", 1 << 30, 70, .max),
        ("{}", 1 << 30, .max, .max),
    ])
    func `a queue is measured in what is written`(queue: String, bytes: Int, batches: Int, records: Int) throws {
        let (config, problems) = try decode("endpoint: http://127.0.0.1:4318\nsending_queue: \(queue)")
        #expect(problems == [])
        let limits = QueueLimits(config.sendingQueue)
        #expect((limits.bytes, limits.batches, limits.records) == (bytes, batches, records))
    }

    @Test(arguments: [
        ("{}", "endpoint "), ("endpoint: 127.0.0.1:4318", "endpoint endpoint"),
        ("endpoint: ftp://a", "endpoint endpoint"), ("endpoint: http://user:pw@a:1", "endpoint endpoint"),
        ("endpoint: http://a:99999", "endpoint endpoint"),
        ("{ endpoint: 'http://a', headers: { 'a b': c } }", "header headers"),
        ("{ endpoint: 'http://a', headers: { Content-Type: text/plain } }", "header headers.Content-Type"),
        (
            "{ endpoint: 'http://a', retry_on_failure: { initial_interval: 60s } }",
            "out-of-range retry_on_failure.max_interval"
        ),
        (
            "{ endpoint: 'http://a', retry_on_failure: { max_elapsed_time: 1s } }",
            "out-of-range retry_on_failure.max_elapsed_time"
        ),
        ("{ endpoint: 'http://a', sending_queue: { num_consumers: 0 } }", "sending-queue sending_queue.num_consumers"),
        ("{ endpoint: 'http://a', sending_queue: { queue_size: 0 } }", "sending-queue sending_queue.queue_size"),
        ("{ endpoint: 'http://a', sending_queue: { storage: redis } }", "sending-queue sending_queue.storage"),
        ("{ endpoint: 'http://a', sending_queue: { storage: memory } }", "weak-durability sending_queue.storage"),
        ("{ endpoint: 'http://a', tls: { cert_file: a.pem } }", "tls tls"),
        ("{ endpoint: 'http://a', tls: { insecure_skip_verify: true } }", "tls tls.insecure_skip_verify"),
        ("{ endpoint: 'http://a', auth: { token: x } }", "unknown-key"),
        ("{ endpoint: 'http://a', compresion: gzip }", "unknown-key"),
        ("{ endpoint: 'http://a', compression: snappy }", "invalid-value"),
        ("{ endpoint: 'http://a', compression_params: { level: 10 } }", "out-of-range compression_params.level"),
        (
            "{ endpoint: 'http://a', compression: zstd, compression_params: { level: 20 } }",
            "out-of-range compression_params.level"
        ),
    ])
    func `a value that cannot work is reported with its position`(text: String, problem: String) throws {
        #expect(try decode(text).problems == [problem])
    }

    @Test(arguments: [
        ("https://x/otel?token=a", "https://x:443/otel/v1/traces?token=a"),
        ("http://x:4318/v1/traces", "http://x:4318/v1/traces"), ("http://x:4318/v1/logs/", "http://x:4318/v1/traces"),
        ("http://x:4318/base//", "http://x:4318/base/v1/traces"),
        ("http://x?a=/v1/traces", "http://x:80/v1/traces?a=/v1/traces"),
    ])
    func `the path of a signal is appended to the path`(endpoint: String, address: String) throws {
        var config = OTLPHTTPConfig()
        config.endpoint = endpoint
        #expect(config.addresses[.traces]?.text == address)
    }

    @Test func `an endpoint that ends with the path of a signal is pointed out`() {
        var config = OTLPHTTPConfig()
        config.endpoint = "http://x:4318/v1/traces"
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.code) == ["endpoint"])
        #expect(findings.items.allSatisfy { $0.isWarning && $0.help == "remove /v1/traces" })
    }

    @Test func `a secret in an endpoint is not taken into messages`() throws {
        let address = try #require(WebAddress("https://Host.example:8443/v1/logs?token=abc#x"))
        #expect(address.authority == "host.example:8443")
        #expect(address.text == "https://host.example:8443/v1/logs?token=abc")
        #expect(WebAddress("http://[::1]:4318")?.authority == "[::1]:4318")
    }
}

/// Where a command finds the queue of a running collector.
struct QueueFolderTests {
    @Test func `the folder of the queue is said where there is a queue`() {
        var config = OTLPHTTPConfig()
        #expect(config.sendingQueueFolder?.isEmpty == true)
        config.sendingQueue.directory = "/var/spool/hub"
        #expect(config.sendingQueueFolder == "/var/spool/hub")
        config.sendingQueue.enabled = false
        #expect((config as any ConfigValues).sendingQueueFolder == nil)
    }
}
