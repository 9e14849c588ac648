// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import Testing
import Usage

@testable import HubExtension

/// Every answer of the API byte for byte: the order of members, which are null and which are missing, and how numbers are written.
///
/// `RECORD=1 swift test --filter GoldenAnswerTests` writes the answers again; read them before they are committed.
struct GoldenAnswerTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/Answers")

    /// A name for the file, the method and the address.
    static let questions = [
        ("health", "GET", "/api/health"),
        ("summary", "GET", "/api/telemetry/summary?from=2026-11-21&to=2026-11-22"),
        ("summary-all", "GET", "/api/telemetry/summary?period=today&previous=true&series=model"),
        ("summary-no-sessions", "GET", "/api/telemetry/summary?period=today&sessions=false"),
        ("summary-refused", "GET", "/api/telemetry/summary?period=soon"),
        ("blocks", "GET", "/api/telemetry/blocks?tokenLimit=max"),
        ("sessions", "GET", "/api/telemetry/sessions"),
        ("session", "GET", "/api/telemetry/sessions/s-1"),
        ("session-unknown", "GET", "/api/telemetry/sessions/s-9"),
        ("quality", "GET", "/api/telemetry/quality?period=today"),
        ("prices", "GET", "/api/telemetry/prices"),
        ("budgets", "GET", "/api/telemetry/budgets"),
        ("alerts", "GET", "/api/telemetry/alerts"),
        ("pipelines", "GET", "/api/telemetry/pipelines"),
        ("compact", "POST", "/api/telemetry/compact"),
        ("scan", "POST", "/api/telemetry/scan"),
        ("reprice", "POST", "/api/telemetry/reprice"),
        ("reload", "POST", "/api/reload"),
    ]

    @Test(arguments: questions)
    func `an answer is that of the file`(name: String, method: String, path: String) async throws {
        let bench = try await Self.bench()
        if path.contains("/blocks") { try bench.store.prepareCalls() }
        let parameters = path.contains("/sessions/") ? ["id": String(path.suffix(3))] : [:]
        let answer =
            method == "GET" ? try await bench.get(path, parameters) : try await bench.post(path)
        try Self.expect(answer.text, name)
    }

    @Test func `answers where nothing is known are those of the files`() async throws {
        let bench = try await Bench(scanners: [Scanner(ScanReport())])
        for (name, query) in [
            ("sessions", "?period=today"), ("quality", "?period=today"), ("prices", ""), ("pipelines", ""),
        ] {
            try Self.expect(try await bench.get("/api/telemetry/\(name)\(query)").text, "empty-\(name)")
        }
        for name in ["scan", "reprice"] {
            try Self.expect(try await bench.post("/api/telemetry/\(name)").text, "empty-\(name)")
        }
    }

    @Test func `a session is described to other components as the API does`() async throws {
        let hub = try #require(try await Self.bench().hub as? HubExtension)
        try Self.expect(try #require(await hub.describe(session: "s-1")), "session-described")
    }

    @Test func `a stream begins with the events of the file`() async throws {
        let bench = try await Self.bench()
        let now = bench.clock.now
        let parts = try busyParts()
        let api = UsageAPI(
            config: HubConfig(),
            store: bench.store,
            scanners: [],
            pricing: nil,
            now: { now },
            limits: LimitBook(home: "/nowhere")
        )
        let collector = CollectorAPI(version: "1.2.3", usage: api, status: parts.status, reload: parts.reload)
        let feeds = EventFeeds(collector, tick: .milliseconds(1), readings: FeedReadings(pause: 0))
        feeds.open()
        let path = "/api/telemetry/stream?period=today"
        let response = try await feeds.stream(.init(head: .init(method: .get, scheme: nil, authority: nil, path: path)))
        guard case .stream(let pieces) = response.body, let feed = pieces as? EventFeed else {
            throw StoreError("no feed")
        }
        var events = feed.makeAsyncIterator()
        var text = ""
        for _ in 0..<6 { text += String(decoding: try #require(try await events.next()), as: UTF8.self) }
        try Self.expect(text, "stream")
    }

    private static func expect(_ answer: String, _ name: String) throws {
        let golden = folder.appending(path: name + ".json")
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try Data((answer + "\n").utf8).write(to: golden)
        }
        #expect(answer + "\n" == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
    }

    // MARK: - What is asked

    private static func bench() async throws -> Bench {
        let own = try PriceOverride(
            model: "m-2",
            input: "1.25",
            output: "0.000001",
            cacheRead: nil,
            cacheWrite: nil,
            cacheWrite1h: "9.5"
        )
        let bench = try await Bench(scanners: [Scanner(try faults())], parts: busyParts(prices: [own])) {
            $0.budget.monthly = 12.5
            $0.retention = ConfigDuration(seconds: 129_600)
            var tokens = BudgetConfig()
            (tokens.name, tokens.period, tokens.tokens, tokens.for) = ("shop", .week, 1_000, ["project": ["shop"]])
            $0.budgets = [tokens]
        }
        let sessions = [try makeSession(), try fullSession()]
        let detail = try detail(sessions)
        let day = sessions[1].totals
        bench.store.prepare { state in
            state.details["s-1"] = detail
            state.page = SessionPage(
                sessions: sessions,
                total: 1_047,
                next: SessionQuery.Place(number: 7, name: "n", id: "s-2")
            )
            state.unpriced = ["x", "", "unknown"].map {
                UnpricedModel(model: $0, calls: 3, lastSeenAt: sessions[0].startedAt)
            }
            state.quality = Self.quality(sessions[0].startedAt)
            state.names = [.model: ["m-3"], .project: ["/home/a/hub", "hub"]]
            state.summary = { period in Self.summary(period, sessions, day) }
        }
        return bench
    }

    private static func fullSession() throws -> Session {
        var session = Session(
            id: "s-2",
            startedAt: try instant("1970-01-01T00:00:00.000Z"),
            lastSeenAt: try instant("2026-11-22T11:50:00.000Z")
        )
        session.name = "tab\t feed\n bell\u{7} delete\u{7F} quote\" back\\ slash/ \u{2028} 😀 é"
        (session.user, session.machine, session.taskStatus) = ("ada", "m1", "in review")
        session.parent = "s-1"
        session.totals.calls = .max
        session.totals.counts = TokenCounts(
            uncachedInput: .max,
            cacheRead: 1,
            cacheWrite5m: 2,
            cacheWrite1h: 3,
            output: .max,
            reasoning: 5
        )
        session.totals.cost = Money(nanodollars: .max)
        return session
    }

    private static func detail(_ sessions: [Session]) throws -> SessionDetail {
        var call = Call(id: 0xAB, time: try instant("2026-11-22T11:30:00.123Z"), counts: sessions[1].totals.counts)
        (call.model, call.provider, call.error) = ("m", "anthropic", "overloaded")
        (call.reportedCost, call.duration) = (Money(nanodollars: 10_000_000), 1_234_567_890)
        call.sources = [.otlpLog, .transcript]
        call.price = CallPrice(cost: Money(nanodollars: 12_345_678), isPriced: true, computed: Money(nanodollars: 1))
        let bare = Call(id: 1, time: call.time, counts: TokenCounts())
        var detail = SessionDetail(
            session: sessions[0],
            calls: [call, bare],
            events: [SessionEvent(time: call.time, name: "api_error")],
            costByModel: ["m": Money(nanodollars: 5), "": Money(nanodollars: 2), "unknown": Money(nanodollars: 9)]
        )
        detail.subagents = [SessionDetail.Subagent(session: sessions[1], calls: [bare])]
        return detail
    }

    private static func summary(_ period: Period, _ sessions: [Session], _ totals: UsageTotals) -> UsageSummary {
        var summary = UsageSummary(period: period)
        (summary.totals, summary.sessionCount, summary.activeSessions) = (totals, 47, 3)
        summary.totals.cost = Money(nanodollars: 1_010_000_001)
        summary.unpricedModels = ["", "x-1"]
        var (cheap, dear) = (UsageSummary.Share(), UsageSummary.Share())
        (cheap.totals.cost, cheap.totals.calls, cheap.sessions) = (Money(nanodollars: 20), 2, 1)
        (dear.totals, dear.sessions) = (sessions[0].totals, 2)
        summary.byModel = ["a": cheap, "b": cheap, "m": dear]
        summary.byAgent = ["": cheap, "unknown": dear]
        (summary.byProject, summary.byUser, summary.byMachine) = (
            ["/home/a/hub": cheap, "hub": dear], [:], ["m1": dear]
        )
        summary.byDay[0].totals = sessions[0].totals
        // The question of a budget: the days of its history, then those of its cycle.
        let history = UsageForecast.historyDays
        if history < summary.byDay.count { summary.byDay[history].totals = sessions[0].totals }
        summary.sessions = sessions
        summary.series = period.days.map { _ in ["m": dear.totals, "": cheap.totals, "unknown": cheap.totals] }
        return summary
    }

    private static func quality(_ time: Timestamp) -> DataQuality {
        var quality = DataQuality()
        (quality.calls, quality.oneWitness, quality.severalWitnesses) = (10, 7, 3)
        (quality.weaklyJoined, quality.unpriced, quality.rollUps) = (1, 2, 4)
        quality.sources[.init(agent: "a", machine: "", sources: [.otlpSpan, .rollout])] = .init(
            calls: 4,
            lastSeen: time
        )
        quality.sources[.init(agent: "", machine: "b", sources: [.event])] = .init(calls: 6, lastSeen: time)
        var cost = DataQuality.CostComparison()
        (cost.calls, cost.reported, cost.computed) = (2, Money(nanodollars: 100_000_000), Money(nanodollars: 3))
        quality.costs = [.init(model: "m", reason: .otherPrice): cost, .init(model: "", reason: .noPrice): .init()]
        quality.sessionCosts.add("s-1", reported: Money(nanodollars: 1), counted: Money(nanodollars: 3))
        return quality
    }

    private static func faults() throws -> ScanReport {
        var report = ScanReport()
        (report.scanned, report.calls, report.ingested, report.skipped) = (4, 9, 8, 3)
        (report.unexplainedTokens, report.durationMilliseconds) = (77, 85)
        report.note(ScanProblem(path: "/s/a.jsonl", line: 3, message: "no JSON"))
        report.note(ScanProblem(path: "/s/b.jsonl", line: nil, message: "permission denied"))
        report.note(unknownType: "hologram", UnknownLines(count: 2, first: "/s/a.jsonl:5"))
        report.note(unknownType: "aura", UnknownLines(first: "/s/a.jsonl:6"))
        return report
    }
}

private struct Scanner: SessionScanner {
    let report: ScanReport

    init(_ report: ScanReport) { self.report = report }

    var standingFaults: ScanReport? { report }

    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport { report }
}
