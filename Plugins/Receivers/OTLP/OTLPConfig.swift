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

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "protocols.http.tls").merging([
        "protocols.http.auth": "who asks for keys",
        "protocols.http.auth.authenticator":
            "the id of an extension; one under service.extensions asks at every listener, whether it is named here or not",
        "protocols": "how OTLP comes in",
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
            "the codings of bodies that are taken, \"\" for none; gzip is the only one here",
        "protocols.http.traces_url_path": "where traces are posted, beside Langfuse's path /api/public/otel/v1/traces",
        "protocols.http.logs_url_path": "where logs are posted, beside /api/public/otel/v1/logs",
        "protocols.http.metrics_url_path": "where metrics are posted, beside /api/public/otel/v1/metrics",
        "protocols.http.include_metadata": "has no effect: no component asks for the header fields of requests",
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
