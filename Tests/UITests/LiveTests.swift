// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct LiveTests {
    @Test func `an empty dashboard says how to begin and shows the first event by itself`() async throws {
        let hub = try await Hub()
        let tab = try await Tab(of: hub)
        try await tab.open()
        #expect(try await tab.text("#empty-title") == "Nothing counted yet")
        #expect(try await tab.texts(".command code").prefix(2) == ["hammurabi onboard", "hammurabi scan"])
        #expect(try await tab.text("#waiting").hasPrefix("Waiting for the first event"))
        #expect(try await tab.run(Script.poorContrast).texts == [])
        try await hub.send([AgentCall(session: "first")])
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '1'")
        try await tab.wait(
            for: "document.querySelectorAll('[aria-labelledby=session-details-title] tbody tr').length === 1"
        )
        #expect(tab.problems == [])
    }

    @Test func `a new session waits above the table until it is wanted`() async throws {
        let hub = try await Hub()
        try await hub.send([AgentCall(session: "one", secondsAgo: 30)])
        let tab = try await Tab(of: hub)
        try await tab.open("/#/sessions")
        try await tab.wait(for: "document.querySelector('.pill').textContent === 'Live'")
        try await tab.wait(for: "document.querySelectorAll('.sessions-table tbody tr').length === 1")
        try await hub.send([AgentCall(session: "two")])
        try await tab.wait(for: "document.querySelector('.fresh')?.textContent === '1 new session – show'")
        #expect(try await tab.texts(".sessions-table tbody tr").count == 1)
        try await tab.click(".fresh")
        try await tab.wait(for: "document.querySelectorAll('.sessions-table tbody tr').length === 2")
        try await tab.wait(for: "!document.querySelector('.fresh')")
        #expect(tab.problems == [])
    }

    @Test func `a pause holds the page still and going on catches up`() async throws {
        let hub = try await Hub()
        try await hub.send([AgentCall(session: "one")])
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '1'")
        try await tab.wait(for: "document.querySelector('.pill').textContent === 'Live'")
        try await tab.click(".pill")
        try await tab.wait(for: "document.querySelector('.pill').textContent === 'Paused'")
        let other = try await Tab(of: hub)
        try await other.open()
        try await other.wait(for: "document.querySelector('#total-sessions')?.textContent === '1'")
        try await other.wait(for: "document.querySelector('.pill').textContent === 'Live'")
        try await hub.send([AgentCall(session: "two")])
        // A page that is not paused shows the change, so that the paused one would have received it, too.
        try await other.wait(for: "document.querySelector('#total-sessions')?.textContent === '2'")
        #expect(try await tab.text("#total-sessions") == "1")
        try await tab.click(".pill")
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '2'")
    }

    @Test func `a collector that goes away is noticed and nothing that was there is lost`() async throws {
        let hub = try await Hub()
        try await hub.send([AgentCall(session: "one")])
        let tab = try await Tab(of: hub)
        try await tab.open()
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '1'")
        try await tab.wait(for: "document.querySelector('.pill').textContent === 'Live'")
        hub.stop()
        try await tab.wait(
            for: "document.querySelector('.pill').textContent === 'Reconnecting' || document.querySelector('.failure')"
        )
        #expect(try await tab.text("#total-sessions") == "1")
    }

    @Test func `a panel that fails says so itself and can be tried again`() async throws {
        let tab = try await Tab()
        try await tab.call("Network.setBlockedURLs", ["urls": ["*/api/telemetry/sessions*"]])
        try await tab.open()
        try await tab.wait(for: "document.querySelector('#total-cost')")
        #expect(
            try await tab.text("[aria-labelledby=session-details-title] .failure-text").hasPrefix(
                "The collector does not answer."
            )
        )
        #expect(try await tab.texts(".failure").count == 1)
        try await tab.call("Network.setBlockedURLs", ["urls": []])
        try await tab.click("[aria-labelledby=session-details-title] .failure button")
        try await tab.wait(
            for: "document.querySelectorAll('[aria-labelledby=session-details-title] tbody tr').length === 6"
        )
        #expect(try await tab.texts(".failure") == [])
    }

    @Test func `a collector with keys asks for one, once, and keeps it for the tab`() async throws {
        let tab = try await Tab()
        try await tab.call("Page.addScriptToEvaluateOnNewDocument", ["source": .string(Script.locked)])
        try await tab.open()
        try await tab.wait(for: "document.activeElement.id === 'key'")
        #expect(try await tab.texts("dialog[open]").count == 1)
        try await tab.type("wrong")
        try await tab.press("Enter")
        try await tab.wait(for: "document.querySelector('dialog')?.textContent.includes('does not know this key')")
        try await tab.type("secret")
        try await tab.press("Enter")
        try await tab.wait(for: "document.querySelector('#total-sessions')?.textContent === '6'")
        #expect(try await tab.run("document.querySelector('dialog') === null").bool == true)
        #expect(try await tab.run("sessionStorage.getItem('hammurabi.key')").text == "secret")
        #expect(try await tab.run("localStorage.length").int == 0)
        try await tab.open("/#/sessions")
        try await tab.settle(on: "#/sessions")
        #expect(try await tab.run("document.querySelector('dialog') === null").bool == true)
    }
}
