// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// Everything the store knows beside the records: the ledger, prices, sessions and the sums over them.
///
/// A value without a clock or a file; changed by one thread and read by many, under one lock.
struct UsageIndex {
    private(set) var ledger = MemoryLedger()
    private(set) var calls: [UInt64: KeptCall] = [:]
    private(set) var sessions = SessionRegister()
    private(set) var models = NameTable()
    /// Sums by quarter of an hour: the finest step by which time zones differ, so that days of every zone are exact.
    private(set) var rollup: [Int64: [RollupKey: ExactTotals]] = [:]
    /// Up to where the store was compacted.
    private(set) var border = CompactionBorder.none
    /// Is another number after every change.
    private(set) var revision: Int64 = 0
    /// What questions about the quality of data have read before.
    private var qualityParts = QualityParts()
    /// The number of the newest change of a call.
    private var newestChange: Int64 = 0

    /// One quarter of an hour in nanoseconds.
    static let quarter: Int64 = 900_000_000_000

    /// What is kept of a call beside its entry in the ledger.
    struct KeptCall {
        /// The number of the entry.
        var ref: Int64
        var price: CallPrice
        var session: Int32
        var model: Int32
        /// Whether it is too old to count and only there to be recognised.
        var isExpired: Bool
    }

    struct RollupKey: Hashable {
        var session: Int32
        var model: Int32
    }

    // MARK: - Change

    /// Takes in a line, its own or one that is read back; `part` says in which file it is, nil for none.
    mutating func apply(_ line: UsageLine, part: Int32?, offset: Int64) {
        revision += 1
        if let compacted = line.compacted { border = compacted }
        for note in line.sessions {
            let former = sessions.number(of: note.update.id).flatMap { sessions[$0]?.update }
            let number = sessions.note(note.update, isSighted: note.isSighted)
            if let former { noteNames(of: number, former) }
            sessions[number]?.lines += note.lines
            guard let part, !note.records.isEmpty else { continue }
            let first = note.update.firstSeen.nanoseconds
            sessions[number]?.lines.append(LineRef(part: part, offset: offset, first: first))
        }
        for id in line.retired { remove(id) }
        for kept in line.calls { insert(kept.entry, kept.price) }
        for entry in line.expired {
            insert(entry, CallPrice(cost: .zero, isPriced: false, computed: nil), isExpired: true)
        }
    }

    private mutating func insert(_ entry: LedgerEntry, _ price: CallPrice, isExpired: Bool = false) {
        let call = entry.call
        remove(call.id)
        let kept = KeptCall(
            ref: ledger.insert(entry),
            price: price,
            session: session(of: call),
            model: models.number(of: call.model),
            isExpired: isExpired
        )
        calls[call.id] = kept
        noteChange(of: CollectionOfOne(kept.ref))
        guard !isExpired else { return }
        sessions[kept.session]?.calls.insert(call.id)
        guard call.isCounted else { return }
        let totals = ExactTotals(call.counts, price)
        let (key, model) = (RollupKey(session: kept.session, model: kept.model), kept.model)
        rollup[call.time.nanoseconds / Self.quarter, default: [:]][key, default: ExactTotals()] += totals
        sessions[kept.session]?.add(call, model, totals)
    }

    /// Forgets a call with its observations; whether it was more than a memory.
    @discardableResult
    mutating func remove(_ id: UInt64) -> Bool {
        guard let kept = calls.removeValue(forKey: id) else { return false }
        noteChange(of: CollectionOfOne(kept.ref))
        guard let call = ledger.remove(kept.ref)?.call else { return false }
        unsum(call, kept)
        return !kept.isExpired
    }

    /// Takes a call out of answers; its observations stay, so that one that comes late still finds it.
    mutating func expire(_ id: UInt64) -> Bool {
        guard let kept = calls[id], !kept.isExpired, let call = ledger.entries[kept.ref]?.call else { return false }
        unsum(call, kept)
        calls[id]?.isExpired = true
        noteChange(of: CollectionOfOne(kept.ref))
        return true
    }

    private mutating func unsum(_ call: Call, _ kept: KeptCall) {
        guard !kept.isExpired else { return }
        sessions[kept.session]?.calls.remove(call.id)
        guard call.isCounted else { return }
        let totals = ExactTotals(call.counts, kept.price)
        let (quarter, key) = (
            call.time.nanoseconds / Self.quarter, RollupKey(session: kept.session, model: kept.model)
        )
        rollup[quarter]?[key]? -= totals
        if rollup[quarter]?[key]?.calls == 0 { rollup[quarter]?[key] = nil }
        if rollup[quarter]?.isEmpty == true { rollup[quarter] = nil }
        if sessions[kept.session]?.subtract(call, kept.model, totals) == true { findNewest(of: kept.session) }
    }

    /// Looks for the newest call of a session after it was taken away.
    private mutating func findNewest(of session: Int32) {
        var newest: NewestCall?
        for id in sessions[session]?.calls ?? [] {
            guard let kept = calls[id], let call = ledger.entries[kept.ref]?.call, call.isCounted else { continue }
            if let best = newest, !NewestCall.isEarlier((best.time, best.id), (call.time, id)) { continue }
            newest = NewestCall(time: call.time, id: id, model: kept.model)
        }
        sessions[session]?.newest = newest
    }

    /// The session of a call; calls without one share a hidden session for each agent, user, project, machine and team.
    private mutating func session(of call: Call) -> Int32 {
        if let id = call.session {
            if let known = sessions.number(of: id) { return known }
            // A checkpoint names its sessions later; the time of a call need not be that of the observation that names its session.
            var update = SessionUpdate(id: id, time: Timestamp(nanoseconds: .max))
            update.lastSeen = Timestamp(nanoseconds: 0)
            return sessions.note(update, isSighted: false)
        }
        let names = [call.agent, call.user, call.project, call.machine] + (call.team.map { [$0] } ?? [])
        var update = SessionUpdate(id: names.map { $0 ?? "" }.joined(separator: "\u{1F}"), time: call.time)
        (update.agent, update.user, update.project, update.machine) = (
            call.agent, call.user, call.project, call.machine
        )
        update.team = call.team
        return sessions.note(update, isSighted: false, isHidden: true)
    }

    // MARK: - Quality

    /// How well the calls of a period are known; only calls of blocks that changed since it was asked last are looked at.
    mutating func quality(of period: Period) -> DataQuality {
        var reading = qualityParts.reading(of: period, at: newestChange)
        func add(_ kept: KeptCall) {
            guard !kept.isExpired, var call = ledger.entries[kept.ref]?.call, call.time >= period.start,
                call.time < period.end
            else { return }
            call.price = kept.price
            let update = sessions[kept.session]?.update
            reading.add(call, number: kept.ref, agent: update?.agent, machine: update?.machine)
        }
        if let blocks = reading.blocks {
            for ref in blocks.lazy.flatMap(QualityParts.calls) {
                guard let id = ledger.entries[ref]?.call.id, let kept = calls[id], kept.ref == ref else { continue }
                add(kept)
            }
        } else {
            for kept in calls.values { add(kept) }
        }
        qualityParts.keep(reading)
        var quality = reading.quality
        for case let session? in sessions.slots where session.isListed {
            let facts = session.update
            guard facts.firstSeen < period.end, facts.lastSeen >= period.start, let reported = facts.comparableCost
            else { continue }
            quality.sessionCosts.add(facts.id, reported: reported, counted: session.totals.totals.cost)
        }
        return quality
    }

    /// The parts of a session's calls have its former names.
    private mutating func noteNames(of session: Int32, _ former: SessionUpdate) {
        guard let kept = sessions[session],
            kept.update.names != former.names
        else { return }
        noteChange(of: kept.calls.compactMap { calls[$0]?.ref })
    }

    private mutating func noteChange(of refs: some Sequence<Int64>) {
        newestChange += 1
        qualityParts.note(refs.lazy.map(QualityParts.block), in: newestChange)
    }

    // MARK: - Changes

    /// The counted calls of the blocks that changed since a reader asked last.
    mutating func changes(since cursor: UsageCursor?) -> UsageChanges {
        let page = qualityParts.page(after: cursor, at: newestChange, lastCall: ledger.lastNumber)
        var blocks: [Int64: [CountedCall]] = [:]
        for block in page.blocks {
            blocks[block] = QualityParts.calls(of: block).compactMap { ref in
                guard let call = ledger.entries[ref]?.call, call.isCounted, let kept = calls[call.id], kept.ref == ref,
                    !kept.isExpired
                else { return nil }
                var counted = CountedCall(id: call.id, time: call.time, counts: call.counts, price: kept.price)
                (counted.model, counted.duration) = (call.model, call.duration)
                counted.names = sessions[kept.session]?.update.names ?? call.ownNames
                return counted
            }
        }
        return UsageChanges(beginsAgain: page.beginsAgain, blocks: blocks, next: page.next)
    }

    // MARK: - Compaction

    /// Forgets a session of which nothing is left and no sign since an instant.
    mutating func removeSession(_ number: Int32, before instant: Timestamp) {
        revision += 1
        guard let session = sessions[number], session.calls.isEmpty else { return }
        if session.isHidden || session.update.lastSeen < instant { sessions.remove(number) }
    }

    /// Replaces where lines stand after their files were rewritten.
    mutating func move(_ number: Int32, from parts: Set<Int32>, to lines: [LineRef]) {
        sessions[number]?.lines.removeAll { parts.contains($0.part) }
        sessions[number]?.lines += lines
    }
}

extension KeptSession {
    fileprivate mutating func add(_ call: Call, _ model: Int32, _ sums: ExactTotals) {
        totals += sums
        callsByModel[model, default: 0] += 1
        if let newest, !NewestCall.isEarlier((newest.time, newest.id), (call.time, call.id)) { return }
        newest = NewestCall(time: call.time, id: call.id, model: model)
    }

    /// Takes a call away; whether it was the newest.
    fileprivate mutating func subtract(_ call: Call, _ model: Int32, _ sums: ExactTotals) -> Bool {
        totals -= sums
        callsByModel[model, default: 0] -= 1
        if callsByModel[model] == 0 { callsByModel[model] = nil }
        return newest?.id == call.id
    }
}
