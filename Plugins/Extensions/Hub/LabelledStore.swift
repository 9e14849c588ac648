// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Usage

/// A store whose answers have labels for projects, and whose filters accept labels and paths.
///
/// A store keeps project keys, which are paths where known (``ProjectPath``). Labels depend on all projects of the store, not only on
/// those of one answer, so that a project has the same label in every answer. Errors are those of the store; safe to use from many
/// tasks at once, as the store is.
struct LabelledStore: UsageStore {
    let store: any UsageStore
    /// The labels of the last computation.
    let memory: LabelMemory

    private func labels() async throws -> ProjectLabels { memory.labels(of: try await store.names(of: .project)) }

    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        let labels = try await labels()
        var query = query
        query.filter = labels.keys(query.filter)
        var summary = try await store.summary(query)
        summary.byProject = Dictionary(summary.byProject.map { (labels.label($0), $1) }) { left, right in
            var sum = left
            sum.totals += right.totals
            sum.sessions += right.sessions
            return sum
        }
        summary.sessions = summary.sessions.map(labels.labelled)
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
        var query = query
        query.filter = labels.keys(query.filter)
        var page = try await store.sessions(query)
        page.sessions = page.sessions.map(labels.labelled)
        return page
    }

    func session(id: String) async throws -> SessionDetail? {
        guard var detail = try await store.session(id: id) else { return nil }
        let labels = try await labels()
        detail.session = labels.labelled(detail.session)
        for place in detail.subagents.indices {
            detail.subagents[place].session = labels.labelled(detail.subagents[place].session)
        }
        return detail
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        var query = query
        query.filter = try await labels().keys(query.filter)
        return try await store.calls(query)
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        let names = try await store.names(of: dimension)
        guard dimension == .project else { return names }
        let labels = memory.labels(of: names)
        return Set(names.map(labels.label))
    }

    func quality(of period: Period) async throws -> DataQuality { try await store.quality(of: period) }

    func unpricedModels() async throws -> [UnpricedModel] { try await store.unpricedModels() }

    func reprice(by pricing: Pricing) async throws -> Int { try await store.reprice(by: pricing) }

    func compact(before instant: Timestamp) async throws -> Int { try await store.compact(before: instant) }

    func revision() async throws -> Int64 { try await store.revision() }
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

extension ProjectLabels {
    /// The session with the label in place of the project's key.
    fileprivate func labelled(_ session: Session) -> Session {
        var session = session
        session.project = session.project.map(label)
        return session
    }

    /// The filter with keys in place of the labels and paths of the request.
    fileprivate func keys(_ filter: UsageFilter) -> UsageFilter {
        var filter = filter
        filter[.project] = Set(filter[.project].flatMap { $0.isEmpty ? [""] : keys(meantBy: $0) })
        return filter
    }
}
