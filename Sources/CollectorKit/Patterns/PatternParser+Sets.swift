// SPDX-License-Identifier: Apache-2.0

extension PatternParser {
    /// Reads one character or one escape, which may stand for several.
    mutating func element() throws(PatternError) -> ScalarSet {
        guard let scalar = current else { throw fault("the pattern ends too early") }
        position += 1
        guard scalar == "\\" else { return ScalarSet(ranges: [scalar.value...scalar.value]) }
        guard let escaped = current else { throw fault("the pattern ends in a backslash") }
        position += 1
        switch escaped {
        case "d": return .digits
        case "D": return ScalarSet.digits.complement
        case "w": return .word
        case "W": return ScalarSet.word.complement
        case "s": return .space
        case "S": return ScalarSet.space.complement
        case "x": return try hexadecimal()
        default: return try literal(escaped)
        }
    }

    private func literal(_ escaped: Unicode.Scalar) throws(PatternError) -> ScalarSet {
        let controls: [Unicode.Scalar: UInt32] = ["n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7]
        if let control = controls[escaped] { return ScalarSet(ranges: [control...control]) }
        guard !ScalarSet.word.contains(escaped.value), escaped.isASCII else {
            throw PatternError(reason: "\\\(escaped) is not supported", position: position - 2)
        }
        return ScalarSet(ranges: [escaped.value...escaped.value])
    }

    /// Reads `41` or `{1F600}` behind `\x`.
    private mutating func hexadecimal() throws(PatternError) -> ScalarSet {
        let isBraced = take("{")
        let digits = pattern[position...].prefix(isBraced ? 6 : 2).prefix { $0.properties.isASCIIHexDigit }
        position += digits.count
        guard let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16), value <= ScalarSet.largest,
            !isBraced || take("}")
        else { throw fault("\\x needs two hexadecimal digits, or some in braces") }
        return ScalarSet(ranges: [value...value])
    }

    /// Reads what follows an opening bracket.
    mutating func bracket(ignoresCase: Bool) throws(PatternError) -> ScalarSet {
        let isNegated = take("^")
        var set = ScalarSet(ignoresCase: ignoresCase)
        var isFirst = true
        while let scalar = current, scalar != "]" || isFirst {
            isFirst = false
            if let named = try namedSet() {
                set.ranges += named.ranges
                continue
            }
            let low = try element()
            guard current == "-", position + 1 < pattern.count, pattern[position + 1] != "]" else {
                set.ranges += low.ranges
                continue
            }
            position += 1
            let high = try element()
            guard let first = Self.single(low), let last = Self.single(high), first <= last else {
                throw fault("a range must go from a character to a later one")
            }
            set.ranges.append(first...last)
        }
        guard take("]") else { throw fault("a bracket is not closed") }
        return isNegated ? set.complement : set
    }

    /// Reads `[:alpha:]` and its like.
    private mutating func namedSet() throws(PatternError) -> ScalarSet? {
        guard current == "[", position + 1 < pattern.count, pattern[position + 1] == ":" else { return nil }
        for (name, set) in Self.named where take("[:\(name):]") { return set }
        throw fault("the sets of letters are \(Self.named.map(\.name).joined(separator: ", "))")
    }

    private static let named: [(name: String, set: ScalarSet)] = [
        ("alnum", ScalarSet(ranges: [48...57, 65...90, 97...122])), ("alpha", ScalarSet(ranges: [65...90, 97...122])),
        ("digit", .digits), ("lower", ScalarSet(ranges: [97...122])), ("upper", ScalarSet(ranges: [65...90])),
        ("space", ScalarSet(ranges: [9...13, 32...32])), ("word", .word),
        ("punct", ScalarSet(ranges: [33...47, 58...64, 91...96, 123...126])),
        ("xdigit", ScalarSet(ranges: [48...57, 65...70, 97...102])),
    ]

    private static func single(_ set: ScalarSet) -> UInt32? {
        guard set.ranges.count == 1, set.ranges[0].count == 1 else { return nil }
        return set.ranges[0].lowerBound
    }
}
