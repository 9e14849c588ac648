// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct FilterTests {
    @Test func `a period that is chosen is in the address, and the other way round`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        #expect(try await tab.texts("[aria-label=Period] [aria-current]") == ["30 d"])
        try await tab.click("[aria-label=Period] .segment:nth-child(2)")
        try await tab.wait(for: "location.hash === '#/overview?period=7d'")
        let week = try await hub.get("/api/telemetry/summary?period=7d")
        try await tab.wait(
            for:
                "document.querySelector('#total-sessions')?.textContent === '\(try #require(week["sessionCount"].int))'"
        )
        #expect(try await tab.text("#total-cost") == Shown.money(try #require(week["totalCost"].double)))
        try await tab.run("history.back()")
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '6'")
        try await tab.go("#/overview?period=today")
        try await tab.wait(for: "document.querySelector('[aria-label=Period] [aria-current]').textContent === 'Today'")
        #expect(tab.problems == [])
    }

    @Test func `a filter in the address narrows the figures, and clearing removes it`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/overview?model=\(SampleCalls.opus)")
        try await tab.settle(on: "#/overview")
        let summary = try await hub.get("/api/telemetry/summary?period=30d&model=\(SampleCalls.opus)")
        #expect(try await tab.text("#total-cost") == Shown.money(try #require(summary["totalCost"].double)))
        #expect(try await tab.text("#total-sessions") == "\(try #require(summary["sessionCount"].int))")
        #expect(try await tab.text("[aria-controls=drop-model] .drop-label") == SampleCalls.opus)
        try await tab.click(".filters > .quiet")
        try await tab.wait(for: "location.hash === '#/overview'")
        try await tab.wait(for: "document.querySelector('#total-sessions').textContent === '6'")
    }

    @Test func `choices come with their figures and any number of them can be taken`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        try await tab.click("[aria-controls=drop-user]")
        try await tab.wait(for: "document.querySelectorAll('#drop-user input').length === 3")
        try await tab.click("#drop-user .option:nth-child(1) input")
        try await tab.wait(for: "new URLSearchParams(location.hash.split('?')[1]).getAll('user').length === 1")
        try await tab.click("#drop-user .option:nth-child(2) input")
        try await tab.wait(for: "new URLSearchParams(location.hash.split('?')[1]).getAll('user').length === 2")
        try await tab.wait(for: "document.querySelector('[aria-controls=drop-user]').textContent === 'User: 2'")
        try await tab.press("Escape")
        try await tab.wait(for: "!document.querySelector('#drop-user')")
        try await tab.go("#/sessions" + (try #require(try await tab.run("'?' + location.hash.split('?')[1]").text)))
        try await tab.settle(on: "#/sessions")
        let pages = try await tab.texts("[aria-label=Pages] a")
        #expect(Set(pages).isSuperset(of: ["Overview", "Sessions", "Compare", "Budgets", "Pipelines", "Prices"]))
        #expect(tab.problems == [])
    }

    @Test func `a row of the breakdown filters by its name`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/overview?tab=model")
        try await tab.settle(on: "#/overview")
        try await tab.click("[aria-labelledby=breakdown-title] tbody tr:nth-child(1) button")
        try await tab.wait(for: "location.hash.includes('model=\(SampleCalls.opus)')")
        try await tab.wait(for: "document.querySelector('.row-button[aria-pressed=true]')")
        let summary = try await Stage.shared.hub.get("/api/telemetry/summary?period=30d&model=\(SampleCalls.opus)")
        let cost = Shown.money(try #require(summary["totalCost"].double))
        try await tab.wait(for: "document.querySelector('#total-cost').textContent === '\(cost)'")
    }
}
