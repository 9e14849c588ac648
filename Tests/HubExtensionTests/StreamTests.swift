// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import Logging
import Synchronization
import Testing
import Usage

@testable import HubExtension

/// Server-sent events.
struct StreamTests {
    private let store = FakeStore()
    private let feeds: EventFeeds

    init() throws {
        let parts = try busyParts()
        let now = try instant("2026-11-22T12:00:00.000Z")
        let api = UsageAPI(
            config: HubConfig(),
            store: store,
            scanners: [],
            pricing: nil,
            now: { now },
            limits: LimitBook(home: "/nowhere")
        )
        let collector = CollectorAPI(version: "1.2.3", usage: api, status: parts.status, reload: parts.reload)
        feeds = EventFeeds(collector, tick: .milliseconds(1), readings: FeedReadings(pause: 0))
        feeds.open()
    }

    private func feed(_ query: String, lastEvent: String? = nil) async throws -> EventFeed {
        var fields: HTTPFields = [:]
        if let name = HTTPField.Name("Last-Event-ID") { fields[name] = lastEvent }
        let head = HTTPRequest(
            method: .get,
            scheme: "http",
            authority: "a",
            path: "/api/telemetry/stream?\(query)",
            headerFields: fields
        )
        let response = try await feeds.stream(ServerRequest(head: head))
        #expect(response.head.headerFields[.contentType] == "text/event-stream; charset=utf-8")
        #expect(response.head.headerFields[.cacheControl] == "no-store")
        guard case .stream(let pieces) = response.body, let feed = pieces as? EventFeed else {
            throw StoreError("no feed")
        }
        return feed
    }

    private func next(_ iterator: inout EventFeed.Iterator) async throws -> String {
        String(decoding: try #require(try await iterator.next()), as: UTF8.self)
    }

    /// A feed of one topic with a clock of its own.
    private static func feed(
        of topic: String,
        from store: FakeStore,
        _ clock: Clock,
        alerts: @escaping @Sendable (Timestamp) async -> [AlertCondition] = { _ in [] }
    ) async throws -> EventFeed {
        let api = UsageAPI(
            config: HubConfig(),
            store: store,
            scanners: [],
            pricing: nil,
            now: { clock.now },
            limits: LimitBook(home: "/nowhere")
        )
        let parts = CollectorParts()
        let feeds = EventFeeds(
            CollectorAPI(version: "1.2.3", usage: api, status: parts.status, reload: parts.reload, alerts: alerts),
            tick: .milliseconds(1),
            readings: FeedReadings(pause: 0)
        )
        feeds.open()
        let head = HTTPRequest(method: .get, scheme: "http", authority: "a", path: "/?topics=\(topic)")
        guard case .stream(let pieces) = try await feeds.stream(ServerRequest(head: head)).body,
            let feed = pieces as? EventFeed
        else { throw StoreError("no feed") }
        return feed
    }

    @Test func `the present state comes first`() async throws {
        let session = try makeSession()
        store.prepare { state in
            state.page.sessions = [session]
            state.revision = 4
            state.unpriced = [UnpricedModel(model: "x", calls: 2, lastSeenAt: session.lastSeenAt)]
        }
        var events = try await feed("period=7d&agent=codex").makeAsyncIterator()
        #expect(try await next(&events) == "retry: 2000\n\n")
        let id = "id: 1795348710000-4\n"
        let summary = try await next(&events)
        #expect(summary.hasPrefix("event: summary\n\(id)data: {\"period\":\"7d\""))
        #expect(summary.hasSuffix("}\n\n") && !summary.contains("\"sessions\":["))
        let sessions = try await next(&events)
        #expect(sessions == "event: session\n\(id)data: {\"sessions\":[\(ShapeTests.sessionText)]}\n\n")
        #expect(try await next(&events).hasPrefix("event: pipeline\n\(id)data: {\"startedAt\":"))
        let notice = try await next(&events)
        #expect(notice.hasPrefix("event: notice\n\(id)data: {\"level\":\"warning\",\"code\":\"unpriced\",\"message\":"))
        #expect(try await next(&events).contains(#""code":"degraded""#))
        #expect(store.asked.summaries.first?.filter[.agent] == ["codex"])
        #expect(store.asked.queries.first?.filter[.agent] == ["codex"])
        // Sessions of another time would come among the dearest of the period.
        #expect(store.asked.queries.first?.period?.name == "7d")
    }

    @Test func `then only what has changed`() async throws {
        var events = try await feed("topics=session,notice").makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        #expect(try await next(&events).hasSuffix("data: {\"sessions\":[]}\n\n"))
        #expect(try await next(&events).contains("degraded"))
        let session = try makeSession()
        store.prepare { state in
            state.page.sessions = [session]
            state.revision = 1
        }
        #expect(try await next(&events).contains("s-1"))
        var other = session
        other.id = "s-2"
        let page = [session, other]
        store.prepare { state in
            state.page.sessions = page
            state.revision = 2
        }
        let changed = try await next(&events)
        #expect(changed.contains("s-2") && !changed.contains("s-1"))
        store.prepare { state in
            state.unpriced = [UnpricedModel(model: "x", calls: 2, lastSeenAt: session.lastSeenAt)]
            state.revision = 3
        }
        #expect(try await next(&events).contains("unpriced"))
    }

    @Test func `a client that has missed nothing gets no initial state`() async throws {
        store.prepare { $0.revision = 9 }
        var events = try await feed("", lastEvent: "1795348710000-9").makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        #expect(try await next(&events).hasPrefix("event: pipeline"))
        store.prepare { state in
            state.revision = 10
            state.summary = { period in
                var summary = UsageSummary(period: period)
                summary.totals.calls = 1
                return summary
            }
        }
        #expect(try await next(&events).hasPrefix("event: summary\nid: 1795348710000-10\n"))
        var late = try await feed("topics=summary", lastEvent: "1795348710000-9").makeAsyncIterator()
        #expect(try await next(&late).hasPrefix("retry"))
        #expect(try await next(&late).hasPrefix("event: summary"))
    }

    @Test func `a store that does not change is not asked again, however many feeds look`() async throws {
        let session = try makeSession()
        store.prepare { state in
            state.page.sessions = [session]
            state.revision = 4
        }
        var asked = 0
        for _ in 0..<8 {
            var events = try await feed("topics=summary,session").makeAsyncIterator()
            for _ in 0..<3 { _ = try await next(&events) }
            // Fifteen checks without changes.
            #expect(try await next(&events) == ": alive\n\n")
            if asked == 0 { asked = store.asked.summaries.count + store.asked.queries.count }
        }
        #expect(store.asked.summaries.count + store.asked.queries.count == asked)
        #expect(asked == 2)
    }

    @Test func `a feed sends what the clock changes`() async throws {
        let (store, clock) = (FakeStore(), Clock())
        try clock.set("2026-11-22T12:00:00.000Z")
        var session = try makeSession()
        session.lastSeenAt = clock.now
        session.isCompleted = false
        let page = [session]
        store.prepare { state in
            state.page.sessions = page
            state.revision = 4
        }
        let feed = try await Self.feed(of: "session", from: store, clock)
        var events = feed.makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        #expect(try await next(&events).contains(#""status":"active""#))
        try clock.set("2026-11-22T12:01:30.000Z")
        #expect(try await next(&events).contains(#""status":"idle""#))
        try clock.set("2026-11-22T12:30:00.000Z")
        #expect(try await next(&events).contains(#""status":"stale""#))
        #expect(store.asked.queries.count == 1)
    }

    @Test func `an alert is a notice once, again when it gets worse, and again after its end`() async throws {
        let level = Mutex<Int?>(50)
        let clock = Clock()
        let conditions: @Sendable (Timestamp) async -> [AlertCondition] = { _ in
            level.withLock { level in
                let open = level.map {
                    AlertCondition(rule: .budget, key: "budget/b", level: $0, title: "b: \($0) %", detail: "d")
                }
                let unpriced = AlertCondition(rule: .unpriced, key: "unpriced/m", level: 1, title: "m", detail: "d")
                return (open.map { [$0] } ?? []) + [unpriced]
            }
        }
        let feed = try await Self.feed(of: "notice", from: store, clock, alerts: conditions)
        var events = feed.makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        // A model without a price has a notice of its own.
        let first = #"{"level":"warning","code":"budget","message":"b: 50 %"}"#
        #expect(try await next(&events).contains(first))
        level.withLock { $0 = 80 }
        try clock.set("2026-11-22T12:01:00.000Z")
        #expect(try await next(&events).contains("b: 80 %"))
        level.withLock { $0 = nil }
        try clock.set("2026-11-22T12:02:00.000Z")
        // Many looks without the alert.
        for _ in 0..<3 { #expect(try await next(&events) == ": alive\n\n") }
        level.withLock { $0 = 80 }
        try clock.set("2026-11-22T12:03:00.000Z")
        #expect(try await next(&events).contains("b: 80 %"))
    }

    @Test func `silence is broken now and then`() async throws {
        let slow = EventFeed(
            collector: try await feed("").collector,
            parameters: QueryParameters(target: ""),
            topics: [],
            resumed: nil,
            place: try await feed("").place,
            tick: .milliseconds(1),
            question: "",
            readings: FeedReadings()
        )
        var events = slow.makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        #expect(try await next(&events) == ": alive\n\n")
    }

    @Test func `feeds end with the hub`() async throws {
        var events = try await feed("topics=summary").makeAsyncIterator()
        #expect(try await next(&events).hasPrefix("retry"))
        #expect(try await next(&events).hasPrefix("event: summary"))
        feeds.close()
        #expect(try await events.next() == nil)
        await #expect(throws: APIError.self) { try await feed("") }
    }

    @Test func `a feed ends when it is cancelled`() async throws {
        let feed = try await feed("topics=summary")
        let seen = Count()
        let reading = Task {
            for try await _ in feed { seen.number.add(1, ordering: .relaxed) }
        }
        // Both events that come without news; then the feed waits.
        try await waitUntil { seen.number.load(ordering: .relaxed) >= 2 }
        reading.cancel()
        try await reading.value
    }

    private final class Count: Sendable {
        let number = Atomic(0)
    }

    @Test func `there are only so many feeds`() async throws {
        var open: [EventFeed] = []
        for _ in 0..<EventFeeds.most { open.append(try await feed("")) }
        await #expect(throws: APIError.self) { try await feed("") }
        open.removeLast()
        open.append(try await feed(""))
        #expect(open.count == EventFeeds.most)
    }

    @Test(arguments: ["topics=summary,weather", "period=soon", "series=day"])
    func `an invalid stream request is refused before it begins`(query: String) async throws {
        await #expect(throws: APIError.self) { try await feed(query) }
    }
}
