// SPDX-License-Identifier: Apache-2.0

/// A parser event of libyaml, in Swift types.
struct ParserEvent {
    enum Kind {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(text: String, style: Scalar.Style)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    let kind: Kind
    var anchor: String?
    var tag: String?
    /// 1-based.
    let line: Int
    /// 1-based.
    let column: Int
    let length: Int
}

/// A syntax error in libyaml's words.
struct SyntaxProblem: Error {
    enum Place {
        case position(line: Int, column: Int)
        case byte(Int)
    }

    let message: String
    let place: Place
    var context: String?
    var contextPlace: Place?
}
