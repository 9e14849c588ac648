// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Scripts for a page that need more than a line.
enum Script {
    /// The headings of sorted columns, each with its direction.
    static let sorted = """
        [...document.querySelectorAll("th[aria-sort]")].map((th) => th.querySelector("button").firstChild.data + " " + th.getAttribute("aria-sort"))
        """

    /// Texts whose contrast to their background is less than WCAG 2.2 AA requires (4.5, large ones 3).
    static let poorContrast = """
        (() => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const color = (text) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = text;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const light = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
          const behind = (node) => {
            for (let at = node; at; at = at.parentElement) {
              const found = color(getComputedStyle(at).backgroundColor);
              if (found[3] === 255) return found;
            }
            return [255, 255, 255, 255];
          };
          const poor = new Set();
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let text = walker.nextNode(); text; text = walker.nextNode()) {
            const node = text.parentElement;
            if (!text.data.trim() || !node.checkVisibility({ visibilityProperty: true }) || node.closest("noscript, option, .unseen, [disabled]")) continue;
            const style = getComputedStyle(node);
            const front = node.closest("svg") ? style.fill : style.color;
            const [a, b] = [light(color(front)), light(behind(node))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const needed = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
            if (ratio < needed) poor.add(node.className + ": " + text.data.trim().slice(0, 40) + " " + ratio.toFixed(2));
          }
          return [...poor];
        })()
        """

    /// Buttons and fields that are smaller than 24 by 24 pixels, except links in a line of text.
    static let smallTargets = """
        [...document.querySelectorAll("button, select, input:not([type=checkbox]), .choice, .segment, .nav a")]
          .filter((node) => node.checkVisibility() && !node.disabled)
          .map((node) => [node, node.getBoundingClientRect()])
          .filter(([, box]) => box.height < 23.5 || box.width < 23.5)
          .map(([node, box]) => node.className + " " + node.textContent.slice(0, 20) + " " + box.width + "x" + box.height)
        """

    /// Keeps the next file that the page gives to the reader in `window.taken`.
    static let catchFile = """
        URL.createObjectURL = (blob) => { blob.text().then((text) => { window.taken = text; }); return location.hash; }
        """

    /// Makes the API of a collector without keys behave as if it had the key "secret".
    static let locked = """
        const open = window.fetch;
        window.fetch = (path, options) =>
          path.startsWith("/api/telemetry") && options?.headers?.["X-Hammurabi-Api-Key"] !== "secret"
            ? Promise.resolve(new Response('{"error":"no key","status":401}', { status: 401 }))
            : open(path, options);
        """
}

/// Figures in the format of the dashboard.
enum Shown {
    static func money(_ dollars: Double) -> String {
        if dollars == 0 { return "$0.00" }
        if dollars < 0.005 { return "<$0.01" }
        let cents = (dollars * 100).rounded()
        return "$" + count((cents / 100).rounded(.down)) + "." + String(format: "%02d", Int(cents) % 100)
    }

    /// What a single call cost.
    static func callMoney(_ dollars: Double) -> String {
        dollars >= 0.99995 || dollars == 0 ? money(dollars) : "$" + String(format: "%.4f", dollars)
    }

    /// A fraction in percent.
    static func percent(_ fraction: Double) -> String {
        fraction > 0 && fraction < 0.01 ? "<1%" : "\(Int((fraction * 100).rounded()))%"
    }

    /// A whole number with separators.
    static func count(_ number: Double) -> String {
        var text = String(Int64(number))
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return text
    }
}

/// A node of the accessibility tree.
struct AccessibleNode {
    let role: String
    let name: String
}

extension Tab {
    /// Waits until a page has received everything that it requested.
    func settle(on page: String) async throws {
        let name = page.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
        try await wait(for: "document.querySelector('.page-\(name)') && !document.querySelector('.skeleton')")
        try await wait(for: "!document.querySelector('[aria-busy=true]')")
    }

    /// The nodes of the accessibility tree that are not ignored.
    func accessibleNodes() async throws -> [AccessibleNode] {
        try await call("Accessibility.getFullAXTree")["nodes"].elements.filter { $0["ignored"].bool != true }.map {
            AccessibleNode(role: $0["role"]["value"].text ?? "", name: $0["name"]["value"].text ?? "")
        }
    }
}
