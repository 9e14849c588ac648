// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Limits, budgets and alerts: what the page shows is what the API answers.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct BudgetPageTests {
    private static let config = """
        extensions:
          hub:
            budget: { monthly: 1 }
            budgets:
              - { name: block-team, period: block, dollars: 100 }
              - { name: opus-tokens, period: month, tokens: 100, for: { model: [claude-opus-4-8] } }
            alerts:
              targets: [{ name: desk, command: [/bin/true] }]
        """

    /// A collector with budgets, calls and limits.
    private static func hub() async throws -> Hub {
        let hub = try await Hub(config)
        // Of this month on its first days, too.
        let (session, model) = (SampleCalls.dear, SampleCalls.opus)
        let call = AgentCall(session: session, model: model, secondsAgo: 1, input: 90_000, output: 9_000)
        try await hub.send(SampleCalls.all + [call])
        let now = Date().timeIntervalSince1970.rounded()
        func limit(_ name: String, _ used: Double, _ minutes: Double, resetsIn seconds: Double) -> JSON {
            [
                "name": .string(name), "usedPercent": .number(used), "windowMinutes": .number(minutes),
                "resetsAt": .number(now + seconds),
            ]
        }
        let limits: [JSON] = [
            limit("five_hour", 38.25, 300, resetsIn: 7_200), limit("seven_day", 96, 10_080, resetsIn: 90_000),
            limit("seven_day_opus", 99.7, 10_080, resetsIn: -60),
        ]
        let report: JSON = [
            "agent": "claude-code", "account": "acc-1", "machine": "desk", "limits": .array(limits),
        ]
        try await hub.reportStatusLine(report)
        return hub
    }

    @Test(arguments: [(1_440, "light"), (1_440, "dark"), (390, "light"), (390, "dark")])
    func `limits, budgets and alerts are those of the API`(width: Int, theme: String) async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub, width: width, height: 900, theme: theme)
        try await tab.open("/#/budgets")
        try await tab.settle(on: "#/budgets")
        func figures(_ panel: String) async throws -> [String] {
            try await tab.texts("[aria-labelledby=\(panel)-title] .gauge-figure")
        }
        let limits = try await hub.get("/api/telemetry/limits")["limits"].elements
        #expect(limits.map { $0["name"].text } == ["five_hour", "seven_day", "seven_day_opus"])
        #expect(try await figures("limits") == ["38%", "96%", "over"])
        #expect(
            try await tab.texts("[aria-labelledby=limits-title] strong") == [
                "claude-code 5h", "claude-code 7d", "claude-code 7d opus",
            ]
        )
        let ended = try await tab.texts("[aria-labelledby=limits-title] .gauge:nth-child(3) .fine")
        #expect(ended.first?.hasPrefix("99% before its reset") == true, "\(ended)")
        let budgets = try await hub.get("/api/telemetry/budgets")["budgets"].elements
        #expect(budgets.map { $0["name"].text } == ["monthly", "block-team", "opus-tokens"])
        let shown = try await tab.texts("[aria-labelledby=budget-list-title] .facts-line span:first-child")
        let expected = try budgets.map { budget in
            func amount(_ name: String) throws -> String {
                let number = try #require(budget[name].double)
                return budget["unit"].text == "usd" ? Shown.money(number) : "\(Shown.count(number)) tokens"
            }
            return "\(try amount("spent")) of \(try amount("limit"))"
        }
        #expect(shown == expected)
        #expect(try await figures("budget-list").last?.hasSuffix(", over budget") == true)
        let alerts = try await hub.get("/api/telemetry/alerts")["alerts"].elements.compactMap { $0["title"].text }
        #expect(alerts.contains("limit 7d of claude-code: 96% used"))
        #expect(try await tab.texts("[aria-labelledby=alerts-title] strong") == alerts)
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run(Script.smallTargets).texts == [])
        try await picture(tab, "budgets-\(theme)-\(width)")
        try await tab.go("#/overview")
        try await tab.settle(on: "#/overview")
        // The fullest first; what is over is left out.
        #expect(
            try await tab.texts("[aria-labelledby=limits-card-title] .bar-text") == ["96%", "38%"]
        )
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        try await picture(tab, "overview-limits-\(theme)-\(width)")
        #expect(tab.problems == [])
        #expect(tab.foreignRequests == [])
    }

    @Test func `without limits and budgets the page says how there will be some`() async throws {
        let hub = try await Hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open("/#/budgets")
        try await tab.settle(on: "#/budgets")
        #expect(try await tab.text("[aria-labelledby=limits-title] .blank").contains("No agent has reported a limit"))
        #expect(try await tab.text("[aria-labelledby=budget-list-title] .blank").contains("extensions.hub.budgets"))
        #expect(try await tab.text("[aria-labelledby=alerts-title] .blank") == "Nothing is wrong.")
        #expect(tab.problems == [])
    }

    @Test func `a session's page shows what the agent says of it, apart from what is counted`() async throws {
        let hub = try await Hub()
        defer { hub.stop() }
        try await hub.send(SampleCalls.all)
        try await hub.reportStatusLine([
            "agent": "claude-code", "session": .string(SampleCalls.dear), "limits": [], "contextPercent": .number(41.6),
            "contextWindow": 200_000, "cost": .number(3.5),
        ])
        let tab = try await Tab(of: hub)
        try await tab.open("/#/session/\(SampleCalls.dear)")
        try await tab.settle(on: "#/session")
        let facts = try await tab.texts("[aria-labelledby=facts-title] dd")
        #expect(facts.contains { $0.hasPrefix("$3.50 · 42% of the context") })
        #expect(facts.first != "$3.50")
        #expect(tab.problems == [])
    }

    @Test func `a limit that is reported appears within its refresh, and the keys g and b lead to the page`()
        async throws
    {
        let hub = try await Hub()
        defer { hub.stop() }
        try await hub.send(SampleCalls.all)
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        for key in ["g", "b"] { try await tab.press(key) }
        try await tab.settle(on: "#/budgets")
        try await hub.reportStatusLine([
            "agent": "claude-code", "limits": [["name": "five_hour", "usedPercent": 12, "windowMinutes": 300]],
        ])
        try await tab.wait(
            for: "document.querySelector('[aria-labelledby=limits-title] .gauge-figure')?.textContent === '12%'"
        )
    }

    private func picture(_ tab: Tab, _ name: String) async throws {
        guard let folder = Pictures.folder else { return }
        try await tab.picture().write(to: URL(filePath: folder).appending(path: name + ".png"))
    }
}
