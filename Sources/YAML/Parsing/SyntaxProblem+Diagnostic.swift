// SPDX-License-Identifier: Apache-2.0

extension SyntaxProblem {
    /// Returns the diagnostic: what a person did, where, and the way out.
    func diagnostic(in source: SourceFile) -> Diagnostic {
        let mark = mark(of: place, in: source)
        let origin = contextPlace.map { self.mark(of: $0, in: source) }
        let wording = SyntaxWording(problem: self, mark: mark, origin: origin, source: source)
        let explanation = wording.explanation()
        var notes: [Diagnostic.Note] = []
        if let context, let origin, origin != explanation.mark {
            notes.append(.init(Self.beginnings[context] ?? context, at: origin))
        }
        return .error("syntax", explanation.message, at: explanation.mark, help: explanation.help, notes: notes)
    }

    /// libyaml's contexts, as places where something begins.
    private static let beginnings = [
        "while parsing a flow sequence": "the list begins here",
        "while parsing a flow mapping": "the mapping begins here",
        "while parsing a block mapping": "the mapping begins here",
        "while parsing a quoted scalar": "the quote begins here",
        "while parsing a block collection": "the list begins here",
    ]

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
}
