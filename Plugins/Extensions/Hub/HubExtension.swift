// SPDX-License-Identifier: Apache-2.0

import CEmbedded
public import CollectorKit
import HTTPTypes
import HubAPI
import JSON
import Logging
import OTLP
import Synchronization
import Usage

/// Serves the query API, the dashboard and the documentation over HTTP.
final class HubExtension: Extension, HTTPServing, SessionDescribing, SessionNaming {
    private let config: HubConfig
    private let settings: ComponentSettings
    private let api: UsageAPI
    private let collector: CollectorAPI
    private let feeds: EventFeeds
    private let compaction: DailyCompaction
    private let alerts: AlertWatch
    private let limits: LimitKeeping
    private let pages: [ComponentPage]
    private let guides: [DocumentationGuide]

    init(
        _ config: HubConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts,
        version: String,
        pages: [ComponentPage],
        guides: [DocumentationGuide] = []
    ) {
        self.config = config
        self.settings = settings
        let store = ComponentID(config.store).flatMap { parts.stores[$0] }
        let book = settings.shared.limits(in: settings.home)
        api = UsageAPI(
            config: config,
            store: store,
            scanners: parts.scanners,
            pricing: parts.priceTables.first?.pricing,
            now: settings.now,
            limits: book,
            intakeProblems: { parts.status().intakeProblems },
            droppedTexts: { parts.status().droppedTexts }
        )
        let survey = AlertSurvey(usage: api, status: parts.status, config.alerts)
        collector = CollectorAPI(
            version: version,
            usage: api,
            status: parts.status,
            reload: parts.reload,
            alerts: { await survey.conditions(at: $0).conditions }
        )
        feeds = EventFeeds(collector)
        compaction = DailyCompaction(api, settings)
        alerts = AlertWatch(config, survey, settings)
        limits = LimitKeeping(book, settings)
        (self.pages, self.guides) = (pages, guides)
    }

    func start() async throws(StartError) {
        feeds.open()
        compaction.start()
        limits.start()
        alerts.start()
    }

    func shutdown() async {
        feeds.close()
        await alerts.stop()
        await limits.stop()
        await compaction.stop()
    }

    var endpoint: Endpoint { config.endpoint }

    var tls: TLSConfig? { config.tls }

    var routes: [Route] {
        [
            route(.health, access: .open, refusesOthers: false) { [collector] _ in collector.health() },
            route(.summary, api.summary),
            route(.insights, api.insights),
            route(.blocks, api.blocks),
            route(.compare, api.compare),
            route(.statusLine, api.statusLine),
            route(.statusLineReport, access: .read, changing { [api, limits] in try await limits.statusLine($0, api) }),
            route(.limits, api.limits),
            route(.quality, api.quality),
            route(.sessions, api.sessions),
            route(.session, api.session),
            route(.call, api.call),
            route(.prices, api.prices),
            route(.budgets, api.budgets),
            route(.alerts) { [alerts] _ in await alerts.document() },
            route(.alertTest, changing { [alerts] in try await alerts.test($0.parameters["name"] ?? "") }),
            route(.pipelines, collector.pipelines),
            route(.compact, changing(api.compact)),
            route(.scan, api.scan),
            route(.reprice, changing(api.reprice)),
            route(.reload, changing(collector.reload)),
            Route(
                .get,
                "/api/telemetry/stream",
                handler: answering("/api/telemetry/stream", taking: QueryNames.stream, feeds.stream)
            ),
            Route(.get, "/metrics", handler: answering("/metrics", taking: nil, collector.metrics)),
            Route(.get, "/api/openapi.json", access: .open) { _ in OpenAPIDocument.response },
        ] + DashboardRoutes.all + DocumentationRoutes(pages, guides).all
    }

    func describe(session id: String) async -> String? {
        guard let session = try? await api.figures(ofSession: id) else { return nil }
        return try? OrderedJSONEncoder.text(of: session)
    }

    func namer(for store: ComponentID) async throws -> SessionNamer? { try await api.namer(for: store) }

    /// Accepts a request that changes something only with a JSON content type, which a page of another origin cannot send without a
    /// preflight.
    private func changing<Document>(
        _ answer: @escaping @Sendable (ServerRequest) async throws -> Document
    ) -> @Sendable (ServerRequest) async throws -> Document {
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

    /// - Parameter refusesOthers: Whether a parameter that the request does not have is an error: not for probes, which add some against
    ///   caches.
    private func route<Document>(
        _ endpoint: HubEndpoint<Document>,
        access: Access? = nil,
        refusesOthers: Bool = true,
        _ answer: @escaping @Sendable (ServerRequest) async throws -> Document
    ) -> Route {
        let handler = answering(endpoint.path, taking: refusesOthers ? endpoint.parameters : nil) {
            try ServerResponse(json: try await answer($0))
        }
        return Route(endpoint.method, endpoint.path, access: access, handler: handler)
    }

    /// Answers a request; errors become error answers.
    ///
    /// - Parameter parameters: The parameters of its query, others are refused; nil for any.
    private func answering(
        _ path: String,
        taking parameters: [String]?,
        _ answer: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) -> @Sendable (ServerRequest) async -> ServerResponse {
        { [settings] request in
            do {
                if let parameters { try QueryParameters(request).refuseOthers(than: parameters) }
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

extension ComponentFactory {
    /// Answers queries about usage; without the configured store, queries are answered with an error.
    ///
    /// - Parameters:
    ///   - version: That of the program, for the health check.
    ///   - pages: The documentation that is served under `/docs/components`.
    ///   - guides: Further pages of the documentation.
    public static func hub(
        version: String = "development",
        pages: [ComponentPage] = [],
        guides: [DocumentationGuide] = []
    ) -> ComponentFactory {
        .extension(
            "hub",
            HubConfig.self,
            summary: "answers questions about cost, sessions and health over HTTP, from a store"
        ) { config, settings, parts in
            HubExtension(config, settings, with: parts, version: version, pages: pages, guides: guides)
        }
    }
}

/// The description of the API for programs (OpenAPI 3.1), compiled in from `openapi.json`.
enum OpenAPIDocument {
    /// The description.
    static var bytes: [UInt8] {
        Array(UnsafeBufferPointer(start: hammurabi_openapi(), count: hammurabi_openapi_length()))
    }

    /// The answer with the description.
    static var response: ServerResponse {
        ServerResponse(
            .ok,
            [.contentType: "application/json", .cacheControl: "public, max-age=300"],
            body: .bytes(bytes)
        )
    }
}

/// Compacts the store once a day: removes what is older than the retention.
final class DailyCompaction: Sendable {
    private let api: UsageAPI
    private let settings: ComponentSettings
    private let work = Mutex<Task<Void, Never>?>(nil)

    /// The delay of the first compaction: late enough not to slow the start, early enough for a machine that is switched off every
    /// night.
    private static let firstDelay = Duration.seconds(600)
    private static let interval = Duration.seconds(86_400)
    /// How long after a compaction another collector does none; less than the interval, whose clocks differ.
    private static let shortestPause = Int64(72_000) * 1_000_000_000

    init(_ api: UsageAPI, _ settings: ComponentSettings) {
        self.api = api
        self.settings = settings
    }

    func start() {
        guard api.store != nil else { return }
        let (api, settings) = (api, settings)
        work.withLock { work in
            work = Task {
                var delay = Self.firstDelay
                while (try? await Task.sleep(for: delay)) != nil {
                    await Self.run(api, settings)
                    delay = Self.interval
                }
            }
        }
    }

    /// Stops; a running compaction ends after its present step.
    func stop() async {
        let task = work.withLock { $0.take() }
        task?.cancel()
        await task?.value
    }

    /// Compacts, unless another collector of the same store does, or has just done.
    static func run(_ api: UsageAPI, _ settings: ComponentSettings) async {
        do {
            guard let store = api.store, let term = try await store.take(.compaction) else { return }
            let last = term.memo.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
            let now = settings.now().nanoseconds
            if term.isShared, let last, now.saturatingSubtracting(last) < Self.shortestPause { return }
            let removed = try await api.compact(keeping: api.config.retention.nanoseconds)
            _ = try await store.leave(Array("\(now)".utf8), of: .compaction)
            settings.logger.info("compacted the store", metadata: ["removed": "\(removed)"])
        } catch is CancellationError {
        } catch {
            settings.logger.warning("the store cannot be compacted", metadata: ["error": "\(error)"])
        }
    }
}

/// A page of the documentation beside those of components.
public struct DocumentationGuide: Sendable {
    /// The last part of its path, such as `plugins`.
    public let name: String
    /// What lists call it.
    public let title: String
    /// What it explains, in a few words.
    public let purpose: String
    /// The page, as Markdown.
    public let text: String

    /// Creates a page.
    public init(name: String, title: String, purpose: String, text: String) {
        (self.name, self.title, self.purpose, self.text) = (name, title, purpose, text)
    }

    fileprivate var path: String { "/docs/" + name }
}

/// The routes of the documentation: a list of all pages, one of the components, and the pages.
///
/// They need no key, because they hold no data.
///
/// A client that accepts HTML gets a page in the style of the dashboard, any other client Markdown.
struct DocumentationRoutes: Sendable {
    /// All of them; none without pages.
    let all: [Route]

    init(_ pages: [ComponentPage], _ guides: [DocumentationGuide] = []) {
        guard !pages.isEmpty else {
            all = []
            return
        }
        let api = DocumentationGuide(
            name: "api",
            title: "API",
            purpose: "every route, its parameters and answers",
            text: ""
        )
        let titles =
            (guides + [api]).map { ($0.title, $0.path) } + pages.map { ($0.type, Self.path(to: $0, among: pages)) }
        all =
            [
                Self.route("/docs", title: "Documentation", navigation: titles) { Self.list(guides + [api]) },
                Self.route("/docs/components", title: "Components", navigation: titles) { Self.list(pages) },
                Self.route(api.path, title: api.title, navigation: titles) {
                    APIGuide(OpenAPIDocument.bytes)?.text ?? ""
                },
            ]
            + guides.map { guide in
                Self.route(guide.path, title: guide.title, navigation: titles) { guide.text }
            }
            + pages.map { page in
                Self.route(Self.path(to: page, among: pages), title: page.type, navigation: titles) { page.text }
            }
    }

    /// The list of what there is besides pages of components, as Markdown.
    private static func list(_ guides: [DocumentationGuide]) -> String {
        ([
            "# Documentation", "", "| page | about |", "| --- | --- |",
            "| [Components](/docs/components) | what a configuration can name, with every key |",
        ]
            + guides.map { "| [\($0.title)](\($0.path)) | \($0.purpose) |" }).joined(separator: "\n") + "\n"
    }

    /// The path of a page: the component's type, after its kind when a component of another kind has the same type.
    private static func path(to page: ComponentPage, among pages: [ComponentPage]) -> String {
        let isUnique = pages.count { $0.type == page.type } == 1
        return "/docs/components/" + (isUnique ? page.type : "\(page.kind.singular)/\(page.type)")
    }

    /// The list of all pages, as Markdown.
    private static func list(_ pages: [ComponentPage]) -> String {
        let sections = ComponentKind.allCases.compactMap { kind -> String? in
            let rows = pages.filter { $0.kind == kind }.map {
                "| [\($0.type)](\(path(to: $0, among: pages))) | \($0.purpose) |\n"
            }
            guard !rows.isEmpty else { return nil }
            let title = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
            return "## \(title)\n\n| type | purpose |\n| --- | --- |\n" + rows.joined()
        }
        return
            ([
                "# Components\n\nWhat a configuration can name, with every key, an example, and what happens on errors.\n"
            ] + sections)
            .joined(separator: "\n")
    }

    private static func route(
        _ path: String,
        title: String,
        navigation: [(title: String, path: String)],
        _ text: @escaping @Sendable () -> String
    ) -> Route {
        let page = DashboardFile(path: path, mediaType: "text/html; charset=utf-8") {
            Array(HTMLPage(title: title, path: path, text: Markdown(text()), navigation: navigation).html.utf8)
        }
        let source = DashboardFile(path: path, mediaType: "text/markdown; charset=utf-8") { Array(text().utf8) }
        return Route(.get, path, access: .open) { request in
            var answer = DashboardRoutes.answer(acceptsHTML(request.head) ? page : source, to: request.head)
            answer.head.headerFields[.vary] = "Accept"
            return answer
        }
    }

    /// Whether the client is a browser: it names `text/html`, which other clients do only on request.
    private static func acceptsHTML(_ request: HTTPRequest) -> Bool {
        request.headerFields[values: .accept].contains { field in
            field.split(separator: ",").contains { range in
                range.split(separator: ";").first?.filter { $0 != " " }.lowercased() == "text/html"
            }
        }
    }
}

/// The routes of the dashboard, one for each of its files.
///
/// They need no key, because the files hold no data.
enum DashboardRoutes {
    static var all: [Route] { DashboardFile.all.map(route) }

    static func route(_ file: DashboardFile) -> Route {
        Route(.get, file.route, access: .open) { request in answer(file, to: request.head) }
    }

    /// The file, or the status for an unchanged file, with the header fields that restrict the page to this origin.
    static func answer(_ file: DashboardFile, to request: HTTPRequest) -> ServerResponse {
        var fields = safety
        fields[.eTag] = file.entityTag
        // A newer program has newer files, so a browser must revalidate each time; mostly the answer is that the file is unchanged.
        fields[.cacheControl] = "no-cache"
        if request.headerFields[values: .ifNoneMatch].contains(where: { names($0, file.entityTag) }) {
            return ServerResponse(.notModified, fields)
        }
        fields[.contentType] = file.mediaType
        return ServerResponse(.ok, fields, body: .bytes(file.bytes))
    }

    /// Whether a list of entity tags contains one, by the weak comparison of RFC 9110 §13.1.2.
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.trimmingPrefix { $0 == " " || $0 == "\t" }
            let bare = item.hasPrefix("W/") ? item.dropFirst(2) : item
            return bare.prefix(tag.count) == tag || bare.prefix(1) == "*"
        }
    }

    /// No external resources, nothing inline, no framing, no referrer.
    private static let safety: HTTPFields = {
        var fields: HTTPFields = [
            .contentSecurityPolicy:
                "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { fields[name] = "no-referrer" }
        if let name = HTTPField.Name("Cross-Origin-Opener-Policy") { fields[name] = "same-origin" }
        if let name = HTTPField.Name("Cross-Origin-Resource-Policy") { fields[name] = "same-origin" }
        return fields
    }()
}

/// A file of the dashboard or of the documentation, compiled into the program or made of what is.
///
/// Nothing of it is made or copied before it is asked for: a collector starts without it, and so does a command that reads the store.
final class DashboardFile: Sendable {
    /// The path from the folder of the dashboard, such as `app.css`.
    let path: String
    /// Its media type, for `Content-Type`.
    let mediaType: String
    private let content: @Sendable () -> [UInt8]
    private let knownTag = Mutex<String?>(nil)

    /// - Parameter content: Makes the content, the same each time.
    init(path: String, mediaType: String, content: @escaping @Sendable () -> [UInt8]) {
        self.path = path
        self.mediaType = mediaType
        self.content = content
    }

    /// Its content.
    var bytes: [UInt8] { content() }

    /// A strong validator: it changes with the content.
    var entityTag: String {
        knownTag.withLock { tag in
            let known = tag ?? "\"" + SHA256.hex(SHA256.digest(content()).prefix(12)) + "\""
            tag = known
            return known
        }
    }

    /// Its route: `/` for the page itself, below `/assets` for all others.
    var route: String { path == "index.html" ? "/" : "/assets/" + path }

    /// All files of the dashboard.
    static let all: [DashboardFile] = UnsafeBufferPointer(
        start: hammurabi_web_files(),
        count: hammurabi_web_file_count()
    )
    .map { file in
        // The bytes are constants of the program.
        nonisolated(unsafe) let bytes = UnsafeBufferPointer(start: file.bytes, count: file.length)
        return DashboardFile(path: String(cString: file.path), mediaType: String(cString: file.media_type)) {
            Array(bytes)
        }
    }
}
