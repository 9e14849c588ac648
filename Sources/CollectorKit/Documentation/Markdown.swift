// SPDX-License-Identifier: Apache-2.0

/// A text in the subset of Markdown that component pages use: headings, paragraphs, flat lists, tables and fenced code; within a line
/// code, strong text and links.
///
/// Every text can be parsed: what is none of these is a paragraph.
public struct Markdown: Sendable, Hashable {
    /// The text from top to bottom.
    public private(set) var blocks: [Block] = []

    /// A part of the text.
    public enum Block: Sendable, Hashable {
        /// A heading; the highest is 1.
        case heading(Int, String)
        /// Consecutive lines, joined by spaces.
        case paragraph(String)
        /// The items of a list, each with its lines joined by spaces.
        case list([String])
        /// A table: its titles, and the cells of each row, as many as there are titles.
        case table([String], [[String]])
        /// Lines of code; the language is empty where none is named.
        case code(String, [String])
    }

    /// A part of a line.
    public enum Span: Sendable, Hashable {
        /// Plain text.
        case text(String)
        /// Code.
        case code(String)
        /// Strong text.
        case strong(String)
        /// A link: its text and its target.
        case link(String, to: String)
    }

    /// Parses a text.
    public init(_ text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.first {
            if line.allSatisfy(\.isWhitespace) {
                lines.removeFirst()
            } else if line.hasPrefix("```") {
                blocks.append(Self.code(&lines))
            } else if let heading = Self.heading(line) {
                lines.removeFirst()
                blocks.append(heading)
            } else if line.hasPrefix("|") {
                blocks.append(Self.table(&lines))
            } else if line.hasPrefix("- ") {
                blocks.append(Self.list(&lines))
            } else {
                blocks.append(.paragraph(Self.joined(&lines)))
            }
        }
    }

    private static func heading(_ line: Substring) -> Block? {
        let level = line.prefix { $0 == "#" }.count
        let rest = line.dropFirst(level)
        guard (1...6).contains(level), rest.hasPrefix(" ") else { return nil }
        return .heading(level, trimmed(rest))
    }

    private static func code(_ lines: inout ArraySlice<Substring>) -> Block {
        let language = trimmed(lines.removeFirst().dropFirst(3))
        var code: [String] = []
        while let line = lines.popFirst(), !line.hasPrefix("```") { code.append(String(line)) }
        return .code(language, code)
    }

    private static func table(_ lines: inout ArraySlice<Substring>) -> Block {
        var rows: [[String]] = []
        while let line = lines.first, line.hasPrefix("|") {
            lines.removeFirst()
            rows.append(cells(of: line))
        }
        let titles = rows.removeFirst()
        // The line between titles and rows contains only dashes and colons.
        if rows.first?.allSatisfy({ $0.contains("-") && $0.allSatisfy { "-: ".contains($0) } }) == true {
            rows.removeFirst()
        }
        let full = rows.map { row in (0..<titles.count).map { row.indices.contains($0) ? row[$0] : "" } }
        return .table(titles, full)
    }

    /// The cells of a line; `\|` is a vertical bar inside a cell.
    private static func cells(of line: Substring) -> [String] {
        var cells: [String] = []
        var cell = ""
        var rest = trimmed(line)[...].dropFirst()
        while let character = rest.popFirst() {
            if character == "\\", rest.first == "|" {
                cell.append(rest.removeFirst())
            } else if character == "|" {
                cells.append(trimmed(cell[...]))
                cell = ""
            } else {
                cell.append(character)
            }
        }
        if !trimmed(cell[...]).isEmpty { cells.append(trimmed(cell[...])) }
        return cells
    }

    private static func list(_ lines: inout ArraySlice<Substring>) -> Block {
        var items: [String] = []
        while let line = lines.first, line.hasPrefix("- ") {
            lines[lines.startIndex] = line.dropFirst(2)
            items.append(joined(&lines))
        }
        return .list(items)
    }

    /// The lines up to the next block.
    private static func joined(_ lines: inout ArraySlice<Substring>) -> String {
        var texts = [trimmed(lines.removeFirst())]
        while let line = lines.first, !line.allSatisfy(\.isWhitespace), heading(line) == nil,
            !["```", "|", "- "].contains(where: line.hasPrefix)
        {
            texts.append(trimmed(lines.removeFirst()))
        }
        return texts.joined(separator: " ")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// The parts of a line of text; a mark without its end is text.
    public static func spans(of text: String) -> [Span] {
        var spans: [Span] = []
        var plain = ""
        var rest = text[...]
        while let first = rest.first {
            guard let (span, after) = span(at: rest) else {
                // A run of marks that opens nothing is text as a whole.
                let run = first == "`" || first == "*" ? rest.prefix { $0 == first } : rest.prefix(1)
                plain += run
                rest = rest[run.endIndex...]
                continue
            }
            if !plain.isEmpty { spans.append(.text(plain)) }
            plain = ""
            spans.append(span)
            rest = after
        }
        if !plain.isEmpty { spans.append(.text(plain)) }
        return spans
    }

    private static func span(at text: Substring) -> (Span, Substring)? {
        if text.hasPrefix("`") {
            let mark = text.prefix { $0 == "`" }
            let content = text[mark.endIndex...]
            // The closing run must have as many backticks as the opening one.
            var search = content
            while let tick = search.firstIndex(of: "`") {
                let run = search[tick...].prefix { $0 == "`" }
                if run.count == mark.count { return (.code(String(content[..<tick])), content[run.endIndex...]) }
                search = search[run.endIndex...]
            }
        } else if text.hasPrefix("**") {
            let content = text.dropFirst(2)
            if let end = content.firstRange(of: "**"), !content[..<end.lowerBound].isEmpty {
                return (.strong(String(content[..<end.lowerBound])), content[end.upperBound...])
            }
        } else if text.hasPrefix("[") {
            let content = text.dropFirst()
            if let middle = content.firstRange(of: "]("), let end = content[middle.upperBound...].firstIndex(of: ")") {
                let target = content[middle.upperBound..<end]
                return (.link(String(content[..<middle.lowerBound]), to: String(target)), content[end...].dropFirst())
            }
        }
        return nil
    }
}
