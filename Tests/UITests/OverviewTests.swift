// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The first page says what the figures mean; every figure is that of the API.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct OverviewTests {
    /// Forty days with a dollar by shop, three days ago twenty more by bank; a budget of the month.
    private static func hub() async throws -> Hub {
        let hub = try await Hub("extensions:\n  hub:\n    budget: { monthly: 100 }\n")
        try await hub.ingest((0..<40).map { call("day-\($0)", daysAgo: $0, project: "shop", user: "ann") })
        try await hub.ingest((0..<20).map { _ in call("migration", daysAgo: 3, project: "bank", user: "bob") })
        return hub
    }

    private static func call(_ session: String, daysAgo: Int, project: String, user: String) -> JSON {
        let time = Date(timeIntervalSinceNow: -Double(daysAgo) * 86_400 - 5).timeIntervalSince1970 * 1_000
        return [
            "sessionId": .string(session), "event": "token_usage", "model": "claude-haiku-4-5",
            "project": .string(project), "user": .string(user), "agentName": "claude-code",
            "timestamp": .number(time.rounded()), "inputTokens": 500_000, "outputTokens": 50_000,
            "cacheReadTokens": 1_500_000, "cacheWriteTokens": 80_000,
        ]
    }

    private static let overTime = "[aria-labelledby=over-time-title]"

    @Test(arguments: [(1_440, "light"), (768, "dark"), (390, "light"), (390, "dark")])
    func `the month, what needs attention and the kinds of tokens are those of the API`(width: Int, theme: String)
        async throws
    {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub, width: width, height: 900, theme: theme)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let insights = try await hub.get("/api/telemetry/insights?period=30d")
        let month = insights["month"]
        func shown(_ value: JSON) throws -> String { Shown.money(try #require(value.double)) }
        #expect(try await tab.text("#month-spent") == shown(month["spent"]))
        #expect(try await tab.text("#month-forecast") == "≈ " + shown(month["forecast"]["expected"]))
        #expect(month["limit"].double == 100)
        let day = try #require(insights["unusualDays"].elements.first)
        #expect(insights["unusualDays"].elements.count == 1)
        #expect(day["for"]["project"].texts == ["bank"])
        #expect(
            try await tab.text(".attention-item.anomaly .fine") == day["detail"].text,
            "the cause is in one sentence"
        )
        for kind in ["input", "output", "cacheWrite", "cacheRead"] {
            #expect(try await tab.text("#cost-of-\(kind)") == shown(insights["costByKind"][kind]))
        }
        #expect(try await tab.text("#cache-savings") == shown(insights["cacheSavings"]))
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run(Script.smallTargets).texts == [])
        #expect(tab.problems == [])
    }

    @Test func `the way to an unusual day leads to its hours, narrowed to the cause`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let day = try await hub.get("/api/telemetry/insights?period=30d")["unusualDays"].elements[0]
        try await tab.click(".attention-item.anomaly a")
        let date = try #require(day["date"].text)
        try await tab.wait(
            for: "location.hash.includes('from=\(date)&to=\(date)') && location.hash.includes('project=bank')"
        )
        try await tab.wait(for: "document.querySelector('\(Self.overTime) h2').textContent === 'Cost per hour'")
        try await tab.click("\(Self.overTime) .as-table")
        try await tab.wait(for: "document.querySelectorAll('\(Self.overTime) tbody tr').length === 24")
        let hours = try await hub.get(
            "/api/telemetry/insights?from=\(date)&to=\(date)&project=bank&user=bob&model=claude-haiku-4-5&hours=true&series=model"
        )["hours"].elements
        let costs = try hours.map { Shown.money(try #require($0["cost"].double)) }
        #expect(try await tab.texts("\(Self.overTime) tbody td:nth-child(2)") == costs)
        #expect(tab.problems == [])
    }

    @Test func `behind the bars are the time before and what is usual, in the table too`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open("/#/overview?period=7d")
        try await tab.settle(on: "#/overview")
        try await tab.wait(for: "document.querySelectorAll('\(Self.overTime) .ghost').length === 7")
        #expect(try await tab.texts("\(Self.overTime) .out-mark").count == 1)
        #expect(try await tab.texts("\(Self.overTime) .usual-area").count == 1)
        let label = try await tab.run("document.querySelector('\(Self.overTime) svg').getAttribute('aria-label')").text
        #expect(label?.contains("Far more than usual on") == true)
        try await tab.click("\(Self.overTime) .as-table")
        try await tab.wait(for: "document.querySelectorAll('\(Self.overTime) tbody tr').length === 7")
        #expect(
            try await tab.texts("\(Self.overTime) thead th").suffix(3) == ["Usual from", "Usual to", "Before"]
        )
        let insights = try await hub.get("/api/telemetry/insights?period=7d")
        let before = try insights["previous"]["days"].elements.map { Shown.money(try #require($0["cost"].double)) }
        #expect(try await tab.texts("\(Self.overTime) tbody td:last-child") == before)
    }

    @Test func `people, projects and models are the dearest with their course`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let trends = try await hub.get("/api/telemetry/insights?period=30d")["trends"]
        for dimension in ["user", "project", "model"] {
            let list = "[aria-labelledby=top-\(dimension)-title]"
            let costs = try trends[dimension].elements.map { Shown.money(try #require($0["cost"].double)) }
            #expect(costs.isEmpty == false)
            #expect(try await tab.texts("\(list) .bar-value") == costs)
            #expect(try await tab.texts("\(list) .spark").count == costs.count)
            // A colour is a name of the chart, which is split up by model.
            let dots = try await tab.texts("\(list) .dot").count
            #expect(dots == (dimension == "model" ? costs.count : 0), "\(dimension)")
        }
        try await tab.click("[aria-labelledby=top-project-title] .bar-row[title=bank]")
        try await tab.wait(for: "location.hash.includes('project=bank')")
        try await tab.wait(
            for: "document.querySelector('.bar-row[title=bank]').getAttribute('aria-pressed') === 'true'"
        )
    }

    @Test func `sessions are the dearest, or the newest`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let rows = "[aria-labelledby=session-details-title] tbody"
        #expect(try await tab.texts("\(rows) .name").first == "migration")
        try await tab.click("[aria-label='Order of sessions'] .choice:nth-child(2)")
        try await tab.wait(for: "document.querySelector('\(rows) .name').textContent === 'day-0'")
        #expect(try await tab.texts("\(rows) .state-dot.stale") == [])
    }

    @Test func `the bar of the cost card belongs to its number`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        for (query, days) in [("7d", 7.0), ("30d", 30)] {
            try await tab.open("/#/overview?period=\(query)")
            try await tab.settle(on: "#/overview")
            let summary = try await hub.get("/api/telemetry/summary?period=\(query)")
            let month = Int(try #require(summary["to"].text).split(separator: "-")[1]) ?? 0
            let year = Int(try #require(summary["to"].text).prefix(4)) ?? 0
            let lengths = [31, year % 4 == 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            let share = try #require(summary["totalCost"].double) / (100 * days / Double(lengths[month - 1]))
            #expect(try await tab.text("#budget-share") == "\(Int((share * 100).rounded()))% of budget")
        }
        try await tab.go("#/overview?project=shop")
        try await tab.wait(for: "!document.querySelector('#budget-share')")
    }

    @Test func `a call that arrives changes the month within its refresh`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        try await tab.wait(for: "document.querySelector('.pill').textContent === 'Live'")
        let before = try await tab.text("#month-spent")
        try await tab.run("window.panels = [...document.querySelectorAll('.panel')]")
        try await hub.ingest([Self.call("day-0", daysAgo: 0, project: "shop", user: "ann")])
        try await tab.wait(for: "document.querySelector('#month-spent').textContent !== '\(before)'")
        let month = try await hub.get("/api/telemetry/insights?period=30d")["month"]
        #expect(try await tab.text("#month-spent") == Shown.money(try #require(month["spent"].double)))
        // Nothing was taken away and put back, which would flicker.
        #expect(try await tab.run("window.panels.every((panel) => panel.isConnected)").bool == true)
        #expect(tab.problems == [])
    }
}

/// Two periods beside each other, going to anything by name, and addresses that lead nowhere.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct GoingTests {
    @Test func `two periods are compared as the API counts them`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/compare?period=7d")
        try await tab.settle(on: "#/compare")
        let now = try await hub.get("/api/telemetry/summary?period=7d&previous=true")
        let than = now["previous"]
        #expect(try await tab.text("#now-cost") == Shown.money(try #require(now["totalCost"].double)))
        #expect(try await tab.text("#than-cost") == Shown.money(try #require(than["totalCost"].double)))
        #expect(try await tab.text("#than-calls") == Shown.count(try #require(than["callCount"].double)))
        #expect(try await tab.texts(".changes-table tbody th").contains(SampleCalls.opus))
        // What has no price is never free.
        #expect(try await tab.run("document.querySelector('main').innerText.includes('$0.00 ')").bool == false)
        try await tab.run(
            """
            (() => { const field = document.querySelector("[aria-label='Compare with']");
              field.value = "custom"; field.dispatchEvent(new Event("change")); })()
            """
        )
        try await tab.wait(
            for: "location.hash.includes('than-from=') && document.querySelectorAll('.than input').length === 2"
        )
        #expect(try await tab.run("document.querySelector('.than input').value").text == than["from"].text)
        #expect(tab.problems == [])
    }

    @Test func `the calls of the period are priced as those of another model`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/compare?period=30d&with=claude-haiku-4-5&user=amina@example.com")
        try await tab.settle(on: "#/compare")
        let answer = try await hub.get(
            "/api/telemetry/compare?period=30d&with=claude-haiku-4-5&user=amina@example.com"
        )
        #expect(try #require(answer["calls"].int) > 0)
        #expect(try await tab.text("#compared-cost") == Shown.money(try #require(answer["comparedCost"].double)))
    }

    @Test(arguments: [(1_440, "light"), (768, "dark"), (390, "dark")])
    func `anything is reached by typing a part of its name`(width: Int, theme: String) async throws {
        let tab = try await Tab(width: width, height: 844, theme: theme)
        try await tab.open()
        try await tab.settle(on: "#/overview")
        try await tab.press("k", control: true)
        try await tab.wait(for: "document.activeElement.id === 'palette-input'")
        #expect(try await tab.texts(".palette-option .palette-name").prefix(2) == ["Overview", "Sessions"])
        try await tab.type("qual")
        try await tab.wait(
            for: "document.querySelector('.palette-option[aria-selected=true]').textContent.startsWith('Data quality')"
        )
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        let nodes = try await tab.accessibleNodes()
        #expect(nodes.contains { $0.role == "combobox" && $0.name == "Go to" })
        #expect(nodes.contains { $0.role == "listbox" && $0.name == "Results" })
        try await tab.press("Enter")
        try await tab.wait(for: "location.hash === '#/quality' && !document.querySelector('.palette')")
        try await tab.press("k", control: true)
        try await tab.wait(for: "document.querySelector('.palette')")
        try await tab.press("Escape")
        try await tab.wait(for: "!document.querySelector('.palette')")
        #expect(tab.problems == [])
    }

    @Test func `people, models and sessions are found, also from a page without filters`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/pipelines")
        try await tab.settle(on: "#/pipelines")
        try await tab.click(".find-button")
        try await tab.type("jonas")
        try await tab.wait(
            for: "document.querySelector('.palette-option')?.textContent.startsWith('jonas@example.com')"
        )
        try await tab.press("Enter")
        try await tab.wait(for: "location.hash.startsWith('#/overview') && location.hash.includes('user=jonas')")
        try await tab.press("k", control: true)
        try await tab.wait(for: "document.activeElement.id === 'palette-input'")
        try await tab.type("22222222")
        try await tab.wait(for: "document.querySelector('.palette-option')?.textContent.includes('22222222')")
        try await tab.press("ArrowDown")
        try await tab.press("Enter")
        try await tab.wait(for: "location.hash.startsWith('#/session/\(SampleCalls.dear)')")
        #expect(tab.problems == [])
    }

    @Test func `without shortcuts the control key still opens the way to anything`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.run("localStorage.setItem('hammurabi.shortcuts', 'off')")
        try await tab.press("k", control: true)
        try await tab.wait(for: "document.querySelector('.palette')")
    }

    @Test func `an address that leads nowhere says so, and one of the API's names of a session leads there`()
        async throws
    {
        let tab = try await Tab()
        try await tab.open("/#/nonsense")
        #expect(try await tab.text("#missing-title") == "There is no such page")
        #expect(try await tab.run("document.title").text == "No such page · Telemetry Hub")
        #expect(try await tab.run(Script.poorContrast).texts == [])
        try await tab.go("#/sessions/\(SampleCalls.dear)")
        try await tab.wait(for: "document.querySelector('#session-id')?.textContent === '\(SampleCalls.dear)'")
        #expect(tab.problems == [])
    }

    @Test func `what did not arrive is in sight on the pipelines`() async throws {
        let hub = try await Hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open("/#/pipelines")
        try await tab.settle(on: "#/pipelines")
        let remarks = "[aria-labelledby=remarks-title]"
        #expect(try await tab.text("\(remarks) .blank") == "Everything that arrived was taken and read.")
        #expect(try await hub.refused("/otlp/v1/traces", type: "application/json", agent: "sender/1") == 404)
        try await tab.wait(for: "document.querySelector('\(remarks)').innerText.includes('sender/1')")
        #expect(try await tab.text("\(remarks) li").contains("Next: give the sender this collector's address"))
        let kinds = try await tab.texts(".components-table tbody th .fine")
        let order = ["receiver", "processor", "exporter", "extension"]
        #expect(kinds.compactMap(order.firstIndex) == kinds.compactMap(order.firstIndex).sorted())
    }

    @Test func `the usual periods are a click away`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/overview?period=90d")
        try await tab.settle(on: "#/overview")
        #expect(
            try await tab.texts("[aria-label=Period] .segment") == [
                "Today", "7 d", "30 d", "90 d", "This month", "Last month", "Custom",
            ]
        )
        #expect(try await tab.texts("[aria-label=Period] [aria-current]") == ["90 d"])
    }
}
