// SPDX-License-Identifier: Apache-2.0

/// Replaces secret values in source lines by asterisks of the same length.
///
/// It reads the text, not the parsed nodes, so that it also works on a file with a syntax error, and it hides too much
/// rather than too little: behind a secret key everything up to the end of the line, and every deeper line beneath it.
/// A plain reference such as `${env:API_KEY}` stays visible, for it is a name and not a value.
struct SecretMask {
    private enum Enclosure { case open, secretMapping, secretText }

    private let source: SourceFile
    private let keys: SecretKeys
    /// What each line is nested in.
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

    /// Follows the indents down the file and finds the lines beneath a secret key.
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
                // The items of a list may stand as far left as its key.
                let isParent = last.indent < line.indent || (line.isItem && !last.isItem && last.indent == line.indent)
                if isParent { break }
                parents.removeLast()
            }
            let enclosure = parents.last?.inside ?? .open
            parents.append((line.indent, line.isItem, enclosure == .open ? inside(line, keys) : enclosure))
            return enclosure
        }
    }

    /// Returns what the lines beneath this one are nested in.
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
