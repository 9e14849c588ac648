// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// Markdown for people on a terminal: wrapped, with tables in columns, or in lines where there is no room for columns.
struct MarkdownText {
    let width: Int
    let style: Style

    /// Longer lines are hard to read, however wide the terminal is.
    private static let widest = 110
    /// How narrow the last column of a table may become.
    private static let narrowestCell = 32

    init(width: Int, style: Style) {
        self.width = min(Self.widest, width)
        self.style = style
    }

    func text(of markdown: Markdown) -> String {
        markdown.blocks.map { lines(of: $0).joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private func lines(of block: Markdown.Block) -> [String] {
        switch block {
        case .heading(_, let text): [style.bold(plain(text))]
        case .paragraph(let text): plain(text).wrapped(to: width)
        case .list(let items): items.flatMap { hanging(plain($0), "\(style.bullet) ") }
        case .code(_, let lines): lines.map { $0.isEmpty ? "" : "    " + $0 }
        case .table(let titles, let rows): table(titles, rows.map { $0.map { plain($0, marksCode: false) } })
        }
    }

    /// The text with its first line after a mark, the others below.
    private func hanging(_ text: String, _ mark: String) -> [String] {
        let indent = String(repeating: " ", count: mark.count)
        return text.wrapped(to: max(20, width - mark.count)).enumerated().map { ($0 == 0 ? mark : indent) + $1 }
    }

    private func table(_ titles: [String], _ rows: [[String]]) -> [String] {
        let widths = titles.indices.dropLast().map { column in
            ([titles[column]] + rows.map { $0[column] }).map(\.columns).max() ?? 0
        }
        let room = width - widths.reduce(0) { $0 + $1 + 2 }
        guard room >= Self.narrowestCell else { return rows.flatMap(stacked) }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.columns + 2)
            }.joined()
        }
        let blank = String(repeating: " ", count: width - room)
        let head = style.bold(line(titles) + (titles.last ?? ""))
        let rule = style.dim(String(repeating: style.rule, count: width))
        return [head, rule]
            + rows.flatMap { row in
                let last = (row.last ?? "").wrapped(to: room)
                return [line(row) + (last.first ?? "")] + last.dropFirst().map { blank + $0 }
            }
    }

    /// A row with its last cell below the others.
    private func stacked(_ row: [String]) -> [String] {
        let head = row.dropLast().filter { !$0.isEmpty }.joined(separator: "  ")
        let lines = head.columns <= width ? [head] : head.wrapped(to: width)
        return lines.map(style.bold) + hanging(row.last ?? "", "    ")
    }

    /// The text without marks but those of code, which sets commands apart from words; a link to a site is followed by its address.
    private func plain(_ text: String, marksCode: Bool = true) -> String {
        Markdown.spans(of: text).map { span in
            switch span {
            case .text(let text), .strong(let text): text
            case .code(let text): marksCode ? "`\(text)`" : text
            case .link(let text, let target): target.hasPrefix("http") ? "\(text) (\(target))" : text
            }
        }.joined()
    }
}
