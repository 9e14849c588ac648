// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

/// The instant before which a store has removed everything, and what it takes in afterwards.
///
/// What was compacted must not come back when it is sent again. A store could remember the ids of all that it removed; that memory
/// would grow for ever, or forget and let calls return. Instead it refuses by age: one instant is all it keeps, and the answer is
/// exact. Observations that are older than the border, by less than the time for which the ledger looks back for a trace, are still
/// taken in as calls that do not count, so that a late observation of a call at the border finds it. A call is forgotten only when
/// all its observations are older than that; so every repeat of a forgotten call is refused, and every other repeat finds the call.
///
/// A store keeps ``instant`` with its data and uses this type for every decision, so that all stores answer alike. A value; safe to use
/// from any thread.
public struct CompactionBorder: Sendable, Hashable {
    /// A whole quarter of an hour, the step of a store's sums; zero for a store that was never compacted.
    public let instant: Timestamp

    /// A store that was never compacted.
    public static let none = CompactionBorder(before: Timestamp(nanoseconds: 0))

    /// One quarter of an hour in nanoseconds.
    private static let quarter: Int64 = 900_000_000_000

    /// The border of a compaction, rounded down to a quarter of an hour; instants before 1970 remove nothing.
    public init(before instant: Timestamp) {
        self.instant = Timestamp(nanoseconds: max(0, instant.nanoseconds) / Self.quarter * Self.quarter)
    }

    /// The border after one more compaction: what one compaction removed stays removed after another.
    ///
    /// - Parameters:
    ///   - border: That of the compaction.
    ///   - now: The present; a border after it is one of a wrong clock and is given up.
    public func after(_ border: CompactionBorder, now: Timestamp) -> CompactionBorder {
        instant <= now && border.instant < instant ? self : border
    }

    /// Whether a call that ended then does not count.
    public func isExpired(_ time: Timestamp) -> Bool { time < instant }

    /// Whether nothing of a call needs to be kept: each repeat of it would be refused.
    public func isForgotten(_ observations: [Observation]) -> Bool {
        let horizon = horizon
        return observations.indices.allSatisfy { observations[$0].time < horizon }
    }

    /// Observations that are older are refused.
    public var horizon: Timestamp {
        Timestamp(nanoseconds: max(0, instant.nanoseconds - Ledger.traceWindow))
    }

    /// The border as it is for batches that arrive now.
    ///
    /// A border in the future is one of a wrong clock; refusing everything until then would lose what is new.
    public func applying(to batches: [Batch]) -> CompactionBorder {
        guard instant.nanoseconds > 0 else { return self }
        let latest = batches.map(\.receivedAt).max() ?? instant
        return instant <= latest ? self : .none
    }

    /// Removes from batches what the store would have compacted: records and sessions before the border, and observations of which
    /// nothing is remembered.
    ///
    /// - Returns: The batches, and how many records were removed.
    public func admit(_ batches: [Batch]) -> (batches: [Batch], refused: Int) {
        guard instant.nanoseconds > 0 else { return (batches, 0) }
        var (admitted, refused) = (batches, 0)
        let horizon = horizon
        for position in batches.indices {
            let observations = batches[position].observations
            if observations.indices.contains(where: { observations[$0].time < horizon }) {
                admitted[position].observations.removeAll { $0.time < horizon }
            }
            refused += admitted[position].dropRecords(before: instant)
            admitted[position].dropSessions(before: instant)
        }
        return (admitted, refused)
    }

    /// The part of a change that reports may show.
    public func visible(_ change: LedgerChange) -> LedgerChange {
        guard instant.nanoseconds > 0, change.entries.contains(where: { isExpired($0.call.time) }) else {
            return change
        }
        var change = change
        change.entries.removeAll { isExpired($0.call.time) }
        return change
    }
}

extension Batch {
    /// Drops records that ended before an instant (``time(ofRecord:)``).
    ///
    /// - Returns: How many.
    @discardableResult public mutating func dropRecords(before instant: Timestamp) -> Int {
        var dropped = 0
        for record in otlp.records.indices where otlp.isLive(record: record) && time(ofRecord: record) < instant {
            otlp.overlay.drop(record: record)
            dropped += 1
        }
        return dropped
    }

    /// Drops sessions last seen before an instant; the times of a session include those of its records in the batch.
    public mutating func dropSessions(before instant: Timestamp) { sessions.removeAll { $0.lastSeen < instant } }
}
