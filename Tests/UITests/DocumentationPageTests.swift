// SPDX-License-Identifier: Apache-2.0

import Testing

/// The documentation of the components in a browser.
@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct DocumentationPageTests {
    @Test(arguments: ["light", "dark"])
    func `a page is whole, quiet and keeps to its collector, on a desk and on a phone`(theme: String) async throws {
        for (width, height) in [(1_280, 800), (390, 844)] {
            let tab = try await Tab(width: width, height: height, theme: theme)
            try await tab.open()
            for page in ["/docs/components", "/docs/components/otlp", "/docs/components/hub"] {
                try await tab.run("location.href = '\(page)'")
                try await tab.wait(for: "location.pathname === '\(page)' && document.readyState === 'complete'")
                #expect(try await tab.texts("h1").count == 1, "\(page)")
                #expect(try await tab.run("document.documentElement.scrollWidth").int == width, "\(page) \(width)")
                #expect(try await tab.run(Script.poorContrast).texts == [], "\(page) \(theme) \(width)")
                #expect(try await tab.run(Script.smallTargets).texts == [], "\(page) \(width)")
                let regions = try await tab.accessibleNodes().filter { $0.role == "region" }.map(\.name)
                #expect(!regions.isEmpty && Set(regions).count == regions.count, "\(regions)")
            }
            #expect(tab.problems == [])
            #expect(tab.foreignRequests == [])
        }
    }

    @Test func `the dashboard leads to it and back`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        try await tab.click("#footer a")
        try await tab.wait(for: "location.pathname === '/docs/components' && !!document.querySelector('main h1')")
        try await tab.click("a[href='/docs/components/sqlite']")
        try await tab.wait(for: "document.title === 'sqlite · Telemetry Hub'")
        try await tab.click(".brand")
        try await tab.wait(for: "location.pathname === '/' && !!document.querySelector('main .page')")
    }
}
