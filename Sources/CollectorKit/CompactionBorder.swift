// SPDX-License-Identifier: Apache-2.0

public import Usage

/// The time before which a store has removed everything, and the rules for what it accepts afterwards.
///
/// What was compacted must not return when it is sent again. A store could remember the ids of everything it removed, but that memory
/// would grow without limit, or forget and let calls return. Instead it refuses by age: one time is all it keeps, and the result is
/// exact. Observations that are older than the border, by less than the time for which the ledger looks back for a trace, are still
/// accepted as calls that do not count, so that a late observation of a call at the border finds it. A call is forgotten only when
/// all its observations are older than that; so every repetition of a forgotten call is refused, and any other finds the call.
///
/// A store keeps ``instant`` with its data and uses this type for every decision, so that all stores behave alike. A value; safe to use
/// from any thread.
public struct CompactionBorder: Sendable, Hashable {
    /// A multiple of a quarter of an hour, the step of a store's sums; zero for a store that was never compacted.
    public let instant: Timestamp

    /// The border of a store that was never compacted.
    public static let none = CompactionBorder(before: Timestamp(nanoseconds: 0))

    /// One quarter of an hour in nanoseconds.
    private static let quarter: Int64 = 900_000_000_000

    /// The border of a compaction, rounded down to a quarter of an hour; times before 1970 remove nothing.
    public init(before instant: Timestamp) {
        self.instant = Timestamp(nanoseconds: max(0, instant.nanoseconds) / Self.quarter * Self.quarter)
    }

    /// The border after another compaction: what an earlier one removed stays removed.
    ///
    /// - Parameters:
    ///   - border: The border of the compaction.
    ///   - now: The present time; a border after it comes from a wrong clock and is discarded.
    public func after(_ border: CompactionBorder, now: Timestamp) -> CompactionBorder {
        instant <= now && border.instant < instant ? self : border
    }

    /// Whether a call that ended at this time does not count.
    public func isExpired(_ time: Timestamp) -> Bool { time < instant }

    /// Whether nothing of a call needs to be kept, because each repetition of it would be refused.
    public func isForgotten(_ observations: [Observation]) -> Bool {
        let horizon = horizon
        return observations.indices.allSatisfy { observations[$0].time < horizon }
    }

    /// Older observations are refused.
    public var horizon: Timestamp {
        Timestamp(nanoseconds: max(0, instant.nanoseconds - Ledger.traceWindow))
    }

    /// The border for batches that arrive now.
    ///
    /// A border in the future comes from a wrong clock; refusing everything until then would lose new data.
    public func applying(to batches: [Batch]) -> CompactionBorder {
        guard instant.nanoseconds > 0 else { return self }
        let latest = batches.map(\.receivedAt).max() ?? instant
        return instant <= latest ? self : .none
    }

    /// Removes from batches what the store would have compacted: records and sessions before the border, and observations of forgotten
    /// calls.
    ///
    /// - Returns: The batches, and the number of removed records.
    public func admit(_ batches: [Batch]) -> (batches: [Batch], refused: Int) {
        guard instant.nanoseconds > 0 else { return (batches, 0) }
        var (admitted, refused) = (batches, 0)
        let horizon = horizon
        for position in batches.indices {
            let observations = batches[position].observations
            if observations.indices.contains(where: { observations[$0].time < horizon }) {
                admitted[position].observations.removeAll { $0.time < horizon }
            }
            admitted[position].copiedCalls.removeAll { isForgotten($0.observations) }
            refused += admitted[position].dropRecords(before: instant)
            admitted[position].dropSessions(before: instant)
        }
        return (admitted, refused)
    }

    /// The part of a change that reports may contain.
    public func visible(_ change: LedgerChange) -> LedgerChange {
        guard instant.nanoseconds > 0, change.entries.contains(where: { isExpired($0.call.time) }) else {
            return change
        }
        var change = change
        change.entries.removeAll { isExpired($0.call.time) }
        return change
    }
}

extension ComponentSettings {
    /// Counts records that a store refused for their age, and has `doctor` and data quality report them: their sender got a success.
    public func note(expired records: Int) {
        guard records > 0 else { return }
        counters.add(records, to: .dropped)
        let reason = "they are older than what compaction has removed"
        intake.note(.expired, id.description, reason: reason, count: records, logger: logger)
    }
}
