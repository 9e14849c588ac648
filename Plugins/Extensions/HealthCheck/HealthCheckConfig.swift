// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `health_check:`; they are those of the OpenTelemetry Collector.
public struct HealthCheckConfig: ComponentConfig, AbsentKeyAdvising {
    /// Where to listen.
    public var endpoint = Endpoint(host: "127.0.0.1", port: 13_133)
    /// The path of the overall health.
    public var path = "/"
    /// HTTPS; nil for plain HTTP.
    public var tls: TLSConfig?

    /// The defaults.
    public init() {}

    /// Advice about keys of the OpenTelemetry Collector that are not supported.
    public static let absentKeys = [
        "response_body": "remove it: the answer says what is wrong",
        "use_v2": "remove it: /status reports every component",
        "check_collector_pipeline": "remove it: path and /status report failing components without it",
        "component_health": "remove it: path and /status report failing components without it",
    ]

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "tls").merging([
        "endpoint": "where to listen, host:port",
        "path":
            "path of the overall health: 200, or 503 while a component fails; a queue counts as failing after a minute",
    ]) { $1 }

    /// The fixed paths.
    static let ownPaths = ["/live", "/ready", "/status"]

    /// Reports paths that never match or are taken.
    public func validate(_ findings: inout ConfigFindings) {
        if !path.hasPrefix("/") || path.contains(where: { "?#{}".contains($0) || $0.isWhitespace }) {
            findings.error("url-path", "\"\(path)\" is no path", at: ["path"], help: "write /health")
        } else if Self.ownPaths.contains(path) {
            findings.error("url-path", "\(path) answers something else already", at: ["path"], help: "write /health")
        }
        tls?.validate(&findings, at: ["tls"])
    }

    /// The listener.
    public var resources: [ConfigResource] {
        let endpoint = [ConfigResource(.endpoint(self.endpoint), at: ["endpoint"])]
        return endpoint + (tls.map { [ConfigResource(.tls($0, of: self.endpoint), at: ["tls"])] } ?? [])
    }
}
