// SPDX-License-Identifier: Apache-2.0

import Usage

extension UsageIndex {
    /// Adds up a period.
    func summary(_ query: UsageQuery) -> UsageSummary {
        let period = query.period
        var summary = UsageSummary(period: period)
        var tally = SummaryTally(query, self)
        for (quarter, rows) in quarters(of: period) {
            let day = period.day(of: Timestamp(nanoseconds: quarter * Self.quarter))
            let hour = period.clock.hour(ofQuarter: quarter)
            guard query.filter.allows(LocalClock.names[hour], as: .hour) else { continue }
            for (key, totals) in rows { tally.add(totals, key, day, hour, self) }
        }
        tally.write(to: &summary, self)
        let minute = query.now.nanoseconds - 60_000_000_000
        summary.activeSessions = sessions.slots.indices.count {
            guard let session = sessions.slots[$0], !session.isCompleted, session.isListed,
                session.update.lastSeen.nanoseconds >= minute, query.filter.allows(session.update.names),
                hasCall(session, query.filter)
            else { return false }
            return session.callsByModel.keys.contains { query.filter.allows(models[$0], as: .model) }
                || query.filter[.model].isEmpty
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

    /// The names of a dimension, the empty one left out.
    func names(of dimension: UsageDimension) -> Set<String> {
        if let fixed = dimension.fixedNames { return Set(fixed) }
        let names =
            dimension == .model
            ? models.known : Set(sessions.slots.compactMap { $0.flatMap { dimension.name(of: $0.update.names) } })
        return names.subtracting([""])
    }

    /// Whether a session has a call in an hour that is meant.
    private func hasCall(_ session: KeptSession, _ filter: UsageFilter) -> Bool {
        filter[.hour].isEmpty
            || session.calls.contains { id in
                calls[id].flatMap { ledger.entries[$0.ref]?.call }.map { $0.isCounted && filter.allows($0.time) }
                    ?? false
            }
    }

    /// A page of sessions.
    func page(_ query: SessionQuery) -> SessionPage {
        let filter = SessionFilter(query, models) { hasCall($0, query.filter) }
        var found: [(position: Int, place: SessionQuery.Place)] = []
        for position in sessions.slots.indices {
            guard let session = sessions.slots[position], filter.matches(session) else { continue }
            found.append((position, SessionQuery.Place(of: session, by: query.sort)))
        }
        let total = found.count
        func isBefore(_ left: SessionQuery.Place, _ right: SessionQuery.Place) -> Bool {
            SessionQuery.Place.isBefore(left, right, descending: query.descending)
        }
        if let after = query.after { found.removeAll { !isBefore(after, $0.place) } }
        found.sort { isBefore($0.place, $1.place) }
        let page = found.prefix(max(0, query.limit))
        return SessionPage(
            sessions: page.compactMap { sessions.slots[$0.position].map(session) },
            total: total,
            next: page.count < found.count ? page.last?.place : nil
        )
    }

    /// A session with its calls; its events stand in the files.
    func detail(id: String) -> (detail: SessionDetail, lines: [LineRef])? {
        guard let number = sessions.number(of: id), let kept = sessions[number], kept.isListed else { return nil }
        let listed = calls(of: kept, atMost: SessionDetail.maximumCalls)
        var costs: [String: Money] = [:]
        for call in listed { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        var detail = SessionDetail(
            session: session(kept),
            calls: listed,
            events: [],
            costByModel: ListedNames.bounded(costs)
        )
        detail.subagents = subagents(of: id)
        return (detail, kept.lines)
    }

    /// A counted call of a session with what it was made of, and the lines with records of the session.
    func call(_ id: UInt64, of session: String, keepsRecords: Bool) -> (detail: CallDetail, lines: [LineRef])? {
        guard let number = sessions.number(of: session), let kept = sessions[number], kept.isListed,
            let place = calls[id], !place.isExpired, place.session == number, let call = call(id), call.isCounted,
            let entry = entry(id)
        else { return nil }
        let detail = CallDetail(
            session: session,
            call: call,
            observations: entry.observations,
            keepsRecords: keepsRecords
        )
        return (detail, kept.lines)
    }

    /// The counted calls of a range of time.
    func calls(_ query: CallQuery) -> [Call] {
        var allowed: [Int32: Bool] = [:]
        var found: [Call] = []
        for (id, kept) in calls where !kept.isExpired {
            guard let time = ledger.entries[kept.ref]?.call.time, time >= query.start, time < query.end,
                query.filter.allows(models[kept.model], as: .model), query.filter.allows(time)
            else { continue }
            let isMeant =
                allowed[kept.session]
                ?? sessions[kept.session].map { query.filter.allows($0.update.names) } ?? query.filter.isEmpty
            allowed[kept.session] = isMeant
            if isMeant, let call = call(id), call.isCounted { found.append(call) }
        }
        return found.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private func calls(of kept: KeptSession, atMost limit: Int) -> [Call] {
        var found = kept.calls.compactMap(call).filter(\.isCounted)
        found.sort { NewestCall.isEarlier(($0.time, $0.id), ($1.time, $1.id)) }
        return Array(found.prefix(limit))
    }

    /// The sessions that a session started, all together with at most as many calls as a session lists.
    private func subagents(of id: String) -> [SessionDetail.Subagent] {
        let children = sessions.children(of: id).filter { $0.update.id != id }
            .sorted { ($0.update.firstSeen, $0.update.id) < ($1.update.firstSeen, $1.update.id) }
        var rest = SessionDetail.maximumCalls
        return children.prefix(SessionDetail.maximumSubagents).map { child in
            let calls = calls(of: child, atMost: rest)
            rest -= calls.count
            return SessionDetail.Subagent(session: session(child), calls: calls)
        }
    }

    /// Models of counted calls without a price.
    func unpricedModels() -> [UnpricedModel] {
        var found: [String: UnpricedModel] = [:]
        for (id, kept) in calls where !kept.isExpired && !kept.price.isPriced {
            guard let call = call(id), call.isCounted else { continue }
            let model = call.model ?? ""
            let known = found[model]
            found[model] = UnpricedModel(
                model: model,
                calls: (known?.calls ?? 0) + 1,
                lastSeenAt: max(known?.lastSeenAt ?? call.time, call.time)
            )
        }
        return ListedNames.bounded(Array(found.values))
    }

    /// Of some calls those whose price is another one now.
    func repriced(_ ids: some Sequence<UInt64>, by pricing: Pricing) -> [KeptEntry] {
        ids.compactMap { id in
            guard let kept = calls[id], !kept.isExpired, let entry = ledger.entries[kept.ref] else { return nil }
            let price = pricing.price(entry.call)
            return price == kept.price ? nil : KeptEntry(entry: entry, price: price)
        }
    }

    /// A call with its observations.
    func entry(_ id: UInt64) -> LedgerEntry? { calls[id].flatMap { ledger.entries[$0.ref] } }

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
