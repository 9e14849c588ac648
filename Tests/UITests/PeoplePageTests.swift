// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// People and teams: what the page shows is what the API answers.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct PeoplePageTests {
    private static let rows = ".people-table tbody tr"

    private static func hub() async throws -> Hub {
        let hub = try await Hub(
            """
            extensions:
              hub:
                users: { "jonas@example.com": Jonas }
                teams: { platform: { users: [amina@example.com] }, web: { users: [Jonas] } }
            """
        )
        try await hub.send(SampleCalls.all)
        return hub
    }

    @Test(arguments: [(1_440, "light"), (768, "dark"), (390, "light"), (390, "dark")])
    func `people have the cost, share, cache rate and dearest session of the API`(width: Int, theme: String)
        async throws
    {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub, width: width, height: 900, theme: theme)
        try await tab.open("/#/people")
        try await tab.settle(on: "#/people")
        let summary = try await hub.get("/api/telemetry/summary?period=30d")
        let shares = summary["byUser"].members
        #expect(Set(shares.keys) == ["amina@example.com", "Jonas", "li@example.com"])
        let order = shares.sorted {
            (-($0.value["cost"].double ?? 0), $0.key) < (-($1.value["cost"].double ?? 0), $1.key)
        }
        #expect(try await tab.texts("\(Self.rows) th") == order.map(\.key))
        let costs = try order.map { Shown.money(try #require($0.value["cost"].double)) }
        #expect(try await tab.texts("\(Self.rows) td:nth-child(2)") == costs)
        let total = try #require(summary["totalCost"].double)
        let parts = try order.map { Shown.percent(try #require($0.value["cost"].double) / total) }
        #expect(try await tab.texts("\(Self.rows) .share-text") == parts)
        let rates = try order.map { share in
            let read = try #require(share.value["cacheReadTokens"].double)
            let others =
                try #require(share.value["inputTokens"].double) + #require(share.value["cacheWriteTokens"].double)
            return Shown.percent(read / (read + others))
        }
        #expect(try await tab.texts("\(Self.rows) td:nth-child(5)") == rates)
        let sessions = summary["sessions"].elements
        let dearest = order.map { name, _ in sessions.first { $0["user"].text == name }?["sessionId"].text ?? "" }
        let links =
            "[...document.querySelectorAll('.dearest-cell a')].map((a) => decodeURIComponent(a.hash.split('?')[0].slice(10)))"
        #expect(try await tab.run(links).texts == dearest)
        #expect(try await tab.run("document.querySelectorAll('.people-table .spark').length").int == 3)
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run(Script.smallTargets).texts == [])
        #expect(tab.problems == [])
        if let folder = Pictures.folder {
            try await tab.picture().write(to: URL(filePath: folder).appending(path: "people-\(theme)-\(width).png"))
        }
    }

    @Test func `a row filters the page, and choosing it again takes the filter away`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open("/#/people?tab=team")
        try await tab.settle(on: "#/people")
        let teams = try await hub.get("/api/telemetry/summary?period=30d")["byTeam"].members
        #expect(Set(teams.keys) == ["platform", "web", "unknown"])
        #expect(try await tab.text("#people-count").hasPrefix("2 teams"))
        try await tab.press("j")
        try await tab.wait(for: "document.activeElement.closest('tr')?.rowIndex === 1")
        try await tab.press("Enter")
        try await tab.wait(for: "location.hash.includes('team=platform')")
        try await tab.wait(for: "document.querySelectorAll('\(Self.rows)').length === 1")
        #expect(try await tab.run("document.querySelector('.row-button').ariaPressed").text == "true")
        try await tab.click("\(Self.rows) .row-button")
        try await tab.wait(for: "document.querySelectorAll('\(Self.rows)').length === 3")
        #expect(tab.problems == [])
    }

    @Test func `the table can be taken along, and the link has the filters`() async throws {
        let hub = try await Self.hub()
        defer { hub.stop() }
        let tab = try await Tab(of: hub)
        try await tab.open("/#/people?period=7d")
        try await tab.settle(on: "#/people")
        try await tab.run(Script.catchFile)
        try await tab.click(".more .take")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        let users = try await hub.get("/api/telemetry/summary?period=7d")["byUser"].members
        #expect(lines.count == users.count + 1)
        #expect(lines.first?.hasPrefix("User,Cost,Share,From cache,Sessions") == true)
        let jonas = try #require(lines.first { $0.hasPrefix("Jonas,") }).split(separator: ",")
        #expect(Double(jonas[1]) == users["Jonas"]?["cost"].double)
    }
}
