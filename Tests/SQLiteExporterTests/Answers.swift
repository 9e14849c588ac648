// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// Everything a store can be asked, as lines of text, so that two stores can be compared to the byte.
struct Answers: Equatable {
    let lines: [String]

    init(of store: any UsageStore, _ period: Period, now: Timestamp) async throws {
        var lines = Self.lines(try await store.summary(of: period, now: now))
        var query = SessionQuery(now: now)
        query.limit = 1_000
        let page = try await store.sessions(query)
        lines.append("page \(page.total) \(page.next?.id ?? "last")")
        for session in page.sessions {
            lines.append(Self.line(session))
            guard let detail = try await store.session(id: session.id) else {
                lines.append("lost")
                continue
            }
            lines += detail.calls.map { "  \($0)" }
            lines += detail.events.map { "  \($0)" }
            lines += detail.costByModel.sorted { $0.key < $1.key }.map { "  \($0.key) \($0.value.nanodollars)" }
            lines.append(Self.line(detail.session))
        }
        self.lines = lines
    }

    /// Everything that a summary says.
    static func lines(_ summary: UsageSummary) -> [String] {
        var lines = [
            "\(summary.totals.text) \(summary.sessionCount) \(summary.activeSessions) \(summary.unpricedModels)"
        ]
        for shares in [summary.byModel, summary.byAgent, summary.byProject, summary.byUser, summary.byMachine] {
            lines += shares.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.totals.text) \($0.value.sessions)" }
        }
        return lines + summary.byDay.map { "\($0.date) \($0.totals.text)" } + summary.sessions.map(line)
    }

    private static func line(_ session: Session) -> String {
        let names = [session.agent, session.model, session.project, session.user, session.machine].map { $0 ?? "-" }
        return
            "\(session.id) \(names) \(session.startedAt.nanoseconds) \(session.lastSeenAt.nanoseconds) \(session.totals.text)"
    }
}
