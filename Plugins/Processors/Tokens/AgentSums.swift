// SPDX-License-Identifier: Apache-2.0

import Usage

/// Remembers the latest sums of agents' runs, and calls that they may contain although these are not spans below them.
///
/// An agent's span may be all that one library reports of a run, while another one reports the calls as log records, session files or
/// spans of another trace: OpenInference around the Claude Agent SDK has Claude Code's session and the sum of its calls. Such a sum is a
/// roll-up, whichever arrives first. Both are remembered in tables of fixed size.
struct AgentSums {
    /// A key that a call shares with the sum that contains it.
    struct Tie: Hashable {
        var key: UInt64
        /// When the call ended, to compare with the run; nil when the sum contains every call with the key.
        var time: Timestamp?

        /// Every call of a session, reported by an agent that reports all of its calls.
        static func agent(session: String) -> Tie { Tie(key: AgentSums.key(ofSession: session), time: nil) }
        /// One call of a session.
        static func call(session: String, _ time: Timestamp) -> Tie {
            Tie(key: AgentSums.key(ofSession: session), time: time)
        }
        /// One call of a trace.
        static func call(_ trace: TraceMemory.Trace, _ time: Timestamp) -> Tie { Tie(key: trace.hash, time: time) }
        /// A call of a trace with these figures, of a library that reports calls twice.
        static func figures(_ trace: TraceMemory.Trace, _ counts: TokenCounts) -> Tie {
            Tie(key: AgentSums.key(of: trace, counts), time: nil)
        }
    }

    private var kept: [UInt64: Kept] = [:]
    private var order: [UInt64] = []
    private var spans: [UInt64: [UInt64]] = [:]
    private var calls: [Calls] = []

    private struct Kept {
        var sum: Observation
        var keys: [UInt64]
        var deliveries = 0
    }

    /// The calls under one key.
    private struct Calls {
        var key: UInt64 = 0
        var isAll = false
        /// The end times of the first and the latest calls; no more are remembered.
        var times = SIMD4<Int64>(repeating: .min)
        var next = 0
    }

    private static let capacity = 512
    private static let callCapacity = 4_096
    /// A failed batch is sent again, so a sum is delivered more than once.
    private static let deliveries = 3
    /// How many nanoseconds the clocks of two libraries may differ.
    private static let slack: Int64 = 100_000_000

    // MARK: - Sums

    /// Keeps a sum for which no contained call was seen so far.
    mutating func keep(_ sum: Observation, in trace: TraceMemory.Trace) {
        let span = sum.trace.span
        forget(span)
        let keys = Self.keys(of: sum, in: trace)
        kept[span] = Kept(sum: sum, keys: keys)
        for key in keys { spans[key, default: []].append(span) }
        order.append(span)
        if order.count > Self.capacity { forget(order[0]) }
    }

    /// The sum of the span with that hash, to be delivered as a roll-up.
    mutating func take(at span: UInt64) -> Observation? {
        guard !kept.isEmpty, var found = kept[span] else { return nil }
        found.deliveries += 1
        if found.deliveries >= Self.deliveries { forget(span) } else { kept[span] = found }
        found.sum.trace.isRollUp = true
        return found.sum
    }

    /// The spans whose sum contains a call.
    func containing(_ tie: Tie) -> [UInt64] {
        guard !kept.isEmpty, let spans = spans[tie.key] else { return [] }
        guard let time = tie.time else { return spans }
        return spans.filter { kept[$0].map { Self.isWithin($0.sum, time.nanoseconds) } ?? false }
    }

    private mutating func forget(_ span: UInt64) {
        guard let gone = kept.removeValue(forKey: span) else { return }
        order.removeAll { $0 == span }
        for key in gone.keys {
            spans[key]?.removeAll { $0 == span }
            if spans[key]?.isEmpty == true { spans[key] = nil }
        }
    }

    // MARK: - Calls

    /// Records a call, for sums that arrive later.
    mutating func note(_ tie: Tie) {
        if calls.isEmpty { calls = [Calls](repeating: Calls(), count: Self.callCapacity) }
        let place = Self.place(of: tie.key)
        if calls[place].key != tie.key { calls[place] = Calls(key: tie.key) }
        guard let time = tie.time else { return calls[place].isAll = true }
        let times = calls[place].times
        guard !times.indices.contains(where: { times[$0] == time.nanoseconds }) else { return }
        calls[place].times[calls[place].next] = time.nanoseconds
        calls[place].next = calls[place].next % 3 + 1
    }

    /// Whether a call is known that a sum contains.
    func knowsCall(in sum: Observation, of trace: TraceMemory.Trace) -> Bool {
        guard !calls.isEmpty else { return false }
        return Self.keys(of: sum, in: trace).contains { key in
            let calls = calls[Self.place(of: key)]
            guard calls.key == key else { return false }
            return calls.isAll
                || calls.times.indices.contains { calls.times[$0] != .min && Self.isWithin(sum, calls.times[$0]) }
        }
    }

    private static func place(of key: UInt64) -> Int { Int(truncatingIfNeeded: key >> 52) & (callCapacity - 1) }

    /// A sum without the duration of the run contains all calls.
    private static func isWithin(_ sum: Observation, _ time: Int64) -> Bool {
        guard let duration = sum.duration else { return true }
        let (late, isLate) = time.subtractingReportingOverflow(sum.time.nanoseconds)
        guard !isLate, late <= slack else { return false }
        return late >= -slack - min(duration, Int64.max / 2)
    }

    // MARK: - Keys

    private static func keys(of sum: Observation, in trace: TraceMemory.Trace) -> [UInt64] {
        var keys = [trace.hash, key(of: trace, sum.counts)]
        if !sum.sessionIsTrace, let session = sum.session { keys.append(key(ofSession: session)) }
        return keys
    }

    private static func key(ofSession session: String) -> UInt64 {
        var hash = self.session
        hash.combine(session)
        return hash.value
    }

    private static func key(of trace: TraceMemory.Trace, _ counts: TokenCounts) -> UInt64 {
        var hash = figures
        hash.combine(trace.high)
        hash.combine(trace.low)
        hash.combine(counts.prompt)
        hash.combine(counts.output)
        return hash.value
    }

    private static let session = StableHash(domain: "sum-session")
    private static let figures = StableHash(domain: "sum-figures")
}
