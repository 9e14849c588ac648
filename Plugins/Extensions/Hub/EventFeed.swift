// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubAPI
import JSON
import Usage

/// The server-sent events for one client: first the present state, then the changes of each topic.
struct EventFeed: AsyncSequence, Sendable {
    typealias Element = [UInt8]

    let collector: CollectorAPI
    /// The parameters of `summary`; the period depends on the clock, so they are evaluated each time.
    let parameters: QueryParameters
    let topics: [EventFeeds.Topic]
    /// The id of the last event that the client received from an earlier feed.
    let resumed: String?
    let place: EventFeeds.Place
    let tick: Duration
    /// The path with its query: feeds with the same one share their readings.
    let question: String
    let readings: FeedReadings

    func makeAsyncIterator() -> Iterator { Iterator(feed: self) }

    /// Produces the events.
    struct Iterator: AsyncIteratorProtocol {
        let feed: EventFeed
        private var news = FeedNews()
        private var waiting: [[UInt8]] = []
        private var hasBegun = false
        private var quiet = 0
        private var looks = 0

        /// After this many checks without changes, one a second, a comment is sent to keep the connection alive.
        private static let silence = 15

        init(feed: EventFeed) {
            self.feed = feed
        }

        mutating func next() async throws -> [UInt8]? {
            if !hasBegun {
                hasBegun = true
                waiting = [Array("retry: 2000\n\n".utf8)]
                waiting += await news.look(feed, number: 0)
            }
            while waiting.isEmpty {
                // Cancelled: the client has disconnected, or the listener drains.
                guard feed.place.isOpen, (try? await Task.sleep(for: feed.tick)) != nil, feed.place.isOpen else {
                    return nil
                }
                looks += 1
                quiet += 1
                waiting = await news.look(feed, number: looks)
                if waiting.isEmpty, quiet >= Self.silence { waiting = [Array(": alive\n\n".utf8)] }
            }
            quiet = 0
            return waiting.removeFirst()
        }
    }
}

/// The state that a client has received, so that only changes are sent.
///
/// The store is queried only after its revision has changed, and by one feed for all with the same query (``FeedReadings``); changes
/// caused by the clock alone are computed from the last reading.
struct FeedNews {
    private var summary: (revision: Int64, hash: Int, reading: FeedReadings.Summary?) = (-1, 0, nil)
    private var sessions = Sessions()
    /// The sent collector status, without values that grow with the clock.
    private var pipelines: PipelinesDocument?
    private var unpriced: (revision: Int64, models: [UnpricedModel]) = (-1, [])
    private var notices: Set<String> = []
    private var alerts: [AlertCondition] = []

    private struct Sessions {
        var revision: Int64 = -1
        var hashes: [String: Int] = [:]
        /// The sessions of the last reading, with the states that were sent.
        var listed: [(session: Session, status: Session.Status)] = []
    }

    /// How many sessions are watched and sent at first.
    static let watched = 100
    private static let first = 20

    /// Checks for changes and returns them as events.
    ///
    /// - Parameter number: The number of earlier checks; values that depend on the clock are checked less often.
    mutating func look(_ feed: EventFeed, number: Int) async -> [[UInt8]] {
        let collector = feed.collector
        let newest = (try? await collector.usage.openStore().revision()) ?? summary.revision
        let start = collector.status().startedAt?.milliseconds ?? 0
        // A client that reconnects without having missed an event needs no initial state.
        let isUpToDate = number == 0 && feed.resumed == "\(start)-\(newest)"
        var events: [[UInt8]] = []
        func append(_ topic: EventFeeds.Topic, _ document: [UInt8]?, _ revision: Int64) {
            guard let document, !isUpToDate || topic == .pipeline else { return }
            events.append(Self.event(topic, document, "\(start)-\(revision)"))
        }
        func append(_ topic: EventFeeds.Topic, _ document: some Encodable, _ revision: Int64) {
            append(topic, try? OrderedJSONEncoder.bytes(of: document), revision)
        }
        for topic in feed.topics {
            switch topic {
            case .summary:
                let document = await readSummary(feed, newest, isDue: number % 10 == 0)
                append(.summary, document, summary.revision)
            case .session:
                let documents = await readSessions(feed, newest, isDue: number % 5 == 0)
                let sent = number == 0 ? Array(documents.prefix(Self.first)) : documents
                if number == 0 || !sent.isEmpty {
                    append(.session, SessionEventDocument(sessions: sent), sessions.revision)
                }
            case .pipeline:
                if let document = pipelines(collector) { append(.pipeline, document, newest) }
            case .notice:
                for document in await readNotices(feed, newest, isDue: number % 5 == 0) {
                    append(.notice, document, newest)
                }
            }
        }
        return events
    }

    private static func event(_ topic: EventFeeds.Topic, _ document: [UInt8], _ id: String) -> [UInt8] {
        Array("event: \(topic.rawValue)\nid: \(id)\ndata: ".utf8) + document + Array("\n\n".utf8)
    }

    // MARK: - Topics

    private mutating func readSummary(_ feed: EventFeed, _ newest: Int64, isDue: Bool) async -> [UInt8]? {
        let usage = feed.collector.usage
        let now = usage.now()
        // While the store is unchanged, only active sessions and the period depend on the clock.
        let isClockDue = isDue && (summary.reading.map { $0.activeSessions > 0 || $0.end <= now } ?? true)
        guard summary.revision != newest || isClockDue else { return nil }
        let reading = await feed.readings.summaries.value(
            of: feed.question,
            at: newest,
            slot: now.nanoseconds / 10_000_000_000,
            tick: feed.tick
        ) { [parameters = feed.parameters] in
            await FeedReadings.Summary(usage, parameters)
        }
        guard let reading else { return nil }
        (summary.revision, summary.reading) = (reading.revision, reading.value)
        guard reading.value.hash != summary.hash else { return nil }
        summary.hash = reading.value.hash
        return reading.value.document
    }

    /// The newest sessions that differ from what was sent.
    private mutating func readSessions(_ feed: EventFeed, _ newest: Int64, isDue: Bool) async -> [SessionDocument] {
        let usage = feed.collector.usage
        let now = usage.now()
        guard sessions.revision != newest else { return isDue ? statusChanges(at: now) : [] }
        let reading = await feed.readings.sessions.value(of: feed.question, at: newest, slot: 0, tick: feed.tick) {
            [parameters = feed.parameters] () -> [Session]? in
            var query = SessionQuery(now: now)
            query.limit = Self.watched
            query.filter = (try? parameters.filter(in: usage.config.timezone, now: now)) ?? query.filter
            if parameters.namesPeriod { query.period = try? parameters.period(in: usage.config.timezone, now: now) }
            return try? await usage.openStore().sessions(query).sessions
        }
        guard let reading else { return [] }
        sessions.revision = reading.revision
        sessions.listed = reading.value.map { ($0, $0.status(at: now)) }
        var (known, changed): ([String: Int], [SessionDocument]) = ([:], [])
        for session in reading.value {
            let document = SessionDocument(session, now: now)
            let hash = document.hashValue
            known[session.id] = hash
            if sessions.hashes[session.id] != hash { changed.append(document) }
        }
        sessions.hashes = known
        return changed
    }

    /// The sessions whose state changed with the clock.
    private mutating func statusChanges(at now: Timestamp) -> [SessionDocument] {
        var changed: [SessionDocument] = []
        for place in sessions.listed.indices {
            let (session, status) = sessions.listed[place]
            let next = session.status(at: now)
            guard next != status else { continue }
            sessions.listed[place].status = next
            let document = SessionDocument(session, now: now)
            sessions.hashes[session.id] = document.hashValue
            changed.append(document)
        }
        return changed
    }

    private mutating func pipelines(_ collector: CollectorAPI) -> PipelinesDocument? {
        let status = collector.status()
        // Ages grow by themselves and are not sent as changes.
        var still = PipelinesDocument(status, version: collector.version, now: Timestamp(nanoseconds: 0))
        still.uptimeSeconds = 0
        defer { pipelines = still }
        return still == pipelines
            ? nil : PipelinesDocument(status, version: collector.version, now: collector.usage.now())
    }

    private mutating func readNotices(_ feed: EventFeed, _ newest: Int64, isDue: Bool) async -> [NoticeDocument] {
        let collector = feed.collector
        let isChanged = unpriced.revision != newest
        guard isChanged || isDue else { return [] }
        if isChanged {
            let usage = collector.usage
            let reading = await feed.readings.unpriced.value(of: "", at: newest, slot: 0, tick: feed.tick) {
                try? await usage.openStore().unpricedModels()
            }
            if let reading { unpriced = (reading.revision, reading.value) }
        }
        var present: [(key: String, document: NoticeDocument)] = []
        for model in unpriced.models {
            let name = nameInAnswers(model.model)
            let message = "calls of the model \(name) have no price; name one under pricing.overrides"
            present.append(("unpriced \(name)", NoticeDocument(level: "warning", code: "unpriced", message: message)))
        }
        let status = collector.status()
        if let trouble = status.memory.trouble {
            present.append(("degraded memory", NoticeDocument(level: "warning", code: "degraded", message: trouble)))
        }
        for component in status.components {
            guard case .degraded(let reason) = component.state else { continue }
            let name = "\(component.kind.singular) \(component.id)"
            let notice = NoticeDocument(level: "warning", code: "degraded", message: "\(name): \(reason)")
            present.append(("degraded \(name) \(reason)", notice))
        }
        for alert in await readAlerts(feed, newest, isDue: isDue) {
            // The detail is in the answer of `alerts`: several long notices would push the figures of a page out of sight.
            let notice = NoticeDocument(level: "warning", code: alert.rule.rawValue, message: alert.title)
            // Its figures change with each call; what is worse is another notice.
            present.append(("\(alert.key) \(alert.level)", notice))
        }
        let sent = notices
        // A notice that has ended may return and is then sent again.
        notices = Set(present.map(\.key))
        return present.filter { !sent.contains($0.key) }.prefix(Self.first).map(\.document)
    }

    /// The alerts that the topics above do not have: budgets, limits, anomalies and silent machines; judged at most once a minute.
    private mutating func readAlerts(_ feed: EventFeed, _ newest: Int64, isDue: Bool) async -> [AlertCondition] {
        guard isDue else { return alerts }
        let collector = feed.collector
        let now = collector.usage.now()
        // Not by the store's revision: a budget is judged once a minute for the targets of notices, too.
        let minute = now.nanoseconds / 60_000_000_000
        let reading = await feed.readings.alerts.value(of: "", at: minute, slot: minute, tick: feed.tick) {
            await collector.alerts(now)
        }
        if let reading { alerts = reading.value.filter { $0.rule != .unpriced && $0.rule != .component } }
        return alerts
    }
}
