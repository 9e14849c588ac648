// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A page in the browser.
struct Tab: Sendable {
    let browser: Chromium
    private let session: String
    private let origin: String

    /// Opens an empty page for a collector's dashboard.
    ///
    /// It shares neither storage nor location with other pages.
    init(of hub: Hub? = nil, width: Int = 1280, height: Int = 800, theme: String = "light") async throws {
        let stage = try Stage.shared
        browser = stage.browser
        origin = (hub ?? stage.hub).origin
        let context = try await browser.call("Target.createBrowserContext")["browserContextId"]
        let target = try await browser.call(
            "Target.createTarget",
            ["url": "about:blank", "browserContextId": context]
        )["targetId"]
        let attached = try await browser.call("Target.attachToTarget", ["targetId": target, "flatten": true])
        session = try #require(attached["sessionId"].text)
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] { try await call(domain + ".enable") }
        try await call(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .number(Double(width)), "height": .number(Double(height)), "deviceScaleFactor": 1,
                "mobile": .bool(width < 500),
            ]
        )
        try await show(theme: theme)
    }

    /// Sets the system's theme to light or dark; motion is always reduced.
    func show(theme: String) async throws {
        let features: JSON = [
            ["name": "prefers-color-scheme", "value": .string(theme)],
            ["name": "prefers-reduced-motion", "value": "reduce"],
        ]
        try await call("Emulation.setEmulatedMedia", ["features": features])
    }

    @discardableResult
    func call(_ method: String, _ parameters: JSON = [:]) async throws -> JSON {
        try await browser.call(method, parameters, session: session)
    }

    /// Opens an address of the collector.
    func open(_ path: String = "/") async throws {
        try await call("Page.navigate", ["url": .string(origin + path)])
        try await wait(for: "document.readyState === 'complete' && !!document.querySelector('main .page')")
    }

    /// Changes the part of the address after `#`, as a link does.
    func go(_ hash: String) async throws {
        try await run("location.hash = '\(hash)'")
    }

    /// The value of an expression.
    @discardableResult
    func run(_ expression: String) async throws -> JSON {
        let answer = try await call(
            "Runtime.evaluate",
            ["expression": .string(expression), "awaitPromise": true, "returnByValue": true]
        )
        if let problem = answer["exceptionDetails"]["exception"]["description"].text {
            throw Chromium.Failure(description: "\(expression): \(problem)")
        }
        return answer["result"]["value"]
    }

    /// Waits until an expression is true, for at most half a minute.
    func wait(for expression: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for _ in 0..<600 {
            if try await run("!!(\(expression))").bool == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let text = try await run("document.body.innerText").text ?? ""
        Issue.record("never: \(expression)\nthe page says: \(text.prefix(1_500))", sourceLocation: sourceLocation)
        throw Chromium.Failure(description: "never: \(expression)")
    }

    /// The text of an element, once it exists.
    func text(_ selector: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        try await wait(for: "document.querySelector(`\(selector)`)", sourceLocation: sourceLocation)
        return try await run("document.querySelector(`\(selector)`).textContent").text ?? ""
    }

    /// The texts of all matching elements.
    func texts(_ selector: String) async throws -> [String] {
        try await run("[...document.querySelectorAll(`\(selector)`)].map((node) => node.textContent.trim())").texts
    }

    /// Clicks an element at its position on the screen.
    func click(_ selector: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await wait(for: "document.querySelector(`\(selector)`)", sourceLocation: sourceLocation)
        let place = try await run(
            """
            (() => {
              const node = document.querySelector(`\(selector)`);
              node.scrollIntoView({ block: "center" });
              const box = node.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            })()
            """
        )
        for type in ["mouseMoved", "mousePressed", "mouseReleased"] {
            try await call(
                "Input.dispatchMouseEvent",
                [
                    "type": .string(type), "x": place.elements[0], "y": place.elements[1], "button": "left",
                    "clickCount": 1,
                ]
            )
        }
    }

    /// Presses a key, with the control key or without.
    func press(_ key: String, control: Bool = false) async throws {
        var fields: [String: JSON] = ["key": .string(key), "modifiers": control ? 2 : 0]
        if key.count == 1, !control { fields["text"] = .string(key) }
        if key == "Enter" { fields["text"] = "\r" }
        if let code = ["Enter": 13, "Escape": 27, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40][key] {
            fields["windowsVirtualKeyCode"] = .number(Double(code))
        }
        for type in ["keyDown", "keyUp"] {
            fields["type"] = .string(type)
            if type == "keyUp" { fields["text"] = nil }
            try await call("Input.dispatchKeyEvent", .object(fields))
        }
    }

    /// Types a text into the focused element.
    func type(_ text: String) async throws { try await call("Input.insertText", ["text": .string(text)]) }

    /// The problems of the page: exceptions, errors on the console, violations of the policy.
    var problems: [String] {
        let thrown = browser.events("Runtime.exceptionThrown", session: session).compactMap {
            $0["exceptionDetails"]["exception"]["description"].text ?? $0["exceptionDetails"]["text"].text
        }
        let logged = browser.events("Log.entryAdded", session: session).map { $0["entry"] }.filter {
            $0["level"].text == "error"
        }
        let printed = browser.events("Runtime.consoleAPICalled", session: session).filter {
            ["error", "warning"].contains($0["type"].text ?? "")
        }
        return thrown + logged.map { "\($0["text"].text ?? "") \($0["url"].text ?? "")" }
            + printed.map { $0["args"].elements.compactMap { $0["value"].text }.joined(separator: " ") }
    }

    /// The addresses that the page requested outside of the collector.
    var foreignRequests: [String] {
        browser.events("Network.requestWillBeSent", session: session).compactMap { $0["request"]["url"].text }.filter {
            !$0.hasPrefix(origin + "/") && !$0.hasPrefix("about:")
        }
    }

    /// A picture of the visible page.
    func picture() async throws -> Data {
        try #require(Data(base64Encoded: try await call("Page.captureScreenshot")["data"].text ?? ""))
    }
}
