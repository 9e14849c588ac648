// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import HubAPI
import JSON
import OTLP
import Usage

/// Reports the health of the collector: `/live` while the process runs, `/ready` while it accepts data, the configured path while no
/// component fails, `/status` about every component.
struct HealthCheckExtension: Extension, HTTPServing {
    private let config: HealthCheckConfig
    private let now: @Sendable () -> Timestamp
    private let status: @Sendable () -> CollectorStatus
    private let version: String

    init(
        _ config: HealthCheckConfig,
        now: @escaping @Sendable () -> Timestamp,
        status: @escaping @Sendable () -> CollectorStatus,
        version: String
    ) {
        (self.config, self.now, self.status, self.version) = (config, now, status, version)
    }

    var endpoint: Endpoint { config.endpoint }

    var tls: TLSConfig? { config.tls }

    /// Routes that report only the overall health need no key; those with names and numbers of components do.
    var routes: [Route] {
        [
            Route(.get, config.path, access: .open) { _ in health },
            Route(.get, "/live", access: .open) { _ in Self.answer(.ok, #"{"status":"alive"}"#) },
            Route(.get, "/ready", access: .open) { _ in readiness },
            Route(.get, "/status", access: .read) { _ in
                let document = PipelinesDocument(status(), version: version, now: now())
                return Self.answer(.ok, try OrderedJSONEncoder.text(of: document))
            },
        ]
    }

    /// The answer in the form of the OpenTelemetry Collector: since when it has been up, and for how long.
    private var health: ServerResponse {
        let status = status()
        guard let startedAt = status.startedAt else {
            return Self.answer(.serviceUnavailable, #"{"status":"Server not available","upSince":null,"uptime":""}"#)
        }
        let seconds = status.uptimeSeconds
        let isReady = status.lastingTroubles(at: now()).isEmpty
        return Self.answer(
            isReady ? .ok : .serviceUnavailable,
            """
            {"status":"\(isReady ? "Server available" : "Server not available")","upSince":"\(startedAt.iso8601)",\
            "uptime":"\(seconds / 3_600)h\(seconds / 60 % 60)m\(seconds % 60)s"}
            """
        )
    }

    private var readiness: ServerResponse {
        let status = status()
        if status.startedAt == nil { return Self.answer(.serviceUnavailable, #"{"status":"starting"}"#) }
        let count = status.intakeTroubles.count
        guard count > 0 else { return Self.answer(.ok, #"{"status":"ready"}"#) }
        return Self.answer(.serviceUnavailable, #"{"status":"degraded","componentsInTrouble":\#(count)}"#)
    }

    private static func answer(_ status: HTTPResponse.Status, _ text: String) -> ServerResponse {
        ServerResponse(
            status,
            [.contentType: "application/json", .cacheControl: "no-store"],
            body: .bytes(Array(text.utf8))
        )
    }
}

extension ComponentFactory {
    /// Reports the health of the collector; `version` is that of the program.
    public static func healthCheck(version: String = "development") -> ComponentFactory {
        .extension(
            "health_check",
            HealthCheckConfig.self,
            summary: "reports whether the collector is alive, accepts data, and which components fail"
        ) { config, settings, parts in
            HealthCheckExtension(config, now: settings.now, status: parts.status, version: version)
        }
    }
}
