// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct AccessibilityTests {
    @Test(arguments: PageTests.pages)
    func `everything on a page has a role and a name`(page: String) async throws {
        let tab = try await Tab()
        try await tab.open("/" + page)
        try await tab.settle(on: page)
        let nodes = try await tab.accessibleNodes()
        let roles = Dictionary(grouping: nodes, by: \.role)
        for landmark in ["banner", "main", "contentinfo", "navigation"] {
            #expect(roles[landmark]?.count == 1, "\(landmark)")
        }
        #expect(roles["navigation"]?.first?.name == "Pages")
        #expect(roles["heading"]?.isEmpty == false)
        for role in [
            "button", "link", "checkbox", "combobox", "searchbox", "textbox", "image", "table", "region", "meter",
            "group", "columnheader",
        ] {
            for node in roles[role] ?? [] where node.name.isEmpty { Issue.record("a \(role) without a name") }
        }
        let regions = (roles["region"] ?? []).map(\.name)
        #expect(Set(regions).count == regions.count, "two regions with one name: \(regions)")
    }

    @Test func `the overview reads as its parts`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let names = Set(try await tab.accessibleNodes().map { "\($0.role): \($0.name)" })
        for expected in [
            "link: Skip to content", "search: Filters", "group: Period", "region: Needs attention",
            "region: Cost Summary", "region: Sessions", "region: Tokens", "region: Session Details", "region: People",
            "region: Models", "region: Cost by kind of token", "region: Breakdown", "table: The dearest sessions",
            "table: Usage by agent", "columnheader: Tokens", "link: Sessions",
        ] {
            #expect(names.contains(expected), "\(expected)")
        }
    }

    @Test func `a column that is sorted says so`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/sessions?sort=cost")
        try await tab.settle(on: "#/sessions")
        #expect(try await tab.run(Script.sorted).texts == ["Cost descending"])
        try await tab.click(".sort.sorted")
        try await tab.wait(for: "location.hash.includes('order=asc')")
        try await tab.wait(for: "document.querySelector('[aria-sort=ascending]')")
        #expect(try await tab.run(Script.sorted).texts == ["Cost ascending"])
        try await tab.wait(for: "document.querySelector('[role=status]').textContent === 'Sorted by cost'")
    }

    @Test func `the skip link leads to the content`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/prices")
        try await tab.settle(on: "#/prices")
        try await tab.run("document.querySelector('#skip').focus()")
        try await tab.press("Enter")
        try await tab.wait(for: "document.activeElement.id === 'main'")
        #expect(try await tab.run("location.hash").text == "#/prices")
    }
}
