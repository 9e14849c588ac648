// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Usage

/// A store whose answers have labels for projects and the names of the configuration for people and teams, and whose filters accept
/// these, ids and paths.
///
/// A store keeps project keys, which are paths where known (``ProjectPath``), and ids of people. Labels depend on all projects of the
/// store, not only on those of one answer, so that a project has the same label in every answer. Errors are those of the store; safe to
/// use from many tasks at once, as the store is.
struct LabelledStore: UsageStore {
    let store: any UsageStore
    /// The labels of the last computation.
    let memory: LabelMemory
    /// Persons by ids.
    var people: [String: String] = [:]
    /// Teams with their members.
    var teams: [String: HubConfig.Team] = [:]

    private func labels() async throws -> ProjectLabels { memory.labels(of: try await store.names(of: .project)) }

    /// How sessions are called.
    private func rules(_ labels: ProjectLabels) -> NamingRules {
        var rules = NamingRules()
        rules.people = people
        let ids = Dictionary(grouping: people.keys) { people[$0] ?? "" }
        for (team, members) in teams.sorted(by: { $0.key < $1.key }) {
            for user in members.users { for id in [user] + (ids[user] ?? []) { rules.teamsOfUsers[id] = team } }
            for project in members.projects {
                for key in labels.keys(meantBy: project) { rules.teamsOfProjects[key] = team }
            }
        }
        return rules
    }

    /// A filter with what the store keeps for what a person wrote.
    private func meant(_ filter: UsageFilter, _ labels: ProjectLabels, _ rules: NamingRules) -> UsageFilter {
        var filter = filter
        filter[.project] = Set(filter[.project].flatMap { $0.isEmpty ? [""] : labels.keys(meantBy: $0) })
        filter[.user] = Set(filter[.user].map { people[$0] ?? $0 })
        filter.naming = rules
        return filter
    }

    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        let labels = try await labels()
        let rules = rules(labels)
        var query = query
        query.filter = meant(query.filter, labels, rules)
        var summary = try await store.summary(query)
        summary.byProject = Dictionary(summary.byProject.map { (labels.label($0), $1) }) { left, right in
            var sum = left
            sum.totals += right.totals
            sum.sessions += right.sessions
            return sum
        }
        summary.sessions = summary.sessions.map { named($0, labels, rules) }
        guard query.series == .project else { return summary }
        summary.series = summary.series.map { day in
            Dictionary(day.map { (labels.label($0), $1) }) { left, right in
                var sum = left
                sum += right
                return sum
            }
        }
        return summary
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        let labels = try await labels()
        let rules = rules(labels)
        var query = query
        query.filter = meant(query.filter, labels, rules)
        var page = try await store.sessions(query)
        page.sessions = page.sessions.map { named($0, labels, rules) }
        return page
    }

    func session(id: String) async throws -> SessionDetail? {
        guard var detail = try await store.session(id: id) else { return nil }
        let labels = try await labels()
        let rules = rules(labels)
        detail.session = named(detail.session, labels, rules)
        for place in detail.subagents.indices {
            detail.subagents[place].session = named(detail.subagents[place].session, labels, rules)
        }
        return detail
    }

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        guard var detail = try await store.call(id, ofSession: session) else { return nil }
        let labels = try await labels()
        for place in detail.evidence.observations.indices {
            let observation = detail.evidence.observations[place]
            detail.evidence.observations[place].project = observation.project.map(labels.label)
            detail.evidence.observations[place].user = observation.user.map { people[$0] ?? $0 }
        }
        return detail
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        let labels = try await labels()
        var query = query
        query.filter = meant(query.filter, labels, rules(labels))
        return try await store.calls(query)
    }

    /// A session with the names of answers.
    private func named(_ session: Session, _ labels: ProjectLabels, _ rules: NamingRules) -> Session {
        var session = session
        let names = rules.applied(to: session.names)
        (session.user, session.team) = (names.user, names.team)
        session.project = session.project.map(labels.label)
        return session
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges { try await store.changes(since: cursor) }

    /// What a dimension of a session is called in answers.
    func namer() async throws -> SessionNamer {
        let labels = try await labels()
        let rules = rules(labels)
        return { session, dimension in
            let name = rules.name(of: session, in: dimension)
            return dimension == .project ? name.map(labels.label) : name
        }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        let names = try await store.names(of: dimension)
        switch dimension {
        case .project: return Set(names.map(memory.labels(of: names).label))
        case .user: return Set(names.map { people[$0] ?? $0 })
        case .team: return names.union(teams.keys)
        default: return names
        }
    }

    func quality(of period: Period) async throws -> DataQuality { try await store.quality(of: period) }

    func unpricedModels() async throws -> [UnpricedModel] { try await store.unpricedModels() }

    func reprice(by pricing: Pricing) async throws -> Int { try await store.reprice(by: pricing) }

    func compact(before instant: Timestamp) async throws -> Int { try await store.compact(before: instant) }

    func revision() async throws -> Int64 { try await store.revision() }

    func take(_ duty: StoreDuty) async throws -> StoreTerm? { try await store.take(duty) }

    func leave(_ memo: [UInt8], of duty: StoreDuty) async throws -> Bool { try await store.leave(memo, of: duty) }

    func memo(of duty: StoreDuty) async throws -> [UInt8]? { try await store.memo(of: duty) }

    var otherCollectors: [StoreCollector] { store.otherCollectors }
}

/// Remembers the labels of the last set of projects: comparing the names is cheaper than computing labels.
///
/// Safe to use from many tasks at once.
final class LabelMemory: Sendable {
    private let latest = Mutex<(names: Set<String>, labels: ProjectLabels)?>(nil)

    /// The labels of a set of projects.
    func labels(of names: Set<String>) -> ProjectLabels {
        if let known = latest.withLock({ $0 }), known.names == names { return known.labels }
        let labels = ProjectLabels(names)
        latest.withLock { $0 = (names, labels) }
        return labels
    }
}
