// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import HubAPI
import HubExtension
import Logging
import Usage

/// Answers a command's requests: the running collector of this configuration, else the store itself, with the same documents.
struct HubConnection {
    /// Which of the two may answer.
    enum Source {
        case collector, store, either
    }

    private enum Answering {
        case collector(CollectorClient)
        case store(LocalAnswers)
    }

    private let config: HubConfig
    private let graph: PipelineGraph
    private let answering: Answering

    /// The time zone of days where the request names none.
    var timezone: String { config.timezone }

    /// Where the hub listens.
    var endpoint: Endpoint { config.endpoint }

    /// Whether the hub speaks HTTPS.
    var isEncrypted: Bool { config.tls != nil }

    /// The address at which the collector of this configuration takes telemetry in; nil when it takes none.
    var intake: String? {
        graph.used(.receiver).lazy.flatMap(\.config.resources).compactMap { resource in
            if case .endpoint(let endpoint) = resource.kind { endpoint.description } else { nil }
        }.first
    }

    /// Requests a document or an action.
    ///
    /// - Throws: ``CommandFailure`` when there is no answer, or one of another shape.
    func ask<Document>(_ question: HubEndpoint<Document>, _ query: [(String, String)] = [], body: String = "")
        async throws -> HubAnswer<Document>
    {
        switch answering {
        case .collector(let client): return try client.ask(question, query, body: body, seconds: Self.timeout)
        case .store(let answers):
            let answer = try await answers.send(question.verb, question.target(query), body: body)
            return try HubAnswer(answer.status, answer.body, to: question, of: nil)
        }
    }

    /// How many seconds a collector may send nothing.
    private static let timeout: Int64 = 120
}

// MARK: - Opening

extension HubConnection {
    /// Finds what answers, passes the connection to the closure and closes it.
    ///
    /// - Parameters:
    ///   - key: The API key for a collector; nil for that of `HAMMURABI_API_KEY`.
    ///   - say: Receives a line that names what is queried.
    static func with<Result: Sendable>(
        _ source: Source,
        of graph: PipelineGraph,
        _ environment: Environment,
        key: String? = nil,
        say: (String) -> Void = { _ in },
        _ use: (HubConnection) async throws -> Result
    ) async throws -> Result {
        if source != .store, var client = graph.runningHub {
            say("asking the collector at \(client.endpoint)")
            if let key { client.key = key }
            return try await use(
                HubConnection(config: graph.hubConfig ?? HubConfig(), graph: graph, answering: .collector(client))
            )
        }
        if source == .collector { throw CommandFailure(.notRunning, graph.hubConfig?.endpoint ?? .otlpHTTP) }
        say("no collector runs; reading the store")
        return try await withStore(of: graph, home: environment.programHome, now: Console.now, use)
    }

    private static func withStore<Result: Sendable>(
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
            let answers = try LocalAnswers(of: serving)
            return try await use(HubConnection(config: config, graph: graph, answering: .store(answers)))
        }
    }
}

/// A document with the text it was decoded from.
struct HubAnswer<Document: Codable & Sendable>: Sendable {
    var document: Document
    var text: String

    /// Decodes an answer.
    ///
    /// - Parameter collector: The collector's address; nil when the store answered without one.
    init(_ status: Int, _ body: String, to question: HubEndpoint<Document>, of collector: Endpoint?)
        throws(CommandFailure)
    {
        // Only a session id can be unknown; any other 404 means that the collector is of another version.
        if status == 404, !question.hasParameter {
            throw CommandFailure.unsupported(question.path, collector)
        }
        guard status == 200 else {
            throw CommandFailure(status: status, body: body, collector: collector?.description)
        }
        do {
            (document, text) = (try JSONDecoder().decode(Document.self, from: Data(body.utf8)), body)
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension HubEndpoint {
    /// The path with its query.
    func target(_ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    }
}

extension PipelineGraph {
    /// The configuration of the hub; nil when there is none.
    var hubConfig: HubConfig? { used(.extension).lazy.compactMap { $0.config as? HubConfig }.first }

    /// A client for the running collector of this configuration; nil when none runs.
    var runningHub: CollectorClient? {
        hubConfig.map { client(at: $0.endpoint) }.flatMap { $0.isThere ? $0 : nil }
    }
}
