// SPDX-License-Identifier: Apache-2.0

/// A parsed regular expression in the syntax of RE2, which the OpenTelemetry Collector uses.
indirect enum PatternNode: Sendable {
    case empty
    case one(of: ScalarSet)
    case assertion(Assertion)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, atLeast: Int, atMost: Int?, greedy: Bool)
    case group(PatternNode, number: Int)

    /// A condition on a position between two characters.
    enum Assertion: Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
    }
}

/// A set of characters, by ranges of their numbers.
struct ScalarSet: Sendable, Hashable {
    var ranges: [ClosedRange<UInt32>] = []
    /// Whether upper and lower case are equal.
    var ignoresCase = false

    static let largest: UInt32 = 0x10_ffff

    static let digits = ScalarSet(ranges: [48...57])
    static let word = ScalarSet(ranges: [48...57, 65...90, 95...95, 97...122])
    static let space = ScalarSet(ranges: [9...10, 12...13, 32...32])
    static let all = ScalarSet(ranges: [0...largest])
    static let allButNewline = ScalarSet(ranges: [0...9, 11...largest])

    /// All other characters.
    var complement: ScalarSet {
        var rest: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in withBothCases.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { rest.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= Self.largest { rest.append(next...Self.largest) }
        return ScalarSet(ranges: rest)
    }

    func contains(_ scalar: UInt32) -> Bool {
        if ranges.contains(where: { $0.contains(scalar) }) { return true }
        guard ignoresCase else { return false }
        return Self.otherCases(of: scalar).contains { other in ranges.contains { $0.contains(other) } }
    }

    /// The ranges with the letters of the other case, for ASCII; needed for a complement.
    private var withBothCases: [ClosedRange<UInt32>] {
        guard ignoresCase else { return ranges }
        let letters = (65...90).flatMap { [UInt32($0), UInt32($0) + 32] }
        return ranges + letters.filter(contains).map { $0...$0 }
    }

    private static func otherCases(of scalar: UInt32) -> [UInt32] {
        switch scalar {
        case 65...90: return [scalar + 32]
        case 97...122: return [scalar - 32]
        case 0...127: return []
        default:
            guard let letter = Unicode.Scalar(scalar) else { return [] }
            return [letter.properties.lowercaseMapping, letter.properties.uppercaseMapping].compactMap { mapping in
                mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first?.value : nil
            }
        }
    }
}
