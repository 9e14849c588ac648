// SPDX-License-Identifier: Apache-2.0

/// Everything found in one run over the configuration, with the sources needed to show it.
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

    /// The findings by file (in the order in which files were added), line and column; those without a place come last.
    public var items: [Diagnostic] {
        let order = Dictionary(sources.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        func rank(_ diagnostic: Diagnostic) -> (Int, Int, Int) {
            guard let mark = diagnostic.mark else { return (.max, 0, 0) }
            return (order[mark.file] ?? sources.count, mark.line, mark.column)
        }
        // The offset keeps the order of appearance at the same place.
        return found.enumerated()
            .sorted { left, right in
                let (first, second) = (rank(left.element), rank(right.element))
                return first == second ? left.offset < right.offset : first < second
            }
            .map(\.element)
    }

    /// Whether nothing was found.
    public var isEmpty: Bool { found.isEmpty }

    /// Whether the configuration must be refused.
    public var hasErrors: Bool { found.contains { $0.severity == .error } }

    /// The closing line, such as `2 errors, 1 warning`; empty when nothing was found.
    public var summary: String {
        func count(_ severity: Diagnostic.Severity) -> String? {
            let number = found.count { $0.severity == severity }
            return number == 0 ? nil : "\(number) \(severity.rawValue)\(number == 1 ? "" : "s")"
        }
        return [count(.error), count(.warning)].compactMap(\.self).joined(separator: ", ")
    }

    /// Adds a finding; one that is already there is dropped.
    public mutating func append(_ diagnostic: Diagnostic) {
        guard seen.insert(diagnostic).inserted else { return }
        found.append(diagnostic)
    }

    /// Adds findings in order.
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
    /// Returns all findings as text for a terminal, with source lines and the closing count; empty when there are none.
    public func rendered() -> String {
        guard !isEmpty else { return "" }
        var masks: [String: SecretMask] = [:]
        return items.map { rendered($0, &masks) + "\n" }.joined() + summary + "\n"
    }

    /// Returns one finding as text: the headline, the source line with a caret, the help and the notes.
    public func rendered(_ diagnostic: Diagnostic) -> String {
        var masks: [String: SecretMask] = [:]
        return rendered(diagnostic, &masks)
    }

    /// Keeps the mask of each file: making one reads the whole file.
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
