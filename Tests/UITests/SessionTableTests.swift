// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct SessionTableTests {
    private static let ids =
        "[...document.querySelectorAll('.sessions-table tbody a')].map((a) => decodeURIComponent(a.hash.split('?')[0].slice(10)))"

    @Test(arguments: ["cost", "totalTokens", "startedAt", "calls"])
    func `sorting shows the order of the API`(column: String) async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/sessions?sort=\(column)")
        try await tab.settle(on: "#/sessions")
        let list = try await hub.get("/api/telemetry/sessions?sort=\(column)&order=desc")
        #expect(try await tab.run(Self.ids).texts == list["sessions"].elements.compactMap { $0["sessionId"].text })
    }

    @Test func `the page sorts by what the collector cannot`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions?sort=model&order=asc")
        try await tab.settle(on: "#/sessions")
        let models = try await tab.texts(".sessions-table tbody td:nth-child(5)")
        #expect(models.count == 6)
        #expect(models == models.sorted())
    }

    @Test func `searching narrows the table and the address says so`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        #expect(try await tab.texts(".sessions-table tbody tr").count == 6)
        try await tab.press("/")
        try await tab.wait(for: "document.activeElement.id === 'search'")
        try await tab.type("2222")
        try await tab.wait(for: "location.hash.includes('q=2222')")
        try await tab.wait(for: "document.querySelectorAll('.sessions-table tbody tr').length === 1")
        #expect(try await tab.run(Self.ids).texts == [SampleCalls.dear])
        #expect(try await tab.text("#session-count") == "1 found")
        try await tab.type("nothing like it")
        #expect(try await tab.text("main .blank") == "No session fits these filters.")
        #expect(tab.problems == [])
    }

    @Test func `rows are walked and opened with keys`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions?sort=cost")
        try await tab.settle(on: "#/sessions")
        try await tab.press("j")
        try await tab.wait(for: "document.activeElement.closest('tr')?.rowIndex === 1")
        try await tab.press("j")
        try await tab.press("j")
        try await tab.press("k")
        try await tab.wait(for: "document.activeElement.closest('tr')?.rowIndex === 2")
        try await tab.press("k")
        try await tab.press("Enter")
        try await tab.wait(for: "location.hash.startsWith('#/session/\(SampleCalls.dear)')")
        try await tab.settle(on: "#/session")
        try await tab.press("Escape")
        try await tab.wait(for: "location.hash === '#/sessions'")
    }

    @Test func `columns that are chosen stay chosen`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        let titles = ".sessions-table thead th"
        #expect(try await tab.texts(titles).contains("Branch") == false)
        try await tab.click("[aria-controls=drop-columns]")
        try await tab.click("#drop-columns .option:nth-child(11) input")
        try await tab.wait(
            for: "[...document.querySelectorAll('\(titles)')].some((th) => th.textContent === 'Branch')"
        )
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        #expect(try await tab.texts(titles).contains("Branch"))
    }

    @Test(arguments: [390, 768, 1_440])
    func `name, user and cost come first and are in sight`(width: Int) async throws {
        let tab = try await Tab(width: width, height: 900)
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        let titles = try await tab.texts(".sessions-table thead th").map { $0.filter(\.isLetter) }
        #expect(Array(titles.prefix(3)) == ["Session", "User", "Cost"])
        #expect(width < 640 || Array(titles.prefix(5).suffix(2)) == ["Project", "Model"])
        let right = "document.querySelector('.sessions-table td:nth-child(3)').getBoundingClientRect().right"
        #expect(try await tab.run("\(right) <= \(width)").bool == true)
    }

    @Test func `a session is found by its branch and its team`() async throws {
        let hub = try await Hub(
            """
            receivers:
              agent_sessions: { poll_interval: 1s }
            extensions:
              hub:
                teams: { platform-team: { users: [jonas@example.com] } }
            """,
            transcripts: ["77777777-0000-4000-8000-000000000007": "feature/ledger"]
        )
        defer { hub.stop() }
        try await hub.send(SampleCalls.all)
        let found = ["feature/led": "77777777-0000-4000-8000-000000000007", "PLATFORM": SampleCalls.ofJonas]
        for (text, session) in found {
            let path = "/api/telemetry/sessions?q=\(text.replacingOccurrences(of: "/", with: "%2F"))"
            for _ in 0..<200 {
                if try await hub.get(path)["total"].int == 1 { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await hub.get(path)["sessions"].elements.map { $0["sessionId"].text } == [session])
            let tab = try await Tab(of: hub)
            try await tab.open("/#/sessions")
            try await tab.settle(on: "#/sessions")
            try await tab.press("/")
            try await tab.wait(for: "document.activeElement.id === 'search'")
            try await tab.type(text)
            try await tab.wait(for: "document.querySelectorAll('.sessions-table tbody tr').length === 1")
            #expect(try await tab.run(Self.ids).texts == [session])
        }
    }

    @Test func `all sessions can be taken along as a file`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        // The file is read before it would be saved.
        try await tab.run(
            "URL.createObjectURL = (blob) => { blob.text().then((text) => { window.taken = text; }); return '#/sessions'; }"
        )
        try await tab.click(".toolbar-end > .button:last-child")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        #expect(lines.count == 7)
        #expect(lines.first?.hasPrefix("Session,User,Cost,Project,Model,") == true)
    }
}
