// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite(.serialized, .onStage, .enabled(if: Chromium.isThere))
struct KeyboardTests {
    @Test func `two keys lead to a page and the filters come along`() async throws {
        let tab = try await Tab()
        try await tab.open("/#/overview?period=7d")
        try await tab.settle(on: "#/overview")
        for (key, page) in [
            ("s", "sessions"), ("u", "people"), ("r", "report"), ("m", "compare"), ("p", "pipelines"), ("c", "prices"),
            ("q", "quality"),
            ("o", "overview"),
        ] {
            let isThere = "location.hash === '#/\(page)?period=7d'"
            // The second key must follow the first within 1.5 s, which a busy machine may miss.
            for _ in 0..<20 {
                try await tab.press("g")
                try await tab.press(key)
                if try await tab.run("String(\(isThere))").text == "true" { break }
            }
            try await tab.wait(for: isThere)
        }
    }

    @Test func `the theme turns and is remembered`() async throws {
        let tab = try await Tab(theme: "dark")
        try await tab.open()
        try await tab.settle(on: "#/overview")
        let background = "getComputedStyle(document.body).backgroundColor"
        let dark = try await tab.run(background).text
        try await tab.press("t")
        try await tab.wait(for: "document.documentElement.dataset.theme === 'light'")
        let light = try await tab.run(background).text
        #expect(light != dark)
        try await tab.open("/#/prices")
        #expect(try await tab.run(background).text == light)
        try await tab.press("t")
        try await tab.press("t")
        try await tab.wait(for: "document.documentElement.dataset.theme === undefined")
        #expect(try await tab.run(background).text == dark)
    }

    @Test func `shortcuts are listed and can be switched off`() async throws {
        let tab = try await Tab()
        try await tab.open()
        try await tab.settle(on: "#/overview")
        try await tab.press("?")
        try await tab.wait(for: "document.querySelector('dialog[open] kbd')")
        try await tab.click("dialog input")
        try await tab.press("Escape")
        try await tab.wait(for: "!document.querySelector('dialog')")
        try await tab.press("t")
        try await tab.press("?")
        #expect(
            try await tab.run(
                "document.documentElement.dataset.theme === undefined && !document.querySelector('dialog')"
            ).bool == true
        )
        try await tab.click(".tool[aria-label='Keyboard shortcuts']")
        try await tab.wait(for: "document.querySelector('dialog[open] input').checked === false")
    }
}
