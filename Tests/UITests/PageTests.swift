// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct PageTests {
    static let pages = [
        "#/overview", "#/sessions", "#/session/\(SampleCalls.dear)", "#/people", "#/people?tab=team", "#/compare",
        "#/budgets", "#/report", "#/pipelines", "#/prices",
        "#/quality",
    ]

    @Test(arguments: ["light", "dark"])
    func `every page is whole, quiet and keeps to its collector, on a desk and on a phone`(theme: String) async throws {
        for (width, height) in [(1_440, 900), (768, 1_024), (390, 844)] {
            let tab = try await Tab(width: width, height: height, theme: theme)
            try await tab.open()
            for page in Self.pages {
                try await tab.go(page)
                try await tab.settle(on: page)
                #expect(try await tab.run("document.documentElement.scrollWidth").int == width, "\(page) \(width)")
                #expect(try await tab.texts("h1").count == 1, "\(page)")
                let (pale, small) = (
                    try await tab.run(Script.poorContrast).texts, try await tab.run(Script.smallTargets).texts
                )
                #expect(pale == [], "\(page) \(theme) \(width)")
                #expect(small == [], "\(page) \(width)")
            }
            #expect(tab.problems == [])
            #expect(tab.foreignRequests == [])
        }
    }

    @Test func `the first screen shows cost, sessions and the table of sessions`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        for id in ["cost", "sessions", "session-details"] {
            let box = "document.querySelector('[aria-labelledby=\(id)-title]').getBoundingClientRect()"
            #expect(try await tab.run("\(box).top >= 0 && \(box).top < 600").bool == true, "\(id)")
        }
        let row = "[aria-labelledby=session-details-title] tbody tr:nth-child(2)"
        #expect(try await tab.run("document.querySelector('\(row)').getBoundingClientRect().bottom < 800").bool == true)
        #expect(
            try await tab.texts("[aria-labelledby=session-details-title] thead th") == [
                "Session", "Tokens", "Cost", "Duration",
            ]
        )
        // The number of active sessions changes with the clock; the page gets it from its feed.
        var (shown, expected) = ([""], [""])
        for _ in 0..<600 {
            shown = try await tab.texts("[aria-labelledby=sessions-title] .headline, #active-sessions")
            let active = try await Stage.shared.hub.get("/api/telemetry/summary?period=30d")["activeSessions"].int ?? -1
            expected = ["6 total", "\(active) active"]
            if shown == expected { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(shown == expected)
    }

    @Test func `figures are those of the API`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let summary = try await hub.get("/api/telemetry/summary?period=30d")
        let cost = try #require(summary["totalCost"].double)
        #expect(cost > 0.5)
        #expect(try await tab.text("#total-cost") == Shown.money(cost))
        #expect(try await tab.text("[aria-labelledby=cost-title] .headline") == Shown.money(cost) + " / 30d")
        #expect(try await tab.text("#total-sessions") == "\(try #require(summary["sessionCount"].int))")
        #expect(
            try await tab.run("document.querySelector('#total-tokens').title.replaceAll(',', '')").text
                == "\(try #require(summary["totalTokens"].int))"
        )
        for (model, share) in summary["byModel"].members where model != SampleCalls.unpriced {
            let row = try await tab.text("[aria-labelledby=top-model-title] .bar-row[title='\(model)'] .bar-value")
            #expect(row == Shown.money(try #require(share["cost"].double)))
        }
    }

    @Test func `a session shows its calls, and what has no price is never free`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/session/\(SampleCalls.dear)")
        try await tab.settle(on: "#/session")
        let detail = try await hub.get("/api/telemetry/sessions/\(SampleCalls.dear)")
        #expect(try await tab.text("#session-id") == SampleCalls.dear)
        #expect(
            try await tab.texts("[aria-labelledby=facts-title] dd").first
                == Shown.money(try #require(detail["session"]["cost"].double))
        )
        let costs = try detail["calls"].elements.map { Shown.callMoney(try #require($0["cost"].double)) }
        #expect(costs.count == 2)
        #expect(try await tab.texts(".calls-table tbody td:nth-child(2)") == costs)
        #expect(
            try await tab.run("document.querySelector('.timeline').getAttribute('aria-label')").text?.hasPrefix(
                "2 calls in 1 lane"
            ) == true
        )
        try await tab.go("#/session/44444444-0000-4000-8000-000000000004")
        try await tab.wait(for: "document.querySelector('#session-id')?.textContent.startsWith('4444')")
        #expect(try await tab.texts("[aria-labelledby=facts-title] dd").first == "–")
        #expect(try await tab.texts(".calls-table tbody td:nth-child(2)") == ["–"])
        #expect(try await tab.run("document.querySelector('main').innerText.includes('$0.00')").bool == false)
        #expect(tab.problems == [])
    }

    @Test func `an unknown session is reported in its place`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/session/nobody")
        #expect(try await tab.text(".failure-text") == "no session with this id is known")
    }

    @Test func `data quality shows what was not collected, with the next step, as it happens`() async throws {
        let hub = try await Hub()
        defer { hub.stop() }
        for (width, theme) in [(1_440, "light"), (390, "dark")] {
            let tab = try await Tab(of: hub, width: width, height: 900, theme: theme)
            try await tab.open("/#/quality")
            try await tab.settle(on: "#/quality")
            let agent = "sender-\(theme)/1"
            #expect(try await hub.refused("/otlp/v1/traces", type: "application/json", agent: agent) == 404)
            let list = "[aria-labelledby=intake-title]"
            try await tab.wait(for: "document.querySelector('\(list)').innerText.includes('\(agent)')")
            let text = try await tab.text("\(list) li")
            #expect(text.contains("1 request to /otlp/v1/traces by \(agent) was refused with 404"), "\(text)")
            #expect(text.contains("Next: give the sender this collector's address"), "\(text)")
            #expect(try await tab.text("[aria-labelledby=problems-title] .blank") == "Everything was read.")
            #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
            #expect(try await tab.run(Script.poorContrast).texts == [])
            if let folder = Pictures.folder {
                let name = "quality-\(theme)-\(width).png"
                try await tab.picture().write(to: URL(filePath: folder).appending(path: name))
            }
            #expect(tab.problems == [])
        }
    }

    @Test func `a chart says in words and as a table what it draws`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let chart = "[aria-labelledby=over-time-title]"
        let label = try #require(
            try await tab.run("document.querySelector('\(chart) svg').getAttribute('aria-label')").text
        )
        #expect(label.hasPrefix("Cost from ") && label.contains("in all"))
        try await tab.click("\(chart) .as-table")
        try await tab.wait(for: "document.querySelectorAll('\(chart) tbody tr').length === 30")
        try await tab.click("\(chart) .as-table")
        try await tab.wait(for: "document.querySelector('\(chart) svg')")
        #expect(tab.problems == [])
    }

    @Test func `every table and every chart can be taken along, and filters are in a link to copy`() async throws {
        let tab = try await Tab()
        try await tab.open()
        for page in Self.pages {
            try await tab.go(page)
            try await tab.settle(on: page)
            let without = """
                [...document.querySelectorAll('.panel:not(.bare)')]
                  .filter((panel) => panel.querySelector('table.table, .chart'))
                  .filter((panel) => ![...panel.querySelectorAll('button')].some((button) => button.textContent === 'CSV'))
                  .map((panel) => panel.getAttribute('aria-labelledby'))
                """
            #expect(try await tab.run(without).texts == [], "\(page)")
        }
        try await tab.open("/#/overview?period=7d")
        try await tab.settle(on: "#/overview")
        try await tab.run(Script.catchFile)
        try await tab.click("[aria-labelledby=over-time-title] [aria-label='The chart as CSV']")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        let days = try await Stage.shared.hub.get("/api/telemetry/summary?period=7d")["byDay"].elements
        #expect(lines.count == days.count + 1)
        // The exact figures, not those that the axis shows.
        let titles = lines[0].split(separator: ",").map(String.init)
        let sonnet = try #require(titles.firstIndex(of: "claude-sonnet-4-5"))
        let last = try #require(lines.last).split(separator: ",", omittingEmptySubsequences: false)
        let today = try await Stage.shared.hub.get("/api/telemetry/summary?period=today")
        #expect(Double(last[sonnet]) == today["byModel"]["claude-sonnet-4-5-20250929"]["cost"].double ?? 0)
        try await tab.run(
            "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }"
        )
        try await tab.click(".filters .take")
        try await tab.wait(for: "window.copied?.endsWith('#/overview?period=7d')")
    }

    @Test func `stored costs can be computed again from the page of prices`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/prices")
        try await tab.settle(on: "#/prices")
        try await tab.click(".hint .more button")
        try await tab.wait(for: "document.querySelector('.hint [role=status]')?.textContent === '0 calls changed'")
    }
}
