// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What the spans of a batch know of one another: which are above which, which name a session or a user, and which calls lack one.
struct SpanTree {
    /// Calls that name no session, as positions in the findings.
    private(set) var withoutSession: [Int] = []
    /// Observations of earlier batches that this one completes: calls to which a span lends its session or user, and sums of agents
    /// below which usage has come.
    private(set) var completed: [Observation] = []

    /// Calls that name a session and no user, as positions in the findings.
    private var withoutUser: [Int] = []
    /// How many observations there are so far.
    private var count = 0
    private var named: [Named] = []
    private var namesUsers = false
    /// The position of each record's observation in the findings; -1 for none.
    private var positions: [Int32] = []
    /// The first ancestor outside the batch of each span with usage, and the position of its observation; -1 for one that is known.
    private var missing: [(span: UInt64, position: Int)] = []
    private var ancestry: SpanAncestry?
    /// Spans that make no observation and have a parent: they may be between an agent and its calls.
    private var between: [Int] = []

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

    /// Whether there is nothing in the batch that another batch must know.
    var isEmpty: Bool { count == 0 && named.isEmpty && between.isEmpty }

    // MARK: - Reading

    /// Notes the record of an observation, the next of the findings.
    ///
    /// - Parameter asksOthers: Whether other spans of its trace may lend it names, and it them.
    mutating func noteCall(session: String?, user: String?, at record: Int, asksOthers: Bool) {
        if session == nil { withoutSession.append(count) }
        if asksOthers {
            if session != nil, user == nil { withoutUser.append(count) }
            note(session: session, user: user, at: record)
        }
        count += 1
    }

    /// Notes a span that makes no observation.
    mutating func noteOther(_ entry: RecordEntry, at record: Int) {
        if entry.parentSpanID != 0, entry.parentSpanID != entry.spanID { between.append(record) }
    }

    /// Notes what a span calls its session and user.
    mutating func note(session: String?, user: String?, at record: Int) {
        guard session != nil || user != nil else { return }
        named.append(Named(record: Int32(truncatingIfNeeded: record), session: session, user: user))
        if user != nil { namesUsers = true }
    }

    // MARK: - Roll-ups

    /// Gives each span with usage its ancestors: those with usage, and the first that is not in the batch and may still come.
    ///
    /// What has no tokens of one call of its own, an agent's sum or a cost alone, makes no roll-up of a call above it.
    mutating func link(_ findings: inout ObservationReader.Findings, in batch: OTLPBatch) {
        let ancestry = SpanAncestry(batch)
        self.ancestry = ancestry
        positions = [Int32](repeating: -1, count: batch.records.count)
        for position in findings.observations.indices {
            positions[Int(findings.observations[position].record)] = Int32(position)
        }
        var sums: [Int] = []
        for position in findings.observations.indices {
            let record = batch.records[Int(findings.observations[position].record)]
            var links = findings.observations[position].trace
            let isCall = findings.observations[position].isCallWithTokens
            let last = ancestry.climb(from: record, in: batch) { ancestor in
                let above = Int(positions[ancestor])
                guard above >= 0, above != position else { return }
                let isSum = findings.observations[above].source == .agentSpan
                if isSum { sums.append(above) }
                if isSum || isCall { links.ancestors.insert(findings.observations[above].trace.span) }
            }
            if last != 0 { missing.append((last, position)) }
            findings.observations[position].trace = links
        }
        for position in sums { findings.observations[position].trace.isRollUp = true }
    }

    /// Looks for what is above and below the spans of this batch in earlier ones, also where spans without usage are between them.
    mutating func linkEarlier(
        _ findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        if memory.expectsAncestors, let ancestry {
            for record in batch.records.indices {
                let entry = batch.records[record]
                guard memory.isAbove(SpanAncestry.hash(entry, entry.spanID)) else { continue }
                markSum(record, &findings)
                let last = ancestry.climb(from: entry, in: batch) { markSum($0, &findings) }
                if last != 0 { missing.append((last, -1)) }
            }
        }
        for (span, position) in missing {
            let last = memory.climb(from: span)
            memory.note(above: last)
            if var sum = memory.sum(at: last) {
                sum.trace.isRollUp = true
                completed.append(sum)
            }
            if position >= 0 { findings.observations[position].trace.ancestors.insert(last) }
        }
        for observation in findings.observations where observation.source == .agentSpan {
            if !observation.trace.isRollUp { memory.keep(sum: observation) }
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

    // MARK: - Names

    /// Lends sessions and users to calls that name none: those of the nearest ancestor, else those of the trace if it has just one.
    mutating func lendNames(
        _ findings: inout ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        let traces = noteTraces(in: batch, &memory)
        var borrowers = withoutSession
        if namesUsers || memory.knowsUsers { borrowers += withoutUser }
        guard !borrowers.isEmpty else { return }
        var names: [Int: TraceMemory.Names] = [:]
        for span in named { names[Int(span.record)] = span.names }
        for position in borrowers {
            let entry = batch.records[Int(findings.observations[position].record)]
            let trace = TraceMemory.Trace(entry)
            if !names.isEmpty, let ancestry {
                _ = ancestry.climb(from: entry, in: batch) { ancestor in
                    if let names = names[ancestor] { _ = Self.lend(names, to: &findings.observations[position]) }
                }
            }
            if let all = traces[trace] ?? memory.names(of: trace) {
                _ = Self.lend(all, to: &findings.observations[position])
            }
        }
    }

    /// Remembers the names of each trace, and completes the calls that waited for them.
    private mutating func noteTraces(
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) -> [TraceMemory.Trace: TraceMemory.Names] {
        var traces: [TraceMemory.Trace: TraceMemory.Names] = [:]
        var latest: (trace: TraceMemory.Trace, span: Named)?
        for span in named {
            let trace = TraceMemory.Trace(batch.records[Int(span.record)])
            // Neighbours are of one trace and say the same.
            if let latest, latest.trace == trace, latest.span.session == span.session, latest.span.user == span.user {
                continue
            }
            latest = (trace, span)
            traces[trace, default: .init()].merge(span.names)
        }
        for (trace, names) in traces {
            let all = memory.note(names, of: trace)
            traces[trace] = all
            for kept in memory.kept(of: trace) {
                var observation = kept
                if Self.lend(all, to: &observation) { completed.append(observation) }
            }
        }
        return traces
    }

    /// Keeps calls that still name no session for spans that come later: those above them.
    func keepWithoutSession(
        _ findings: ObservationReader.Findings,
        in batch: OTLPBatch,
        _ memory: inout TraceMemory.State
    ) {
        for position in withoutSession where findings.observations[position].sessionIsTrace {
            let entry = batch.records[Int(findings.observations[position].record)]
            guard entry.parentSpanID != 0, entry.traceHigh | entry.traceLow != 0 else { continue }
            memory.keep(findings.observations[position], of: TraceMemory.Trace(entry))
        }
    }

    /// Whether anything was lent.
    private static func lend(_ names: TraceMemory.Names, to observation: inout Observation) -> Bool {
        var origin = observation.origin.value
        if origin.session == nil || origin.sessionIsTrace, let session = names.session.only {
            (origin.session, origin.sessionIsTrace) = (session, false)
        }
        if origin.user == nil { origin.user = names.user.only }
        guard !observation.origin.holds(origin) else { return false }
        observation.origin = SharedOrigin(origin)
        return true
    }
}

extension Observation {
    /// Whether it has the tokens of a call, not a cost alone or the sum of an agent.
    fileprivate var isCallWithTokens: Bool { source != .agentSpan && !counts.isZero }
}
