// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Returns this configuration with `--set path=value` arguments applied in order.
    ///
    /// The path has keys separated by dots, or by `::` when a key itself has a dot, or the index of a list item; missing
    /// sections are created. The value is read as YAML, so `[a, b]` is a list; nothing is null. Problems are shown in a
    /// file named `--set`, one argument a line.
    public func applying(overrides: [String], diagnostics: inout Diagnostics) -> Node {
        guard !overrides.isEmpty else { return self }
        let arguments = overrides.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
        diagnostics.add(SourceFile(name: Override.file, text: arguments.joined(separator: "\n")))
        var result = self
        for (index, argument) in arguments.enumerated() {
            guard let override = Override(argument, line: index + 1, diagnostics: &diagnostics) else { continue }
            result = result.setting(override.path[...], of: override, diagnostics: &diagnostics)
        }
        return result
    }

    private func setting(_ path: ArraySlice<Scalar>, of override: Override, diagnostics: inout Diagnostics) -> Node {
        guard let key = path.first else { return override.value }
        switch self {
        case .sequence(var sequence):
            guard let index = Int(key.text), sequence.elements.indices.contains(index) else {
                let count = sequence.elements.count
                let help =
                    count == 0
                    ? "set the whole list"
                    : "write \(count == 1 ? "0" : "an index from 0 to \(count - 1)"), or set the whole list"
                diagnostics.append(
                    .error("invalid-override", "no item \(quoted(key.text)) in the list", at: key.mark, help: help)
                )
                return self
            }
            sequence.elements[index] = sequence.elements[index]
                .setting(path.dropFirst(), of: override, diagnostics: &diagnostics)
            return .sequence(sequence)
        case .mapping(var mapping):
            let child = mapping[key.text] ?? .null(at: key.mark)
            let value = child.setting(path.dropFirst(), of: override, diagnostics: &diagnostics)
            if mapping[key.text] == nil {
                mapping.entries.append(Entry(key: key, value: value))
            } else {
                mapping[key.text] = value
            }
            return .mapping(mapping)
        case .scalar:
            let section = Node.mapping(Mapping(mark: key.mark))
            return section.setting(path, of: override, diagnostics: &diagnostics)
        }
    }
}

/// One `--set` argument.
private struct Override {
    static let file = "--set"
    private static let deepestPath = 64

    let path: [Scalar]
    let value: Node

    init?(_ argument: String, line: Int, diagnostics: inout Diagnostics) {
        let start = Mark(file: Self.file, line: line, column: 1, length: max(1, argument.unicodeScalars.count))
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let separator = parts[0].contains("::") ? "::" : "."
        let names = parts[0].split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count == 2, names.count <= Self.deepestPath, names.allSatisfy({ !$0.isEmpty }) else {
            let help = "write --set section.key=value"
            diagnostics.append(
                .error("invalid-override", "no path and value separated by \"=\"", at: start, help: help)
            )
            return nil
        }
        var column = 1
        path = names.map { name in
            defer { column += name.unicodeScalars.count + (name.endIndex == parts[0].endIndex ? 1 : separator.count) }
            let length = name.unicodeScalars.count
            return Scalar(String(name), mark: Mark(file: Self.file, line: line, column: column, length: length))
        }
        // An empty file is an empty mapping, but an empty value is null.
        let bare = parts[1].drop { $0.isWhitespace }.split(whereSeparator: \.isWhitespace)
        guard bare.count > 1 || CoreSchema.resolve(String(bare.first ?? "")) != .null else {
            value = .null(at: Mark(file: Self.file, line: line, column: column))
            return
        }
        guard let value = Self.parse(String(parts[1]), line: line, column: column, diagnostics: &diagnostics) else {
            return nil
        }
        self.value = value
    }

    /// Parses the value at its position: the line breaks and spaces before it give every node the right mark.
    private static func parse(_ text: String, line: Int, column: Int, diagnostics: inout Diagnostics) -> Node? {
        let padding = String(repeating: "\n", count: line - 1) + String(repeating: " ", count: column - 1)
        let shown = diagnostics.source(named: file)
        defer { if let shown { diagnostics.add(shown) } }
        return Node(parsing: SourceFile(name: file, text: padding + text), diagnostics: &diagnostics)
    }
}
