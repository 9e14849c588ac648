// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// The server-sent events for one client: first how everything stands, then, topic by topic, what has changed.
struct EventFeed: AsyncSequence, Sendable {
    typealias Element = [UInt8]

    let collector: CollectorAPI
    /// Those of `summary`; days follow the clock, so they are read anew each time.
    let parameters: QueryParameters
    let topics: [EventFeeds.Topic]
    /// The last event that the client has seen of an earlier feed.
    let resumed: String?
    let place: EventFeeds.Place
    let tick: Duration

    func makeAsyncIterator() -> Iterator { Iterator(feed: self) }

    /// Goes from event to event.
    struct Iterator: AsyncIteratorProtocol {
        let feed: EventFeed
        private var news = FeedNews()
        private var waiting: [[UInt8]] = []
        private var hasBegun = false
        private var quiet = 0
        private var looks = 0

        /// After how many looks without news, one a second, a sign of life is sent.
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
                // Cancelled: the client is gone, or the listener drains.
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

/// What a client has been told, so that it is told only what is new.
struct FeedNews {
    private var revision: Int64 = -1
    private var summary: UInt64 = 0
    private var pipelines: UInt64 = 0
    private var sessions: [String: UInt64] = [:]
    private var notices: Set<String> = []

    /// How many sessions are watched, and how many of them are told at first.
    private static let watched = 100
    private static let first = 20

    /// Looks for news and returns them as events.
    ///
    /// - Parameter number: How many looks there were before; what depends on the clock is looked at less often.
    mutating func look(_ feed: EventFeed, number: Int) async -> [[UInt8]] {
        let collector = feed.collector
        let newest = (try? await collector.usage.openStore().revision()) ?? revision
        let id = "\((collector.status().startedAt?.milliseconds ?? 0))-\(newest)"
        // A client that comes back and has missed nothing keeps what it has.
        let isUpToDate = number == 0 && feed.resumed == id
        let isChanged = newest != revision
        var events: [[UInt8]] = []
        for topic in feed.topics {
            var document: JSONValue?
            switch topic {
            case .summary where isChanged || number % 10 == 0: document = await summary(feed)
            case .session where isChanged || number % 5 == 0: document = await sessions(feed, isFirst: number == 0)
            case .pipeline: document = pipelines(collector)
            case .notice where isChanged || number % 5 == 0:
                let found = await notices(collector)
                if !isUpToDate { events += found.map { Self.event(.notice, $0, id) } }
            default: break
            }
            if let document, !isUpToDate || topic == .pipeline { events.append(Self.event(topic, document, id)) }
        }
        revision = newest
        return events
    }

    private static func event(_ topic: EventFeeds.Topic, _ document: JSONValue, _ id: String) -> [UInt8] {
        Array("event: \(topic.rawValue)\nid: \(id)\ndata: ".utf8) + document.bytes + Array("\n\n".utf8)
    }

    private static func hash(_ document: JSONValue) -> UInt64 {
        var hash = StableHash(domain: "feed")
        hash.combine(bytes: document.bytes.span.bytes)
        return hash.value
    }

    // MARK: - Topics

    private mutating func summary(_ feed: EventFeed) async -> JSONValue? {
        let usage = feed.collector.usage
        guard
            var question = try? SummaryQuestion(feed.parameters, timezone: usage.config.timezone, now: usage.now())
        else { return nil }
        (question.query.listsSessions, question.hasSessions) = (false, false)
        guard let document = try? await usage.summary(question) else { return nil }
        let hash = Self.hash(document)
        defer { summary = hash }
        return hash == summary ? nil : document
    }

    /// The sessions among the newest that are not as they were told.
    private mutating func sessions(_ feed: EventFeed, isFirst: Bool) async -> JSONValue? {
        let usage = feed.collector.usage
        var query = SessionQuery(now: usage.now())
        query.limit = Self.watched
        query.filter = (try? feed.parameters.filter()) ?? query.filter
        guard let page = try? await usage.openStore().sessions(query) else { return nil }
        var (known, changed): ([String: UInt64], [JSONValue]) = ([:], [])
        for session in page.sessions {
            let document = TelemetryJSON.session(session, now: query.now)
            let hash = Self.hash(document)
            known[session.id] = hash
            if sessions[session.id] != hash { changed.append(document) }
        }
        sessions = known
        if isFirst { return ["sessions": .array(Array(changed.prefix(Self.first)))] }
        return changed.isEmpty ? nil : ["sessions": .array(changed)]
    }

    private mutating func pipelines(_ collector: CollectorAPI) -> JSONValue? {
        let status = collector.status()
        // Ages grow by themselves; they are no news.
        var unmoved = status
        unmoved.uptimeSeconds = 0
        let still = TelemetryJSON.pipelines(unmoved, version: collector.version, now: Timestamp(nanoseconds: 0))
        let hash = Self.hash(still)
        defer { pipelines = hash }
        return hash == pipelines
            ? nil : TelemetryJSON.pipelines(status, version: collector.version, now: collector.usage.now())
    }

    private mutating func notices(_ collector: CollectorAPI) async -> [JSONValue] {
        var present: [(key: String, document: JSONValue)] = []
        for model in (try? await collector.usage.openStore().unpricedModels()) ?? [] {
            let name = TelemetryJSON.name(model.model)
            let message = "calls of the model \(name) have no price; name one under pricing.overrides"
            present.append(("unpriced \(name)", Self.notice("warning", "unpriced", message)))
        }
        for component in collector.status().components {
            guard case .degraded(let reason) = component.state else { continue }
            let name = "\(component.kind.singular) \(component.id)"
            present.append(("degraded \(name) \(reason)", Self.notice("warning", "degraded", "\(name): \(reason)")))
        }
        let told = notices
        // What has passed may come again and is told then.
        notices = Set(present.map(\.key))
        return present.filter { !told.contains($0.key) }.prefix(Self.first).map(\.document)
    }

    private static func notice(_ level: String, _ code: String, _ message: String) -> JSONValue {
        ["level": .string(level), "code": .string(code), "message": .string(message)]
    }
}
