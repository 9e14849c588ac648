// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `health_check:`; the keys are those of the OpenTelemetry Collector.
public struct HealthCheckConfig: ComponentConfig, AbsentKeyAdvising {
    /// Where to listen.
    public var endpoint = Endpoint(host: "127.0.0.1", port: 13_133)
    /// Where the whole health is told.
    public var path = "/"
    /// HTTPS; nil for plain HTTP.
    public var tls: TLSConfig?

    /// The defaults.
    public init() {}

    /// The help for keys of the OpenTelemetry Collector that are not there.
    public static let absentKeys = [
        "response_body": "remove it: the answer says what is wrong",
        "use_v2": "remove it: /status tells of every component",
        "check_collector_pipeline": "remove it: what is in trouble is told at path and /status by itself",
        "component_health": "remove it: what is in trouble is told at path and /status by itself",
    ]

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "tls").merging([
        "endpoint": "where to listen, host:port",
        "path": "where the whole health is told: 200, or 503 while a component is in trouble, a queue after a minute",
    ]) { $1 }

    /// The paths that are always there.
    static let ownPaths = ["/live", "/ready", "/status"]

    /// Refuses paths that never match or are taken.
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
