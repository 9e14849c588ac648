// SPDX-License-Identifier: Apache-2.0

/// A source line and the line of carets beneath it, ready for a terminal.
///
/// Tabs become four spaces, control characters a replacement character, secrets asterisks; a long line is cut around
/// the caret.
struct Snippet: Equatable {
    /// The longest source line shown, in terminal columns.
    static let widestLine = 160
    private static let columnsBeforeCaret = 80

    let text: String
    let caret: String

    init?(of source: SecretMask, at mark: Mark) {
        guard let line = source.line(mark.line) else { return nil }
        let cells = Array(line).map(Cell.init)
        let start = min(max(0, mark.column - 1), cells.count)
        let end = min(start + mark.length, cells.count)
        let window = Self.window(over: cells, around: start)
        let cutBefore = window.lowerBound > 0
        let cutAfter = window.upperBound < cells.count
        text = (cutBefore ? "…" : "") + cells[window].map(\.text).joined() + (cutAfter ? "…" : "")
        let indent = (cutBefore ? 1 : 0) + cells[window.lowerBound..<start].reduce(0) { $0 + $1.width }
        let marked = cells[start..<min(max(start, end), window.upperBound)].reduce(0) { $0 + $1.width }
        caret = String(repeating: " ", count: indent) + String(repeating: "^", count: max(1, marked))
    }

    /// Returns the cells to show: all of them when they fit, otherwise as many as fit around the caret.
    private static func window(over cells: [Cell], around start: Int) -> Range<Int> {
        if cells.count <= widestLine, cells.reduce(0, { $0 + $1.width }) <= widestLine { return 0..<cells.count }
        var lower = start
        var before = 0
        while lower > 0, before + cells[lower - 1].width <= columnsBeforeCaret {
            lower -= 1
            before += cells[lower].width
        }
        var upper = start
        var width = before
        while upper < cells.count, width + cells[upper].width <= widestLine {
            width += cells[upper].width
            upper += 1
        }
        return lower..<upper
    }

    private struct Cell {
        let text: String
        let width: Int

        init(_ scalar: Unicode.Scalar) {
            if scalar == "\t" {
                (text, width) = ("    ", 4)
            } else if DisplayWidth.isControl(scalar) {
                (text, width) = ("\u{FFFD}", 1)
            } else {
                (text, width) = (String(scalar), DisplayWidth.columns(of: scalar))
            }
        }
    }
}
