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
        "tls_settings": "write tls",
        "middlewares": "remove it: there are none yet; let a processor change or refuse what comes in",
        "cors_allowed_origins": "write cors: { allowed_origins: [...] }",
        "cors_allowed_headers": "write cors: { allowed_headers: [...] }",
    ]
}
