// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Synchronization
import Usage

/// Limits the number of event feeds, and ends them with the hub.
///
/// A feed creates an event when its client has received the previous one, so that a slow client holds the memory of only one event. The
/// listener ends feeds by cancelling them when it drains; ``close()`` ends them when only the hub stops.
final class EventFeeds: Sendable {
    private let collector: CollectorAPI
    private let tick: Duration
    private let readings: FeedReadings
    private let state = Mutex(State())

    private struct State {
        var isOpen = false
        var count = 0
    }

    /// The largest number of feeds at once.
    static let most = 64

    /// - Parameters:
    ///   - tick: How often a feed checks for changes.
    ///   - readings: The readings of the store that feeds share.
    init(_ collector: CollectorAPI, tick: Duration = .seconds(1), readings: FeedReadings = FeedReadings()) {
        self.readings = readings
        self.collector = collector
        self.tick = tick
    }

    /// Allows feeds to start.
    func open() { state.withLock { $0.isOpen = true } }

    /// Ends all feeds at their next check.
    func close() { state.withLock { $0.isOpen = false } }

    /// Whether feeds may continue.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Starts a feed.
    @Sendable func stream(_ request: ServerRequest) async throws -> ServerResponse {
        let parameters = QueryParameters(request)
        let topics = try Topic.list(parameters["topics"])
        // Invalid parameters are reported before the feed begins.
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
        // Reverse proxies buffer answers unless this field forbids it.
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

    /// A reserved place of a feed, released when it is deallocated.
    final class Place: Sendable {
        private let feeds: EventFeeds

        init(_ feeds: EventFeeds) { self.feeds = feeds }

        deinit { feeds.state.withLock { $0.count -= 1 } }

        /// Whether the feed may continue.
        var isOpen: Bool { feeds.isOpen }
    }

    /// The topics of a feed.
    enum Topic: String, CaseIterable {
        case summary, session, pipeline, notice

        /// Parses a list; without one, all topics.
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
