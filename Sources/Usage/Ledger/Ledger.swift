// SPDX-License-Identifier: Apache-2.0

/// The rules by which observations become calls, so that one call counts once whatever ways it arrives.
///
/// Observations are joined in steps, each a pure function of the whole set of observations, so that the order and the number of
/// deliveries never matter. `Usage.docc` has the rules with the report or recording that taught each.
///
/// 1. *Ids that decide* (``CallGrouping``): a request id or an answer, then a response id. Sets that hold different ids of one of these kinds are
///    different calls. A weaker key (a message id repeated under other request ids, a place in a rollout's history) joins only where
///    one side lacks the stronger. A side chain's copy joins its original whatever request id it was given.
/// 2. *Resemblance* (``ResemblanceRule``): observations without a common kind of id are paired when agent, session and size of the
///    prompt are equal and the time is near, or when two libraries of one process report equal figures and one interval lies inside
///    the other; nearest first, never two observations of one reporter, and none in an overfull cell
///    (``MatchBucket/capacity``). Across the border of two cells it is narrower (``BucketBoundary``).
/// 3. *Roll-ups* (``SpanFamily``): a span whose descendant reports usage, too, repeats it; a call known from roll-ups alone is not
///    counted. A span of the same scope and name as the descendant, with figures of its own, is a call.
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
        let incoming = try IncomingObservations(deliveries, index: index)
        var change = LedgerChange()
        if !incoming.related.isEmpty {
            var set = LedgerWorkingSet(index: index)
            for position in incoming.related { try set.take(incoming.observation(position)) }
            if set.hasChanges {
                try set.markRollUps()
                try set.close()
                change = set.change()
            }
        }
        change.entries.reserveCapacity(change.entries.count + incoming.unmatched.count)
        for position in incoming.unmatched {
            change.entries.append(LedgerEntry(observation: incoming.observation(position)))
        }
        return change
    }

    /// Finds what `deliveries` and calls of another store change in a store.
    ///
    /// A call of another store of which nothing is known stays as it is: that store had reasons for it which it may have forgotten, such as
    /// observations that compaction removed. Of one that is known in part only the observations count, as if they had just come.
    /// - Parameter copied: The calls; no observation of theirs may be among the deliveries.
    public static func absorb(
        _ deliveries: [[Observation]],
        adopting copied: [LedgerEntry],
        into index: some LedgerIndex
    ) throws -> LedgerChange {
        guard !copied.isEmpty else { return try absorb(deliveries, into: index) }
        let links = copied.map { $0.observations.map { LedgerTraits($0).identifyingLink } }
        let held = try index.held(among: links.flatMap(\.self))
        var (unknown, known): ([LedgerEntry], [Observation]) = ([], [])
        for (entry, links) in zip(copied, links) {
            var found: [Int64: LedgerEntry] = [:]
            for (observation, link) in zip(entry.observations, links) where held.contains(link) {
                for other in try index.entries(linkedBy: link, limit: .max)
                where other.observations.contains(where: { $0.id == observation.id }) { found[other.ref] = other }
            }
            if found.isEmpty {
                unknown.append(entry)
            } else if found.count > 1 || found.values.first.map({ Set($0.observations) }) != Set(entry.observations) {
                known += entry.observations
            }
        }
        var change = try absorb(known.isEmpty ? deliveries : deliveries + [known], into: index)
        for var entry in unknown {
            entry.ref = 0
            change.entries.append(entry)
        }
        return change
    }

    /// Finds what one delivery changes in a store.
    public static func absorb(_ incoming: [Observation], into index: some LedgerIndex) throws -> LedgerChange {
        try absorb([incoming], into: index)
    }

    /// Whether two observations may report one call although they share no id.
    ///
    /// - Parameter isBorderClear: Whether nothing else is at the border between the cells of the two, if there is one.
    public static func resemble(
        _ left: Observation,
        _ right: Observation,
        by rule: ResemblanceRule,
        isBorderClear: Bool = false
    ) -> Bool {
        let key = rule.key(of: left)
        guard key != 0, key == rule.key(of: right), left.keys.kinds & right.keys.kinds == 0,
            left.emitter != right.emitter
        else { return false }
        let isAcross = left.time.nanoseconds / MatchBucket.width != right.time.nanoseconds / MatchBucket.width
        let reach = isBorderClear ? MatchBucket.clearReach : MatchBucket.reachAcross
        guard !isAcross || distance(left, right) <= reach else { return false }
        switch rule {
        case .blockingKey:
            if let mine = left.model, let theirs = right.model, !ModelName.areOne(mine, theirs) { return false }
            return distance(left, right) <= Int64(max(0, min(left.weakWindow, right.weakWindow))) * 1_000_000_000
        case .interval:
            return isInside(left, right) || isInside(right, left)
        }
    }

    /// How far in nanoseconds an interval may reach beyond the one around it.
    ///
    /// Two libraries read the clock one after the other: measured on 63 recorded clients.
    static let intervalSlack: Int64 = 5_000_000

    /// Whether the interval of one span lies in that of another.
    private static func isInside(_ inner: Observation, _ outer: Observation) -> Bool {
        guard let innerLength = inner.duration, let outerLength = outer.duration else { return false }
        let (innerStart, innerFails) = inner.time.nanoseconds.subtractingReportingOverflow(innerLength)
        let (outerStart, outerFails) = outer.time.nanoseconds.subtractingReportingOverflow(outerLength)
        guard !innerFails, !outerFails else { return false }
        return lead(innerStart, before: outerStart) <= intervalSlack
            && lead(outer.time.nanoseconds, before: inner.time.nanoseconds) <= intervalSlack
    }

    /// How far an instant lies before another; a huge distance is as good as none that could be counted.
    private static func lead(_ instant: Int64, before other: Int64) -> Int64 {
        let (lead, fails) = other.subtractingReportingOverflow(instant)
        return fails ? (other > instant ? .max : .min) : lead
    }

    /// Whether a span and another observation are near enough in time to belong to one trace.
    public static func isNear(_ left: Timestamp, _ right: Timestamp) -> Bool {
        abs(left.nanoseconds - right.nanoseconds) <= traceWindow
    }

    static func distance(_ left: Observation, _ right: Observation) -> Int64 {
        abs(left.time.nanoseconds - right.time.nanoseconds)
    }

    /// How far apart two observations start and end, together; where a start is not known, twice the distance of the ends.
    static func distanceOfIntervals(_ left: Observation, _ right: Observation) -> Int64 {
        let ends = distance(left, right)
        guard let mine = left.duration, let theirs = right.duration else { return sum(ends, ends) }
        let (leftStart, leftFails) = left.time.nanoseconds.subtractingReportingOverflow(mine)
        let (rightStart, rightFails) = right.time.nanoseconds.subtractingReportingOverflow(theirs)
        let (starts, fails) = leftStart.subtractingReportingOverflow(rightStart)
        return leftFails || rightFails || fails ? .max : sum(ends, Int64(clamping: starts.magnitude))
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, fails) = left.addingReportingOverflow(right)
        return fails ? .max : sum
    }
}
