// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not here.
extension OTLPConfig.Protocols: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "grpc": "remove it: OTLP comes in over HTTP here; let senders use http/protobuf and port 4318",
        "thrift_http": "remove it: only OTLP comes in here",
    ]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered yet, or one of an older Collector.
extension OTLPConfig.HTTP: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "tls": withoutTLS,
        "tls_settings": withoutTLS,
        "auth":
            "remove it: senders are not asked for a key yet; keep the endpoint on 127.0.0.1, or let a proxy ask for one",
        "middlewares": "remove it: there are none yet; let a processor change or refuse what comes in",
        "cors_allowed_origins": "write cors: { allowed_origins: [...] }",
        "cors_allowed_headers": "write cors: { allowed_headers: [...] }",
    ]

    private static let withoutTLS =
        "remove it: HTTPS is not offered yet; keep the endpoint on 127.0.0.1, and let a proxy bring in what comes over TLS"
}
