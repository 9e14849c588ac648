// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage

/// The report of a month as one file of HTML without scripts, which loads nothing and can be printed.
struct MonthPage {
    let report: MonthReport

    private var summary: SummaryDocument { report.summary }
    private var style: Style { Style(isTerminal: false, environment: ["LANG": "en.UTF-8"]) }

    /// The page.
    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Cost of AI coding agents, \(Self.escaped(report.title))</title>
        <style>
        \(Self.css)
        </style>
        </head>
        <body>
        <main>
        <header>
        <h1>Cost of AI coding agents</h1>
        <p class="month">\(Self.escaped(report.title))</p>
        <p class="soft">\(Self.escaped(report.scope))</p>
        </header>
        \(report.isEmpty ? "<p>No calls in this month.</p>" : content)
        <footer class="soft">Written by Telemetry Hub on \(report.now.iso8601.prefix(16).replacing("T", with: " ")) UTC. \
        Costs are those of the vendors' list prices unless the configuration says otherwise; a cost without a known price is \
        –.</footer>
        </main>
        </body>
        </html>

        """
    }

    private var content: String {
        let totals = summary.totals
        var facts: [(String, String, String)] = [
            ("Cost", SummaryReport.cost(totals, style), report.change ?? ""),
            ("Calls", Figures.grouped(totals.calls), Figures.counted(summary.sessionCount, "session")),
            ("Tokens", Figures.tokens(totals.tokens), totals.cacheRate.map { "\($0)% of prompts from caches" } ?? ""),
        ]
        if let savings = report.savings { facts.append(("Saved by caches", Figures.money(savings), "at list prices")) }
        let cards = facts.map { title, value, note in
            "<div><dt>\(title)</dt><dd><strong>\(Self.escaped(value))</strong><span class=\"soft\">\(Self.escaped(note))</span></dd></div>"
        }
        return "<dl class=\"facts\">\(cards.joined())</dl>\n" + kinds
            + report.parts.map(section).joined(separator: "\n")
            + budgets
            + accuracy
    }

    private var kinds: String {
        guard !report.kinds.isEmpty else { return "" }
        let rows = report.kinds.map { kind in
            "<tr><th scope=\"row\">\(kind.title)</th><td>\(Figures.money(kind.cost))</td></tr>"
        }
        return """
            <section tabindex="0" aria-label="Cost by kind of token">
            <h2>Cost by kind of token</h2>
            <table>
            <thead><tr><th scope="col">Kind</th><th scope="col">Cost</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            </section>

            """
    }

    private func section(_ part: MonthReport.Part) -> String {
        let largest = part.rows.map(\.figures.cost.nanodollars).max() ?? 0
        let models = ShortNames(models: part.name == "models" ? part.rows.map(\.name) : [])
        func row(_ name: String, _ figures: UsageFigures, _ kind: String = "") -> String {
            let share = largest > 0 ? min(100, Double(figures.cost.nanodollars) / Double(largest) * 100) : 0
            // No attribute of style: a page that forbids these may hold this one.
            let bar =
                kind.isEmpty
                ? "<svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"\(Int(share.rounded()))\" height=\"8\"/></svg>"
                : ""
            let rate = figures.cacheRate.map { "\($0)%" } ?? "–"
            return """
                <tr\(kind.isEmpty ? "" : " class=\"\(kind)\"")><th scope="row">\(Self.escaped(name))</th><td class="bar">\(bar)</td>\
                <td>\(SummaryReport.cost(figures, style))</td><td>\(Figures.grouped(figures.calls))</td>\
                <td>\(Figures.tokens(figures.tokens))</td><td>\(rate)</td></tr>
                """
        }
        var rows = part.shownRows.map { row(part.name == "models" ? models[$0.name] : $0.name, $0.figures) }
        if let rest = part.rest(of: summary.totals) { rows.append(row("others", rest, "rest")) }
        rows.append(row("Total", summary.totals, "total"))
        return """
            <section tabindex="0" aria-label="\(part.title)">
            <h2>\(part.title)</h2>
            <table>
            <thead><tr><th scope="col">\(part.heading)</th><td></td><th scope="col">Cost</th><th scope="col">Calls</th>\
            <th scope="col">Tokens</th><th scope="col">From cache</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            </section>

            """
    }

    private var budgets: String {
        guard !report.budgets.budgets.isEmpty else { return "" }
        let rows = report.budgets.budgets.map { state in
            """
            <tr><th scope="row">\(Self.escaped(state.name))</th><td>\(state.amount(state.spent))</td>\
            <td>\(state.amount(state.limit))</td><td>\(BudgetBar.percent(state.fraction.double))\(state.exceeded ? ", over" : "")</td></tr>
            """
        }
        return """
            <section tabindex="0" aria-label="Budgets">
            <h2>Budgets</h2>
            <table>
            <thead><tr><th scope="col">Budget</th><th scope="col">Spent</th><th scope="col">Limit</th><th scope="col">Share</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            </section>

            """
    }

    private var accuracy: String {
        [("Unusual days", report.unusual), ("Accuracy", report.accuracy)].map { title, lines in
            guard !lines.isEmpty else { return "" }
            let items = lines.map { "<li>\(Self.escaped($0))</li>" }.joined(separator: "\n")
            return "<section>\n<h2>\(title)</h2>\n<ul>\n\(items)\n</ul>\n</section>\n"
        }.joined()
    }

    /// A text in which nothing is markup.
    private static func escaped(_ text: String) -> String {
        text.printable.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    private static let css = """
        :root { color-scheme: light dark; --text: light-dark(#171b22, #e8ebf0); --soft: light-dark(#566070, #a2acba);
          --line: light-dark(#e1e4e9, #272d37); --page: light-dark(#ffffff, #0e1116); --accent: light-dark(#3d6bce, #6d95ee); }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, sans-serif;
          font-variant-numeric: tabular-nums; }
        main { max-width: 920px; margin: 0 auto; padding: 32px 20px; }
        h1 { margin: 0; font-size: 15px; font-weight: 600; color: var(--soft); }
        h2 { margin: 28px 0 6px; font-size: 15px; }
        p { margin: 0; }
        .month { font-size: 30px; font-weight: 650; letter-spacing: -0.02em; }
        .soft { color: var(--soft); font-size: 12px; }
        .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px 24px; margin: 24px 0 0; }
        .facts dt { color: var(--soft); font-size: 12px; }
        .facts dd { margin: 0; display: grid; }
        .facts strong { font-size: 20px; }
        /* Wide tables scroll by themselves, also by keys. */
        section { overflow-x: auto; }
        table { width: 100%; border-collapse: collapse; }
        th, td { padding: 3px 0 3px 14px; border-bottom: 1px solid var(--line); text-align: right; font-weight: 400; white-space: nowrap; }
        tbody th { text-align: left; padding-left: 0; max-width: 320px; overflow: hidden; text-overflow: ellipsis; }
        thead th { color: var(--soft); font-size: 12px; }
        thead th:first-child { text-align: left; padding-left: 0; }
        .bar { width: 26%; min-width: 60px; }
        .bar svg { display: block; width: 100%; height: 8px; }
        .bar rect { fill: var(--accent); }
        .total > * { font-weight: 650; }
        .rest > * { color: var(--soft); }
        footer { margin-top: 28px; }
        @media (width < 560px) { .bar { display: none; } }
        @media print {
          :root { color-scheme: light; }
          body { font-size: 10.5px; }
          main { max-width: none; padding: 0; }
          h2 { break-after: avoid; margin-top: 16px; }
          tr { break-inside: avoid; }
          .bar rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """
}
