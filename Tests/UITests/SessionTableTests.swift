// SPDX-License-Identifier: Apache-2.0

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
        #expect(try await tab.texts(titles).contains("User") == false)
        try await tab.click("[aria-controls=drop-columns]")
        try await tab.click("#drop-columns .option:nth-child(4) input")
        try await tab.wait(for: "[...document.querySelectorAll('\(titles)')].some((th) => th.textContent === 'User')")
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        #expect(try await tab.texts(titles).contains("User"))
    }

    @Test func `all sessions can be taken along as a file`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        // The file is read before it would be saved.
        try await tab.run(
            "URL.createObjectURL = (blob) => { blob.text().then((text) => { window.taken = text; }); return '#/sessions'; }"
        )
        try await tab.click(".toolbar-end > .button")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        #expect(lines.count == 7)
        #expect(lines.first?.hasPrefix("Session,State,Agent,Project,") == true)
    }
}
