// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// The data of the reference store at one moment, and the answers computed from it.
struct ReferenceAnswers {
    /// All calls, including those that repeat others.
    let calls: [Call]
    /// The calls that count.
    let counted: [Call]
    /// What each call was made of.
    let observations: [UInt64: [Observation]]
    let records: Set<Record>
    /// All listed sessions with their sums.
    let sessions: [Session]

    struct Record: Hashable {
        var time: Timestamp
        var name: String
        var session: String?
        var text: [UInt8]
    }

    func summary(_ query: UsageQuery) -> UsageSummary {
        let (period, now) = (query.period, query.now)
        let all = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
        var summary = UsageSummary(period: period)
        func owner(_ call: Call) -> Session? { call.session.flatMap { all[$0] } }
        func name(_ dimension: UsageDimension, _ call: Call) -> String? {
            switch dimension.source {
            case .call: call.model
            case .time: LocalClock.names[period.clock.hour(of: call.time)]
            case .session: query.filter.naming.name(of: owner(call)?.names ?? call.ownNames, in: dimension)
            }
        }
        let calls = counted.filter { call in
            call.time >= period.start && call.time < period.end
                && UsageDimension.allCases.allSatisfy { query.filter.allows(name($0, call), as: $0) }
        }
        // Names that are not listed share one name (ListedNames).
        var listed: [UsageDimension: Set<String>] = [:]
        for dimension in UsageDimension.allCases {
            let totals = calls.reduce(into: [String: UsageTotals]()) {
                $0[name(dimension, $1) ?? "", default: UsageTotals()] += $1.totals
            }
            listed[dimension] = ListedNames.chosen(of: totals)
        }
        func listedName(_ dimension: UsageDimension, _ call: Call) -> String {
            let name = name(dimension, call) ?? ""
            return listed[dimension]?.contains(name) ?? true ? name : ListedNames.other
        }
        summary.series = query.series == nil ? [] : period.days.map { _ in [:] }
        for call in calls {
            guard let day = period.day(of: call.time) else { continue }
            summary.byDay[day].totals += call.totals
            guard let series = query.series else { continue }
            summary.series[day][listedName(series, call), default: UsageTotals()] += call.totals
        }
        // A call has the project and user of its session; without a session those of its own.
        func shares(_ dimension: UsageDimension) -> [String: UsageSummary.Share] {
            Dictionary(grouping: calls) { listedName(dimension, $0) }.mapValues { calls in
                var share = UsageSummary.Share()
                for call in calls { share.totals += call.totals }
                share.sessions = Set(calls.compactMap(\.session)).count
                return share
            }
        }
        for call in calls { summary.totals += call.totals }
        for dimension in UsageDimension.allCases { summary[by: dimension] = shares(dimension) }
        summary.unpricedModels = ListedNames.bounded(Self.unpriced(calls)).map(\.model)
        summary.sessionCount = Set(calls.compactMap(\.session)).count
        summary.activeSessions = all.values.count { $0.status(at: now) == .active && isMeant($0, by: query.filter) }
        summary.sessions = Dictionary(grouping: calls.filter { $0.session != nil }) { $0.session ?? "" }
            .compactMap { id, calls in all[id].map { $0.having(calls) } }
            .sorted { ($1.totals.cost, $0.id) < ($0.totals.cost, $1.id) }
        summary.sessions = Array(summary.sessions.prefix(UsageSummary.maximumSessions))
        return summary
    }

    /// The sums of all counted calls by model and the names of sessions.
    func series(by dimensions: [UsageDimension]) -> [StoreMeter.Series: UsageMeter.Sums] {
        let all = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
        return counted.reduce(into: [:]) { sums, call in
            let names = call.session.flatMap { all[$0]?.names } ?? call.ownNames
            let series = dimensions.map { ($0 == .model ? call.model : $0.name(of: names)) ?? "" }
            let price = call.price ?? CallPrice(cost: .zero, isPriced: false, computed: nil)
            var counted = CountedCall(id: call.id, time: call.time, counts: call.counts, price: price)
            counted.duration = call.duration
            sums[series, default: UsageMeter.Sums()] += UsageMeter.Sums(counted)
        }
    }

    func quality(of period: Period) -> DataQuality {
        let all = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
        var quality = DataQuality()
        for call in calls where call.time >= period.start && call.time < period.end {
            let owner = call.session.flatMap { all[$0] }
            quality.add(call, agent: owner.map(\.agent) ?? call.agent, machine: owner.map(\.machine) ?? call.machine)
        }
        for session in sessions where session.startedAt < period.end && session.lastSeenAt >= period.start {
            guard let reported = session.comparableCost else { continue }
            quality.sessionCosts.add(session.id, reported: reported, counted: session.totals.cost)
        }
        quality.boundNames()
        return quality
    }

    /// The names of a dimension that sessions and calls have.
    func names(of dimension: UsageDimension) -> Set<String> {
        let alone = counted.filter { $0.session == nil }
        let names: [String?] =
            switch dimension.source {
            case .call: counted.map(\.model)
            case .time: LocalClock.names
            case .session: (sessions.map(\.names) + alone.map(\.ownNames)).map { dimension.name(of: $0) }
            }
        return Set(names.compactMap(\.self)).subtracting([""])
    }

    /// Whether a session matches a filter and used one of the models.
    private func isMeant(_ session: Session, by filter: UsageFilter) -> Bool {
        let own = counted.filter { $0.session == session.id }
        return filter.allows(session.names)
            && (filter[.model].isEmpty || own.contains { filter.allows($0.model, as: .model) })
            && (filter[.hour].isEmpty || own.contains { filter.allows($0.time) })
    }

    func sessions(_ query: SessionQuery) -> SessionPage {
        var found = sessions.filter { session in
            let texts = query.searchedTexts(id: session.id, name: session.name, session.names).map { $0.lowercased() }
            return query.id ?? session.id == session.id && isMeant(session, by: query.filter)
                && query.isSeen(from: session.startedAt, to: session.lastSeenAt)
                && (query.status == nil || query.status == session.status(at: query.now))
                && (query.text.map { text in texts.contains { $0.contains(text.lowercased()) } } ?? true)
        }
        func place(_ session: Session) -> SessionQuery.Place { SessionQuery.Place(of: session, by: query.sort) }
        func isBefore(_ left: SessionQuery.Place, _ right: SessionQuery.Place) -> Bool {
            SessionQuery.Place.isBefore(left, right, descending: query.descending)
        }
        let total = found.count
        found.sort { isBefore(place($0), place($1)) }
        if let after = query.after { found.removeAll { !isBefore(after, place($0)) } }
        let page = Array(found.prefix(max(0, query.limit)))
        return SessionPage(
            sessions: page,
            total: total,
            next: page.count < found.count ? page.last.map(place) : nil
        )
    }

    /// Models of counted calls without a price.
    func unpricedModels() -> [UnpricedModel] { ListedNames.bounded(Self.unpriced(counted)) }

    private static func unpriced(_ calls: [Call]) -> [UnpricedModel] {
        Dictionary(grouping: calls.filter { $0.price?.isPriced != true }) { $0.model ?? "" }
            .map { model, calls in
                let newest = calls.map(\.time).max() ?? Timestamp(nanoseconds: 0)
                return UnpricedModel(model: model, calls: Int64(calls.count), lastSeenAt: newest)
            }
    }

    /// The counted calls of a range of time.
    func calls(from start: Timestamp, to end: Timestamp) -> [Call] {
        counted.filter { $0.time >= start && $0.time < end }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    func session(id: String) -> SessionDetail? {
        guard let session = sessions.first(where: { $0.id == id }) else { return nil }
        let calls = self.calls(of: id)
        let events = records.filter { $0.session == id && !$0.name.isEmpty }
            .map { SessionEvent(time: $0.time, name: $0.name) }
            .sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        var costs: [String: Money] = [:]
        for call in calls { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        var detail = SessionDetail(
            session: session,
            calls: calls,
            events: events,
            costByModel: ListedNames.bounded(costs)
        )
        let children = sessions.filter { $0.parent == id && $0.id != id }
        detail.subagents = children.sorted { ($0.startedAt, $0.id) < ($1.startedAt, $1.id) }
            .map { SessionDetail.Subagent(session: $0, calls: self.calls(of: $0.id)) }
        return detail
    }

    /// A call with what it was made of; without records.
    func call(_ id: UInt64, ofSession session: String) -> CallDetail? {
        guard let call = calls(of: session).first(where: { $0.id == id }),
            sessions.contains(where: { $0.id == session })
        else { return nil }
        return CallDetail(session: session, call: call, observations: observations[id] ?? [], keepsRecords: true)
    }

    private func calls(of session: String) -> [Call] {
        counted.filter { $0.session == session }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }
}

extension Call {
    /// The totals of this one call.
    var totals: UsageTotals {
        var totals = UsageTotals()
        totals.calls = 1
        totals.counts = counts
        totals.cost = price?.cost ?? .zero
        totals.unpricedCalls = price?.isPriced == true ? 0 : 1
        return totals
    }
}
