// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import HubExtension
import Logging
import Usage

/// Whom a report asks: the collector of this configuration when one runs, else the store itself, which answers alike.
struct HubConnection {
    private let config: HubConfig
    private let graph: PipelineGraph
    /// Where the collector listens that answers; nil when the store does.
    let collector: Endpoint?
    private let send: (_ method: String, _ target: String, _ body: String) async throws -> (status: Int, body: String)

    /// Whose days are meant where nobody says it.
    var timezone: String { config.timezone }

    /// Where the collector of this configuration takes telemetry in; nil when it takes none.
    var intake: String? {
        graph.used(.receiver).lazy.flatMap(\.config.resources).compactMap { resource in
            if case .endpoint(let endpoint) = resource.kind { endpoint.description } else { nil }
        }.first
    }

    /// A document and the text it was read from.
    struct Answer<Document> {
        var document: Document
        var text: String
    }

    /// Asks for a document.
    ///
    /// - Throws: ``CommandFailure`` when there is no answer, or none of the expected shape.
    func get<Document: Decodable>(_ type: Document.Type, _ path: String, _ query: [(String, String)] = []) async throws
        -> Answer<Document>
    {
        try await ask("GET", Self.target(path, query), "", as: type)
    }

    /// Has something done.
    func post<Document: Decodable>(_ type: Document.Type, _ path: String, body: String = "") async throws
        -> Answer<Document>
    {
        try await ask("POST", path, body, as: type)
    }

    private func ask<Document: Decodable>(_ method: String, _ target: String, _ body: String, as type: Document.Type)
        async throws -> Answer<Document>
    {
        let answer = try await send(method, target, body)
        // Only a session can be unknown; a path that is, is one of a later version.
        if answer.status == 404, !target.hasPrefix(Self.sessionPath) {
            throw CommandFailure.unsupported(target, collector)
        }
        guard answer.status == 200 else {
            throw CommandFailure(status: answer.status, body: answer.body, collector: collector?.description)
        }
        let document = try JSONDecoder().decode(Document.self, from: Data(answer.body.utf8))
        return Answer(document: document, text: answer.body)
    }

    /// Behind it stands the id of a session.
    static let sessionPath = "/api/telemetry/sessions/"

    /// A path with its query.
    static func target(_ path: String, _ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    }
}

extension HubConnection {
    /// Connects to a collector that runs.
    init(_ client: CollectorClient, key: String?, graph: PipelineGraph) {
        (config, self.graph, collector) = (graph.hubConfig ?? HubConfig(), graph, client.endpoint)
        send = { method, target, body in
            guard let answer = client.send(method, target, body: body, key: key, seconds: Self.timeout) else {
                throw CommandFailure.silent(client.endpoint)
            }
            return (answer.status, answer.body)
        }
    }

    /// How many seconds a collector may be silent over a question.
    private static let timeout = 120

    private init(_ answers: LocalAnswers, config: HubConfig, graph: PipelineGraph) {
        (self.config, self.graph, collector) = (config, graph, nil)
        send = { try await answers.send($0, $1, body: $2) }
    }

    /// Opens the store, hands the connection over and closes it.
    static func withStore<Result: Sendable>(
        of graph: PipelineGraph,
        home: String,
        now: @escaping @Sendable () -> Timestamp,
        _ use: (HubConnection) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: now) }
        return try await Collector.withParts(nil, of: graph, home: home, logger: logger, now: now) { parts in
            var config = graph.hubConfig ?? HubConfig()
            if let id = parts.stores.keys.first { config.store = id.description }
            guard let id = ComponentID("hub") else { throw CommandFailure.noHub }
            let settings = ComponentSettings(id: id, logger: logger, home: home, now: now)
            let hub = try ComponentFactory.hub(version: Version.number).makeExtension(config, settings, with: parts)
            guard let serving = hub.httpServing else { throw CommandFailure.noHub }
            return try await use(HubConnection(try LocalAnswers(of: serving), config: config, graph: graph))
        }
    }
}

extension CommandFailure {
    /// Nobody answers where a collector should.
    static func silent(_ endpoint: Endpoint) -> CommandFailure {
        CommandFailure(
            exitCode: Exit.unreachable,
            code: "unreachable",
            message: "no collector answers at \(endpoint)",
            suggestion: "start it with `hammurabi run`"
        )
    }

    /// The collector knows no such path.
    static func unsupported(_ target: String, _ collector: Endpoint?) -> CommandFailure {
        CommandFailure(
            exitCode: Exit.unreachable,
            code: "unsupported",
            message:
                "\(collector.map { "the collector at \($0)" } ?? "this program") does not answer \(target.prefix { $0 != "?" })",
            suggestion: "does a collector of another version run? `hammurabi --version` tells this one's"
        )
    }

    static let noHub = CommandFailure(
        exitCode: Exit.internalError,
        code: "internal",
        message: "the hub of this program answers no requests"
    )
}

extension PipelineGraph {
    /// What the configuration says of the hub; nil when there is none.
    var hubConfig: HubConfig? { used(.extension).lazy.compactMap { $0.config as? HubConfig }.first }

    /// Where a collector of this configuration answers.
    var hubEndpoint: Endpoint { hubConfig?.endpoint ?? .otlpHTTP }
}
