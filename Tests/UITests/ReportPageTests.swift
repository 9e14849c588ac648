// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The report of a month: what the page shows is what the API answers.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct ReportPageTests {
    /// The present month in UTC.
    private static var month: String { String(Date().formatted(.iso8601).prefix(7)) }

    @Test(arguments: [(1_440, "light"), (768, "dark"), (390, "light"), (390, "dark")])
    func `the report has the figures of the API`(width: Int, theme: String) async throws {
        let hub = try await Hub("extensions: { hub: { budget: { monthly: 2 }, timezone: UTC } }")
        defer { hub.stop() }
        try await hub.send(SampleCalls.all)
        let tab = try await Tab(of: hub, width: width, height: 900, theme: theme)
        try await tab.open("/#/report/\(Self.month)")
        try await tab.settle(on: "#/report")
        let summary = try await hub.get("/api/telemetry/summary?period=\(Self.month)")
        let cost = try #require(summary["totalCost"].double)
        let isPartial = (summary["unpricedCalls"].int ?? 0) > 0
        #expect(try await tab.text("#report-cost") == (isPartial ? "≥ " : "") + Shown.money(cost))
        for (dimension, member) in [("user", "byUser"), ("model", "byModel"), ("agent", "byAgent")] {
            let shares = summary[member].members.sorted {
                (-($0.value["cost"].double ?? 0), $0.key) < (-($1.value["cost"].double ?? 0), $1.key)
            }
            let shown = try await tab.texts("[aria-labelledby=report-\(dimension)-title] tbody td:nth-child(2)")
            let expected = try shares.map { _, share in
                (share["unpricedCalls"].int ?? 0) > 0 && share["cost"].double == 0
                    ? "–"
                    : ((share["unpricedCalls"].int ?? 0) > 0 ? "≥ " : "")
                        + Shown.money(try #require(share["cost"].double))
            }
            #expect(shown == expected, "\(dimension)")
        }
        let budgets = try await hub.get("/api/telemetry/budgets?month=\(Self.month)")["budgets"].elements
        #expect(budgets.count == 1)
        #expect(
            try await tab.texts("[aria-labelledby=report-budgets-title] tbody td:nth-child(2)") == [
                Shown.money(try #require(budgets[0]["spent"].double))
            ]
        )
        #expect(try await tab.text("#report-scope").contains("days of UTC, not over yet"))
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run(Script.smallTargets).texts == [])
        // On paper there is neither a menu nor a button.
        try await tab.call("Emulation.setEmulatedMedia", ["media": "print"])
        #expect(try await tab.run("document.querySelector('.header').checkVisibility()").bool == false)
        #expect(
            try await tab.run("[...document.querySelectorAll('.page-tools')].some((it) => it.checkVisibility())").bool
                == false
        )
        #expect(try await tab.run("document.documentElement.scrollWidth <= \(width)").bool == true)
        #expect(tab.problems == [])
        #expect(tab.foreignRequests == [])
    }

    @Test func `a month without calls says so, and its neighbours are a click away`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/report/2019-12")
        try await tab.settle(on: "#/report")
        #expect(try await tab.text("[aria-labelledby=report-totals-title] .blank") == "No calls in this month.")
        try await tab.click(".page-tools a[aria-label='Report of January 2020']")
        try await tab.wait(for: "location.hash === '#/report/2020-01'")
        try await tab.settle(on: "#/report")
        #expect(try await tab.text("h1") == "Report of January 2020")
        #expect(tab.problems == [])
    }

    @Test(arguments: ["2026-13", "nov", "2026-1", "30d", "2026-11-02"])
    func `an address that names no month says how one is written`(text: String) async throws {
        let tab = try await Tab()
        try await tab.open("/#/report/\(text)")
        #expect(try await tab.text(".failure-text").hasPrefix("There is no month “\(text)”"))
        try await tab.click(".failure a")
        try await tab.wait(for: "location.hash === '#/report'")
        try await tab.settle(on: "#/report")
        #expect(tab.problems == [])
    }

    @Test func `the days are those of the time zone in the address`() async throws {
        let hub = try await Hub()
        defer { hub.stop() }
        // Noon of the last day of a month in UTC is the next month already in Kiritimati, 14 hours ahead.
        let first = try #require(ISO8601DateFormatter().date(from: Self.month + "-01T00:00:00Z"))
        let border = first.addingTimeInterval(-12 * 3_600)
        let before = String(border.formatted(.iso8601).prefix(7))
        try await hub.ingest([
            [
                "sessionId": "border", "event": "token_usage", "model": "claude-sonnet-4-5-20250929",
                "inputTokens": 1_000, "timestamp": .number(border.timeIntervalSince1970 * 1_000),
            ]
        ])
        let tab = try await Tab(of: hub)
        for (zone, month, count) in [
            ("UTC", before, 1), ("UTC", Self.month, 0), ("Pacific/Kiritimati", Self.month, 1),
            ("Pacific/Kiritimati", before, 0),
        ] {
            let summary = try await hub.get("/api/telemetry/summary?period=\(month)&timezone=\(zone)")
            try #require(summary["callCount"].int == count)
            try await tab.open("/#/report/\(month)?timezone=\(zone)")
            try await tab.settle(on: "#/report")
            try await tab.wait(for: "document.querySelector('#report-scope')?.textContent.includes('days of \(zone)')")
            let isBlank =
                try await tab.texts("[aria-labelledby=report-totals-title] .blank") == ["No calls in this month."]
            #expect(isBlank == (count == 0), "\(zone) \(month)")
        }
    }

    @Test func `the report can be taken along as the command line writes it`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/report/\(Self.month)")
        try await tab.settle(on: "#/report")
        try await tab.run(Script.catchFile)
        try await tab.click(".page-tools button")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        #expect(
            lines.first
                == "part,name,cost,limit,calls,unpriced_calls,sessions,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens"
        )
        let summary = try await hub.get("/api/telemetry/summary?period=\(Self.month)")
        let total = lines[1].split(separator: ",", omittingEmptySubsequences: false)
        #expect(total[0] == "total" && Double(total[2]) == summary["totalCost"].double)
    }
}
