// SPDX-License-Identifier: Apache-2.0

import Usage

extension GeneratedTelemetry {
    /// The largest figures and times, strange names, and what comes after them.
    static func hostile() throws -> [Batch] {
        let pricing = try pricing(.reported)
        let names = [
            "'; DROP TABLE calls; --", "\"", "%_\\", "\u{1}x\u{7F}", "名前 🙂", String(repeating: "x", count: 70_000),
        ]
        let times = [0, 1, 899_999_999_999, now.nanoseconds, .max - 1, .max].map(Timestamp.init(nanoseconds:))
        var batches: [Batch] = []
        for (number, name) in names.enumerated() {
            var sighting = Observation(
                id: UInt64(number + 1),
                time: times[number],
                source: .otlpLog,
                witness: 1,
                authority: 9
            )
            (sighting.session, sighting.agent, sighting.model, sighting.user) = (name, name, name, name)
            (sighting.project, sighting.error, sighting.provider) = (name, name, name)
            sighting.counts = TokenCounts(uncachedInput: .max, cacheRead: .max, output: .max, reasoning: .max)
            (sighting.reportedCost, sighting.duration) = (Money(nanodollars: .max), .max)
            (sighting.keys.request, sighting.weakKey, sighting.trace.span) = (UInt64(number + 1), 5, 11)
            var other = sighting
            (other.id, other.keys.request, other.time) = (UInt64(number + 100), UInt64(number + 100), now)
            batches.append(try batch([sighting, other], [], pricing))
            // Told again: calls change and are taken away once sums have reached their end.
            sighting.keys.response = UInt64(number + 200)
            batches.append(try batch([sighting], [], pricing))
        }
        return batches
    }

    /// More names in every dimension than an answer lists, some of them with equal figures, and sessions with several rare models.
    static func manyNames() throws -> [Batch] {
        let pricing = try pricing(.reported)
        let count = ListedNames.most + 60
        return try (0..<count).map { number in
            var batch: [Observation] = []
            for part in 0..<(number.isMultiple(of: 5) ? 3 : 1) {
                let id = UInt64(number * 4 + part + 1)
                var call = Observation(
                    id: id,
                    time: at(-60 * number - part),
                    source: .otlpLog,
                    witness: 1,
                    authority: 9
                )
                // A name that senders chose, not the one of what is not listed; and no name at all.
                let name = [3: ListedNames.other, 7: ""][number] ?? "n\(number)"
                (call.session, call.model, call.user) = ("s\(number)", "\(name)\(part == 0 ? "" : "-\(part)")", name)
                (call.agent, call.project, call.machine) = (name, number == 11 ? nil : name, name)
                call.keys.request = id
                call.counts = TokenCounts(uncachedInput: Int64(number % 50), output: 1)
                if number % 3 > 0 { call.reportedCost = Money(nanodollars: Int64(number % 20 + 1)) }
                batch.append(call)
            }
            return try Self.batch(batch, [], pricing)
        }
    }

    // MARK: - Questions

    /// Listings by every order and condition.
    static var queries: [SessionQuery] {
        var queries: [SessionQuery] = []
        for sort in SessionQuery.Sort.allCases {
            for descending in [true, false] {
                var query = SessionQuery(now: now)
                (query.sort, query.descending) = (sort, descending)
                queries.append(query)
            }
        }
        for status in Session.Status.allCases { queries.append(query { $0.status = status }) }
        for agent in ["codex", "nobody", ""] { queries.append(query { $0.filter[.agent] = [agent] }) }
        for model in ["m", "unpriced", "", "nothing"] { queries.append(query { $0.filter[.model] = [model] }) }
        queries.append(query { $0.filter[.model] = ["unpriced", "", "nothing"] })
        queries.append(query { ($0.filter[.user], $0.filter[.machine]) = (["ann", ""], ["box"]) })
        for days in ["today", "7d", "2026-10"] {
            queries.append(query { $0.period = try? Period(days, timezone: "Asia/Kolkata", now: now) })
        }
        for text in ["ONLY", "fix THE", "s1", "%", "_", "", "ann", "nobody"] {
            queries.append(query { $0.text = text })
        }
        queries.append(query { ($0.filter[.project], $0.sort) = (["p"], .name) })
        for limit in [0, 1, 1_000] { queries.append(query { $0.limit = limit }) }
        let nowhere = SessionQuery.Place(number: at(-1_000).nanoseconds, name: "", id: "nobody")
        queries.append(query { $0.after = nowhere })
        return queries
    }

    /// A period with and without conditions.
    static func questions(_ period: Period) -> [UsageQuery] {
        let all = UsageQuery(period, now: now)
        guard ["30d", "today", "2026-11"].contains(period.name) else { return [all] }
        var questions = [all]
        for dimension in UsageDimension.allCases {
            var question = all
            question.series = dimension
            questions.append(question)
        }
        for (dimension, names) in [
            (UsageDimension.model, ["m", ""]), (.agent, ["codex"]), (.project, ["p", "nothing"]), (.user, [""]),
            (.machine, ["box"]),
        ] {
            var question = all
            question.filter[dimension] = Set(names)
            (question.series, question.filter[.user]) = (dimension, question.filter[.user].union(["ann", ""]))
            questions.append(question)
        }
        return questions
    }

    private static func query(_ change: (inout SessionQuery) -> Void) -> SessionQuery {
        var query = SessionQuery(now: now)
        change(&query)
        return query
    }
}
