// SPDX-License-Identifier: Apache-2.0

extension SyntaxProblem {
    /// Returns the diagnostic with libyaml's wording and, for the common mistakes, the way out.
    func diagnostic(in source: SourceFile) -> Diagnostic {
        let mark = mark(of: place, in: source)
        var notes: [Diagnostic.Note] = []
        if let context { notes.append(.init(context, at: contextPlace.map { self.mark(of: $0, in: source) })) }
        return .error("syntax", message, at: mark, help: help(at: mark, in: source), notes: notes)
    }

    private func mark(of place: Place, in source: SourceFile) -> Mark {
        switch place {
        case .byte(let offset):
            let (line, column) = source.position(ofByte: offset)
            return Mark(file: source.name, line: line, column: column)
        case .position(let line, let column):
            // At the end of the file libyaml stands on the line after the last one.
            guard line > source.lineCount else { return Mark(file: source.name, line: line, column: column) }
            let last = source.line(source.lineCount) ?? ""
            return Mark(file: source.name, line: source.lineCount, column: last.unicodeScalars.count + 1)
        }
    }

    private func help(at mark: Mark, in source: SourceFile) -> String? {
        let line = source.line(mark.line) ?? ""
        if line.unicodeScalars.dropFirst(mark.column - 1).first == "\t" {
            return "indent with spaces, YAML allows no tabs there"
        }
        switch message {
        case "control characters are not allowed":
            return "remove the character, or write it as an escape in double quotes"
        case "mapping values are not allowed in this context":
            if let above = source.line(mark.line - 1), ConfigLine(above).lacksSpaceAfterKey {
                return "write a space after the colon in line \(mark.line - 1)"
            }
            return "check the indent, or quote a value that contains \": \""
        case "could not find expected ':'": return "write a space after the colon: \"key: value\""
        case _ where message.contains("expected ',' or"):
            return line.contains("${") ? "quote references inside [ ] and { }: \"${env:NAME}\"" : nil
        case "found character that cannot start any token": return "quote the value"
        case "found unexpected end of stream": return "close the quote or the bracket"
        default: return nil
        }
    }
}
