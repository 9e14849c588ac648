// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `otlp:`.
public struct OTLPConfig: ComponentConfig {
    /// How OTLP comes in.
    public var protocols = Protocols()

    /// OTLP over HTTP on this machine alone.
    public init() {}

    /// The protocols; there is one so far.
    public struct Protocols: ConfigSection {
        /// OTLP over HTTP.
        public var http = HTTP()

        /// The defaults.
        public init() {}
    }

    /// How OTLP comes in over HTTP.
    public struct HTTP: ConfigSection {
        /// Where to listen.
        public var endpoint = Endpoint.otlpHTTP
        /// The largest body that is taken, before and after it is inflated.
        public var maxRequestBodySize = ConfigByteSize(mebibytes: 64)
        /// Where traces are posted.
        public var tracesURLPath = "/v1/traces"
        /// Where logs are posted.
        public var logsURLPath = "/v1/logs"
        /// Where metrics are posted.
        public var metricsURLPath = "/v1/metrics"
        /// What browsers may do.
        public var cors = CORS()

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case endpoint, cors
            case maxRequestBodySize = "max_request_body_size"
            case tracesURLPath = "traces_url_path"
            case logsURLPath = "logs_url_path"
            case metricsURLPath = "metrics_url_path"
        }
    }

    /// What browsers may do.
    public struct CORS: ConfigSection {
        /// The origins whose pages may send; `*` stands for any text.
        public var allowedOrigins: [String] = []

        /// No page may send.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case allowedOrigins = "allowed_origins"
        }
    }

    /// What each key means.
    public static let documentation = [
        "protocols": "how OTLP comes in",
        "protocols.http": "OTLP over HTTP, protobuf and JSON",
        "protocols.http.endpoint": "where to listen, host:port",
        "protocols.http.max_request_body_size": "the largest body that is taken, before and after it is inflated",
        "protocols.http.traces_url_path": "where traces are posted",
        "protocols.http.logs_url_path": "where logs are posted",
        "protocols.http.metrics_url_path": "where metrics are posted",
        "protocols.http.cors": "what browsers may do",
        "protocols.http.cors.allowed_origins":
            "the web pages that may send, such as https://*.example.com; none by default",
    ]
}
