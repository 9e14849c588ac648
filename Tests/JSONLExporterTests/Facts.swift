// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Usage

@testable import JSONLExporter

/// What a store answers, short enough to compare and to read.
struct Facts: Equatable, CustomStringConvertible {
    var description: String

    init(_ store: any UsageStore) async throws {
        var query = SessionQuery(now: morning)
        query.limit = 1_000
        var lines: [String] = []
        for session in try await store.sessions(query).sessions {
            let detail = try await store.session(id: session.id)
            let calls = (detail?.calls ?? []).map {
                "\($0.name) \($0.counts.output) \($0.price?.cost.nanodollars ?? -1)"
            }
            let events = (detail?.events ?? []).map { "\($0.name) \($0.time.nanoseconds)" }
            lines.append(
                "\(session.id) \(session.startedAt.nanoseconds)-\(session.lastSeenAt.nanoseconds) \(calls) \(events)"
            )
        }
        let summary = try await store.summary(of: period("2026-11-01", "2026-11-30"), now: morning)
        lines.append("\(summary.totals.calls) \(summary.totals.cost.nanodollars) \(summary.sessionCount)")
        description = lines.joined(separator: "\n")
    }
}

/// Everything that a store answers about calls, sessions and sums.
struct Answers: Equatable {
    private let facts: Facts
    private let shares: [String]
    private let quality: DataQuality
    private let sessions: [Session]
    private let calls: [Call]
    private let unpriced: [UnpricedModel]
    private let counted: Int

    init(_ store: any UsageStore) async throws {
        facts = try await Facts(store)
        let days = try period("2026-11-01", "2026-11-30")
        let summary = try await store.summary(of: days, now: morning)
        shares = UsageDimension.allCases.flatMap { dimension in
            summary[by: dimension].map { name, share in
                "\(dimension) \(name) \(share.totals.calls) \(share.totals.counts.output) \(share.totals.cost) \(share.sessions)"
            }
            .sorted()
        }
        quality = try await store.quality(of: days)
        var query = SessionQuery(now: morning)
        query.limit = 1_000
        sessions = try await store.sessions(query).sessions
        calls = try await store.calls(CallQuery(from: days.start, to: days.end))
        unpriced = try await store.unpricedModels()
        var changes = try await store.changes(since: nil)
        var count = changes.blocks.values.reduce(0) { $0 + $1.count }
        while !changes.isComplete {
            changes = try await store.changes(since: changes.next)
            count += changes.blocks.values.reduce(0) { $0 + $1.count }
        }
        counted = count
    }

    /// What is not the same, for the message of a test that fails.
    func differences(from other: Answers) -> String {
        var parts: [String] = []
        if facts != other.facts { parts.append("facts \(facts)\n\(other.facts)") }
        if shares != other.shares { parts.append("shares \(Set(shares).symmetricDifference(other.shares).sorted())") }
        if quality != other.quality { parts.append("quality \(quality)\n\(other.quality)") }
        if sessions != other.sessions { parts.append("sessions \(sessions)\n\(other.sessions)") }
        if calls != other.calls { parts.append("calls \(calls.count) \(other.calls.count)") }
        if unpriced != other.unpriced { parts.append("unpriced \(unpriced)\n\(other.unpriced)") }
        if counted != other.counted { parts.append("counted \(counted) \(other.counted)") }
        return parts.joined(separator: "\n")
    }
}

/// Batches that tell of calls, records and sessions, each something new; the last takes a call of the first away.
func smallCorpus() throws -> [Batch] {
    let pricing = try testPricing()
    let known = Observation(1, session: "a", output: 1_000).with { $0.keys.request = 71 }
    let other = Observation(2, at: morning + 1, session: "a").with { $0.keys.response = 72 }
    let both = Observation(3, at: morning + 2, session: "b", source: .otlpSpan).with {
        ($0.keys.request, $0.keys.response) = (71, 72)
        ($0.error, $0.reportedCost) = ("it said \"no\"\n", Money(nanodollars: 1_234_567_891))
    }
    return [
        try Batch([known], records: [("user_prompt", "a", morning)], pricing: pricing),
        try Batch([other], records: [("tool", "a", morning + 3), ("tool", "c", morning + 4)], pricing: pricing),
        try Batch(records: [("", "c", morning + 5)]),
        try Batch([both], records: [("end", "b", morning + 6)], pricing: pricing),
    ]
}
