// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

extension OTLPConfig {
    /// How OTLP comes in over HTTP; the keys are those of the OpenTelemetry Collector.
    public struct HTTP: ConfigSection {
        /// Where to listen.
        public var endpoint = Endpoint.otlpHTTP
        /// The family of the address.
        public var transport = Transport.tcp
        /// The largest body that is taken, before and after it is inflated.
        public var maxRequestBodySize = BodySizeLimit.standard
        /// The most records of one request.
        public var maxRequestRecords = 100_000
        /// How many bytes a second a body must bring on average once its first 20 seconds are over; 0 for no least rate.
        public var minBodyRate = ConfigByteSize(bytes: 500)
        /// The codings of bodies that are taken; the empty text stands for none.
        public var compressionAlgorithms = ["", "gzip"]
        /// Where traces are posted.
        public var tracesURLPath = "/v1/traces"
        /// Where logs are posted.
        public var logsURLPath = "/v1/logs"
        /// Where metrics are posted.
        public var metricsURLPath = "/v1/metrics"
        /// Taken for the sake of configurations that have it; nothing here asks for the fields of a request.
        public var includeMetadata = false
        /// Header fields that are added to every answer.
        public var responseHeaders: [String: Secret] = [:]
        /// How long the head of a request may take; 0 for the listener's own limit.
        public var readHeaderTimeout = ConfigDuration(nanoseconds: 0)
        /// How long a body may take in all; 0 for the listener's own limits.
        public var readTimeout = ConfigDuration(nanoseconds: 0)
        /// How long an answer may take to be read; 0 for the listener's own limit.
        public var writeTimeout = ConfigDuration(nanoseconds: 0)
        /// How long a connection may be open without a request; 0 for the listener's own limit.
        public var idleTimeout = ConfigDuration(nanoseconds: 0)
        /// Whether a connection may serve more than one request.
        public var keepAlivesEnabled = true
        /// The newer form of the two before.
        public var keepalive = KeepAlive()
        /// What browsers may do.
        public var cors = CORS()
        /// HTTPS; nil for plain HTTP.
        public var tls: TLSConfig?
        /// Who asks for keys; nil leaves that to the service.
        public var auth: Auth?

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case endpoint, transport, keepalive, cors, tls, auth
            case maxRequestBodySize = "max_request_body_size"
            case maxRequestRecords = "max_request_records"
            case minBodyRate = "min_body_rate"
            case compressionAlgorithms = "compression_algorithms"
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

    /// The family of an address; a socket of the file system is known by name only, to be refused with advice.
    public enum Transport: String, Codable, Sendable, CaseIterable {
        /// Either family.
        case tcp
        /// IPv4 alone.
        case tcp4
        /// IPv6 alone.
        case tcp6
        /// Not offered.
        case unix
    }

    /// Whether and how long connections are kept.
    public struct KeepAlive: ConfigSection {
        /// Whether a connection may serve more than one request.
        public var enabled = true
        /// How long a connection may be open without a request; 0 for the listener's own limit.
        public var idleTimeout = ConfigDuration(nanoseconds: 0)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled
            case idleTimeout = "idle_timeout"
        }
    }

    /// Who asks for keys.
    public struct Auth: ConfigSection, AbsentKeyAdvising {
        /// The id of an extension; with one under `service.extensions`, every listener asks for keys, whether this is written or not.
        public var authenticator = "api_keys"

        /// The usual extension.
        public init() {}

        /// The help for a key of the OpenTelemetry Collector that is not there.
        public static let absentKeys = [
            "request_params": "remove it: keys are taken from header fields alone, because addresses end up in logs"
        ]
    }

    /// What browsers may do.
    public struct CORS: ConfigSection {
        /// The origins whose pages may send; `*` stands for any text.
        public var allowedOrigins: [String] = []
        /// The header fields that pages may send; every one when the list is empty or has a `*`.
        public var allowedHeaders: [String] = []
        /// The header fields of answers that pages may read.
        public var exposedHeaders: [String] = []
        /// For how many seconds a browser may remember what it is allowed; 0 leaves that to the browser.
        public var maxAge = 0

        /// No page may send.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case allowedOrigins = "allowed_origins"
            case allowedHeaders = "allowed_headers"
            case exposedHeaders = "exposed_headers"
            case maxAge = "max_age"
        }
    }
}
