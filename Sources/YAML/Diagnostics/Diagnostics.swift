// SPDX-License-Identifier: Apache-2.0

/// All diagnostics of one run over the configuration, with the sources needed to show them.
///
/// A value that is passed `inout` through parsing, substitution and decoding, so that one run reports every problem.
public struct Diagnostics: Sendable {
    /// Decides which values are masked in source lines; add the secret key names of components here.
    public var secretKeys: SecretKeys
    private var sources: [SourceFile] = []
    private var found: [Diagnostic] = []
    private var seen: Set<Diagnostic> = []

    /// Creates an empty collection.
    public init(secretKeys: SecretKeys = SecretKeys()) {
        self.secretKeys = secretKeys
    }

    /// The diagnostics by file (in the order in which files were added), line and column; those without a position come last.
    public var items: [Diagnostic] {
        let order = Dictionary(sources.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        func rank(_ diagnostic: Diagnostic) -> (Int, Int, Int) {
            guard let mark = diagnostic.mark else { return (.max, 0, 0) }
            return (order[mark.file] ?? sources.count, mark.line, mark.column)
        }
        // The offset keeps the order of appearance at the same position.
        return found.enumerated()
            .sorted { left, right in
                let (first, second) = (rank(left.element), rank(right.element))
                return first == second ? left.offset < right.offset : first < second
            }
            .map(\.element)
    }

    /// Whether there are no diagnostics.
    public var isEmpty: Bool { found.isEmpty }

    /// Whether the configuration must be refused.
    public var hasErrors: Bool { found.contains { $0.severity == .error } }

    /// The closing line, such as `2 errors, 1 warning`; empty when there are no diagnostics.
    public var summary: String {
        func count(_ severity: Diagnostic.Severity) -> String? {
            let number = found.count { $0.severity == severity }
            return number == 0 ? nil : "\(number) \(severity.rawValue)\(number == 1 ? "" : "s")"
        }
        return [count(.error), count(.warning)].compactMap(\.self).joined(separator: ", ")
    }

    /// Adds a diagnostic; a duplicate is dropped.
    public mutating func append(_ diagnostic: Diagnostic) {
        guard seen.insert(diagnostic).inserted else { return }
        found.append(diagnostic)
    }

    /// Adds diagnostics in order.
    public mutating func append(contentsOf diagnostics: some Sequence<Diagnostic>) {
        for diagnostic in diagnostics { append(diagnostic) }
    }

    /// Makes a file's lines available for snippets; a file of the same name is replaced.
    public mutating func add(_ source: SourceFile) {
        if let index = sources.firstIndex(where: { $0.name == source.name }) {
            sources[index] = source
        } else {
            sources.append(source)
        }
    }

    /// Returns the source of that name, when it was added.
    public func source(named name: String) -> SourceFile? {
        sources.first { $0.name == name }
    }
}

// MARK: - Rendering

extension Diagnostics {
    /// Returns all diagnostics as text for a terminal, with source lines and the closing count; empty when there are none.
    public func rendered() -> String {
        guard !isEmpty else { return "" }
        var masks: [String: SecretMask] = [:]
        return items.map { rendered($0, &masks) + "\n" }.joined() + summary + "\n"
    }

    /// Returns one diagnostic as text: the headline, the source line with a caret, the help and the notes.
    public func rendered(_ diagnostic: Diagnostic) -> String {
        var masks: [String: SecretMask] = [:]
        return rendered(diagnostic, &masks)
    }

    /// Keeps the mask of each file: creating one reads the whole file.
    private func rendered(_ diagnostic: Diagnostic, _ masks: inout [String: SecretMask]) -> String {
        let place = diagnostic.mark.map { "\($0): " } ?? ""
        var lines = ["\(place)\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(oneLine(diagnostic.message))"]
        if let mark = diagnostic.mark, let source = source(named: mark.file) {
            let mask = masks[mark.file] ?? SecretMask(source: source, keys: secretKeys)
            masks[mark.file] = mask
            if let snippet = Snippet(of: mask, at: mark) {
                let number = String(mark.line)
                lines.append("   \(number) | \(snippet.text)")
                lines.append("   \(String(repeating: " ", count: number.count)) | \(snippet.caret)")
            }
        }
        if let help = diagnostic.help { lines.append("   help: \(oneLine(help))") }
        for note in diagnostic.notes {
            lines.append("   note: " + (note.mark.map { "\($0): " } ?? "") + oneLine(note.message))
        }
        return lines.joined(separator: "\n")
    }
}

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

/// Replaces secret values in source lines by asterisks of the same length.
///
/// It works on the text, not on the parsed nodes, so that it also works for a file with a syntax error, and it hides too much
/// rather than too little: after a secret key everything up to the end of the line, and every deeper line below it.
/// A plain reference such as `${env:API_KEY}` stays visible, because it is a name and not a value.
struct SecretMask {
    private enum Enclosure { case open, secretMapping, secretText }

    private let source: SourceFile
    private let keys: SecretKeys
    /// The enclosing keys of each line.
    private let enclosures: [Enclosure]

    init(source: SourceFile, keys: SecretKeys) {
        self.source = source
        self.keys = keys
        self.enclosures = Self.enclosures(in: source, keys)
    }

    /// Returns the scalars of a 1-based line with the secrets masked, or nil beyond the last line.
    func line(_ number: Int) -> String.UnicodeScalarView? {
        guard let text = source.line(number) else { return nil }
        let line = ConfigLine(text)
        var scalars = line.scalars
        switch enclosures[number - 1] {
        case .secretText: mask(&scalars, from: line.indent)
        case .secretMapping: mask(&scalars, from: line.firstKey?.valueStart ?? line.contentStart)
        case .open:
            if let key = line.keys.first(where: { Self.isSecret($0.name, keys) }) {
                mask(&scalars, from: key.valueStart)
            }
        }
        maskURLCredentials(&scalars)
        return String.UnicodeScalarView(scalars)
    }

    /// Follows the indents through the file and finds the lines below a secret key.
    private static func enclosures(in source: SourceFile, _ keys: SecretKeys) -> [Enclosure] {
        var parents: [(indent: Int, isItem: Bool, inside: Enclosure)] = []
        return (1...source.lineCount).map { number in
            let line = ConfigLine(source.line(number) ?? "")
            guard !line.isBlank else {
                // What looks like a comment may be a line of a block scalar.
                let parent = parents.last { $0.indent < line.indent }
                return parent?.inside == .secretText ? .secretText : .open
            }
            while let last = parents.last {
                // The items of a list may have the same indent as its key.
                let isParent = last.indent < line.indent || (line.isItem && !last.isItem && last.indent == line.indent)
                if isParent { break }
                parents.removeLast()
            }
            let enclosure = parents.last?.inside ?? .open
            parents.append((line.indent, line.isItem, enclosure == .open ? inside(line, keys) : enclosure))
            return enclosure
        }
    }

    /// Returns the enclosing keys of the lines below this one.
    private static func inside(_ line: ConfigLine, _ keys: SecretKeys) -> Enclosure {
        guard let key = line.keys.first(where: { isSecret($0.name, keys) }) else { return .open }
        let hasNoValue = line.scalars[key.valueStart...].allSatisfy { $0 == " " || $0 == "\t" }
        return hasNoValue ? .secretMapping : .secretText
    }

    /// A `--set` path has several names, each of which may be the secret one.
    private static func isSecret(_ name: String, _ keys: SecretKeys) -> Bool {
        name.split(separator: ".").contains { keys.contains(String($0)) }
    }

    private func mask(_ scalars: inout [Unicode.Scalar], from start: Int) {
        var index = start
        while index < scalars.count {
            if let end = ConfigLine.endOfReference(in: scalars, at: index) {
                index = end
                continue
            }
            if scalars[index] != " ", scalars[index] != "\t" { scalars[index] = "*" }
            index += 1
        }
    }

    /// Masks `user:password` in `scheme://user:password@host`.
    private func maskURLCredentials(_ scalars: inout [Unicode.Scalar]) {
        var start = 0
        for index in scalars.indices where index >= 2 && scalars[index - 2...index].elementsEqual("://".unicodeScalars)
        {
            start = index + 1
            let rest = scalars[start...].prefix { $0 != " " && $0 != "/" && $0 != "\"" && $0 != "'" }
            if let at = rest.lastIndex(of: "@") { for place in start..<at { scalars[place] = "*" } }
        }
    }
}
