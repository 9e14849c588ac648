// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Logging
import Synchronization
import Testing
import Usage

/// A hub with a store that gives prepared answers.
struct Bench {
    let hub: any Extension
    let store = FakeStore()
    let clock = Clock()

    init(
        hasStore: Bool = true,
        scanners: [any SessionScanner] = [],
        parts: CollectorParts = CollectorParts(),
        _ configure: (inout HubConfig) -> Void = { _ in }
    ) async throws {
        var config = HubConfig()
        // Not that of the machine on which the tests run.
        config.timezone = "UTC"
        configure(&config)
        let (store, clock) = (store, clock)
        let settings = ComponentSettings(
            id: try #require(ComponentID("hub")),
            logger: Logger(label: "hub") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { clock.now }
        )
        let id = try #require(ComponentID(config.store))
        var parts = parts
        parts.stores = hasStore ? [id: store] : [:]
        parts.scanners += scanners
        hub = try ComponentFactory.hub(version: "1.2.3").makeExtension(config, settings, with: parts)
        try await hub.start()
    }

    func get(_ path: String, _ parameters: [String: String] = [:]) async throws -> Answer {
        try await send(.get, path, parameters, "")
    }

    func compact(_ body: String) async throws -> Answer {
        try await send(.post, "/api/telemetry/compact", [:], body)
    }

    func scan() async throws -> Answer {
        try await send(.post, "/api/telemetry/scan", [:], "")
    }

    func post(_ path: String, type: String? = "application/json") async throws -> Answer {
        try await send(.post, path, [:], "", type: type)
    }

    /// Hands over what an agent gave to its status line.
    func reportStatusLine(_ body: String, permissions: Permissions = .all) async throws -> Answer {
        try await send(.post, "/api/telemetry/statusline", [:], body, permissions: permissions)
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ parameters: [String: String],
        _ body: String,
        type: String? = "application/json",
        permissions: Permissions = .all
    ) async throws -> Answer {
        let routes = hub.httpServing?.routes ?? []
        let bare = path.prefix { $0 != "?" }
        let route = try #require(
            routes.first {
                $0.method == method
                    && ($0.path == bare
                        || (!parameters.isEmpty && $0.path.hasSuffix("{id}") && bare.hasPrefix($0.path.dropLast(4))))
            }
        )
        var head = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1", path: path)
        head.headerFields[.contentType] = type
        let request = ServerRequest(
            head: head,
            parameters: parameters,
            body: RequestBody(bytes: Array(body.utf8)),
            permissions: permissions
        )
        return Answer(try await route.handler(request))
    }
}

/// An answer with its whole body.
struct Answer {
    let status: Int
    let fields: HTTPFields
    let text: String

    init(_ response: ServerResponse) {
        status = response.head.status.code
        fields = response.head.headerFields
        if case .bytes(let bytes) = response.body { text = String(decoding: bytes, as: UTF8.self) } else { text = "" }
    }
}

/// The present time, which tests change.
final class Clock: Sendable {
    private let time = Mutex(Timestamp(iso8601: "2026-11-22T12:00:00.000Z") ?? Timestamp(nanoseconds: 0))

    var now: Timestamp { time.withLock { $0 } }

    func set(_ text: String) throws {
        let instant = try instant(text)
        time.withLock { $0 = instant }
    }
}

/// A store that records its queries and gives prepared answers.
final class FakeStore: UsageStore {
    struct State {
        var summary: (@Sendable (Period) -> UsageSummary)?
        var page = SessionPage(sessions: [], total: 0, next: nil)
        var details: [String: SessionDetail] = [:]
        /// One call of each of some sessions.
        var callDetails: [String: CallDetail] = [:]
        /// In the order of time; their days are those of summaries unless ``summary`` is prepared.
        var calls: [Call] = []
        var quality = DataQuality()
        var error: (any Error)?
        var periods: [Period] = []
        var summaries: [UsageQuery] = []
        var unpriced: [UnpricedModel] = []
        var names: [UsageDimension: Set<String>] = [:]
        var revision: Int64 = 0
        var repriced = 0
        var queries: [SessionQuery] = []
        var borders: [Timestamp] = []
        /// From when calls were read.
        var callsFrom: [Timestamp] = []
        /// The duties of a store that several collectors share; nil for a store of its own.
        var desk: DutyDesk?
    }

    func take(_ duty: StoreDuty) async throws -> StoreTerm? {
        guard let desk = try answer({ $0.desk }) else { return StoreTerm() }
        return desk.take(duty, ObjectIdentifier(self))
    }

    func leave(_ memo: [UInt8], of duty: StoreDuty) async throws -> Bool {
        try answer { $0.desk }?.leave(memo, duty, ObjectIdentifier(self)) ?? true
    }

    func memo(of duty: StoreDuty) async throws -> [UInt8]? { try answer { $0.desk }?.memo(of: duty) }

    private let state = Mutex(State())

    var asked: State { state.withLock { $0 } }

    func prepare(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }

    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try answer { state in
            state.periods.append(query.period)
            state.summaries.append(query)
            if let summary = state.summary { return summary(query.period) }
            var summary = UsageSummary(period: query.period)
            for call in state.calls {
                guard let day = query.period.day(of: call.time) else { continue }
                var totals = UsageTotals()
                (totals.calls, totals.counts, totals.cost) = (1, call.counts, call.price?.cost ?? .zero)
                summary.byDay[day].totals += totals
                summary.totals += totals
            }
            return summary
        }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try answer { state in
            state.callsFrom.append(query.start)
            return state.calls.filter {
                $0.time >= query.start && $0.time < query.end && query.filter.allows($0.model, as: .model)
            }
        }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try answer { state in
            state.queries.append(query)
            return state.page
        }
    }

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        try answer { state in state.callDetails[session].flatMap { $0.call.id == id ? $0 : nil } }
    }

    func session(id: String) async throws -> SessionDetail? { try answer { $0.details[id] } }

    func quality(of period: Period) async throws -> DataQuality {
        try answer { state in
            state.periods.append(period)
            return state.quality
        }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> { try answer { $0.names[dimension] ?? [] } }

    func unpricedModels() async throws -> [UnpricedModel] { try answer { $0.unpriced } }

    func reprice(by pricing: Pricing) async throws -> Int {
        try answer { state in
            state.repriced += 1
            return 123
        }
    }

    func revision() async throws -> Int64 { try answer { $0.revision } }

    func compact(before instant: Timestamp) async throws -> Int {
        try answer { state in
            state.borders.append(instant)
            return 1_234
        }
    }

    private func answer<Value: Sendable>(_ read: (inout State) -> Value) throws -> Value {
        try state.withLock { state in
            if let error = state.error { throw error }
            return read(&state)
        }
    }
}

extension FakeStore {
    /// Calls of two blocks with a gap between them, the second under way, and summaries that agree with them.
    func prepareCalls() throws {
        let calls = try ["2026-11-21T09:15:00.000Z", "2026-11-22T09:15:00.000Z", "2026-11-22T11:15:00.000Z"]
            .enumerated()
            .map { position, time in
                var call = Call(
                    id: UInt64(position + 1),
                    time: try instant(time),
                    counts: TokenCounts(uncachedInput: 700, cacheRead: 200, output: 100)
                )
                call.model = "m-\(position % 2)"
                call.price = CallPrice(cost: Money(nanodollars: 500_000_000), isPriced: true, computed: nil)
                return call
            }
        prepare { state in
            state.summary = nil
            state.calls = calls
        }
    }
}

/// An instant that is written out.
func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

/// A session for most tests.
func makeSession() throws -> Session {
    var session = Session(
        id: "s-1",
        startedAt: try instant("2026-11-22T11:00:00.000Z"),
        lastSeenAt: try instant("2026-11-22T11:59:30.500Z")
    )
    session.name = "fix \"it\"\n"
    (session.agent, session.model, session.project) = ("claude-code", "claude-sonnet-4-5-20250929", "hub")
    (session.branch, session.agentVersion) = ("main", "2.1.330")
    session.totals.calls = 2
    session.totals.unpricedCalls = 1
    session.totals.counts = TokenCounts(
        uncachedInput: 1,
        cacheRead: 2,
        cacheWrite5m: 3,
        cacheWrite1h: 4,
        output: 5,
        reasoning: 6
    )
    session.totals.cost = Money(nanodollars: 1_500_000_000)
    return session
}

/// Which of several stores has which duty.
final class DutyDesk: Sendable {
    private let duties = Mutex<[StoreDuty: (holder: ObjectIdentifier?, memo: [UInt8]?)]>([:])

    func take(_ duty: StoreDuty, _ holder: ObjectIdentifier) -> StoreTerm? {
        duties.withLock { duties in
            let present = duties[duty] ?? (nil, nil)
            guard present.holder == nil || present.holder == holder else { return nil }
            duties[duty] = (holder, present.memo)
            return StoreTerm(isShared: true, memo: present.memo)
        }
    }

    func leave(_ memo: [UInt8], _ duty: StoreDuty, _ holder: ObjectIdentifier) -> Bool {
        duties.withLock { duties in
            guard duties[duty]?.holder == holder else { return false }
            duties[duty]?.memo = memo
            return true
        }
    }

    func memo(of duty: StoreDuty) -> [UInt8]? { duties.withLock { $0[duty]?.memo } }

    /// Ends the terms of all duties.
    func expire() { duties.withLock { duties in for duty in duties.keys { duties[duty]?.holder = nil } } }
}
