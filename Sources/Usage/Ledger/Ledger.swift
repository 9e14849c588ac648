// SPDX-License-Identifier: Apache-2.0

/// The rules by which observations become calls, so that one call counts once whatever ways it arrives.
///
/// Observations are joined in three steps, each a pure function of the whole set of observations, so that the order and the number
/// of deliveries never matter:
///
/// 1. *Keys*: observations that share an id of the call tell of one call.
/// 2. *Resemblance*: witnesses without a common kind of id are paired when agent, session and size of the prompt are equal and the
///    time is near; nearest first, never two sightings of one witness, and nobody in a crowd (``ResemblanceCell/capacity``). Across
///    the border of two stretches of time it is narrower (``BorderZone``).
/// 3. *Roll-ups*: a span whose descendant tells usage, too, repeats it; a call known from roll-ups alone is not counted.
public enum Ledger {
    /// How far apart in nanoseconds a span and its ancestor may end.
    public static let traceWindow: Int64 = 24 * 3_600 * 1_000_000_000

    /// Finds what `deliveries` change in a store.
    ///
    /// The change is closed: applying it leaves the store as if all observations had come at once.
    /// - Parameters:
    ///   - deliveries: Observations in any order, repeats allowed.
    ///   - index: What the store holds.
    public static func absorb(_ deliveries: [[Observation]], into index: some LedgerIndex) throws -> LedgerChange {
        guard deliveries.contains(where: { !$0.isEmpty }) else { return LedgerChange() }
        let newcomers = try Newcomers(deliveries, index: index)
        var change = LedgerChange()
        if !newcomers.related.isEmpty {
            var set = LedgerWorkingSet(index: index)
            for position in newcomers.related { try set.take(newcomers.observation(position)) }
            if set.hasChanges {
                try set.markRollUps()
                try set.close()
                change = set.change()
            }
        }
        change.entries.reserveCapacity(change.entries.count + newcomers.lone.count)
        for position in newcomers.lone { change.entries.append(LedgerEntry(witness: newcomers.observation(position))) }
        return change
    }

    /// Finds what one delivery changes in a store.
    public static func absorb(_ incoming: [Observation], into index: some LedgerIndex) throws -> LedgerChange {
        try absorb([incoming], into: index)
    }

    /// Whether two observations may tell of one call although they share no id.
    ///
    /// - Parameter isBorderClear: Whether nobody else stands at the border between the cells of the two, if there is one.
    public static func resemble(_ left: Observation, _ right: Observation, isBorderClear: Bool = false) -> Bool {
        guard left.weakKey != 0, left.weakKey == right.weakKey, left.keys.kinds & right.keys.kinds == 0 else {
            return false
        }
        guard left.witness != right.witness else { return false }
        if let mine = left.model, let theirs = right.model, mine != theirs { return false }
        let isAcross = left.time.nanoseconds / ResemblanceCell.width != right.time.nanoseconds / ResemblanceCell.width
        let window = Int64(max(0, min(left.weakWindow, right.weakWindow))) * 1_000_000_000
        let reach = isBorderClear ? ResemblanceCell.clearReach : ResemblanceCell.reachAcross
        return distance(left, right) <= (isAcross ? min(window, reach) : window)
    }

    /// Whether a span and another observation are near enough in time to belong to one trace.
    public static func isNear(_ left: Timestamp, _ right: Timestamp) -> Bool {
        abs(left.nanoseconds - right.nanoseconds) <= traceWindow
    }

    static func distance(_ left: Observation, _ right: Observation) -> Int64 {
        abs(left.time.nanoseconds - right.time.nanoseconds)
    }
}
