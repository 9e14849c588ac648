// SPDX-License-Identifier: Apache-2.0

/// Splits a scalar into literal text and references, from left to right, `$$` first.
///
/// Follows the environment variable substitution of OpenTelemetry's configuration data model, except that an unclosed
/// `${` is an error here.
struct ReferenceScanner {
    enum Piece: Equatable {
        case literal(String)
        case reference(Reference)
        /// `$NAME`, which a shell would replace and a configuration keeps.
        case bareName(String, offset: Int)
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var literal = String.UnicodeScalarView()
    private var pieces: [Piece] = []

    static func pieces(of text: String) -> [Piece] {
        var scanner = ReferenceScanner(scalars: Array(text.unicodeScalars))
        scanner.scan()
        return scanner.pieces
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private mutating func scan() {
        while index < scalars.count {
            guard scalars[index] == "$", index + 1 < scalars.count else {
                literal.append(scalars[index])
                index += 1
                continue
            }
            switch scalars[index + 1] {
            case "$":
                literal.append("$")
                index += 2
            case "{":
                flush()
                pieces.append(.reference(reference()))
            default:
                let name = scalars[(index + 1)...].prefix(while: Self.isName)
                if let first = name.first, !("0"..."9").contains(first) {
                    flush()
                    pieces.append(.bareName(string(name.indices), offset: index))
                    index = name.endIndex
                } else {
                    literal.append("$")
                    index += 1
                }
            }
        }
        flush()
    }

    private mutating func flush() {
        guard !literal.isEmpty else { return }
        pieces.append(.literal(String(literal)))
        literal = String.UnicodeScalarView()
    }

    /// Reads one reference; a `${` inside a default is part of the default up to its own brace.
    private mutating func reference() -> Reference {
        let start = index
        var open = 1
        index += 2
        while index < scalars.count {
            if scalars[index] == "$", index + 1 < scalars.count {
                if scalars[index + 1] == "$" { return unclosed(from: start, isCutByEscape: true) }
                if scalars[index + 1] == "{" { open += 1 }
            }
            if scalars[index] == "}" { open -= 1 }
            index += 1
            guard open == 0 else { continue }
            return Reference(
                body: string(start + 2..<index - 1),
                written: string(start..<index),
                offset: start
            )
        }
        return unclosed(from: start, isCutByEscape: false)
    }

    private mutating func unclosed(from start: Int, isCutByEscape: Bool) -> Reference {
        let end = index
        index = scalars.count
        return Reference(unclosed: string(start..<end), offset: start, isCutByEscape: isCutByEscape)
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    private func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }
}
