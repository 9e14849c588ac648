// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The relations between the records of a batch: which spans are above others, which name a session or a user, which calls lack one,
/// and which calls an agent's sum may contain.
struct SpanTree {
    /// Calls without a session, as positions in the findings.
    private(set) var withoutSession: [Int] = []
    /// Observations of earlier batches that this one completes: calls that get a session or user from a span, and sums of agents whose
    /// calls have arrived now.
    private(set) var completed: [Observation] = []

    /// The calls to which their trace lent names: a second session or user takes them back.
    private(set) var lentByTrace: [Lent] = []
    /// Calls that name a session and no user, as positions in the findings.
    private var withoutUser: [Int] = []
    /// The number of observations so far.
    private var count = 0
    /// The sums of agents among them, as positions in the findings.
    private var sums: [Int] = []
    /// The keys under which agents' sums find the calls of this batch that they contain.
    private var ties: [AgentSums.Tie] = []
    /// The session whose calls were recorded last; the next call nearly always has the same.
    private var latestSession: String?
    private var named: [Named] = []
    private var namesUsers = false
    /// The position of each record's observation in the findings; -1 for none.
    private var positions: [Int32] = []
    /// The first ancestor outside the batch of each span with usage, and the position of its observation; -1 when it is known already.
    private var missing: [(span: UInt64, position: Int)] = []
    private var ancestry: SpanAncestry?
    /// Spans without an observation that have a parent: they may be between an agent and its calls.
    private var between: [Int] = []

    /// A call to which its trace lent names.
    struct Lent {
        /// Its position in the findings.
        var position: Int
        /// Whether its session was lent.
        var session: Bool
        /// Whether its user was lent.
        var user: Bool
    }

    /// A span that names a session or a user.
    private struct Named {
        var record: Int32
        var session: String?
        var user: String?

        var names: TraceMemory.Names {
            TraceMemory.Names(
                session: session.map(TraceMemory.Name.one) ?? .none,
                user: user.map(TraceMemory.Name.one) ?? .none
            )
        }
    }

    /// Whether the batch has nothing that other batches need.
    var isEmpty: Bool { count == 0 && named.isEmpty && between.isEmpty }
    /// Whether no log record of the batch is related to another batch.
    var isApart: Bool { ties.isEmpty && withoutSession.isEmpty && withoutUser.isEmpty }

    // MARK: - Reading

    /// Records the next observation of the findings with its record.
    ///
    /// - Parameters:
    ///   - lends: Whether it is a span that may supply its names to others of its trace.
    ///   - asksOthers: Whether spans of its trace may supply names to it.
    mutating func noteCall(session: String?, user: String?, at record: Int, lends: Bool, asksOthers: Bool) {
        if session == nil { withoutSession.append(count) }
        if asksOthers, session != nil, user == nil { withoutUser.append(count) }
        if lends { note(session: session, user: user, at: record) }
        count += 1
    }

    /// Records that the latest observation is the sum of an agent.
    mutating func noteSum() { sums.append(count - 1) }

    /// Records a key under which an agent's sum finds the call.
    mutating func noteTie(_ tie: AgentSums.Tie) { ties.append(tie) }

    /// Records that an agent itself reports all calls of a session.
    mutating func noteAgent(session: String) {
        guard session != latestSession else { return }
        latestSession = session
        ties.append(.agent(session: session))
    }

    /// Records a span without an observation.
    mutating func noteOther(_ entry: RecordEntry, at record: Int) {
        if entry.parentSpanID != 0, entry.parentSpanID != entry.spanID { between.append(record) }
    }

    /// Records the session and user that a span names.
    mutating func note(session: String?, user: String?, at record: Int) {
        guard session != nil || user != nil else { return }
        named.append(Named(record: Int32(truncatingIfNeeded: record), session: session, user: user))
        if user != nil { namesUsers = true }
    }

    // MARK: - Roll-ups

    /// Sets the ancestors of each span with usage: those with usage, and the first one outside the batch that may still arrive.
    ///
    /// An observation without tokens of a single call (an agent's sum, or a cost alone) does not turn a call above it into a roll-up.
    mutating func link(_ findings: inout ObservationReader.Findings, in batch: OTLPBatch) {
        let ancestry = SpanAncestry(batch)
        self.ancestry = ancestry
        positions = [Int32](repeating: -1, count: batch.records.count)
        for position in findings.observations.indices {
            positions[Int(findings.observations[position].record)] = Int32(position)
        }
        var sumsAbove: [Int] = []
        for position in findings.observations.indices {
            let record = Int(findings.observations[position].record)
            var ancestors = findings.observations[position].trace.ancestors
            let isCall = findings.observations[position].isCallWithTokens
            let last = ancestry.climb(from: record, in: batch) { ancestor in
                let above = Int(positions[ancestor])
                guard above >= 0, above != position else { return }
                let isSum = findings.observations[above].source == .agentSpan
                if isSum { sumsAbove.append(above) }
                if isSum || isCall { ancestors.insert(findings.observations[above].trace.span) }
            }
            if last != 0 { missing.append((last, position)) }
            if !ancestors.isEmpty { findings.observations[position].trace.ancestors = ancestors }
        }
        for position in sumsAbove { findings.observations[position].trace.isRollUp = true }
    }

    /// Finds ancestors and descendants of this batch's spans in earlier batches, even with spans without usage between them.
    mutating func linkEarlier(
        _ findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        if memory.expectsAncestors, let ancestry {
            for record in batch.records.indices {
                guard memory.isAbove(SpanAncestry.hash(batch.records[record], batch.records[record].spanID)) else {
                    continue
                }
                markSum(record, &findings)
                let last = ancestry.climb(from: record, in: batch) { markSum($0, &findings) }
                if last != 0 { missing.append((last, -1)) }
            }
        }
        var flagged: Set<UInt64> = []
        for (span, position) in missing {
            let last = memory.climb(from: span)
            memory.note(above: last)
            if !flagged.contains(last), let sum = memory.sums.take(at: last) {
                flagged.insert(last)
                completed.append(sum)
            }
            if position >= 0 { findings.observations[position].trace.ancestors.insert(last) }
        }
        for record in between {
            let entry = batch.records[record]
            let (span, parent) = (entry.spanID, entry.parentSpanID)
            memory.note(parent: SpanAncestry.hash(entry, parent), of: SpanAncestry.hash(entry, span))
        }
    }

    private func markSum(_ record: Int, _ findings: inout ObservationReader.Findings) {
        let position = Int(positions[record])
        guard position >= 0, findings.observations[position].source == .agentSpan else { return }
        findings.observations[position].trace.isRollUp = true
    }

    /// Marks sums of agents as roll-ups when a contained call arrives as a log record, in a session file or in another trace, in any order.
    mutating func settleSums(
        _ findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        guard !ties.isEmpty || !sums.isEmpty else { return }
        var flagged: Set<UInt64> = []
        for tie in ties {
            memory.sums.note(tie)
            for span in memory.sums.containing(tie) where flagged.insert(span).inserted {
                if let sum = memory.sums.take(at: span) { completed.append(sum) }
            }
        }
        for position in sums where !findings.observations[position].trace.isRollUp {
            let trace = TraceMemory.Trace(batch.records[Int(findings.observations[position].record)])
            if memory.sums.knowsCall(in: findings.observations[position], of: trace) {
                findings.observations[position].trace.isRollUp = true
            } else {
                memory.sums.keep(findings.observations[position], in: trace)
            }
        }
    }

    // MARK: - Names

    /// Supplies sessions and users to calls without them: those of the nearest ancestor, else those of the trace if it has only one.
    mutating func lendNames(
        _ findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        let asksForUsers = namesUsers || memory.knowsUsers
        let traces = noteTraces(
            in: batch,
            &memory,
            areNeeded: !withoutSession.isEmpty || asksForUsers && !withoutUser.isEmpty
        )
        for position in withoutSession { lend(traces, to: position, of: &findings, in: batch, memory) }
        if asksForUsers {
            for position in withoutUser { lend(traces, to: position, of: &findings, in: batch, memory) }
        }
    }

    /// The names in the batch, by trace and by record.
    private struct Lenders {
        var traces: [TraceMemory.Trace: TraceMemory.Names] = [:]
        var records: [Int: TraceMemory.Names] = [:]
    }

    private mutating func lend(
        _ lenders: Lenders,
        to position: Int,
        of findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: TraceMemory.State
    ) {
        let record = Int(findings.observations[position].record)
        let trace = TraceMemory.Trace(batch.records[record])
        guard trace.isKnown else { return }
        if !lenders.records.isEmpty, let ancestry {
            _ = ancestry.climb(from: record, in: batch) { ancestor in
                if let names = lenders.records[ancestor] { _ = Self.lend(names, to: &findings.observations[position]) }
            }
        }
        if let all = lenders.traces[trace] ?? memory.names(of: trace) {
            let (session, user) = (findings.observations[position].session, findings.observations[position].user)
            guard Self.lend(all, to: &findings.observations[position]) else { return }
            let lent = Lent(
                position: position,
                session: session == nil && findings.observations[position].session != nil,
                user: user == nil && findings.observations[position].user != nil
            )
            if lent.session || lent.user { lentByTrace.append(lent) }
        }
    }

    /// Remembers the names of each trace, and completes the calls that waited for them.
    ///
    /// - Parameter areNeeded: Whether calls of this batch need them.
    private mutating func noteTraces(
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State,
        areNeeded: Bool
    ) -> Lenders {
        var lenders = Lenders()
        var latest: (trace: TraceMemory.Trace, span: Named)?
        for span in named {
            if areNeeded { lenders.records[Int(span.record)] = span.names }
            let trace = TraceMemory.Trace(batch.records[Int(span.record)])
            // Neighbouring spans are usually of one trace and have the same names.
            if let latest, latest.trace == trace, latest.span.session == span.session, latest.span.user == span.user {
                continue
            }
            latest = (trace, span)
            guard trace.isKnown else { continue }
            let all = memory.note(span.names, of: trace)
            if areNeeded { lenders.traces[trace, default: .init()].merge(all) }
        }
        completeKept(in: batch, &memory)
        return lenders
    }

    /// Completes the calls of earlier batches that waited for names, once all of this batch are known.
    private mutating func completeKept(in batch: OTLPBatch, _ memory: inout TraceMemory.State) {
        guard memory.hasKept, !named.isEmpty else { return }
        var latest: TraceMemory.Trace?
        var seen: Set<TraceMemory.Trace> = []
        for span in named {
            let trace = TraceMemory.Trace(batch.records[Int(span.record)])
            guard trace != latest else { continue }
            latest = trace
            guard memory.hasKept(of: trace), seen.insert(trace).inserted, let all = memory.names(of: trace),
                !memory.isSettled(all, of: trace)
            else { continue }
            let count = completed.count
            for kept in memory.kept(of: trace) {
                var observation = kept
                if Self.lend(all, to: &observation) { completed.append(observation) }
            }
            if completed.count > count { memory.noteLent(all, to: trace) }
        }
    }

    /// Keeps calls without a session or user for later spans, which are those above them.
    func keepUnnamed(
        _ findings: ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        // The list of those to which a trace lent names is in the same order; they are kept without these.
        var lent = lentByTrace[...]
        for position in withoutSession {
            if lent.first?.position == position {
                lent.removeFirst()
                continue
            }
            let origin = findings.observations[position].origin.value
            guard origin.sessionIsTrace else { continue }
            if origin.isTraceShared, origin.user != nil || origin.userIsShared { continue }
            keep(position, of: findings, in: batch, &memory)
        }
        for position in withoutUser {
            let origin = findings.observations[position].origin.value
            if origin.user == nil, !origin.userIsShared { keep(position, of: findings, in: batch, &memory) }
        }
    }

    /// Keeps calls to which their trace lent names, as they are without these.
    func keepLent(_ observations: [Observation], in batch: OTLPBatch, _ memory: inout TraceMemory.State) {
        for observation in observations {
            let trace = TraceMemory.Trace(batch.records[Int(observation.record)])
            if trace.isKnown { memory.keep(observation, of: trace, lent: memory.names(of: trace)) }
        }
    }

    private func keep(
        _ position: Int,
        of findings: ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        let trace = TraceMemory.Trace(batch.records[Int(findings.observations[position].record)])
        if trace.isKnown { memory.keep(findings.observations[position], of: trace) }
    }

    /// Whether any name was supplied.
    private static func lend(_ names: TraceMemory.Names, to observation: inout Observation) -> Bool {
        let asksForSession = observation.session == nil || observation.sessionIsTrace
        let session = asksForSession ? names.session.only : nil
        let asksForUser = observation.user == nil && !observation.origin.value.userIsShared
        let user = asksForUser ? names.user.only : nil
        let isShared = asksForSession && names.session == .several && !observation.origin.value.isTraceShared
        let isUserShared = asksForUser && names.user == .several
        guard session != nil || user != nil || isShared || isUserShared else { return false }
        var origin = observation.origin.value
        if isShared { origin.isTraceShared = true }
        if isUserShared { origin.userIsShared = true }
        if let session { (origin.session, origin.sessionIsTrace, origin.sessionIsFork) = (session, false, false) }
        if let user { origin.user = user }
        origin.nameGroup()
        observation.origin = SharedOrigin(origin)
        return true
    }
}

extension Observation {
    /// Whether it has the tokens of a call, not only a cost or the sum of an agent.
    fileprivate var isCallWithTokens: Bool { source != .agentSpan && !counts.isZero }
}
