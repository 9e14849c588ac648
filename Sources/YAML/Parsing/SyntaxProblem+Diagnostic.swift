// SPDX-License-Identifier: Apache-2.0

extension SyntaxProblem {
    /// Returns the diagnostic: the mistake, its position, and the correction.
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

    /// libyaml's contexts, as constructs that begin at a position.
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
            // At the end of the file libyaml reports the line after the last one.
            guard line > source.lineCount else { return Mark(file: source.name, line: line, column: column) }
            let last = source.line(source.lineCount) ?? ""
            return Mark(file: source.name, line: source.lineCount, column: last.unicodeScalars.count + 1)
        }
    }
}

/// Translates the errors of libyaml's scanner to the mistakes of users.
struct SyntaxWording {
    struct Explanation {
        let message: String
        let mark: Mark
        var help: String?
    }

    let problem: SyntaxProblem
    let mark: Mark
    /// The start of the construct that libyaml was reading.
    let origin: Mark?
    let source: SourceFile

    func explanation() -> Explanation {
        let message = problem.message
        switch message {
        case "found character that cannot start any token": return badStart()
        case "mapping values are not allowed in this context": return misplacedKey()
        case "could not find expected ':'": return noKey()
        case "found unexpected end of stream":
            return said("this quote is not closed", at: origin ?? mark, help: "write the closing quote")
        case "found unknown escape character", "did not find expected hexdecimal number":
            return said(
                "a backslash in double quotes begins an escape, and this is none",
                help: "write single quotes, in which a backslash is itself"
            )
        case "did not find expected alphabetic or numeric character":
            return said(
                "a value that begins with * or & means an alias or an anchor",
                at: origin ?? mark,
                help: quoting
            )
        case "did not find expected key":
            return said(
                "expected a key of the mapping that is open here",
                help: "indent it like the keys it belongs to"
            )
        case "did not find expected '-' indicator":
            return said("expected \"- \", the next item of the list", help: "indent it like the items it belongs to")
        case "control characters are not allowed":
            return said(message, help: "remove the character, or write it as an escape in double quotes")
        case "did not find expected node content": return said("a value is missing here")
        case "did not find expected <document start>": return said("nothing may follow here")
        case _ where message.hasPrefix("did not find expected ',' or"):
            return unclosed(message.contains("]") ? "]" : "}")
        default: return said(message)
        }
    }

    private let quoting = "put the value in quotes"
    private var line: String { source.line(mark.line) ?? "" }

    private func said(_ message: String, at other: Mark? = nil, help: String? = nil) -> Explanation {
        Explanation(message: message, mark: other ?? mark, help: help)
    }

    private func badStart() -> Explanation {
        guard let character = line.unicodeScalars.dropFirst(mark.column - 1).first else { return said(problem.message) }
        if character == "\t" {
            return said("a tab cannot indent", help: "indent with spaces, YAML allows no tabs there")
        }
        return said("a value cannot begin with \(character)", help: quoting)
    }

    /// Either the key is indented below a value, or it is not a key but a part of one.
    private func misplacedKey() -> Explanation {
        if let above = source.line(mark.line - 1), ConfigLine(above).lacksSpaceAfterKey {
            return said("a key is not allowed here", help: "write a space after the colon in line \(mark.line - 1)")
        }
        let isFirst = ConfigLine(line).firstKey.map { $0.valueStart >= mark.column } ?? false
        return isFirst
            ? said(
                "a key is not allowed here",
                help: "indent it like the keys it belongs to; the line above has a value"
            )
            : said("a value without quotes cannot contain \": \"", help: quoting)
    }

    private func noKey() -> Explanation {
        let place = origin ?? mark
        let lacksSpace = ConfigLine(source.line(place.line) ?? "").lacksSpaceAfterKey
        return said(
            "a key and a value are expected here",
            at: place,
            help: lacksSpace ? "write a space after the colon: \"key: value\"" : "write \"key: value\""
        )
    }

    private func unclosed(_ bracket: String) -> Explanation {
        said(
            "expected \",\" or \"\(bracket)\"",
            help: line.contains("${")
                ? "quote references inside [ ] and { }: \"${env:NAME}\"" : "close it with \(bracket)"
        )
    }
}
