// SPDX-License-Identifier: Apache-2.0

/// A table for people on a terminal, or for programs in a pipe.
struct TextTable {
    /// A column: its title, and whether its values are numbers, which are aligned right.
    struct Column {
        var title: String
        var isNumber = false
        /// When not all columns fit, those with the largest rank are dropped first; rank 0 stays.
        var rank = 0
        /// Whether what is too long loses its middle and not its end: of names that begin alike.
        var cutsMiddle = false
    }

    /// A row: its cells for people, and with full values.
    struct Row {
        var cells: [String]
        var isTotal = false
        /// Whether it is a part of the row above.
        var isPart = false
    }

    var columns: [Column]
    var rows: [Row] = []

    /// Aligned columns under a bold title and a thin rule, at most `width` columns wide when the numbers leave room.
    func text(width: Int, style: Style) -> String { fitting(width).fitted(width, style) }

    /// The preferred least width of text columns: of the first, which names the rows, and of the others.
    private static let comfort = (name: 24, other: 16)

    /// The table with as many of its columns as fit.
    private func fitting(_ width: Int) -> TextTable {
        let natural = naturalWidths
        func needed(_ kept: [Int]) -> Int {
            kept.reduce(2 * (kept.count - 1)) { sum, column in
                let comfort = max(column == 0 ? Self.comfort.name : Self.comfort.other, columns[column].title.columns)
                return sum + (columns[column].isNumber ? natural[column] : min(natural[column], comfort))
            }
        }
        var kept = Array(columns.indices)
        while needed(kept) > width, let next = kept.max(by: { columns[$0].rank < columns[$1].rank }),
            columns[next].rank > 0
        {
            kept.removeAll { $0 == next }
        }
        guard kept.count < columns.count else { return self }
        var table = TextTable(columns: kept.map { columns[$0] })
        table.rows = rows.map { row in
            var row = row
            row.cells = kept.map { row.cells[$0] }
            return row
        }
        return table
    }

    private var naturalWidths: [Int] {
        columns.indices.map { column in
            ([columns[column].title] + rows.map { $0.cells[column] }).map(\.columns).max() ?? 0
        }
    }

    private func fitted(_ width: Int, _ style: Style) -> String {
        let widths = fittedWidths(to: width)
        var lines = [style.bold(line(columns.map(\.title), widths, style))]
        let rule = String(repeating: style.rule, count: widths.reduce(0, +) + 2 * (widths.count - 1))
        lines.append(style.dim(rule))
        for row in rows {
            if row.isTotal { lines.append(style.dim(rule)) }
            let text = line(row.cells, widths, style)
            lines.append(row.isTotal ? style.bold(text) : row.isPart ? style.dim(text) : text)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The widest text columns are shortened first; none becomes narrower than its title or eight characters.
    private func fittedWidths(to width: Int) -> [Int] {
        var widths = naturalWidths
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0 {
            let shrinkable = columns.indices.filter {
                !columns[$0].isNumber && widths[$0] > max(8, columns[$0].title.count)
            }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func cut(_ cell: String, to width: Int, _ column: Int, _ style: Style) -> String {
        guard columns[column].cutsMiddle else { return cell.beginning(columns: width - 1) + style.ellipsis }
        let start = cell.beginning(columns: (width - 1) / 3)
        let end = String(String(cell.reversed()).beginning(columns: width - 1 - start.columns).reversed())
        return start + style.ellipsis + end
    }

    private func line(_ cells: [String], _ widths: [Int], _ style: Style) -> String {
        let padded = cells.enumerated().map { column, cell in
            let isLong = cell.columns > widths[column]
            let text = isLong ? cut(cell, to: widths[column], column, style) : cell
            let space = String(repeating: " ", count: max(0, widths[column] - text.columns))
            return columns[column].isNumber ? space + text : text + space
        }
        var text = padded.joined(separator: "  ")
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}

/// Colours and special characters: colours on a terminal that has them, characters of its character set.
struct Style {
    let hasColor: Bool
    let hasUnicode: Bool

    /// The style for standard output, from the flag `--color`, `NO_COLOR`, `FORCE_COLOR`, `TERM` and the locale.
    init(isTerminal: Bool, environment: [String: String], color: OutputOptions.ColorChoice = .auto) {
        let forced = environment["FORCE_COLOR"].map { !$0.isEmpty && $0 != "0" } ?? false
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"
        hasColor =
            switch color {
            case .always: true
            case .never: false
            case .auto: !refused && (isTerminal || forced)
            }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        hasUnicode = locale.lowercased().contains("utf")
    }

    var rule: String { hasUnicode ? "─" : "-" }
    var none: String { hasUnicode ? "–" : "-" }
    var ellipsis: String { hasUnicode ? "…" : "~" }
    var dot: String { hasUnicode ? "·" : "|" }
    /// Before an item of a list.
    var bullet: String { hasUnicode ? "•" : "-" }
    /// Before a part of the row above.
    var branch: String { hasUnicode ? "└ " : "- " }
    /// Before an estimated value.
    var about: String { hasUnicode ? "≈" : "~" }

    func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    func dim(_ text: String) -> String { hasColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    /// A bar of a width in columns, filled to a fraction.
    func bar(_ fraction: Double, width: Int) -> String {
        let filled = Int((min(1, max(0, fraction)) * Double(width)).rounded())
        let (full, empty) = hasUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: full, count: filled) + String(repeating: empty, count: width - filled)
    }
}

extension TextTable {
    /// The table for people, or its rows for programs.
    func text(width: Int, style: Style, isTerminal: Bool) -> String {
        guard !isTerminal else { return text(width: width, style: style) }
        return ProgramTable(titles: columns.map(\.title), rows: rows.map(\.cells)).tabbed(header: false)
    }
}
