// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HubAPI
import JSON
import Testing
import Usage

@testable import HubExtension

/// Limits of subscriptions, as the API answers.
struct LimitAPITests {
    static let report = """
        {"session":"s-1","agent":"claude-code","account":"acc","machine":"desk","limits":[
        {"name":"five_hour","usedPercent":38.25,"windowMinutes":300,"resetsAt":1795359600},
        {"name":"seven_day","usedPercent":96,"windowMinutes":10080,"resetsAt":1795700000}]}
        """

    private func limits(_ bench: Bench, _ query: String = "") async throws -> [LimitsDocument.Limit] {
        let answer = try await bench.get("/api/telemetry/limits" + query)
        #expect(answer.status == 200, "\(answer.text)")
        return try JSONDecoder().decode(LimitsDocument.self, from: Data(answer.text.utf8)).limits
    }

    @Test func `a report is kept as it came, and answered with what the status line shows`() async throws {
        let bench = try await Bench()
        let answer = try await bench.reportStatusLine(Self.report)
        let document = try JSONDecoder().decode(StatusLineDocument.self, from: Data(answer.text.utf8))
        #expect(document.limits.map(\.name) == ["five_hour", "seven_day"])
        try bench.clock.set("2026-11-22T12:01:30.000Z")
        let known = try await limits(bench)
        #expect(known.map(\.usedPercent.text) == ["38.25", "96"])
        #expect(known.map(\.label) == ["5h", "7d"])
        #expect(known.map(\.reportedAt) == ["2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000Z"])
        #expect(known.map(\.ageSeconds) == [90, 90])
        #expect(known.allSatisfy { $0.account == "acc" && $0.machine == "desk" && $0.source == "statusline" })
        // 1795359600 is 15:00: two of five hours are over.
        #expect(known[0].resetsAt == "2026-11-22T15:00:00.000Z")
        #expect(known[0].projectedPercent?.text == "95.625")
    }

    /// The figures that Claude Code hands to its status line: anthropics/claude-code#25420, and its documentation.
    @Test func `what an agent says of a session is kept as it came, and the newest counts`() async throws {
        let bench = try await Bench()
        let detail = SessionDetail(session: try makeSession(), calls: [], events: [], costByModel: [:])
        bench.store.prepare { $0.details["s-1"] = detail }
        func session() async throws -> SessionDetailDocument {
            let text = try await bench.get("/api/telemetry/sessions/s-1", ["id": "s-1"]).text
            return try JSONDecoder().decode(SessionDetailDocument.self, from: Data(text.utf8))
        }
        #expect(try await session().reported == nil)
        func report(_ percent: String, _ cost: String, permissions: Permissions = .all) async throws {
            let body =
                #"{"session":"s-1","agent":"claude-code","machine":"desk","limits":[],"contextPercent":\#(percent),"#
                + #""contextWindow":200000,"cost":\#(cost)}"#
            #expect(try await bench.reportStatusLine(body, permissions: permissions).status == 200)
        }
        try await report("41.25", "10.07")
        var known = try #require(try await session().reported)
        #expect((known.contextUsedPercent?.text, known.contextWindow) == ("41.25", 200_000))
        #expect(known.cost?.amount == Money(nanodollars: 10_070_000_000))
        #expect(known.reportedAt == "2026-11-22T12:00:00.000Z")
        try bench.clock.set("2026-11-22T12:01:00.000Z")
        // After the context was compacted it is less full.
        try await report("3", "11")
        known = try #require(try await session().reported)
        #expect((known.contextUsedPercent?.text, known.cost?.amount) == ("3", Money(nanodollars: 11_000_000_000)))
        try await report("99", "99", permissions: .read)
        #expect(try await session().reported == known)
        // What is no figure is left out, and takes nothing else with it.
        try bench.clock.set("2026-11-22T12:02:00.000Z")
        try await report("-1", "12")
        known = try #require(try await session().reported)
        #expect((known.contextUsedPercent?.text, known.cost?.amount) == (nil, Money(nanodollars: 12_000_000_000)))
        // After two weeks of silence it says nothing of the session any more.
        try bench.clock.set("2026-12-07T12:00:00.000Z")
        _ = try await bench.reportStatusLine(
            String(Self.report.replacing("s-1", with: "s-2").dropLast(1)) + #","cost":1}"#
        )
        #expect(try await session().reported == nil)
    }

    @Test func `after its reset a share holds no more, and the status line does not show it`() async throws {
        let bench = try await Bench()
        _ = try await bench.reportStatusLine(Self.report)
        try bench.clock.set("2026-11-22T15:00:00.000Z")
        #expect(try await limits(bench).map(\.isCurrent) == [false, true])
        #expect(try await limits(bench, "?current=true").map(\.name) == ["seven_day"])
        let line = try await bench.get("/api/telemetry/statusline").text
        #expect(line.contains("seven_day") && !line.contains("five_hour"))
    }

    @Test func `machines of one account are kept apart, and the status line has the newest report`() async throws {
        let bench = try await Bench()
        _ = try await bench.reportStatusLine(Self.report)
        try bench.clock.set("2026-11-22T12:05:00.000Z")
        _ = try await bench.reportStatusLine(
            Self.report.replacing("desk", with: "laptop").replacing("38.25", with: "40")
        )
        #expect(try await limits(bench).count == 4)
        #expect(try await limits(bench, "?machine=laptop&agent=claude-code").count == 2)
        #expect(try await limits(bench, "?agent=codex").isEmpty)
        let text = try await bench.get("/api/telemetry/statusline").text
        let line = try JSONDecoder().decode(StatusLineDocument.self, from: Data(text.utf8))
        #expect(line.limits.map(\.usedPercent.text) == ["40", "96"])
    }

    @Test func `a key that may not write gets the answer, and nothing is kept`() async throws {
        let bench = try await Bench()
        #expect(try await bench.reportStatusLine(Self.report, permissions: .read).status == 200)
        #expect(try await limits(bench).isEmpty)
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"agent":"","limits":[]}"#, #"{"agent":"a"}"#, #"{"agent":"a","limits":[{"name":"n"}]}"#,
        #"{"agent":"a","limits":[{"name":"n","usedPercent":"much"}]}"#,
    ])
    func `a body of another form is refused`(body: String) async throws {
        let bench = try await Bench()
        #expect(try await bench.reportStatusLine(body).status == 400)
        #expect(try await limits(bench).isEmpty)
    }

    @Test func `what is no share is left out, and no report has more than sixteen`() async throws {
        let bench = try await Bench()
        let many = (0..<40).map { #"{"name":"n\#($0)","usedPercent":\#($0 == 3 ? -1 : 5)}"# }.joined(separator: ",")
        #expect(try await bench.reportStatusLine(#"{"agent":"a","limits":[\#(many)]}"#).status == 200)
        #expect(try await limits(bench).count == 15)
        let long = String(repeating: "x", count: 70_000)
        #expect(try await bench.reportStatusLine(#"{"agent":"\#(long)","limits":[]}"#).status == 413)
    }

    // MARK: - Alerts

    /// The used share in percent, and the level of the alert.
    private static let levels: [(Double, Int?)] = [
        (79.9, nil), (80, 80), (94.9, 80), (95, 95), (99.99, 95), (100, 100), (250, 100),
    ]

    @Test(arguments: levels)
    func `an alert has the threshold that was reached`(used: Double, level: Int?) throws {
        var limit = try #require(
            UsageLimit(
                agent: "codex",
                name: "primary",
                usedPercent: used,
                windowMinutes: 300,
                resetsAt: try instant("2026-11-22T15:00:00Z"),
                source: .rollout,
                reportedAt: try instant("2026-11-22T12:00:00Z")
            )
        )
        limit.machine = "desk"
        let conditions = AlertRules.limits([limit])
        #expect(conditions.map(\.level) == (level.map { [$0] } ?? []))
        #expect(conditions.allSatisfy { $0.key == "limit/codex/desk/primary" && $0.rule == .limit })
        if level == 95, used == 95 {
            #expect(conditions[0].title == "limit 5h of codex: 95% used")
            let detail =
                "95% of primary (machine desk) were used at 2026-11-22T12:00:00.000Z; it is reset at 2026-11-22T15:00:00.000Z"
            #expect(conditions[0].detail == detail)
        }
    }

    @Test func `an alert on a limit is open until the reset`() async throws {
        let bench = try await Bench { $0.alerts.rules = [.limit] }
        _ = try await bench.reportStatusLine(Self.report)
        func titles() async throws -> [String] {
            let text = try await bench.get("/api/telemetry/alerts").text
            return try JSONDecoder().decode(AlertsDocument.self, from: Data(text.utf8)).alerts.map(\.title)
        }
        #expect(try await titles() == ["limit 7d of claude-code: 96% used"])
        try bench.clock.set("2026-11-27T00:00:00.000Z")
        #expect(try await titles().isEmpty)
    }

    // MARK: - A budget of a block

    @Test func `a budget of a block has the figures of the block`() async throws {
        let bench = try await Bench {
            var (dollars, tokens) = (BudgetConfig(), BudgetConfig())
            (dollars.name, dollars.period, dollars.dollars) = ("money", .block, 1.25)
            (tokens.name, tokens.period, tokens.tokens, tokens.for) = ("tokens", .block, 1_000, ["model": ["m-0"]])
            $0.budgets = [dollars, tokens]
        }
        try bench.store.prepareCalls()
        let text = try await bench.get("/api/telemetry/budgets").text
        let budgets = try JSONDecoder().decode(BudgetsDocument.self, from: Data(text.utf8)).budgets
        let blocks = try await bench.get("/api/telemetry/blocks?active=true").text
        let block = try #require(try JSONDecoder().decode(BlocksDocument.self, from: Data(blocks.utf8)).blocks.first)
        #expect((budgets[0].from, budgets[0].to) == (block.startTime, block.endTime))
        #expect(budgets[0].spent.text == "1" && block.cost.amount == Money(nanodollars: 1_000_000_000))
        #expect(Money(dollars: budgets[0].forecast.expected.text) == block.projection?.totalCost.amount)
        #expect((budgets[0].reached, budgets[0].exceeded, budgets[0].fraction.text) == (80, false, "0.8"))
        // 09:00 to 14:00, at noon: three of five hours.
        #expect(budgets[0].evenPace.text == "0.75")
        // The first call of the block is of the other model.
        #expect((budgets[1].spent.text, budgets[1].exceeded, budgets[1].reached) == ("1000", false, 100))
        #expect(budgets[1].from == "2026-11-22T11:00:00.000Z")
    }

    @Test func `without a block under way nothing of a block's budget is spent`() async throws {
        let bench = try await Bench {
            var budget = BudgetConfig()
            (budget.name, budget.period, budget.dollars) = ("b", .block, 1)
            $0.budgets = [budget]
        }
        try bench.store.prepareCalls()
        try bench.clock.set("2026-11-22T20:30:00.000Z")
        let text = try await bench.get("/api/telemetry/budgets").text
        let budget = try #require(try JSONDecoder().decode(BudgetsDocument.self, from: Data(text.utf8)).budgets.first)
        #expect((budget.from, budget.to) == ("2026-11-22T20:00:00.000Z", "2026-11-23T01:00:00.000Z"))
        #expect((budget.spent.text, budget.reached, budget.forecast.expected.text) == ("0", nil, "0"))
    }
}

/// The parameters of requests.
struct QueryParameterTests {
    /// All requests of the API that answer a GET, with the parameters that its description has.
    private static let described: [String: [String]] = [
        "/api/telemetry/summary": QueryNames.summary, "/api/telemetry/blocks": HubEndpoint.blocks.parameters,
        "/api/telemetry/compare": HubEndpoint.compare.parameters,
        "/api/telemetry/insights": HubEndpoint.insights.parameters,
        "/api/telemetry/sessions": HubEndpoint.sessions.parameters,
        "/api/telemetry/statusline": ["session"], "/api/telemetry/limits": ["agent", "machine", "current"],
        "/api/telemetry/quality": QueryNames.period, "/api/telemetry/stream": QueryNames.stream,
        "/api/telemetry/prices": [], "/api/telemetry/budgets": ["month", "timezone"], "/api/telemetry/alerts": [],
        "/api/telemetry/pipelines": [],
    ]

    private func operations() async throws -> [(path: String, method: String, parameters: [String])] {
        let text = try await Bench().get("/api/openapi.json").text
        let description = try JSONDecoder().decode(Description.self, from: Data(text.utf8))
        return description.paths.flatMap { path, methods in
            methods.map { method, operation in
                (path, method, (operation.parameters ?? []).filter { $0.in == "query" }.map(\.name))
            }
        }
    }

    private struct Description: Decodable {
        var paths: [String: [String: Operation]]

        struct Operation: Decodable {
            var parameters: [Parameter]?
        }

        struct Parameter: Decodable {
            var name: String
            var `in`: String
        }
    }

    @Test func `the parameters that are taken are those that are described`() async throws {
        let gets = try await operations().filter { $0.method == "get" && !$0.path.contains("{") }
        var found: [String: Set<String>] = [:]
        for get in gets { found[get.path] = Set(get.parameters) }
        for (path, names) in Self.described { #expect(found[path] == Set(names), "\(path)") }
        // Probes and scrapers add parameters against caches.
        #expect(
            Set(found.keys).subtracting(Self.described.keys) == ["/api/health", "/api/openapi.json", "/metrics"]
        )
    }

    @Test(arguments: described.keys.sorted())
    func `a parameter that a request does not have is refused with those it has`(path: String) async throws {
        let answer = try await Bench().get(path + "?sessionLength=-1")
        #expect(answer.status == 400)
        #expect(answer.text.contains(#"this request has no parameter \"sessionLength\""#))
        for name in Self.described[path] ?? [] { #expect(answer.text.contains(name)) }
    }

    @Test(arguments: [
        "/api/telemetry/scan", "/api/telemetry/compact", "/api/telemetry/reprice", "/api/reload",
    ])
    func `so is one of an action`(path: String) async throws {
        #expect(try await Bench(scanners: [], parts: busyParts()).post(path + "?retentionDays=1").status == 400)
    }

    @Test(arguments: ["/api/health?_=1795000000", "/metrics?x=1"])
    func `probes may add parameters`(path: String) async throws {
        #expect(try await Bench().get(path).status == 200)
    }

    /// A malformed value of each parameter that has a form.
    @Test(arguments: [
        "summary?period=soon", "summary?from=2026-11-01", "summary?from=x&to=y", "summary?timezone=Mars",
        "summary?sessions=maybe", "summary?previous=2", "summary?series=weather", "blocks?active=yes",
        "blocks?recent=-1",
        "blocks?hours=-1", "blocks?hours=0", "blocks?hours=169", "blocks?hours=five", "blocks?weekStart=someday",
        "blocks?hours=5&weekStart=monday", "blocks?tokenLimit=0", "blocks?tokenLimit=lots", "compare?period=30d",
        "sessions?status=busy", "sessions?sort=size", "sessions?order=up", "sessions?limit=0", "sessions?limit=1001",
        "sessions?limit=x", "sessions?cursor=x", "limits?current=perhaps", "quality?period=soon",
        "stream?topics=weather",
        "stream?period=soon",
    ])
    func `a malformed value is refused with the rule`(request: String) async throws {
        let answer = try await Bench(parts: busyParts()).get("/api/telemetry/" + request)
        #expect(answer.status == 400, "\(answer.text)")
        #expect(answer.text.contains(#""error":""#))
    }

    @Test(arguments: [
        "summary?period=&agent=&series=", "blocks?hours=&active=", "sessions?cursor=&limit=", "limits?agent=",
    ])
    func `an empty value counts as missing`(request: String) async throws {
        #expect(try await Bench().get("/api/telemetry/" + request).status == 200)
    }
}
