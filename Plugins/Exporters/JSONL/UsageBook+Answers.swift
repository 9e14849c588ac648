// SPDX-License-Identifier: Apache-2.0

import Usage

extension UsageBook {
    /// Adds up a period.
    func summary(of period: Period, now: Timestamp) -> UsageSummary {
        var summary = UsageSummary(period: period)
        var tally = SummaryTally()
        var days = [ExactTotals](repeating: ExactTotals(), count: period.days.count)
        for (quarter, rows) in quarters(of: period) {
            let day = period.day(of: Timestamp(nanoseconds: quarter * Self.quarter))
            for (key, totals) in rows {
                if let day { days[day] += totals }
                tally.add(totals, key)
            }
        }
        for (day, totals) in days.enumerated() { summary.byDay[day].totals = totals.totals }
        tally.write(to: &summary, self)
        let minute = now.nanoseconds - 60_000_000_000
        summary.activeSessions =
            sessions.slots.count {
                guard let session = $0 else { return false }
                return session.sighting.lastSeen.nanoseconds >= minute && !session.isCompleted && session.isListed
            }
        return summary
    }

    private func quarters(of period: Period) -> [(Int64, [RollupKey: ExactTotals])] {
        let range =
            period.start.nanoseconds
            / Self.quarter..<max(
                period.start.nanoseconds / Self.quarter,
                period.end.nanoseconds / Self.quarter
            )
        if range.count > rollup.count { return rollup.filter { range.contains($0.key) }.map { ($0.key, $0.value) } }
        return range.compactMap { quarter in rollup[quarter].map { (quarter, $0) } }
    }

    /// How well the calls of a period are known.
    func quality(of period: Period) -> DataQuality {
        var quality = DataQuality()
        for (id, kept) in calls where !kept.isExpired {
            guard let call = call(id), call.time >= period.start, call.time < period.end else { continue }
            let sighting = sessions[kept.session]?.sighting
            quality.add(call, agent: sighting?.agent, machine: sighting?.machine)
        }
        return quality
    }

    /// A page of sessions.
    func page(_ query: SessionQuery) -> SessionPage {
        let filter = SessionFilter(query, models)
        let found = sessions.slots.indices.filter { sessions.slots[$0].map(filter.matches) ?? false }
        let order = SessionOrder(query)
        let keys = found.compactMap { position in sessions.slots[position].map { (position, order.key(of: $0)) } }
        let offset = max(0, query.offset)
        let page = keys.sorted { order.isBefore($0.1, $1.1) }.dropFirst(offset).prefix(max(0, query.limit))
        let listed = page.compactMap { position, _ in sessions.slots[position].map(session) }
        let next = offset + listed.count
        return SessionPage(
            sessions: listed,
            total: found.count,
            nextOffset: next < found.count && !listed.isEmpty ? next : nil
        )
    }

    /// A session with its calls; its events stand in the files.
    func detail(id: String) -> (detail: SessionDetail, lines: [LineRef])? {
        guard let number = sessions.number(of: id), let kept = sessions[number], kept.isListed else { return nil }
        var found = kept.calls.compactMap(call).filter(\.isCounted)
        found.sort { NewestCall.isEarlier(($0.time, $0.id), ($1.time, $1.id)) }
        let listed = Array(found.prefix(SessionDetail.maximumCalls))
        var costs: [String: Money] = [:]
        for call in listed { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        let detail = SessionDetail(session: session(kept), calls: listed, events: [], costByModel: costs)
        return (detail, kept.lines)
    }

    /// A call with its price.
    func call(_ id: UInt64) -> Call? {
        guard let kept = calls[id], var call = ledger.entries[kept.ref]?.call else { return nil }
        call.price = kept.price
        return call
    }

    private func session(_ kept: KeptSession) -> Session {
        var session = kept.session(models)
        session.totals = kept.totals.totals
        return session
    }
}

/// The sums of a period while they are made.
private struct SummaryTally {
    private var totals = ExactTotals()
    private var rows: [UsageBook.RollupKey: ExactTotals] = [:]

    mutating func add(_ sums: ExactTotals, _ key: UsageBook.RollupKey) {
        totals += sums
        rows[key, default: ExactTotals()] += sums
    }

    func write(to summary: inout UsageSummary, _ book: UsageBook) {
        summary.totals = totals.totals
        var models: [String: Group] = [:]
        var (agents, projects, users, machines) = (models, models, models, models)
        var bySession: [Int32: ExactTotals] = [:]
        var unpriced: Set<String> = []
        for (key, sums) in rows {
            guard let session = book.sessions[key.session] else { continue }
            let visible = session.isHidden ? nil : key.session
            let model = book.models[key.model] ?? ""
            models[model, default: Group()].add(sums, visible)
            agents[session.sighting.agent ?? "", default: Group()].add(sums, visible)
            projects[session.sighting.project ?? "", default: Group()].add(sums, visible)
            users[session.sighting.user ?? "", default: Group()].add(sums, visible)
            machines[session.sighting.machine ?? "", default: Group()].add(sums, visible)
            if sums.totals.unpricedCalls > 0 { unpriced.insert(model) }
            if let visible { bySession[visible, default: ExactTotals()] += sums }
        }
        summary.byModel = models.mapValues(\.share)
        summary.byAgent = agents.mapValues(\.share)
        summary.byProject = projects.mapValues(\.share)
        summary.byUser = users.mapValues(\.share)
        summary.byMachine = machines.mapValues(\.share)
        summary.unpricedModels = unpriced.sorted()
        summary.sessionCount = bySession.count
        summary.sessions = Self.dearest(bySession, book)
    }

    private static func dearest(_ sums: [Int32: ExactTotals], _ book: UsageBook) -> [Session] {
        var sessions = sums.compactMap { number, sums -> Session? in
            var session = book.sessions[number]?.session(book.models)
            session?.totals = sums.totals
            return session
        }
        sessions.sort { ($1.totals.cost, $0.id) < ($0.totals.cost, $1.id) }
        return Array(sessions.prefix(UsageSummary.maximumSessions))
    }

    /// What one name has of a period.
    private struct Group {
        var totals = ExactTotals()
        var sessions: Set<Int32> = []

        mutating func add(_ sums: ExactTotals, _ session: Int32?) {
            totals += sums
            if let session { sessions.insert(session) }
        }

        var share: UsageSummary.Share {
            var share = UsageSummary.Share()
            share.totals = totals.totals
            share.sessions = sessions.count
            return share
        }
    }
}
