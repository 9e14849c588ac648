// SPDX-License-Identifier: Apache-2.0

/// Parses a pattern character by character.
struct PatternParser {
    private let pattern: [Unicode.Scalar]
    private var position = 0
    /// The names of the groups in order; nil for one without a name.
    private(set) var groups: [String?] = []
    private var depth = 0
    private var flags = Flags()

    private struct Flags {
        var ignoresCase = false
        var dotTakesNewline = false
        var isMultiline = false
    }

    private static let deepest = 64
    /// As in RE2.
    private static let mostRepeats = 1_000

    init(_ pattern: String) {
        self.pattern = Array(pattern.unicodeScalars)
    }

    private var current: Unicode.Scalar? { position < pattern.count ? pattern[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard pattern[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private func fault(_ reason: String) -> PatternError { PatternError(reason: reason, position: position) }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try alternatives()
        guard current == nil else { throw fault("a parenthesis closes that was not opened") }
        return node
    }

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("the groups are nested too deep") }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .alternatives(parts)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            parts.append(try quantified(try atom()))
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ node: PatternNode) throws(PatternError) -> PatternNode {
        var node = node
        var isRepeated = false
        while let bounds = try bounds() {
            if isRepeated { throw fault("a repetition is repeated") }
            isRepeated = true
            node = .repeated(node, atLeast: bounds.least, atMost: bounds.most, greedy: !take("?"))
        }
        return node
    }

    private mutating func bounds() throws(PatternError) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = position
        // A brace that begins no repetition is an ordinary character.
        guard take("{"), let least = number() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = current == "}" ? nil : number() ?? -1 }
        guard most != -1, take("}") else {
            position = start
            return nil
        }
        guard least <= Self.mostRepeats, (most ?? least) <= Self.mostRepeats, least <= (most ?? least) else {
            throw fault("a repetition must go from fewer to more, up to \(Self.mostRepeats)")
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let digits = pattern[position...].prefix { ("0"..."9").contains($0) }.prefix(6)
        position += digits.count
        return Int(String(String.UnicodeScalarView(digits)))
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        if take("(") { return try group() }
        if take("[") { return .one(of: try bracket(ignoresCase: flags.ignoresCase)) }
        if take(".") { return .one(of: flags.dotTakesNewline ? .all : .allButNewline) }
        if take("^") { return .assertion(flags.isMultiline ? .lineStart : .textStart) }
        if take("$") { return .assertion(flags.isMultiline ? .lineEnd : .textEnd) }
        if take("\\b") { return .assertion(.wordBoundary) }
        if take("\\B") { return .assertion(.noWordBoundary) }
        if take("\\A") { return .assertion(.textStart) }
        if take("\\z") { return .assertion(.textEnd) }
        guard let scalar = current else { return .empty }
        if "*+?".unicodeScalars.contains(scalar) { throw fault("there is nothing to repeat") }
        var set = try element()
        set.ignoresCase = flags.ignoresCase
        return .one(of: set)
    }

    /// Parses the text after an opening parenthesis.
    private mutating func group() throws(PatternError) -> PatternNode {
        let outer = flags
        var number: Int?
        if take("?P<") || take("?<") {
            if current == "=" || current == "!" { throw fault("looking behind is not supported") }
            groups.append(try name())
            number = groups.count
        } else if take("?") {
            if current == "=" || current == "!" { throw fault("looking ahead is not supported") }
            // Flags alone apply to the end of the enclosing group.
            if try readFlags() { return .empty }
        } else {
            groups.append(nil)
            number = groups.count
        }
        let inner = try alternatives()
        guard take(")") else { throw fault("a group is not closed") }
        flags = outer
        return number.map { .group(inner, number: $0) } ?? inner
    }

    private mutating func name() throws(PatternError) -> String {
        var name = ""
        while let scalar = current, scalar != ">" {
            guard ScalarSet.word.contains(scalar.value) else { break }
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard !name.isEmpty, take(">") else { throw fault("a group's name is made of letters, digits and _") }
        guard !groups.contains(name) else { throw fault("two groups have the name \"\(name)\"") }
        return name
    }

    /// Returns whether the flags are alone, as in `(?i)`.
    private mutating func readFlags() throws(PatternError) -> Bool {
        var isOn = true
        while let scalar = current {
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = isOn
            case "s": flags.dotTakesNewline = isOn
            case "m": flags.isMultiline = isOn
            case "-" where isOn: isOn = false
            case ":": return false
            case ")": return true
            default:
                position -= 1
                throw fault("the flags are i, m and s")
            }
        }
        throw fault("a group is not closed")
    }
}

// MARK: - Sets

extension PatternParser {
    /// Parses one character or one escape, which may match several characters.
    private mutating func element() throws(PatternError) -> ScalarSet {
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

    /// Parses `41` or `{1F600}` after `\x`.
    private mutating func hexadecimal() throws(PatternError) -> ScalarSet {
        let isBraced = take("{")
        let digits = pattern[position...].prefix(isBraced ? 6 : 2).prefix { $0.properties.isASCIIHexDigit }
        position += digits.count
        guard let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16), value <= ScalarSet.largest,
            !isBraced || take("}")
        else { throw fault("\\x needs two hexadecimal digits, or some in braces") }
        return ScalarSet(ranges: [value...value])
    }

    /// Parses the text after an opening bracket.
    private mutating func bracket(ignoresCase: Bool) throws(PatternError) -> ScalarSet {
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

    /// Parses `[:alpha:]` and the like.
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
