// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
public import CollectorKit
import NIOCore
import NIOSSL
import OTLP

/// What a user writes under `otlp_http:`; the keys are those of the OpenTelemetry Collector, and what is ours besides.
public struct OTLPHTTPConfig: ComponentConfig {
    /// The base address; `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended.
    public var endpoint = ""
    /// Where traces go, as it is.
    public var tracesEndpoint = ""
    /// Where logs go, as it is.
    public var logsEndpoint = ""
    /// Where metrics go, as it is.
    public var metricsEndpoint = ""
    /// Header fields of every request.
    public var headers: [String: Secret] = [:]
    /// How bodies are compressed.
    public var compression = Compression.gzip
    /// How hard.
    public var compressionParams = CompressionParams()
    /// How records are written.
    public var encoding = Encoding.proto
    /// How long an attempt may take.
    public var timeout = ConfigDuration(seconds: 30)
    /// Through which proxy requests go.
    public var proxyURL = ""
    /// Whether what was learned about calls is written onto their records.
    public var usageAttributes = false
    /// What happens when the destination cannot take a batch now.
    public var retryOnFailure = Retry()
    /// Where batches wait.
    public var sendingQueue = SendingQueue()
    /// Where batches go that the destination refuses for good.
    public var deadLetters = DeadLetters()
    /// How the destination is known and this collector shows who it is.
    public var tls = TLS()

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case endpoint, headers, compression, encoding, timeout, tls
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

    /// How bodies are compressed.
    public enum Compression: String, Codable, Sendable, CaseIterable {
        /// With gzip.
        case gzip
        /// Not at all.
        case none
    }

    /// How hard bodies are compressed.
    public struct CompressionParams: ConfigSection {
        /// 1 for fastest to 9 for smallest.
        public var level = 1

        /// The defaults.
        public init() {}
    }

    /// How records are written.
    public enum Encoding: String, Codable, Sendable, CaseIterable {
        /// As protobuf.
        case proto
        /// As OTLP/JSON.
        case json
    }

    /// What happens when the destination cannot take a batch now.
    public struct Retry: ConfigSection {
        /// Whether there is another attempt at all.
        public var enabled = true
        /// The wait before the second attempt.
        public var initialInterval = ConfigDuration(seconds: 5)
        /// By which part of itself a wait is shorter or longer by chance.
        public var randomizationFactor = 0.5
        /// How much longer each wait is than the one before.
        public var multiplier = 1.5
        /// The longest wait.
        public var maxInterval = ConfigDuration(seconds: 30)
        /// After how long a batch is given up; 0 for never.
        public var maxElapsedTime = ConfigDuration(seconds: 0)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled, multiplier
            case initialInterval = "initial_interval"
            case randomizationFactor = "randomization_factor"
            case maxInterval = "max_interval"
            case maxElapsedTime = "max_elapsed_time"
        }
    }

    /// Where refused batches go.
    public struct DeadLetters: ConfigSection {
        /// How many bytes of them are kept.
        public var maxSize = ConfigByteSize(mebibytes: 256)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case maxSize = "max_size"
        }
    }

    /// How the destination is known, and this collector.
    public struct TLS: ConfigSection {
        /// Taken for the sake of configurations that have it; the address says whether TLS is used.
        public var insecure = false
        /// Whether anybody is taken for the destination.
        public var insecureSkipVerify = false
        /// The name that the destination's certificate must have, when it is another than the address has.
        public var serverNameOverride = ""
        /// Who vouches for the destination; the system's priorities when empty.
        public var caFile: ConfigPath = ""
        /// Whether the system's priorities are trusted beside those.
        public var includeSystemCACertsPool = false
        /// The certificate that this collector shows.
        public var certFile: ConfigPath = ""
        /// Its key.
        public var keyFile: ConfigPath = ""
        /// The oldest version that is spoken.
        public var minVersion = Version.v1_2

        /// The defaults.
        public init() {}

        /// A version of TLS.
        public enum Version: String, Codable, Sendable, CaseIterable {
            /// 1.2.
            case v1_2 = "1.2"
            /// 1.3.
            case v1_3 = "1.3"
        }

        enum CodingKeys: String, CodingKey {
            case insecure
            case insecureSkipVerify = "insecure_skip_verify"
            case serverNameOverride = "server_name_override"
            case caFile = "ca_file"
            case includeSystemCACertsPool = "include_system_ca_certs_pool"
            case certFile = "cert_file"
            case keyFile = "key_file"
            case minVersion = "min_version"
        }
    }
}

// MARK: - Client

extension OTLPHTTPConfig {
    /// How the HTTP client is set up; reads the files of `tls`.
    func clientConfiguration(_ id: ComponentID) throws(StartError) -> HTTPClient.Configuration {
        // Redirections are followed by hand: the library would turn some of them into a GET without a body.
        var client = HTTPClient.Configuration(redirectConfiguration: .disallow)
        client.timeout = HTTPClient.Configuration.Timeout(
            connect: min(timeout.amount, .seconds(10)),
            read: timeout.amount
        )
        client.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = sendingQueue.numConsumers
        client.connectionPool.retryConnectionEstablishment = false
        client.httpVersion = .http1Only
        if let proxy = WebAddress(proxyURL) { client.proxy = .server(host: proxy.host, port: proxy.port) }
        do {
            client.tlsConfiguration = try tlsConfiguration()
        } catch {
            throw StartError(.configuration, "\(id): the files of tls cannot be used: \(error)")
        }
        if !tls.serverNameOverride.isEmpty {
            for address in addresses.values { client.dnsOverride[tls.serverNameOverride] = address.host }
        }
        return client
    }

    private func tlsConfiguration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = tls.minVersion == .v1_3 ? .tlsv13 : .tlsv12
        if tls.insecureSkipVerify { configuration.certificateVerification = .none }
        if !tls.caFile.isEmpty {
            let priorities = try NIOSSLCertificate.fromPEMFile(tls.caFile.path)
            if tls.includeSystemCACertsPool {
                configuration.additionalTrustRoots = [.certificates(priorities)]
            } else {
                configuration.trustRoots = .certificates(priorities)
            }
        }
        if !tls.certFile.isEmpty {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(tls.certFile.path).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: tls.keyFile.path, format: .pem))
        }
        return configuration
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
        "compression": "gzip or none",
        "compression_params": "how hard bodies are compressed",
        "compression_params.level": "1: fastest, 9: smallest",
        "encoding": "proto or json",
        "timeout": "how long an attempt may take",
        "proxy_url": "the HTTP proxy for requests, such as http://proxy:3128",
        "usage_attributes":
            "write tokens (gen_ai.usage.*), model, provider and cost (gen_ai.usage.cost, hammurabi.cost.usd) of each call onto one of its records, hammurabi.call.id onto all",
        "retry_on_failure": "what happens when the destination cannot take a batch now",
        "retry_on_failure.enabled": "false: a batch that is not taken at once goes to the dead letters",
        "retry_on_failure.initial_interval": "the wait before the second attempt",
        "retry_on_failure.randomization_factor": "by which part of itself a wait is shorter or longer by chance",
        "retry_on_failure.multiplier": "how much longer each wait is than the one before",
        "retry_on_failure.max_interval": "the longest wait, unless the destination asks for a longer one",
        "retry_on_failure.max_elapsed_time": "after how long a batch goes to the dead letters; 0s: never",
        "sending_queue": "where batches wait",
        "sending_queue.enabled": "false: senders wait for the destination's own answer",
        "sending_queue.num_consumers": "requests under way at once, of each signal",
        "sending_queue.queue_size":
            "how much may wait, of each signal: a size such as 1GiB, or a count of what sizer says",
        "sending_queue.sizer": "what a queue_size without a unit counts: requests, items or bytes; auto: requests",
        "sending_queue.block_on_overflow":
            "true: senders wait up to ten seconds for room before they are told to try again",
        "sending_queue.overflow":
            "block: senders get 503 and try again; drop_oldest: the oldest batches are given up and counted as dropped",
        "sending_queue.storage": "file: survives whatever happens; memory: is lost with the process",
        "sending_queue.directory": "the folder of the queue; empty: $HAMMURABI_HOME/queue/ID",
        "sending_queue.batch": "how batches become requests",
        "sending_queue.batch.flush_timeout": "how long a batch waits for others",
        "sending_queue.batch.min_size": "from how much on a request goes at once",
        "sending_queue.batch.max_size": "how much a request has at most; 0: 1 MiB, unless one batch has more",
        "sending_queue.batch.sizer": "what sizes without a unit count: items or bytes",
        "dead_letters": "where batches go that the destination refuses for good; see `hammurabi queue`",
        "dead_letters.max_size": "how many bytes of them are kept, the newest; 0: none",
        "tls": "how the destination is known, and this collector",
        "tls.insecure": "has no effect: http:// or https:// in the address decides",
        "tls.insecure_skip_verify": "true: anybody is taken for the destination; for tests only",
        "tls.server_name_override": "the name that the destination's certificate must have",
        "tls.ca_file": "PEM file of who vouches for the destination; empty: the system's authorities",
        "tls.include_system_ca_certs_pool": "true: the system's authorities are trusted beside ca_file",
        "tls.cert_file": "PEM file of the certificate that this collector shows",
        "tls.key_file": "PEM file of its key",
        "tls.min_version": "the oldest version of TLS that is spoken",
    ]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "auth": "remove it and write headers: { Authorization: \"Bearer ${env:TOKEN}\" }",
        "profiles_endpoint": "remove it: profiles are no signal here",
        "read_buffer_size": pooled, "write_buffer_size": pooled, "max_idle_conns": pooled,
        "max_idle_conns_per_host": pooled, "max_conns_per_host": "remove it; sending_queue.num_consumers says how many",
        "idle_conn_timeout": pooled, "disable_keep_alives": pooled, "force_attempt_http2": pooled,
        "http2_read_idle_timeout": pooled, "http2_ping_timeout": pooled, "cookies": "remove it: none are kept",
        "middlewares": "remove it: there are none",
    ]

    private static let pooled = "remove it: connections are pooled and closed by themselves"
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.SendingQueue: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "wait_for_result": "remove it; enabled: false lets senders wait for the destination's answer"
    ]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.Batching: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = ["partition": "remove it: requests are not divided by metadata"]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.TLS: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "ca_pem": file, "cert_pem": file, "key_pem": file,
        "reload_interval": "remove it: files are read at the start; reload the collector to read them again",
        "max_version": "remove it: the newest version is spoken", "cipher_suites": library,
        "curve_preferences": library,
    ]

    private static let file = "name a file: ca_file, cert_file or key_file"
    private static let library = "remove it: the TLS library chooses"
}

// MARK: - Queue

extension OTLPHTTPConfig {
    /// Where batches wait.
    public struct SendingQueue: ConfigSection {
        /// Whether there is a queue; without one a sender waits for the destination's own answer.
        public var enabled = true
        /// How many requests are under way at once, of each signal.
        public var numConsumers = 10
        /// How much may wait.
        public var queueSize = Amount(bytes: 1 << 30)
        /// What a queue size without a unit counts.
        public var sizer = Sizer.auto
        /// Whether a sender waits for room before it is refused.
        public var blockOnOverflow = false
        /// What happens when there is no room.
        public var overflow = Overflow.block
        /// Where the queue is kept: `file` or `memory`.
        public var storage = "file"
        /// The folder of the files.
        public var directory: ConfigPath = ""
        /// How batches become requests.
        public var batch = Batching()

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled, sizer, overflow, storage, directory, batch
            case numConsumers = "num_consumers"
            case queueSize = "queue_size"
            case blockOnOverflow = "block_on_overflow"
        }

        /// Whether the queue is kept in files; the id of a storage extension of the OpenTelemetry Collector means the same.
        var isInFiles: Bool { storage != "memory" }
    }

    /// What is counted where no unit is written.
    public enum Sizer: String, Codable, Sendable, CaseIterable {
        /// Bytes where a unit is written, requests where none is.
        case auto
        /// Requests as they come in.
        case requests
        /// Records.
        case items
        /// Bytes.
        case bytes
    }

    /// What happens when there is no room.
    public enum Overflow: String, Codable, Sendable, CaseIterable {
        /// Senders are told to try again later.
        case block
        /// The oldest batches are given up.
        case dropOldest = "drop_oldest"
    }

    /// How batches become requests.
    public struct Batching: ConfigSection {
        /// How long a batch waits for others.
        public var flushTimeout = ConfigDuration(nanoseconds: 200_000_000)
        /// From how much on a request goes at once.
        public var minSize = Amount(count: 8_192)
        /// How much a request has at most; 0 for no limit but the one of every request.
        public var maxSize = Amount(count: 0)
        /// What sizes without a unit count.
        public var sizer = Sizer.items

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case sizer
            case flushTimeout = "flush_timeout"
            case minSize = "min_size"
            case maxSize = "max_size"
        }
    }

    /// A count, or a size with its unit.
    public struct Amount: ConfigScalar, Hashable {
        /// The number; of bytes when ``hasUnit``.
        public var number: Int
        /// Whether it is a size.
        public var hasUnit: Bool

        /// Creates a size.
        public init(bytes: Int) { (number, hasUnit) = (bytes, true) }

        /// Creates a count.
        public init(count: Int) { (number, hasUnit) = (count, false) }

        /// What the value is for.
        public static let valueType = ValueType.custom("count, or size such as 1GiB")

        /// Reads a count or a size; throws `ConfigValueError` for what is neither.
        public init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            if let count = Int(text), count >= 0 {
                self.init(count: count)
            } else {
                self.init(bytes: Int(clamping: try ConfigByteSize(parsing: text).bytes))
            }
        }

        /// Writes it as it is read.
        public func encode(to encoder: any Encoder) throws {
            if hasUnit { return try ConfigByteSize(bytes: Int64(number)).encode(to: encoder) }
            var container = encoder.singleValueContainer()
            try container.encode(String(number))
        }
    }
}

// MARK: - Validation

extension OTLPHTTPConfig {
    /// Refuses what cannot be sent to, waits that cannot be kept, and sizes that contradict each other.
    public func validate(_ findings: inout ConfigFindings) {
        validateAddresses(&findings)
        validateHeaders(&findings)
        validateRetry(&findings)
        validateQueue(&findings)
        validateBatching(&findings)
        if !tls.certFile.isEmpty != !tls.keyFile.isEmpty {
            findings.error(
                "tls",
                "a certificate and its key go together",
                at: ["tls"],
                help: "write cert_file and key_file"
            )
        }
        if tls.insecureSkipVerify {
            findings.warning(
                "tls",
                "whoever answers is taken for the destination and gets the headers",
                at: ["tls", "insecure_skip_verify"],
                help: "name the authority that vouches for it: ca_file"
            )
        }
        if !(1...9).contains(compressionParams.level) {
            findings.error(
                "out-of-range",
                "gzip has the levels 1 to 9",
                at: ["compression_params", "level"],
                help: "write 1"
            )
        }
        if !(1_000_000...3_600_000_000_000).contains(timeout.nanoseconds) {
            findings.error("out-of-range", "an attempt takes 1ms to 1h", at: ["timeout"], help: "write 30s")
        }
    }

    /// The folder of the queue, when it is named.
    public var resources: [ConfigResource] {
        guard !sendingQueue.directory.isEmpty, sendingQueue.isInFiles else { return [] }
        return [ConfigResource(.file(sendingQueue.directory.path), at: ["sending_queue", "directory"])]
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
            }
        }
        if !proxyURL.isEmpty, WebAddress(proxyURL)?.scheme != "http" {
            findings.error("proxy", "a proxy has the form http://host:port", at: ["proxy_url"])
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

    private func validateRetry(_ findings: inout ConfigFindings) {
        let retry = retryOnFailure
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("out-of-range", message, at: ["retry_on_failure", key], help: help)
        }
        if retry.initialInterval.nanoseconds <= 0 {
            error("initial_interval", "there must be a wait", help: "write 5s")
        }
        if retry.maxInterval.nanoseconds < retry.initialInterval.nanoseconds {
            error("max_interval", "'max_interval' must not be less than 'initial_interval'")
        }
        if !(0...1).contains(retry.randomizationFactor) {
            error("randomization_factor", "'randomization_factor' must be within [0, 1]", help: "write 0.5")
        }
        if !(1...100).contains(retry.multiplier) {
            error("multiplier", "waits do not become shorter", help: "write 1.5")
        }
        let elapsed = retry.maxElapsedTime.nanoseconds
        if elapsed != 0, elapsed < max(retry.initialInterval.nanoseconds, retry.maxInterval.nanoseconds) {
            error("max_elapsed_time", "'max_elapsed_time' must not be less than 'initial_interval' or 'max_interval'")
        }
    }

    private func validateQueue(_ findings: inout ConfigFindings) {
        let queue = sendingQueue
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("sending-queue", message, at: ["sending_queue", key], help: help)
        }
        if !(1...1_000).contains(queue.numConsumers) { error("num_consumers", "there are 1 to 1000 consumers") }
        if queue.queueSize.number <= 0 { error("queue_size", "'queue_size' must be positive", help: "write 1GiB") }
        if queue.queueSize.hasUnit, [.requests, .items].contains(queue.sizer) {
            error(
                "queue_size",
                "a size in bytes does not count \(queue.sizer)",
                help: "write sizer: bytes, or a number"
            )
        }
        let storages = ["file", "memory"]
        if !storages.contains(queue.storage), !queue.storage.hasPrefix("file_storage") {
            error("storage", "a queue is kept in file or in memory", help: "write file")
        }
        if queue.enabled, queue.storage == "memory" {
            findings.warning(
                "weak-durability",
                "what waits is lost when the process ends, although it was acknowledged",
                at: ["sending_queue", "storage"],
                help: "write storage: file"
            )
        }
    }

    private func validateBatching(_ findings: inout ConfigFindings) {
        let batch = sendingQueue.batch
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("batch", message, at: ["sending_queue", "batch", key], help: help)
        }
        if ![.items, .bytes].contains(batch.sizer) {
            error("sizer", "requests are measured in items or bytes", help: "write items")
        }
        let isSameUnit = batch.maxSize.hasUnit == batch.minSize.hasUnit
        if batch.maxSize.number != 0, isSameUnit, batch.maxSize.number < batch.minSize.number,
            batch.minSize != Self.standardMinimum
        {
            error("max_size", "'max_size' must be greater than or equal to 'min_size'")
        }
    }

    private static let standardMinimum = Batching().minSize
}
