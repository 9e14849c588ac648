// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import OTLP

/// The keys under `otlp:`.
public struct OTLPConfig: ComponentConfig {
    /// How OTLP comes in.
    public var protocols = Protocols()

    /// OTLP over HTTP and gRPC on this machine alone.
    public init() {}

    /// The protocols: both where neither is written, and else those that are.
    public struct Protocols: AlternativeSections {
        /// OTLP over HTTP; nil for no address of its own.
        public var http: HTTP? = HTTP()
        /// OTLP over gRPC; nil for no address of its own, and then it comes in at that of HTTP alone.
        public var grpc: RPC? = RPC()

        /// The defaults.
        public init() {}
    }

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "protocols.http.tls")
        .merging(RPC.documentation(under: "protocols.grpc")) { $1 }.merging([
            "protocols.http.auth": "the extension that checks keys",
            "protocols.http.auth.authenticator":
                "the id of an extension; one under service.extensions applies to every listener, whether it is named here or not",
            "protocols": "how OTLP comes in: over HTTP and gRPC where neither is written, and else over those that are",
            "protocols.http": "OTLP over HTTP, protobuf and JSON",
            "protocols.http.endpoint": "where to listen, host:port",
            "protocols.http.transport": "tcp, or tcp4 and tcp6 for addresses of one family",
            "protocols.http.max_request_body_size":
                "the largest body that is taken, before and after it is inflated; 0 means 64MiB",
            "protocols.http.max_request_records":
                "the most records of one request; each unfolds to 0.5 KiB, however few bytes it has",
            "protocols.http.min_body_rate":
                "how many bytes a second a body must bring on average once its first 20 seconds are over; 0B for no least rate",
            "protocols.http.compression_algorithms":
                "the codings of bodies that are taken: gzip, deflate (also called zlib), zstd, and \"\" for none",
            "protocols.http.allowed_hosts":
                "names of this machine, such as hub.local or *.lan, by which programs may send without keys; host.docker.internal, host.containers.internal and *.localhost always may",
            "protocols.http.traces_url_path":
                "where traces are posted, beside Langfuse's path /api/public/otel/v1/traces",
            "protocols.http.logs_url_path": "where logs are posted, beside /api/public/otel/v1/logs",
            "protocols.http.metrics_url_path": "where metrics are posted, beside /api/public/otel/v1/metrics",
            "protocols.http.include_metadata":
                "has no effect: from_context of the processors attributes and resource reads the header fields of every request",
            "protocols.http.response_headers": "header fields that are added to every answer",
            "protocols.http.read_header_timeout": "how long the head of a request may take; 0 means 10s",
            "protocols.http.read_timeout":
                "how long a body may take in all; 0 means 10m, with pauses of at most 30s",
            "protocols.http.write_timeout": "how long an answer may take to be read; 0 means 60s",
            "protocols.http.idle_timeout": "how long a connection may be open without a request; 0 means 2m",
            "protocols.http.keep_alives_enabled": "whether a connection may serve more than one request",
            "protocols.http.keepalive": "the newer form of keep_alives_enabled and idle_timeout",
            "protocols.http.keepalive.enabled": "whether a connection may serve more than one request",
            "protocols.http.keepalive.idle_timeout": "how long a connection may be open without a request; 0 means 2m",
            "protocols.http.cors": "what browsers may do",
            "protocols.http.cors.allowed_origins":
                "the web pages that may send, such as https://*.example.com; none by default",
            "protocols.http.cors.allowed_headers":
                "the header fields that those pages may send, \"*\" for every one; every one by default",
            "protocols.http.cors.exposed_headers": "the header fields of answers that those pages may read",
            "protocols.http.cors.max_age": "how long a browser may remember what it is allowed, in seconds",
        ]) { $1 }
}

// MARK: - Absent Keys

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension OTLPConfig.Protocols: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "thrift_http": "remove it: only OTLP comes in here"
    ]
}

/// Advice about keys of the OpenTelemetry Collector that are not supported, or that an older Collector had.
extension OTLPConfig.HTTP: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "tls_settings": "write tls",
        "middlewares": "remove it: there are none yet; let a processor change or refuse what comes in",
        "cors_allowed_origins": "write cors: { allowed_origins: [...] }",
        "cors_allowed_headers": "write cors: { allowed_headers: [...] }",
    ]
}

// MARK: - HTTP

extension OTLPConfig {
    /// The settings of OTLP/HTTP; the keys are those of the OpenTelemetry Collector.
    public struct HTTP: ConfigSection {
        /// Where to listen.
        public var endpoint = Endpoint.otlpHTTP
        /// The address family.
        public var transport = Transport.tcp
        /// The largest accepted body, before and after decompression.
        public var maxRequestBodySize = BodySizeLimit.standard
        /// The largest number of records in a request.
        public var maxRequestRecords = 100_000
        /// The least average rate of a body in bytes a second after its first 20 seconds; 0 for no limit.
        public var minBodyRate = ConfigByteSize(bytes: 500)
        /// The accepted codings of bodies; the empty text means uncompressed.
        public var compressionAlgorithms = ["", "gzip", "deflate", "zstd"]
        /// Host names under which programs may send without keys, in addition to the loopback names and those of containers.
        public var allowedHosts: [String] = []
        /// The path for traces.
        public var tracesURLPath = "/v1/traces"
        /// The path for logs.
        public var logsURLPath = "/v1/logs"
        /// The path for metrics.
        public var metricsURLPath = "/v1/metrics"
        /// Accepted for configurations that have it, without effect: the header fields of every request go with its batches.
        public var includeMetadata = false
        /// Header fields added to every answer.
        public var responseHeaders: [String: Secret] = [:]
        /// The time limit for the head of a request; 0 for the listener's own limit.
        public var readHeaderTimeout = ConfigDuration(nanoseconds: 0)
        /// The time limit for a whole body; 0 for the listener's own limits.
        public var readTimeout = ConfigDuration(nanoseconds: 0)
        /// The time limit for a client to read an answer; 0 for the listener's own limit.
        public var writeTimeout = ConfigDuration(nanoseconds: 0)
        /// The time limit of a connection without a request; 0 for the listener's own limit.
        public var idleTimeout = ConfigDuration(nanoseconds: 0)
        /// Whether a connection may serve more than one request.
        public var keepAlivesEnabled = true
        /// The newer form of the two before.
        public var keepalive = KeepAlive()
        /// Cross-origin requests of browsers.
        public var cors = CORS()
        /// HTTPS; nil for plain HTTP.
        public var tls: TLSConfig?
        /// The authenticator; nil for that of the service.
        public var auth: Auth?

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case endpoint, transport, keepalive, cors, tls, auth
            case maxRequestBodySize = "max_request_body_size"
            case maxRequestRecords = "max_request_records"
            case minBodyRate = "min_body_rate"
            case compressionAlgorithms = "compression_algorithms"
            case allowedHosts = "allowed_hosts"
            case tracesURLPath = "traces_url_path"
            case logsURLPath = "logs_url_path"
            case metricsURLPath = "metrics_url_path"
            case includeMetadata = "include_metadata"
            case responseHeaders = "response_headers"
            case readHeaderTimeout = "read_header_timeout"
            case readTimeout = "read_timeout"
            case writeTimeout = "write_timeout"
            case idleTimeout = "idle_timeout"
            case keepAlivesEnabled = "keep_alives_enabled"
        }
    }

    /// The address family; `unix` is known only to be reported with advice.
    public enum Transport: String, Codable, Sendable, CaseIterable {
        /// IPv4 or IPv6.
        case tcp
        /// IPv4 only.
        case tcp4
        /// IPv6 only.
        case tcp6
        /// Not supported.
        case unix
    }

    /// The settings of persistent connections.
    public struct KeepAlive: ConfigSection {
        /// Whether a connection may serve more than one request.
        public var enabled = true
        /// The time limit of a connection without a request; 0 for the listener's own limit.
        public var idleTimeout = ConfigDuration(nanoseconds: 0)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled
            case idleTimeout = "idle_timeout"
        }
    }

    /// The authenticator.
    public struct Auth: ConfigSection, AbsentKeyAdvising {
        /// The id of an extension; an authenticator under `service.extensions` applies to every listener, with or without this section.
        public var authenticator = "api_keys"

        /// The usual extension.
        public init() {}

        /// Advice about a key of the OpenTelemetry Collector that is not supported.
        public static let absentKeys = [
            "request_params": "remove it: keys are taken from header fields alone, because addresses end up in logs"
        ]
    }

    /// Cross-origin requests of browsers.
    public struct CORS: ConfigSection {
        /// The origins whose pages may send; `*` matches any text.
        public var allowedOrigins: [String] = []
        /// The header fields that pages may send; all when the list is empty or has a `*`.
        public var allowedHeaders: [String] = []
        /// The header fields of answers that pages may read.
        public var exposedHeaders: [String] = []
        /// How many seconds a browser may cache a preflight answer; 0 leaves that to the browser.
        public var maxAge = 0

        /// Allows no page to send.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case allowedOrigins = "allowed_origins"
            case allowedHeaders = "allowed_headers"
            case exposedHeaders = "exposed_headers"
            case maxAge = "max_age"
        }
    }
}

// MARK: - Listening

extension OTLPConfig {
    /// The listeners, and the paths that only one component can answer.
    public var resources: [ConfigResource] {
        var resources: [ConfigResource] = []
        if let http = protocols.http {
            let section = ["protocols", "http"]
            resources = [ConfigResource(.endpoint(http.address), at: section + ["endpoint"])]
            for signal in Signal.allCases {
                let path = ConfigResource.Kind.path(http.path(of: signal), of: http.address)
                resources.append(ConfigResource(path, at: section + [http.pathKey(of: signal)]))
            }
            resources += Self.resources(of: http.address, http.tls, http.auth, at: section)
        }
        if let grpc = protocols.grpc {
            let section = ["protocols", "grpc"]
            if grpc.address != protocols.http?.address {
                resources.append(ConfigResource(.endpoint(grpc.address), at: section + ["endpoint"]))
            }
            for signal in Signal.allCases {
                let path = ConfigResource.Kind.path(signal.exportMethod, of: grpc.address)
                resources.append(ConfigResource(path, at: section + ["endpoint"]))
            }
            resources += Self.resources(of: grpc.address, grpc.tls, grpc.auth, at: section)
        }
        return resources
    }

    private static func resources(of address: Endpoint, _ tls: TLSConfig?, _ auth: Auth?, at section: [String])
        -> [ConfigResource]
    {
        var resources: [ConfigResource] = []
        if let tls { resources.append(ConfigResource(.tls(tls, of: address), at: section + ["tls"])) }
        if let auth {
            let path = section + ["auth", "authenticator"]
            resources.append(ConfigResource(.authenticator(auth.authenticator), at: path))
        }
        return resources
    }
}

extension OTLPConfig.Transport {
    /// An endpoint with the name of this machine made an address of the family that is wanted.
    func address(of endpoint: Endpoint) -> Endpoint {
        guard endpoint.host == "localhost" else { return endpoint }
        switch self {
        case .tcp, .unix: return endpoint
        case .tcp4: return Endpoint(host: "127.0.0.1", port: endpoint.port)
        case .tcp6: return Endpoint(host: "::1", port: endpoint.port)
        }
    }
}

extension OTLPConfig.HTTP {
    /// Where to listen, with the name of this machine made an address of the family that is wanted.
    var address: Endpoint { transport.address(of: endpoint) }

    /// The limits of the listener's connections.
    var connectionTerms: ConnectionTerms {
        var terms = ConnectionTerms()
        terms.headTime = readHeaderTimeout.ifSet
        terms.bodyTime = readTimeout.ifSet
        // The default rate is the listener's own.
        if minBodyRate != Self().minBodyRate { terms.leastBodyRate = Int(clamping: minBodyRate.bytes) }
        terms.answerTime = writeTimeout.ifSet
        terms.idleTime = keepalive.idleTimeout.ifSet ?? idleTimeout.ifSet
        terms.keepsAlive = keepAlivesEnabled && keepalive.enabled
        return terms
    }

    /// The path of a signal; a missing slash at the start is added, one at the end is removed.
    func path(of signal: Signal) -> String {
        let written =
            switch signal {
            case .traces: tracesURLPath
            case .logs: logsURLPath
            case .metrics: metricsURLPath
            }
        let path = written.isEmpty || written.hasPrefix("/") ? written : "/\(written)"
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// The key of that path.
    func pathKey(of signal: Signal) -> String { "\(signal)_url_path" }

    /// The accepted codings of bodies.
    var codings: Set<ContentCoding> { Set(compressionAlgorithms.compactMap { ContentCoding(name: $0) }) }

    /// The fields added to every answer, ordered by name.
    var responseFields: [HTTPField] {
        responseHeaders.sorted { $0.key < $1.key }.compactMap { name, secret in
            HTTPField.Name(name).map { HTTPField(name: $0, value: secret.value) }
        }
    }
}

extension ConfigDuration {
    /// The time, unless it is 0, which means the default.
    var ifSet: Duration? { nanoseconds == 0 ? nil : duration }
}

// MARK: - Validation

extension OTLPConfig {
    /// Reports paths that are equal or never match, limits out of range, and unsupported values.
    public func validate(_ findings: inout ConfigFindings) {
        protocols.http?.validate(&findings, at: ["protocols", "http"])
        protocols.grpc?.validate(&findings, at: ["protocols", "grpc"])
        guard let http = protocols.http, let grpc = protocols.grpc, http.address == grpc.address, http.tls != grpc.tls
        else { return }
        findings.error(
            "tls-conflict",
            "http and grpc share \(grpc.address), but not their tls",
            at: ["protocols", "grpc", "endpoint"],
            help: "write the same tls section in both, or give one of them another endpoint"
        )
    }
}

extension OTLPConfig.HTTP {
    fileprivate func validate(_ findings: inout ConfigFindings, at section: [String]) {
        let address = AddressFindings(section: section, port: Endpoint.otlpHTTP.port)
        let http = HTTPFindings(http: self)
        address.checkTransport(transport, endpoint, &findings)
        http.checkPaths(&findings)
        http.checkBodies(&findings)
        address.checkRecords(maxRequestRecords, &findings)
        address.checkTimes(
            [
                (["read_header_timeout"], readHeaderTimeout), (["read_timeout"], readTimeout),
                (["write_timeout"], writeTimeout), (["idle_timeout"], idleTimeout),
                (["keepalive", "idle_timeout"], keepalive.idleTimeout),
            ],
            &findings
        )
        http.checkResponseHeaders(&findings)
        http.checkOrigins(&findings)
        address.checkHosts(allowedHosts, &findings)
        tls?.validate(&findings, at: section + ["tls"])
    }
}

/// What is wrong with keys that every address has.
struct AddressFindings {
    let section: [String]
    /// The usual port.
    let port: Int

    private static let recordCounts = 1...10_000_000
    /// The range of time limits: a shorter one would end every request, a longer one is no limit.
    private static let times: ClosedRange<Int64> = 1_000_000...86_400_000_000_000

    func checkTransport(
        _ transport: OTLPConfig.Transport,
        _ endpoint: Endpoint,
        _ findings: inout ConfigFindings
    ) {
        let (host, port) = (endpoint.host, endpoint.port)
        let isIPv4 = host.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }.count == 4
        let key = section + ["endpoint"]
        switch transport {
        case .tcp4 where host.contains(":"):
            findings.error("transport", "\(host) is no IPv4 address", at: key, help: "write 127.0.0.1:\(port)")
        case .tcp6 where isIPv4:
            findings.error("transport", "\(host) is no IPv6 address", at: key, help: "write \"[::1]:\(port)\"")
        case .unix:
            findings.error(
                "transport",
                "sockets of the file system are not offered yet",
                at: section + ["transport"],
                help: "write tcp, and endpoint: 127.0.0.1:\(self.port)"
            )
        case .tcp, .tcp4, .tcp6: break
        }
    }

    func checkRecords(_ count: Int, _ findings: inout ConfigFindings) {
        guard !Self.recordCounts.contains(count) else { return }
        findings.error(
            "out-of-range",
            "a request has 1 to 10,000,000 records",
            at: section + ["max_request_records"],
            help: "write 100000"
        )
    }

    func checkTimes(_ times: [(key: [String], time: ConfigDuration)], _ findings: inout ConfigFindings) {
        for (key, time) in times where time.nanoseconds != 0 && !Self.times.contains(time.nanoseconds) {
            findings.error(
                "out-of-range",
                "a time limit is 1ms to 24h",
                at: section + key,
                help: "write 60s, or 0 for the default"
            )
        }
    }

    func checkHosts(_ names: [String], _ findings: inout ConfigFindings) {
        for (position, name) in names.enumerated() {
            guard let fault = HostPolicy.fault(in: name) else { continue }
            let key = section + ["allowed_hosts", "\(position)"]
            findings.error("host", fault, at: key, help: "write hub.local, for example: no scheme, port or path")
        }
    }
}

/// What is wrong with the section `http`.
private struct HTTPFindings {
    let http: OTLPConfig.HTTP

    /// What a batch can hold, with room for the growth of JSON that becomes protobuf.
    private static let bodySizes: ClosedRange<Int64> = 1...(1 << 30)
    /// The codings of the OpenTelemetry Collector that cannot be undone here.
    private static let absentCodings = ["snappy", "lz4", "x-snappy-framed"]
    /// What the collector alone decides about an answer.
    private static let ownFields = [
        "connection", "content-encoding", "content-length", "content-type", "transfer-encoding",
    ]

    private func key(_ names: String...) -> [String] { ["protocols", "http"] + names }

    func checkPaths(_ findings: inout ConfigFindings) {
        var users: [String: Signal] = [:]
        for signal in Signal.allCases {
            let (path, key) = (http.path(of: signal), key(http.pathKey(of: signal)))
            if path.isEmpty {
                findings.error("url-path", "the path of \(signal) is empty", at: key, help: "write /v1/\(signal)")
            } else if let odd = path.first(where: { "?#{}".contains($0) || $0.isWhitespace }) {
                findings.error("url-path", "the path has a \"\(odd)\", which no path can have", at: key)
            }
            if let other = users.updateValue(signal, forKey: path) {
                findings.error(
                    "url-path",
                    "\(signal) have the same path as \(other)",
                    at: key,
                    help: "give each signal a path of its own"
                )
            }
        }
    }

    func checkBodies(_ findings: inout ConfigFindings) {
        if !Self.bodySizes.contains(http.maxRequestBodySize.bytes) {
            findings.error(
                "out-of-range",
                "a body has 1B to 1GiB",
                at: key("max_request_body_size"),
                help: "write 64MiB"
            )
        }
        if http.minBodyRate.bytes > 1 << 20 {
            findings.error(
                "out-of-range",
                "a body brings at most 1MiB a second at least",
                at: key("min_body_rate"),
                help: "write 500B, or 0B for no least rate"
            )
        }
        for (position, name) in http.compressionAlgorithms.enumerated() where ContentCoding(name: name) == nil {
            let key = key("compression_algorithms", "\(position)")
            if Self.absentCodings.contains(name) {
                findings.warning(
                    "coding",
                    "bodies that are compressed with \(name) are answered with 415 here",
                    at: key,
                    help: "let senders use gzip, deflate or zstd, or no compression"
                )
            } else {
                findings.error(
                    "coding",
                    "\"\(name)\" is no compression",
                    at: key,
                    help: "write gzip, deflate or zstd, or \"\" for none"
                )
            }
        }
        if http.codings.isEmpty {
            findings.error(
                "coding",
                "no body could be taken",
                at: key("compression_algorithms"),
                help: "write [\"\", gzip, deflate, zstd], or remove it"
            )
        }
    }

    func checkResponseHeaders(_ findings: inout ConfigFindings) {
        for (name, secret) in http.responseHeaders.sorted(by: { $0.key < $1.key }) {
            let key = key("response_headers", name)
            if HTTPField.Name(name) == nil {
                findings.error("header", "\"\(name)\" is no name of a header field", at: key)
            } else if Self.ownFields.contains(name.lowercased()) {
                findings.error("header", "the field \(name) is the collector's own", at: key, help: "remove it")
            } else if !HTTPField.isValidValue(secret.value) {
                findings.error("header", "the value of \(name) has a character that no header field may have", at: key)
            }
        }
    }

    func checkOrigins(_ findings: inout ConfigFindings) {
        let cors = http.cors
        for (position, origin) in cors.allowedOrigins.enumerated()
        where !origin.contains("*") && !origin.contains("://") {
            let key = key("cors", "allowed_origins", "\(position)")
            findings.error("origin", "\"\(origin)\" is no origin", at: key, help: "write https://\(origin)")
        }
        let lists = [("allowed_headers", cors.allowedHeaders), ("exposed_headers", cors.exposedHeaders)]
        for (list, names) in lists {
            for (position, name) in names.enumerated() where HTTPField.Name(name) == nil {
                let key = key("cors", list, "\(position)")
                findings.error("header", "\"\(name)\" is no name of a header field", at: key)
            }
        }
        let hasMore = !cors.allowedHeaders.isEmpty || !cors.exposedHeaders.isEmpty || cors.maxAge != 0
        if cors.allowedOrigins.isEmpty, hasMore {
            findings.warning(
                "origin",
                "without allowed_origins no page may send, and the rest has no effect",
                at: key("cors"),
                help: "write allowed_origins: [https://*.example.com]"
            )
        }
    }
}
