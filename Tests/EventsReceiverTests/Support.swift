// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import EventsReceiver
import FoundationEssentials
import HTTPTypes
import Logging
import OTLP
import Synchronization
import Testing
import TokensProcessor
import Usage

/// A receiver whose pipeline extracts the calls and keeps them in a ledger.
struct Bench {
    let receiver: any Receiver
    let books: Books
    let counters = ComponentCounters()

    /// 2026-11-22T10:00:00Z.
    static let now = Timestamp(nanoseconds: 1_795_341_600_000_000_000)

    /// - Parameter session: The store's data of every session; nil without a store.
    init(hasPipeline: Bool = true, knows session: String? = nil, _ configure: (inout EventsConfig) -> Void = { _ in })
        async throws
    {
        var config = EventsConfig()
        configure(&config)
        books = try Books()
        receiver = try ComponentFactory.events.makeReceiver(
            config,
            try Self.settings("events", counters),
            next: SignalConsumers(hasPipeline ? [.logs: books] : [:], session: { _ in session })
        )
        try await receiver.start()
    }

    static func settings(_ id: String, _ counters: ComponentCounters = ComponentCounters()) throws -> ComponentSettings
    {
        ComponentSettings(
            id: try #require(ComponentID(id)),
            logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: "/nowhere",
            now: { now }
        )
    }

    func ingest(_ body: String, _ fields: HTTPFields = [.contentType: "application/json"]) async throws -> Answer {
        try await send("/api/telemetry/ingest", Array(body.utf8), fields)
    }

    func beat(_ body: String, allowed permissions: Permissions = .all) async throws -> Answer {
        let fields: HTTPFields = [.contentType: "application/json"]
        return try await send("/api/telemetry/heartbeat", Array(body.utf8), fields, allowed: permissions)
    }

    func send(
        _ path: String,
        _ body: [UInt8],
        _ fields: HTTPFields,
        allowed permissions: Permissions = .all
    ) async throws -> Answer {
        let route = try #require(receiver.httpServing?.routes.first { $0.path == path })
        #expect(route.method == .post && route.access == .write)
        let head = HTTPRequest(
            method: .post,
            scheme: "http",
            authority: "127.0.0.1",
            path: path,
            headerFields: fields
        )
        return Answer(
            try await route.handler(ServerRequest(head: head, body: RequestBody(bytes: body), permissions: permissions))
        )
    }
}

/// An answer with its whole body.
struct Answer {
    let status: Int
    let fields: HTTPFields
    let text: String

    init(_ response: ServerResponse) {
        (status, fields) = (response.head.status.code, response.head.headerFields)
        if case .bytes(let bytes) = response.body { text = String(decoding: bytes, as: UTF8.self) } else { text = "" }
    }

    /// The ids of calls in the answer, in their order.
    func ids() throws -> [String?] {
        struct Accepted: Decodable {
            var ok: Bool
            var callId: String?
            var callIds: [String?]?
        }
        let accepted = try JSONDecoder().decode(Accepted.self, from: Data(text.utf8))
        #expect(accepted.ok)
        return accepted.callIds ?? [accepted.callId]
    }
}

/// The end of a pipeline: extracts the calls and keeps them in a ledger.
final class Books: Consumer {
    private let tokens: any Processor
    private let state = Mutex(State())

    struct State {
        var ledger = MemoryLedger()
        var sessions: [String: SessionUpdate] = [:]
        var records: [String] = []
        var refusal: ConsumeError?
    }

    init() throws { tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), Bench.settings("tokens")) }

    func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
        // Encoded and decoded, as if another collector had forwarded it.
        guard let otlp = try? OTLPBatch(signal: .logs, protobuf: batch.otlp.encoded()) else {
            throw .permanent("damaged")
        }
        var forwarded = Batch(otlp, receivedAt: batch.receivedAt)
        try tokens.process(&forwarded)
        let found = forwarded
        let failure = state.withLock { state -> (any Error)? in
            state.records += otlp.records.indices.map { found.name(ofRecord: $0) }
            for update in found.sessions {
                if state.sessions[update.id] == nil { state.sessions[update.id] = update }
                state.sessions[update.id]?.merge(update)
            }
            do {
                try state.ledger.absorb(found.observations)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw .permanent("\(failure)") }
        return .unkept
    }

    func refuse(_ refusal: ConsumeError?) { state.withLock { $0.refusal = refusal } }

    var calls: [Call] { state.withLock { $0.ledger.calls }.sorted { ($0.time, $0.id) < ($1.time, $1.id) } }

    var records: [String] { state.withLock { $0.records } }

    func session(_ id: String) -> SessionUpdate? { state.withLock { $0.sessions[id] } }

    func take(_ observations: [Observation]) throws { try state.withLock { _ = try $0.ledger.absorb(observations) } }
}
