// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The drawer of a call: where its figures are from, and what was kept of it.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct CallDrawerTests {
    @Test(arguments: [(1_440, "light"), (768, "dark"), (390, "light"), (390, "dark")])
    func `a call shows its sources and the records that were kept`(width: Int, theme: String) async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab(width: width, height: 900, theme: theme)
        try await tab.open("/#/session/\(SampleCalls.dear)")
        try await tab.settle(on: "#/session")
        try await tab.click(".calls-table tbody tr:first-child a")
        #expect(try await tab.text(".call-drawer h2") == "Call")
        let session = try await hub.get("/api/telemetry/sessions/\(SampleCalls.dear)")
        let id = try #require(session["calls"].elements.first?["callId"].text)
        try await tab.wait(for: "location.hash.includes('call=\(id)')")
        let detail = try await hub.get("/api/telemetry/calls/\(id)?session=\(SampleCalls.dear)")
        let cost = try #require(detail["call"]["cost"].double)
        #expect(try await tab.text(".call-drawer .facts dd") == Shown.callMoney(cost) + " by the price table")
        let titles = ["Ended", "Tokens", "Cost by the sender", "Took", "Model", "Provider", "Session", "Agent", "User"]
        #expect(Set(try await tab.texts(".evidence-table tbody th")).isSuperset(of: titles))
        #expect(Set(try await tab.texts(".evidence-table tbody td:nth-child(3)")) == ["OTLP log"])
        #expect(detail["records"].elements.count == 1)
        #expect(try await tab.texts(".record summary").count == 1)
        try await tab.click(".record summary")
        let shown = try await tab.text(".record pre")
        #expect(shown.contains("\"input_tokens\"") && shown.contains("90000"))
        #expect(try await tab.run("document.documentElement.scrollWidth").int == width)
        #expect(try await tab.run(Script.poorContrast).texts == [])
        #expect(try await tab.run(Script.smallTargets).texts == [])
        if let folder = Pictures.folder {
            try await tab.picture().write(to: URL(filePath: folder).appending(path: "call-\(theme)-\(width).png"))
        }
        try await tab.press("Escape")
        try await tab.wait(for: "!document.querySelector('.call-drawer') && !location.hash.includes('call=')")
        #expect(tab.problems == [])
    }

    @Test func `a link leads to the call, by keys, and an unknown call is reported there`() async throws {
        let hub = try Stage.shared.hub
        let session = try await hub.get("/api/telemetry/sessions/\(SampleCalls.dear)")
        let id = try #require(session["calls"].elements.last?["callId"].text)
        let tab = try await Tab()
        try await tab.open("/#/session/\(SampleCalls.dear)?call=\(id)")
        try await tab.wait(for: "document.querySelector('.call-drawer .drawer-id')?.textContent === '\(id)'")
        try await tab.wait(for: "document.querySelector('.call-drawer .facts')")
        // The focus stays in the drawer, and comes back when it is closed.
        #expect(try await tab.run("!!document.activeElement.closest('.call-drawer')").bool == true)
        try await tab.press("Escape")
        try await tab.wait(for: "!document.querySelector('.call-drawer')")
        try await tab.go("#/session/\(SampleCalls.dear)?call=0000000000000001")
        #expect(try await tab.text(".call-drawer .failure-text") == "this session has no call with this id")
    }

    @Test func `the span of a call is found by its trace and span id, beside the log record of the same call`()
        async throws
    {
        let hub = try await Hub()
        defer { hub.stop() }
        let end = Int64(Date().timeIntervalSince1970) * 1_000_000_000 - 60_000_000_000
        func attribute(_ key: String, _ value: JSON) -> JSON { ["key": .string(key), "value": value] }
        let call: [JSON] = [
            attribute("gen_ai.operation.name", ["stringValue": "chat"]),
            attribute("gen_ai.provider.name", ["stringValue": "anthropic"]),
            attribute("gen_ai.request.model", ["stringValue": .string(SampleCalls.opus)]),
            attribute("gen_ai.response.id", ["stringValue": "msg_01span"]),
            attribute("gen_ai.conversation.id", ["stringValue": "with-spans"]),
            attribute("gen_ai.usage.input_tokens", ["intValue": "1234"]),
            attribute("gen_ai.usage.output_tokens", ["intValue": "56"]),
        ]
        func span(_ name: String, _ id: String, _ attributes: [JSON]) -> JSON {
            [
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": .string(id), "name": .string(name), "kind": 3,
                "startTimeUnixNano": .string("\(end - 2_000_000_000)"), "endTimeUnixNano": .string("\(end)"),
                "attributes": .array(attributes),
            ]
        }
        let spans = [span("execute_tool grep", "eee19b7ec3c1b175", []), span("chat opus", "eee19b7ec3c1b174", call)]
        try await hub.export(traces: ["resourceSpans": [["scopeSpans": [["spans": .array(spans)]]]]])
        let session = try await hub.get("/api/telemetry/sessions/with-spans")
        let id = try #require(session["calls"].elements.first?["callId"].text)
        let tab = try await Tab(of: hub)
        try await tab.open("/#/session/with-spans?call=\(id)")
        #expect(try await tab.text(".record summary").hasPrefix("chat opus"))
        let how = try await tab.text(".drawer-part[aria-labelledby=call-records] .fine")
        #expect(how.hasPrefix("The spans of its sources, found by trace and span id, as they were kept"))
        #expect(try await tab.texts(".record summary").count == 1)
        try await tab.click(".record summary")
        let shown = try await tab.text(".record pre")
        #expect(shown.contains("\"span\"") && shown.contains("eee19b7ec3c1b174") && shown.contains("1234"))
        #expect(Set(try await tab.texts(".evidence-table tbody td:nth-child(3)")) == ["OTLP span"])
        #expect(tab.problems == [])
    }

    @Test func `a store that keeps no records says so`() async throws {
        let hub = try await Hub("exporters: { sqlite: { records: usage } }")
        defer { hub.stop() }
        try await hub.send(SampleCalls.all)
        let session = try await hub.get("/api/telemetry/sessions/\(SampleCalls.dear)")
        let id = try #require(session["calls"].elements.first?["callId"].text)
        let tab = try await Tab(of: hub)
        try await tab.open("/#/session/\(SampleCalls.dear)?call=\(id)")
        let text = try await tab.text(".drawer-part[aria-labelledby=call-records] .fine")
        #expect(text.hasPrefix("This store does not keep records"))
        #expect(try await hub.get("/api/telemetry/calls/\(id)?session=\(SampleCalls.dear)")["records"].elements == [])
    }

    @Test func `the parts of a session add up`() async throws {
        let hub = try Stage.shared.hub
        let tab = try await Tab()
        try await tab.open("/#/session/\(SampleCalls.dear)")
        try await tab.settle(on: "#/session")
        let session = try await hub.get("/api/telemetry/sessions/\(SampleCalls.dear)")["session"]
        #expect(
            try await tab.texts(".parts-list .number") == [Shown.money(try #require(session["cost"].double))]
        )
        try await tab.run(Script.catchFile)
        try await tab.click("[aria-labelledby=calls-title] .take")
        try await tab.wait(for: "window.taken")
        let lines = try #require(try await tab.run("window.taken").text).split(separator: "\r\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("Time,Cost,Model,Input,"))
    }
}
