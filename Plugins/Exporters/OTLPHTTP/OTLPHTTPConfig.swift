// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ClientTLS
public import CollectorKit
import NIOCore
import NIOSSL
import OTLP
public import SendingQueue

/// The keys under `otlp_http:`; they are those of the OpenTelemetry Collector, and some of our own.
public struct OTLPHTTPConfig: QueuedExporterConfig {
    /// The base address; `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended.
    public var endpoint = ""
    /// The complete address for traces.
    public var tracesEndpoint = ""
    /// The complete address for logs.
    public var logsEndpoint = ""
    /// The complete address for metrics.
    public var metricsEndpoint = ""
    /// Header fields of every request.
    public var headers: [String: Secret] = [:]
    /// How bodies are compressed.
    public var compression = Compression.gzip
    /// The level of compression.
    public var compressionParams = CompressionParams()
    /// The encoding of records.
    public var encoding = Encoding.proto
    /// The time limit of an attempt.
    public var timeout = ConfigDuration(seconds: 30)
    /// The proxy for all requests; may have a name and a password.
    public var proxyURL: Secret = ""
    /// Whether extracted usage is written onto the records.
    public var usageAttributes = false
    /// The retries when the destination cannot accept a batch now.
    public var retryOnFailure = RetryConfig()
    /// The queue of waiting batches.
    public var sendingQueue = SendingQueueConfig()
    /// The batches that the destination refused for good.
    public var deadLetters = DeadLettersConfig()
    /// How the destination is verified, and the certificate of this collector.
    public var tls = TLS()
    /// Who says for each request who this collector is; nil where headers and tls say it.
    public var auth: Auth?

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case endpoint, headers, compression, encoding, timeout, tls, auth
        case tracesEndpoint = "traces_endpoint"
        case logsEndpoint = "logs_endpoint"
        case metricsEndpoint = "metrics_endpoint"
        case compressionParams = "compression_params"
        case proxyURL = "proxy_url"
        case usageAttributes = "usage_attributes"
        case retryOnFailure = "retry_on_failure"
        case sendingQueue = "sending_queue"
        case deadLetters = "dead_letters"
    }

    /// Who says for each request who this collector is.
    public struct Auth: ConfigSection {
        /// The id of an extension.
        public var authenticator = ""

        /// None.
        public init() {}
    }

    /// How bodies are compressed.
    public enum Compression: String, Codable, Sendable, CaseIterable {
        /// With gzip.
        case gzip
        /// With Zstandard.
        case zstd
        /// No compression.
        case none
    }

    /// The level of compression.
    public struct CompressionParams: ConfigSection {
        /// 1 for fastest to 9 for smallest; with Zstandard to 19.
        public var level = 1

        /// The defaults.
        public init() {}
    }

    /// The encoding of records.
    public enum Encoding: String, Codable, Sendable, CaseIterable {
        /// As protobuf.
        case proto
        /// As OTLP/JSON.
        case json
    }

    /// How the destination is verified, and the certificate of this collector.
    public typealias TLS = ClientTLSConfig
}

// MARK: - Client

extension OTLPHTTPConfig {
    /// The settings of the HTTP client; reads the files of `tls`.
    ///
    /// - Parameter tunnel: The proxy for encrypted connections; nil for a client without one.
    func clientConfiguration(_ id: ComponentID, tunnel: ProxyAddress?) throws(StartError) -> HTTPClient.Configuration {
        // The exporter follows redirections itself: the library would turn some of them into a GET without a body.
        var client = HTTPClient.Configuration(redirectConfiguration: .disallow)
        client.timeout = HTTPClient.Configuration.Timeout(
            connect: min(timeout.amount, .seconds(10)),
            read: timeout.amount
        )
        client.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = sendingQueue.numConsumers
        client.connectionPool.retryConnectionEstablishment = false
        client.httpVersion = .http1Only
        if let tunnel {
            client.proxy = .server(
                host: tunnel.host,
                port: tunnel.port,
                authorization: tunnel.credentials.map { .basic(username: $0.user, password: $0.password) }
            )
        } else {
            client.http1_1ConnectionDebugInitializer = AbsoluteForm.add
        }
        do {
            client.tlsConfiguration = try TLSConfiguration(tls)
        } catch {
            throw StartError(.configuration, "\(id): the files of tls cannot be used: \(error)")
        }
        if !tls.serverNameOverride.isEmpty {
            for address in addresses.values { client.dnsOverride[tls.serverNameOverride] = address.host }
        }
        return client
    }
}

// MARK: - Documentation

extension OTLPHTTPConfig {
    /// What each key means.
    public static let documentation = [
        "endpoint":
            "the base address, such as https://hub.example.com:4318; /v1/traces, /v1/logs or /v1/metrics is appended",
        "traces_endpoint": "the whole address for traces",
        "logs_endpoint": "the whole address for logs",
        "metrics_endpoint": "the whole address for metrics",
        "headers": "header fields of every request, such as Authorization; never shown",
        "compression": "gzip, zstd or none",
        "compression_params": "how hard bodies are compressed",
        "compression_params.level": "1: fastest, 9: smallest; 19 with zstd",
        "encoding": "proto or json",
        "timeout": "how long an attempt may take",
        "proxy_url":
            "the HTTP proxy for requests, such as http://proxy:3128 or http://name:${env:PASSWORD}@proxy:3128; never shown; empty: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment",
        "usage_attributes":
            "write tokens (gen_ai.usage.*), model, provider and cost (gen_ai.usage.cost, hammurabi.cost.usd) of each call onto one of its records, hammurabi.call.id onto all",
        "auth": "who shows the destination who this collector is, beside headers",
        "auth.authenticator":
            "the id of an extension: basicauth, bearertokenauth or oauth2client; without its credentials batches wait",
        "tls": "how the destination is known, and this collector",
    ].merging(ClientTLSConfig.documentation) { own, _ in own }.merging(sendingDocumentation) { own, _ in own }
}

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension OTLPHTTPConfig: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "profiles_endpoint": "remove it: profiles are no signal here",
        "read_buffer_size": pooled, "write_buffer_size": pooled, "max_idle_conns": pooled,
        "max_idle_conns_per_host": pooled, "max_conns_per_host": "remove it; sending_queue.num_consumers says how many",
        "idle_conn_timeout": pooled, "disable_keep_alives": pooled, "force_attempt_http2": pooled,
        "http2_read_idle_timeout": pooled, "http2_ping_timeout": pooled, "cookies": "remove it: none are kept",
        "middlewares": "remove it: there are none",
    ]

    private static let pooled = "remove it: connections are pooled and closed by themselves"
}

// MARK: - Validation

extension OTLPHTTPConfig {
    /// The queue's folder, and the destinations: one that is a listener of this program would form a loop.
    public var resources: [ConfigResource] {
        let keys: [Signal: (String, String)] = [
            .traces: ("traces_endpoint", tracesEndpoint), .logs: ("logs_endpoint", logsEndpoint),
            .metrics: ("metrics_endpoint", metricsEndpoint),
        ]
        let destinations = Signal.allCases.compactMap { signal -> ConfigResource? in
            guard let address = addresses[signal], let (key, whole) = keys[signal] else { return nil }
            let endpoint = Endpoint(host: address.host, port: address.port)
            return ConfigResource(.destination(endpoint, of: signal), at: [whole.isEmpty ? "endpoint" : key])
        }
        let shown = auth.map {
            ConfigResource(.clientAuthenticator($0.authenticator), at: ["auth", "authenticator"])
        }
        return queueResources + destinations + (shown.map { [$0] } ?? [])
    }

    /// Reports addresses that cannot be used, delays out of range, and sizes that contradict each other.
    public func validate(_ findings: inout ConfigFindings) {
        validateAddresses(&findings)
        validateHeaders(&findings)
        validateSending(&findings)
        tls.validate(&findings, acceptedAs: "the destination and receives the headers")
        let highest = compression == .zstd ? 19 : 9
        if !(1...highest).contains(compressionParams.level) {
            findings.error(
                "out-of-range",
                "\(compression == .zstd ? "zstd" : "gzip") has the levels 1 to \(highest)",
                at: ["compression_params", "level"],
                help: "write 1"
            )
        }
        if !(1_000_000...3_600_000_000_000).contains(timeout.nanoseconds) {
            findings.error("out-of-range", "an attempt takes 1ms to 1h", at: ["timeout"], help: "write 30s")
        }
    }

    private func validateAddresses(_ findings: inout ConfigFindings) {
        let addresses = [
            ("endpoint", endpoint), ("traces_endpoint", tracesEndpoint), ("logs_endpoint", logsEndpoint),
            ("metrics_endpoint", metricsEndpoint),
        ]
        if addresses.allSatisfy(\.1.isEmpty) {
            findings.error(
                "endpoint",
                "at least one endpoint must be specified",
                at: [],
                help: "write endpoint: http://127.0.0.1:4318, for example"
            )
        }
        for (key, address) in addresses where !address.isEmpty {
            if let fault = WebAddress.fault(in: address) {
                findings.error("endpoint", fault.message, at: [key], help: fault.help)
            } else if key == "endpoint", let ending = WebAddress(address)?.signalEnding {
                findings.warning(
                    "endpoint",
                    "the base address ends with \(ending), which is appended by itself",
                    at: [key],
                    help: "remove \(ending)"
                )
            }
        }
        if !proxyURL.isEmpty, ProxyAddress(proxyURL.value) == nil {
            findings.error(
                "proxy",
                "a proxy has the form http://host:port or http://name:password@host:port",
                at: ["proxy_url"]
            )
        }
    }

    private func validateHeaders(_ findings: inout ConfigFindings) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let isToken =
                !name.isEmpty && name.utf8.allSatisfy { 33...126 ~= $0 && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
            if !isToken {
                findings.error("header", "\"\(name)\" is no name of a header field", at: ["headers"])
            } else if !value.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) {
                findings.error("header", "the value has a line break or control character", at: ["headers", name])
            } else if ["content-type", "content-encoding", "content-length", "transfer-encoding"].contains(
                name.lowercased()
            ) {
                findings.error(
                    "header",
                    "\(name) follows from encoding and compression",
                    at: ["headers", name],
                    help: "remove it"
                )
            }
        }
    }
}
