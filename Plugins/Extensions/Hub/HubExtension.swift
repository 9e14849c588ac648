// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import Synchronization
import Usage

/// Answers questions about usage over HTTP: the query API.
final class HubExtension: Extension, HTTPServing {
    private let config: HubConfig
    private let settings: ComponentSettings
    private let api: UsageAPI
    private let version: String
    private let startedAt = Mutex<Timestamp?>(nil)

    init(
        _ config: HubConfig,
        _ settings: ComponentSettings,
        store: (any UsageStore)?,
        scanners: [any SessionScanner],
        version: String
    ) {
        self.config = config
        self.settings = settings
        self.version = version
        api = UsageAPI(config: config, store: store, scanners: scanners, now: settings.now)
    }

    func start() async throws(StartError) { startedAt.withLock { $0 = settings.now() } }

    var endpoint: Endpoint { config.endpoint }

    var tls: TLSConfig? { config.tls }

    var routes: [Route] {
        [
            route(.get, "/api/health") { [self] _ in health },
            route(.get, "/api/telemetry/summary", api.summary),
            route(.get, "/api/telemetry/quality", api.quality),
            route(.get, "/api/telemetry/sessions", api.sessions),
            route(.get, "/api/telemetry/sessions/{id}", api.session),
            route(.post, "/api/telemetry/compact", api.compact),
            route(.post, "/api/telemetry/scan", api.scan),
        ]
    }

    private func route(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ answer: @escaping @Sendable (ServerRequest) async throws -> JSONValue
    ) -> Route {
        Route(method, path) { [settings] request in
            do {
                return ServerResponse(json: try await answer(request))
            } catch let error as APIError {
                return ServerResponse(error)
            } catch let error as StoreError {
                return ServerResponse(APIError(.serviceUnavailable, error.description))
            } catch {
                settings.logger.error("the store failed to answer", metadata: ["path": "\(path)", "error": "\(error)"])
                return ServerResponse(APIError(.serviceUnavailable, "the store cannot answer now; see the log"))
            }
        }
    }

    private var health: JSONValue {
        let uptime = startedAt.withLock { $0 }.map { settings.now().nanoseconds - $0.nanoseconds } ?? 0
        return ["status": "ok", "version": .string(version), "uptimeSeconds": .integer(max(0, uptime / 1_000_000_000))]
    }
}
