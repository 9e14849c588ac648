// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Synchronization
import Usage

/// The readings of the store that feeds share: each query is read once for all of them.
///
/// Safe to use from many tasks at once.
final class FeedReadings: Sendable {
    let summaries: SharedReadings<Summary>
    let sessions: SharedReadings<[Session]>
    let unpriced: SharedReadings<[UnpricedModel]>
    let alerts: SharedReadings<[AlertCondition]>

    /// - Parameter pause: A reading is reused for this many times the duration of reading it.
    init(pause: Int = 20) {
        (summaries, sessions) = (SharedReadings(pause: pause), SharedReadings(pause: pause))
        (unpriced, alerts) = (SharedReadings(pause: pause), SharedReadings(pause: pause))
    }

    /// The document of a period, and its values that depend on the clock.
    struct Summary: Sendable {
        let document: [UInt8]
        let hash: Int
        let activeSessions: Int64
        /// The end of the last day.
        let end: Timestamp

        /// Reads a document; nil when the store does not answer.
        init?(_ usage: UsageAPI, _ parameters: QueryParameters) async {
            guard
                var question = try? SummaryQuestion(parameters, timezone: usage.config.timezone, now: usage.now())
            else { return nil }
            (question.query.listsSessions, question.hasSessions) = (false, false)
            guard let summary = try? await usage.summary(question),
                let bytes = try? OrderedJSONEncoder.bytes(of: summary)
            else { return nil }
            (document, hash) = (bytes, bytes.hashValue)
            (activeSessions, end) = (summary.activeSessions, question.query.period.end)
        }
    }
}

/// Shared readings of one kind by query.
///
/// A reading is reused until the store has changed, and long enough that reading takes less than a twentieth of the time: a large store
/// that changes every second is not read every second.
final class SharedReadings<Value: Sendable>: Sendable {
    private struct Entry {
        var revision: Int64
        var slot: Int64
        /// Until when it is reused although the store has changed.
        var end: ContinuousClock.Instant
        var reading: Task<Value?, Never>
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// How many queries are remembered: more than there are feeds.
    private static var most: Int { 128 }
    private let pause: Int

    init(pause: Int) {
        self.pause = pause
    }

    /// A reading for a query, of at least the given revision of the store.
    ///
    /// - Parameters:
    ///   - revision: The latest revision of the store.
    ///   - slot: Changes when the clock alone makes the reading outdated.
    ///   - tick: How often feeds check.
    ///   - read: Queries the store; returns nil when it does not answer.
    func value(
        of question: String,
        at revision: Int64,
        slot: Int64,
        tick: Duration,
        _ read: @escaping @Sendable () async -> Value?
    ) async -> (value: Value, revision: Int64)? {
        let entry = entries.withLock { entries -> Entry in
            let now = ContinuousClock.now
            if let known = entries[question],
                known.end > now || (known.revision == revision && known.slot == slot)
            {
                return known
            }
            if entries.count >= Self.most { entries.removeAll() }
            let reading = Task {
                let value = await read()
                self.finish(question, revision, begun: now, tick: tick)
                return value
            }
            let entry = Entry(revision: revision, slot: slot, end: now + tick, reading: reading)
            entries[question] = entry
            return entry
        }
        return await entry.reading.value.map { ($0, entry.revision) }
    }

    private func finish(_ question: String, _ revision: Int64, begun: ContinuousClock.Instant, tick: Duration) {
        let end = begun + max(tick, (ContinuousClock.now - begun) * pause)
        entries.withLock { entries in
            if entries[question]?.revision == revision { entries[question]?.end = end }
        }
    }
}
