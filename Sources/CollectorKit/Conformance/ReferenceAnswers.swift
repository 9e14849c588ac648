// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What the plain store knows at one moment, and the answers that follow from it.
struct ReferenceAnswers {
    /// All calls, also those that only repeat what others tell.
    let calls: [Call]
    /// The calls that count.
    let counted: [Call]
    let records: Set<Record>
    /// Every session that is listed, with all its sums.
    let sessions: [Session]

    struct Record: Hashable {
        var time: Timestamp
        var name: String
        var session: String?
        var text: [UInt8]
    }

    func summary(of period: Period, now: Timestamp) -> UsageSummary {
        let all = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
        var summary = UsageSummary(period: period)
        let calls = counted.filter { $0.time >= period.start && $0.time < period.end }
        for call in calls {
            if let day = period.day(of: call.time) { summary.byDay[day].totals += call.totals }
        }
        // A call belongs to whom its session belongs; without a session to whom it says itself.
        func shares(_ name: (Call) -> String?) -> [String: UsageSummary.Share] {
            Dictionary(grouping: calls) { name($0) ?? "" }.mapValues { calls in
                var share = UsageSummary.Share()
                for call in calls { share.totals += call.totals }
                share.sessions = Set(calls.compactMap(\.session)).count
                return share
            }
        }
        func owner(_ call: Call) -> Session? { call.session.flatMap { all[$0] } }
        for call in calls { summary.totals += call.totals }
        summary.byModel = shares(\.model)
        summary.byAgent = shares { call in owner(call).map(\.agent) ?? call.agent }
        summary.byProject = shares { call in owner(call).map(\.project) ?? call.project }
        summary.byUser = shares { call in owner(call).map(\.user) ?? call.user }
        summary.byMachine = shares { call in owner(call).map(\.machine) ?? call.machine }
        summary.unpricedModels = Set(calls.filter { $0.price?.isPriced != true }.map { $0.model ?? "" }).sorted()
        summary.sessionCount = Set(calls.compactMap(\.session)).count
        summary.activeSessions = all.values.count { $0.status(at: now) == .active }
        summary.sessions = Dictionary(grouping: calls.filter { $0.session != nil }) { $0.session ?? "" }
            .compactMap { id, calls in all[id].map { $0.having(calls) } }
            .sorted { ($1.totals.cost, $0.id) < ($0.totals.cost, $1.id) }
        summary.sessions = Array(summary.sessions.prefix(UsageSummary.maximumSessions))
        return summary
    }

    func quality(of period: Period) -> DataQuality {
        let all = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
        var quality = DataQuality()
        for call in calls where call.time >= period.start && call.time < period.end {
            let owner = call.session.flatMap { all[$0] }
            quality.add(call, agent: owner.map(\.agent) ?? call.agent, machine: owner.map(\.machine) ?? call.machine)
        }
        return quality
    }

    func sessions(_ query: SessionQuery) -> SessionPage {
        let models = Dictionary(grouping: counted.filter { $0.session != nil }) { $0.session ?? "" }
        var found = sessions.filter { session in
            let texts = [session.id, session.name, session.project, session.user].compactMap { $0?.lowercased() }
            return (query.agent == nil || query.agent == session.agent)
                && (query.project == nil || query.project == session.project)
                && (query.status == nil || query.status == session.status(at: query.now))
                && (query.model == nil || models[session.id]?.contains { ($0.model ?? "") == query.model } == true)
                && (query.text.map { text in texts.contains { $0.contains(text.lowercased()) } } ?? true)
        }
        found.sort { query.places($0, before: $1) }
        let page = Array(found.dropFirst(max(0, query.offset)).prefix(max(0, query.limit)))
        let next = query.offset + page.count
        return SessionPage(
            sessions: page,
            total: found.count,
            nextOffset: next < found.count && !page.isEmpty ? next : nil
        )
    }

    func session(id: String) -> SessionDetail? {
        guard let session = sessions.first(where: { $0.id == id }) else { return nil }
        let calls = counted.filter { $0.session == id }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        let events = records.filter { $0.session == id && !$0.name.isEmpty }
            .map { SessionEvent(time: $0.time, name: $0.name) }
            .sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        var costs: [String: Money] = [:]
        for call in calls { costs[call.model ?? "", default: .zero] += call.price?.cost ?? .zero }
        return SessionDetail(session: session, calls: calls, events: events, costByModel: costs)
    }
}

extension Call {
    /// The sums over this one call.
    var totals: UsageTotals {
        var totals = UsageTotals()
        totals.calls = 1
        totals.counts = counts
        totals.cost = price?.cost ?? .zero
        totals.unpricedCalls = price?.isPriced == true ? 0 : 1
        return totals
    }
}

extension SessionQuery {
    /// Whether a session comes before another; equals come in the order of their ids.
    fileprivate func places(_ left: Session, before right: Session) -> Bool {
        let (first, second) = descending ? (right, left) : (left, right)
        func isLess<Value: Comparable>(_ value: (Session) -> Value) -> Bool {
            value(left) == value(right) ? left.id < right.id : value(first) < value(second)
        }
        switch sort {
        case .lastSeenAt: return isLess(\.lastSeenAt)
        case .startedAt: return isLess(\.startedAt)
        case .cost: return isLess(\.totals.cost)
        case .totalTokens: return isLess(\.totals.counts.total)
        case .calls: return isLess(\.totals.calls)
        case .durationMs: return isLess { $0.lastSeenAt.nanoseconds - $0.startedAt.nanoseconds }
        case .name: return isLess(\.name)
        }
    }
}
