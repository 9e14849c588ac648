// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import Usage

/// Answers questions about usage over HTTP: the query API.
final class HubExtension: Extension, HTTPServing, SessionDescribing {
    private let config: HubConfig
    private let settings: ComponentSettings
    private let api: UsageAPI
    private let collector: CollectorAPI
    private let feeds: EventFeeds
    private let compaction: DailyCompaction
    private let documentation: DocumentationRoutes

    init(
        _ config: HubConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts,
        version: String,
        pages: [ComponentPage]
    ) {
        self.config = config
        self.settings = settings
        let store = ComponentID(config.store).flatMap { parts.stores[$0] }
        api = UsageAPI(
            config: config,
            store: store,
            scanners: parts.scanners,
            pricing: parts.priceTables.first?.pricing,
            now: settings.now,
            intakeProblems: { parts.status().intakeProblems },
            droppedTexts: { parts.status().droppedTexts }
        )
        collector = CollectorAPI(version: version, usage: api, status: parts.status, reload: parts.reload)
        feeds = EventFeeds(collector)
        compaction = DailyCompaction(api, settings)
        documentation = DocumentationRoutes(pages)
    }

    func start() async throws(StartError) {
        feeds.open()
        compaction.start()
    }

    func shutdown() async {
        feeds.close()
        await compaction.stop()
    }

    var endpoint: Endpoint { config.endpoint }

    var tls: TLSConfig? { config.tls }

    var routes: [Route] {
        [
            route(.get, "/api/health", access: .open) { [collector] _ in collector.health() },
            route(.get, "/api/telemetry/summary", api.summary),
            route(.get, "/api/telemetry/quality", api.quality),
            route(.get, "/api/telemetry/sessions", api.sessions),
            route(.get, "/api/telemetry/sessions/{id}", api.session),
            route(.get, "/api/telemetry/prices", api.prices),
            route(.get, "/api/telemetry/pipelines", collector.pipelines),
            route(.post, "/api/telemetry/compact", changing(api.compact)),
            route(.post, "/api/telemetry/scan", api.scan),
            route(.post, "/api/telemetry/reprice", changing(api.reprice)),
            route(.post, "/api/reload", changing(collector.reload)),
            Route(.get, "/api/telemetry/stream", handler: answering("/api/telemetry/stream", feeds.stream)),
            Route(.get, "/metrics", handler: answering("/metrics", collector.metrics)),
            Route(.get, "/api/openapi.json", access: .open) { _ in OpenAPIDocument.response },
        ] + DashboardRoutes.all + documentation.all
    }

    func describe(session id: String) async -> String? { try? await api.figures(ofSession: id)?.text }

    /// Lets an order through only if it declares JSON, which a page of another site cannot do without being asked.
    private func changing(
        _ answer: @escaping @Sendable (ServerRequest) async throws -> JSONValue
    ) -> @Sendable (ServerRequest) async throws -> JSONValue {
        { request in
            guard request.declaresJSON else {
                throw APIError(
                    .unsupportedMediaType,
                    "send this with Content-Type: application/json, also without a body"
                )
            }
            return try await answer(request)
        }
    }

    private func route(
        _ method: HTTPRequest.Method,
        _ path: String,
        access: Access? = nil,
        _ answer: @escaping @Sendable (ServerRequest) async throws -> JSONValue
    ) -> Route {
        Route(method, path, access: access, handler: answering(path) { ServerResponse(json: try await answer($0)) })
    }

    /// Answers, also when there is no answer.
    private func answering(
        _ path: String,
        _ answer: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) -> @Sendable (ServerRequest) async -> ServerResponse {
        { [settings] request in
            do {
                return try await answer(request)
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
}
