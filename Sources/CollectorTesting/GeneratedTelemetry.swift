// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Random telemetry with the properties of real telemetry: calls with one to three observations, similar calls, repetitions with larger
/// counts, roll-ups, times around midnights and changes of the clock, and records that name sessions.
struct GeneratedTelemetry {
    /// The present time of all queries: 2026-11-22T10:00:00Z.
    static let now = Timestamp(nanoseconds: 1_795_341_600_000_000_000)

    /// The borders of compactions, in increasing order.
    static let borders = [
        Timestamp(nanoseconds: 0), at(-240 * 86_400), at(-20 * 86_400), at(-3_000), at(-1_234), at(400 * 86_400),
    ]

    private var random: SeededGenerator
    private let pricing: Pricing
    private var observations: [Observation] = []
    private var records: [Record] = []

    struct Record {
        var name: String
        var update: SessionUpdate?
        var time: Timestamp
    }

    /// The time this many seconds after ``now``.
    private static func at(_ seconds: Int) -> Timestamp {
        Timestamp(nanoseconds: now.nanoseconds + Int64(seconds) * 1_000_000_000)
    }

    init(seed: UInt64, calls: Int = 60) throws {
        random = SeededGenerator(seed: seed)
        pricing = try Self.pricing(.computed)
        for call in 0..<UInt64(calls) { observe(call) }
        for number in 0..<40 { record(number) }
    }

    /// Prices of one dollar for a million input tokens and two for a million output tokens.
    static func pricing(_ preference: Pricing.Preference) throws -> Pricing {
        let own = try PriceOverride(
            model: "m",
            input: "1",
            output: "2",
            cacheRead: "0.1",
            cacheWrite: "1",
            cacheWrite1h: "2"
        )
        let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
        return Pricing(table: table.overridden(by: [own]), preference: preference)
    }

    // MARK: - Deliveries

    /// The telemetry in several orders: shuffled, split, partly repeated.
    func deliveries() throws -> [[Batch]] {
        var random = random
        return try (0..<3).map { _ in
            let again = observations.filter { _ in random.below(3) == 0 }
            let repeated = records.filter { _ in random.below(2) == 0 }
            return try cut(
                (observations + again).shuffled(using: &random),
                (records + repeated).shuffled(using: &random),
                &random
            )
        }
    }

    /// The telemetry, everything once.
    func once() throws -> [Batch] {
        var random = random
        var seen: Set<UInt64> = []
        return try cut(observations.filter { seen.insert($0.id).inserted }, records, &random)
    }

    private func cut(
        _ observations: [Observation],
        _ records: [Record],
        _ random: inout SeededGenerator
    ) throws -> [Batch] {
        var (observations, records) = (observations[...], records[...])
        var batches: [Batch] = []
        while !observations.isEmpty || !records.isEmpty {
            let (some, more) = (1 + random.below(12), random.below(6))
            batches.append(try Self.batch(Array(observations.prefix(some)), Array(records.prefix(more)), pricing))
            observations = observations.dropFirst(some)
            records = records.dropFirst(more)
        }
        return batches
    }

    private static func batch(_ observations: [Observation], _ records: [Record], _ pricing: Pricing) throws -> Batch {
        let logs = records.map { record in
            #"{"eventName":"\#(record.name)","timeUnixNano":"\#(record.time.nanoseconds)","body":{"stringValue":"\#(record.name)"}}"#
        }
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(logs.joined(separator: ","))]}]}]}"#
        var batch = Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: now)
        batch.observations = observations
        batch.pricing = pricing
        for (number, record) in records.enumerated() {
            guard let update = record.update else { continue }
            let known = batch.sessions.firstIndex { $0.id == update.id }
            if let known { batch.sessions[known].merge(update) }
            batch.sessions.assign(record: number, to: known ?? batch.sessions.append(update))
        }
        return batch
    }

    // MARK: - Calls

    private mutating func observe(_ call: UInt64) {
        // Many within a few minutes, so that they are similar; some around midnights and changes of the clock, some long ago.
        let moments = [
            random.below(240), random.below(180_000) - 90_000, -5_050_000 - random.below(9_000),
            -28 * 86_400 + random.below(90_000),
            -238 * 86_400 + random.below(90_000),
        ]
        let moment = random.below(3) == 0 ? moments[random.below(moments.count)] : moments[0]
        let hasID = random.below(2) == 0
        for source in [Observation.Source.otlpLog, .otlpSpan, .transcript] where random.below(3) > 0 {
            let id = call * 10 + UInt64(source.rawValue)
            var update = Observation(
                id: id,
                time: Self.at(moment + random.below(4)),
                source: source,
                emitter: UInt64(source.rawValue),
                priority: source == .otlpLog ? 90 : 80
            )
            update.blockingKey = 500 + call % 5
            update.counts = TokenCounts(uncachedInput: Int64(call % 5), cacheWrite5m: 30, output: Int64(call % 3))
            describe(&update)
            if hasID, random.below(4) > 0 { update.keys.request = 1_000 + call / 2 }
            if hasID, source != .otlpLog { update.keys.response = 2_000 + call }
            if source == .otlpSpan {
                update.trace.span = 3_000 + call
                update.trace.kind = 4_000 + call
                // Every third call is reported by two libraries of one process, perhaps while another one runs.
                if call % 3 == 0 { update.intervalKey = 5_000 + call % 6 }
                if call % 5 == 0 { update.trace.ancestors.insert(3_000 + call - 1) }
            }
            observations.append(update)
            if random.below(4) == 0 { observations.append(again(update)) }
            if source == .otlpSpan, call % 3 == 0 { observations.append(otherLibrary(update)) }
            if source == .transcript, random.below(3) == 0 { observations.append(sideChain(update)) }
        }
    }

    private mutating func some(_ names: [String?]) -> String? { names[random.below(names.count)] }

    private mutating func describe(_ update: inout Observation) {
        update.session = some(["s0", "s1", "s2", "only-calls \"quoted\"\\\n", "trace-1", "trace-2", nil])
        update.sessionIsTrace = update.session?.hasPrefix("trace") == true
        update.agent = some(["claude-code", "codex", nil])
        update.user = some(["ann", "bob", nil])
        update.project = some(["p", "q", nil])
        update.machine = some(["box", nil])
        update.team = some(["red", "blue", nil, nil])
        update.model = some(["m", "m", "unpriced", nil])
        update.provider = some(["openai", nil])
        update.error = some(["overloaded", nil, nil])
        update.terms.serviceTier = some(["flex", nil, nil])
        if random.below(2) == 0 { update.duration = Int64(random.below(9_000)) * 1_000_000 }
        if random.below(3) == 0 { update.reportedCost = Money(nanodollars: Int64(random.below(1_000_000_000))) }
        guard update.source == .transcript, random.below(2) == 0 else { return }
        (update.counts.cacheWrite5m, update.counts.cacheWrite1h) = (10, 20)
        update.knowsCacheLifetimes = true
    }

    /// Another library's span of a call, in its own trace.
    private mutating func otherLibrary(_ span: Observation) -> Observation {
        var other = span
        other.id += 5_000
        other.emitter += 100
        other.keys = CallKeys()
        (other.trace, other.blockingKey) = (TraceLinks(), 0)
        other.trace.span = span.trace.span + 5_000
        other.duration = Int64(random.below(4_000)) * 1_000_000
        return other
    }

    /// The repetition of a call in a side chain, with its own request id.
    private mutating func sideChain(_ line: Observation) -> Observation {
        var copy = line
        copy.id += 7_000
        copy.keys.request = 9_000 + line.id
        copy.isSideChain = true
        copy.origin.value.sessionIsFork = random.below(2) == 0
        return copy
    }

    /// A later delivery of the same observation: with more output, another end, another id.
    private mutating func again(_ update: Observation) -> Observation {
        var copy = update
        copy.counts.output += Int64(random.below(3))
        if !update.keys.isEmpty || update.trace.span != 0 {
            copy.time = Timestamp(nanoseconds: update.time.nanoseconds + Int64(random.below(80) - 40) * 1_000_000_000)
        }
        if update.keys.request != 0, random.below(2) == 0 { copy.keys.response = 2_000 + UInt64(random.below(60)) }
        return copy
    }

    // MARK: - Records

    private mutating func record(_ number: Int) {
        let time = Self.at((random.below(4) == 0 ? -30 * 86_400 : 0) + random.below(14_400) - 14_380)
        var record = Record(name: "event-\(number)", time: time)
        if let id = some(["s0", "s1", "s2", "only-records", "Ended", nil]) {
            var update = SessionUpdate(id: id, time: time)
            update.agent = some(["claude-code", nil])
            update.project = some(["p", "Projekt-Ü", nil])
            update.parent = some(["s0", nil, nil])
            update.provenance = Provenance(rawValue: UInt8(random.below(4)))
            update.name = some(["Fix the build", "b-name", nil]).map { LastWrite($0, at: time) }
            update.branch = some(["main", nil]).map { LastWrite($0, at: time) }
            update.agentVersion = some(["2.1.330", nil]).map { LastWrite($0, at: time) }
            update.taskStatus = some(["testing", "idle", nil]).map { LastWrite($0, at: time) }
            if random.below(3) == 0 {
                let cost = Money(nanodollars: Int64(random.below(2_000_000_000)))
                update.reportedCost = LastWrite(cost, at: Self.at(random.below(60)))
            }
            if id == "Ended" { update.completion = LastWrite(UInt8(random.below(3) == 0 ? 0 : 1), at: time) }
            record.update = update
        }
        records.append(record)
    }
}

// MARK: - Hostile

extension GeneratedTelemetry {
    /// The largest figures and times, unusual names, and further calls after them.
    static func hostile() throws -> [Batch] {
        let pricing = try pricing(.reported)
        let names = [
            "'; DROP TABLE calls; --", "\"", "%_\\", "\u{1}x\u{7F}", "名前 🙂", String(repeating: "x", count: 70_000),
        ]
        let times = [0, 1, 899_999_999_999, now.nanoseconds, .max - 1, .max].map(Timestamp.init(nanoseconds:))
        var batches: [Batch] = []
        for (number, name) in names.enumerated() {
            var update = Observation(
                id: UInt64(number + 1),
                time: times[number],
                source: .otlpLog,
                emitter: 1,
                priority: 9
            )
            (update.session, update.agent, update.model, update.user) = (name, name, name, name)
            (update.project, update.error, update.provider) = (name, name, name)
            update.counts = TokenCounts(uncachedInput: .max, cacheRead: .max, output: .max, reasoning: .max)
            (update.reportedCost, update.duration) = (Money(nanodollars: .max), .max)
            (update.keys.request, update.blockingKey, update.trace.span) = (UInt64(number + 1), 5, 11)
            var other = update
            (other.id, other.keys.request, other.time) = (UInt64(number + 100), UInt64(number + 100), now)
            batches.append(try batch([update, other], [], pricing))
            // Repeated: calls change and are removed once sums have reached their limit.
            update.keys.response = UInt64(number + 200)
            batches.append(try batch([update], [], pricing))
        }
        return batches
    }

    /// The session of the call in ``spans()``.
    static let sessionOfSpans = "session of spans"

    /// A call that came as a span, and spans that are none of it: one of its trace, one that ended at the same instant and has its id in
    /// another trace; the span comes again in a batch that covers more than an hour.
    static func spans() throws -> [Batch] {
        let end = now.nanoseconds - 100_000_000_000
        func span(_ name: String, trace: Int, id: Int, endsBefore seconds: Int64 = 0) -> String {
            let trace = String(repeating: "\(trace)", count: 32)
            return #"{"traceId":"\#(trace)","spanId":"\#(String(repeating: "\(id)", count: 16))","name":"\#(name)","#
                + #""endTimeUnixNano":"\#(end - seconds * 1_000_000_000)"}"#
        }
        let requests = [
            [span("other", trace: 1, id: 2), span("chat", trace: 1, id: 1)],
            [
                span("old", trace: 3, id: 3, endsBefore: 5_000), span("chat", trace: 1, id: 1),
                span("stranger", trace: 2, id: 1),
            ],
        ]
        return try requests.enumerated().map { number, spans in
            let json = #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(spans.joined(separator: ","))]}]}]}"#
            var batch = Batch(try OTLPBatch(signal: .traces, json: Array(json.utf8)), receivedAt: now)
            let entry = batch.otlp.records[1]
            var observation = Observation(
                id: 1,
                time: Timestamp(nanoseconds: end),
                source: .otlpSpan,
                emitter: 1,
                priority: 9
            )
            (observation.session, observation.model) = (sessionOfSpans, "m")
            observation.counts = TokenCounts(uncachedInput: 10, output: 1)
            observation.trace.span = TraceLinks.hash(
                traceHigh: entry.traceHigh,
                traceLow: entry.traceLow,
                span: entry.spanID
            )
            if number == 0 { batch.observations = [observation] }
            return batch
        }
    }

    /// More names in every dimension than an answer lists, some with equal figures, and sessions with several rare models.
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
                    emitter: 1,
                    priority: 9
                )
                // A sender's name that equals the name for unlisted ones; and an empty name.
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

    // MARK: - Prompt

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
        for (dimension, name) in names {
            queries.append(query { ($0.filter[dimension], $0.filter.clock) = ([name], clock) })
            queries.append(query { ($0.filter[dimension], $0.filter.naming) = ([name], naming) })
        }
        for days in ["today", "7d", "2026-10"] {
            queries.append(query { $0.period = try? Period(days, timezone: "Asia/Kolkata", now: now) })
        }
        for text in ["ONLY", "fix THE", "s1", "%", "_", "", "ann", "nobody"] {
            queries.append(query { $0.text = text })
        }
        // Branches and teams, and what the rules make of users and teams.
        for text in ["mai", "RED", "gre", "Ann", "bo"] {
            queries.append(query { $0.text = text })
            queries.append(query { ($0.text, $0.filter.naming) = (text, naming) })
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
            (.machine, ["box"]), (.team, ["red", ""]), (.branch, ["main", ""]), (.agentKind, ["main"]),
            (.hour, ["00", "05", "11", "12", "18"]),
        ] {
            var question = all
            question.filter[dimension] = Set(names)
            question.filter.clock = period.clock
            (question.series, question.filter[.user]) = (dimension, question.filter[.user].union(["ann", ""]))
            questions.append(question)
        }
        if period.name == "today" {
            for series in [nil, UsageDimension.model] {
                var question = UsageQuery(period.hours, now: now)
                question.series = series
                questions.append(question)
            }
        }
        for dimension in [UsageDimension.user, .team] {
            var question = all
            (question.series, question.filter.naming) = (dimension, naming)
            questions.append(question)
            for name in ["Ann", "bob", "red", "green", ""] {
                question.filter[dimension] = [name]
                questions.append(question)
            }
        }
        return questions
    }

    /// A name in each of some dimensions, and one that nothing has.
    private static let names: [(UsageDimension, String)] = [
        (.team, "red"), (.team, "green"), (.team, ""), (.user, "Ann"), (.user, "ann"), (.branch, "main"), (.branch, ""),
        (.agentKind, "main"), (.agentKind, "subagent"), (.hour, "11"), (.hour, "12"), (.hour, "23"), (.hour, "nothing"),
    ]

    /// Rules that call two users one person, and give some sessions a team.
    private static let naming: NamingRules = {
        var naming = NamingRules()
        naming.people = ["ann": "Ann", "anna": "Ann"]
        naming.teamsOfUsers = ["ann": "green"]
        naming.teamsOfProjects = ["p": "red", "q": "grey"]
        return naming
    }()

    /// A clock that is changed twice a year.
    private static let clock = LocalClock(timezone: "Europe/Berlin", until: now) ?? .utc

    private static func query(_ change: (inout SessionQuery) -> Void) -> SessionQuery {
        var query = SessionQuery(now: now)
        change(&query)
        return query
    }
}
