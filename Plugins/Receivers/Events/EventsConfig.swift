// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `events:`.
public struct EventsConfig: ComponentConfig {
    /// Where to listen.
    public var endpoint = Endpoint.otlpHTTP
    /// The largest accepted body, before and after decompression.
    public var maxRequestBodySize = ConfigByteSize(bytes: 8 << 20)
    /// HTTPS; nil for plain HTTP.
    public var tls: TLSConfig?

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case endpoint, tls
        case maxRequestBodySize = "max_request_body_size"
    }

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "tls").merging([
        "endpoint": "where to listen, host:port",
        "max_request_body_size": "the longest body that is taken, before and after it is inflated",
    ]) { $1 }

    /// Reports a size that is too small for an event.
    public func validate(_ findings: inout ConfigFindings) {
        tls?.validate(&findings, at: ["tls"])
        if maxRequestBodySize.bytes < 1_024 {
            findings.error(
                "out-of-range",
                "\(maxRequestBodySize) leaves no room for an event",
                at: ["max_request_body_size"],
                help: "write 8MiB"
            )
        }
    }

    /// The listener.
    public var resources: [ConfigResource] {
        [ConfigResource(.endpoint(endpoint), at: ["endpoint"])]
            + (tls.map { [ConfigResource(.tls($0, of: endpoint), at: ["tls"])] } ?? [])
    }
}
