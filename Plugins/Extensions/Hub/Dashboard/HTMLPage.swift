// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// A page of the documentation in the style of the dashboard: no script of its own, nothing inline, no external resources.
struct HTMLPage {
    let title: String
    /// Its path, to mark it in the navigation.
    let path: String
    let text: Markdown
    let navigation: [(title: String, path: String)]

    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>\(Self.escaped(title)) · Telemetry Hub</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/assets/app.css">
        <script src="/assets/theme.js"></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="header"><a class="brand" href="/">Telemetry Hub</a></header>
        <div class="docs">
        <nav class="docs-nav" aria-label="Components"><ul>
        \(links)
        </ul></nav>
        <main id="main" class="docs-text" tabindex="-1">
        \(content)
        </main>
        </div>
        </body>
        </html>

        """
    }

    private var links: String {
        ([(title: "All components", path: "/docs/components")] + navigation).map { entry in
            let mark = entry.path == path ? " aria-current=\"page\"" : ""
            return "<li><a href=\"\(Self.escaped(entry.path))\"\(mark)>\(Self.escaped(entry.title))</a></li>"
        }.joined(separator: "\n")
    }

    private var content: String {
        var section = ""
        return text.blocks.map { block in
            if case .heading(_, let text) = block { section = text }
            return html(of: block, in: section)
        }.joined(separator: "\n")
    }

    private func html(of block: Markdown.Block, in section: String) -> String {
        switch block {
        case .heading(let level, let text): "<h\(level)>\(html(of: text))</h\(level)>"
        case .paragraph(let text): "<p>\(html(of: text))</p>"
        case .list(let items): "<ul>\n\(items.map { "<li>\(html(of: $0))</li>\n" }.joined())</ul>"
        // Scrollable areas must be reachable with the keyboard.
        case .code(_, let lines):
            "<pre tabindex=\"0\"><code>\(Self.escaped(lines.joined(separator: "\n")))</code></pre>"
        case .table(let titles, let rows): table(titles, rows, in: section)
        }
    }

    private func table(_ titles: [String], _ rows: [[String]], in section: String) -> String {
        let head = titles.map { "<th scope=\"col\">\(html(of: $0))</th>" }.joined()
        let body = rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == 0 ? "<th scope=\"row\">\(breakable(html(of: cell)))</th>" : "<td>\(html(of: cell))</td>"
            }
            return "<tr>\(cells.joined())</tr>\n"
        }
        return """
            <div class="docs-table" tabindex="0" role="region" aria-label="\(Self.escaped(section)) by \(Self.escaped(titles.first ?? ""))">
            <table>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined())</tbody>
            </table>
            </div>
            """
    }

    private func html(of text: String) -> String {
        Markdown.spans(of: text).map { span in
            switch span {
            case .text(let text): return Self.escaped(text)
            case .code(let text): return "<code>\(Self.escaped(text))</code>"
            case .strong(let text): return "<strong>\(Self.escaped(text))</strong>"
            case .link(let text, let target):
                // A relative path within the repository is no valid link here.
                let leadsSomewhere = target.hasPrefix("https://") || target.hasPrefix("/")
                return leadsSomewhere
                    ? "<a href=\"\(Self.escaped(target))\">\(Self.escaped(text))</a>" : Self.escaped(text)
            }
        }.joined()
    }

    /// Adds line break opportunities to the names of keys, so that a long one does not displace the other columns.
    private func breakable(_ html: String) -> String {
        guard html.hasPrefix("<code>") else { return html }
        return html.replacing(".", with: ".<wbr>").replacing("_", with: "_<wbr>")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
