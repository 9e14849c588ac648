// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// A simple store that keeps everything it received and computes every answer from it.
///
/// Answers of other stores are compared with those of this one.
struct ReferenceStore {
    private var batches: [Batch] = []
    /// The border of the last compaction.
    private var border = CompactionBorder.none
    /// The received observations, except those of calls that a compaction has forgotten.
    private var observations: [Observation] = []
    /// The facts about sessions, except those that a compaction has forgotten.
    private var facts: [String: SessionUpdate] = [:]
    /// The sessions that records name.
    private var named: Set<String> = []
    /// The prices of the last repricing; nil when there was none.
    private var repricing: Pricing?

    /// All received calls, and the observations they consist of.
    private var ledger = MemoryLedger()
    private var updates: Set<UInt64> = []

    /// Takes a batch in.
    ///
    /// - Returns: The number of new calls.
    mutating func consume(_ batch: Batch) throws -> Int {
        let border = border.applying(to: [batch])
        guard let batch = border.admit([batch]).batches.first else { return 0 }
        batches.append(batch)
        observations += batch.observations
        for update in batch.sessions + batch.observations.compactMap(\.sessionUpdate) {
            if facts[update.id]?.merge(update) == nil { facts[update.id] = update }
        }
        named.formUnion(batch.sessions.map(\.id))
        let change = try ledger.absorb(batch.observations)
        defer { updates.formUnion(batch.observations.map(\.id)) }
        return change.entries.count { entry in
            entry.call.isCounted && !border.isExpired(entry.call.time)
                && entry.observations.allSatisfy { !updates.contains($0.id) }
        }
    }

    /// Whether the store has any call.
    var holdsCalls: Bool { !updates.isEmpty }

    /// Removes what ended before a time.
    ///
    /// - Returns: The number of records and calls; exact as long as nothing was delivered twice.
    mutating func compact(before instant: Timestamp) throws -> Int {
        let before = try answers()
        border = border.after(CompactionBorder(before: instant), now: GeneratedTelemetry.now)
        let after = try answers()
        try forget()
        return before.calls.count - after.calls.count + before.records.count - after.records.count
    }

    /// Recomputes the cost of every call.
    ///
    /// - Returns: The number of counted calls whose cost has changed.
    mutating func reprice(by pricing: Pricing) throws -> Int {
        let before = Dictionary(uniqueKeysWithValues: try calls().filter(\.isCounted).map { ($0.id, $0.price) })
        repricing = pricing
        return try calls().count { $0.isCounted && before[$0.id] != $0.price }
    }

    /// All answers about what was received so far.
    func answers() throws -> ReferenceAnswers {
        let calls = try calls()
        let counted = calls.filter(\.isCounted)
        return ReferenceAnswers(
            calls: calls,
            counted: counted,
            observations: try observationsByCall(),
            records: records(),
            sessions: sessions(counted)
        )
    }

    /// Removes calls all of whose observations would be refused, and sessions without any data left.
    private mutating func forget() throws {
        for entry in ledger.entries.values where border.isForgotten(entry.observations) { ledger.remove(entry.ref) }
        observations = ledger.entries.values.sorted { $0.ref < $1.ref }.flatMap(\.observations)
        let living = Set(try calls().compactMap(\.session))
        let gone = facts.values.filter { border.isExpired($0.lastSeen) && !living.contains($0.id) }.map(\.id)
        for id in gone {
            facts[id] = nil
            named.remove(id)
        }
    }

    // MARK: - Facts

    /// All calls with their prices.
    private func calls() throws -> [Call] {
        var ledger = MemoryLedger()
        try ledger.absorb(observations)
        let pricing = repricing ?? batches.lazy.compactMap(\.pricing).last
        return ledger.calls.filter { !border.isExpired($0.time) }.map { call in
            var call = call
            call.price = pricing?.price(call) ?? CallPrice(cost: .zero, isPriced: false, computed: nil)
            return call
        }
    }

    /// The observations of each call.
    private func observationsByCall() throws -> [UInt64: [Observation]] {
        var ledger = MemoryLedger()
        try ledger.absorb(observations)
        return Dictionary(ledger.entries.values.map { ($0.call.id, $0.observations) }) { $1 }
    }

    private func records() -> Set<ReferenceAnswers.Record> {
        var found: Set<ReferenceAnswers.Record> = []
        for batch in batches {
            for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
                var writer = OTLPJSONWriter()
                let scope = batch.otlp.records[record].scope
                writer.writeResource(batch.otlp.scopes[scope].resource, of: batch.otlp)
                writer.writeScope(scope, of: batch.otlp)
                writer.writeRecord(record, of: batch.otlp)
                found.insert(
                    ReferenceAnswers.Record(
                        time: batch.time(ofRecord: record),
                        name: batch.name(ofRecord: record),
                        session: batch.sessions[record: record]?.id,
                        text: writer.finish()
                    )
                )
            }
        }
        return found.filter { !border.isExpired($0.time) }
    }

    /// All sessions that a record names or that have a counted call, with the sums over those calls.
    private func sessions(_ counted: [Call]) -> [Session] {
        let calls = Dictionary(grouping: counted) { $0.session }
        return facts.values.compactMap { update in
            let own = calls[update.id] ?? []
            guard !own.isEmpty || (named.contains(update.id) && !border.isExpired(update.lastSeen)) else {
                return nil
            }
            return Session(update, own)
        }
    }
}

extension Session {
    fileprivate init(_ update: SessionUpdate, _ calls: [Call]) {
        self.init(id: update.id, startedAt: update.firstSeen, lastSeenAt: update.lastSeen)
        name = update.name?.value ?? update.id
        agent = update.agent
        project = update.project
        user = update.user
        machine = update.machine
        team = update.team
        branch = update.branch?.value
        agentVersion = update.agentVersion?.value
        parent = update.parent
        comparableCost = update.comparableCost
        taskStatus = update.taskStatus?.value
        isCompleted = (update.completion?.value ?? 0) != 0
        provenance = update.provenance
        model = calls.max { ($0.time, Int64(bitPattern: $0.id)) < ($1.time, Int64(bitPattern: $1.id)) }?.model
        self = having(calls)
    }

    /// The session with the sums over these calls.
    func having(_ calls: [Call]) -> Session {
        var session = self
        session.totals = UsageTotals()
        for call in calls { session.totals += call.totals }
        return session
    }
}
