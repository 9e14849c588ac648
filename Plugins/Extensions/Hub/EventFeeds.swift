// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Synchronization
import Usage

/// The feeds of server-sent events: how many there are, and that they end with the hub.
///
/// A feed makes an event when its client has taken the one before it, so a client holds no memory but that of one event, however slow it
/// is. The listener ends feeds by cancelling them when it drains; ``close()`` ends them when only the hub stops.
final class EventFeeds: Sendable {
    private let collector: CollectorAPI
    private let tick: Duration
    private let readings: FeedReadings
    private let state = Mutex(State())

    private struct State {
        var isOpen = false
        var count = 0
    }

    /// How many feeds there may be at once.
    static let most = 64

    /// - Parameters:
    ///   - tick: How often a feed looks for news.
    ///   - readings: What feeds have read of the store.
    init(_ collector: CollectorAPI, tick: Duration = .seconds(1), readings: FeedReadings = FeedReadings()) {
        self.readings = readings
        self.collector = collector
        self.tick = tick
    }

    /// Lets feeds begin.
    func open() { state.withLock { $0.isOpen = true } }

    /// Ends all feeds at their next look.
    func close() { state.withLock { $0.isOpen = false } }

    /// Whether feeds may go on.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Answers with a feed.
    @Sendable func stream(_ request: ServerRequest) async throws -> ServerResponse {
        let parameters = QueryParameters(request)
        let topics = try Topic.list(parameters["topics"])
        // What is wrong with the parameters is told before the feed begins.
        _ = try SummaryQuestion(parameters, timezone: collector.usage.config.timezone, now: collector.usage.now())
        guard let place = takePlace() else {
            throw APIError(.serviceUnavailable, "there are \(Self.most) streams already, or the collector is stopping")
        }
        let feed = EventFeed(
            collector: collector,
            parameters: parameters,
            topics: topics,
            resumed: HTTPField.Name("Last-Event-ID").flatMap { request.head.headerFields[$0] },
            place: place,
            tick: tick,
            question: request.head.path ?? "",
            readings: readings
        )
        var fields: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"]
        // Reverse proxies hold answers back unless they are told.
        if let buffering = HTTPField.Name("X-Accel-Buffering") { fields[buffering] = "no" }
        return ServerResponse(.ok, fields, body: .stream(feed))
    }

    private func takePlace() -> Place? {
        let isTaken = state.withLock { state in
            guard state.isOpen, state.count < Self.most else { return false }
            state.count += 1
            return true
        }
        return isTaken ? Place(self) : nil
    }

    /// One of the places that feeds have; free again when nobody holds it any more.
    final class Place: Sendable {
        private let feeds: EventFeeds

        init(_ feeds: EventFeeds) { self.feeds = feeds }

        deinit { feeds.state.withLock { $0.count -= 1 } }

        /// Whether the feed may go on.
        var isOpen: Bool { feeds.isOpen }
    }

    /// What a feed tells of.
    enum Topic: String, CaseIterable {
        case summary, session, pipeline, notice

        /// Reads a list; all of them without one.
        static func list(_ text: String?) throws(APIError) -> [Topic] {
            guard let text else { return allCases }
            var topics: [Topic] = []
            for word in text.split(separator: ",") {
                guard let topic = Topic(rawValue: String(word)) else {
                    throw .invalid("topics must be a list of \(allCases.map(\.rawValue).joined(separator: ","))")
                }
                if !topics.contains(topic) { topics.append(topic) }
            }
            return topics
        }
    }
}
