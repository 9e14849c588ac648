// SPDX-License-Identifier: Apache-2.0

/// A regular expression in the syntax of RE2, searched for anywhere in a text, as in Go.
///
/// The standard library's `Regex` tries one path after the other, which takes seconds for `.*password.*` in a text of a few kilobytes;
/// this type takes time in proportion to the text. Only the first 32 KiB of a text are searched.
public struct TextPattern: Sendable {
    private let program: PatternProgram
    private let names: [String?]

    private static let longestText = 32_768

    /// Compiles a pattern.
    ///
    /// - Throws: ``PatternError`` with the position of the error.
    public init(_ pattern: String) throws(PatternError) {
        var parser = PatternParser(pattern)
        let node = try parser.parse()
        names = parser.groups
        program = try PatternProgram(node, groups: names.count)
    }

    /// Whether a group has a name.
    public var hasNamedGroup: Bool { names.contains { $0 != nil } }

    /// Whether the pattern is found in a text.
    public func isFound(in text: some Collection<UInt8>) -> Bool {
        var machine = PatternMachine(program, Self.scalars(text), remembers: false)
        return machine.run() != nil
    }

    /// The named groups in the first match; nil when there is no match.
    public func namedGroups(in text: some Collection<UInt8>) -> [(name: String, text: String)]? {
        let scalars = Self.scalars(text)
        var machine = PatternMachine(program, scalars, remembers: true)
        guard let places = machine.run() else { return nil }
        return names.enumerated().compactMap { number, name in
            let (start, end) = (places[2 * number], places[2 * number + 1])
            guard let name, start >= 0, end >= start else { return nil }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars[start..<end].compactMap(Unicode.Scalar.init))
            return (name, text)
        }
    }

    private static func scalars(_ text: some Collection<UInt8>) -> [UInt32] {
        String(decoding: text.prefix(longestText), as: UTF8.self).unicodeScalars.map(\.value)
    }
}

/// One search: the open paths through a program, in order of preference.
struct PatternMachine {
    private let program: PatternProgram
    private let text: [UInt32]
    private let remembers: Bool
    private var ways: [Way] = []
    private var next: [Way] = []
    /// For each step the position in the text at which it was last reached.
    private var reached: [Int]
    private var pending: [Way] = []
    private var found: [Int]?

    private struct Way {
        var step: Int
        var places: [Int]
    }

    /// Prepares a search.
    ///
    /// - Parameter remembers: Whether the positions of groups are needed.
    init(_ program: PatternProgram, _ text: [UInt32], remembers: Bool) {
        self.program = program
        self.text = text
        self.remembers = remembers
        reached = Array(repeating: -1, count: program.steps.count)
    }

    /// The positions of the groups in the leftmost match, -1 for unused groups; nil when there is no match.
    mutating func run() -> [Int]? {
        let nowhere = remembers ? Array(repeating: -1, count: program.slots) : []
        for position in 0...text.count {
            // Paths that began earlier are preferred; after a match no more begin.
            if found == nil { reach(Way(step: 0, places: nowhere), at: position) }
            swap(&ways, &next)
            next.removeAll(keepingCapacity: true)
            if ways.isEmpty, found != nil { break }
            step(at: position)
            if found != nil, !remembers { break }
        }
        return found
    }

    /// Advances all paths by the character at a position.
    private mutating func step(at position: Int) {
        let scalar = position < text.count ? text[position] : nil
        var index = 0
        while index < ways.count {
            let way = ways[index]
            index += 1
            switch program.steps[way.step] {
            case .match:
                // Later paths are less preferred.
                found = way.places
                return
            case .one(let set):
                if let scalar, set.contains(scalar) {
                    reach(Way(step: way.step + 1, places: way.places), at: position + 1)
                }
            default: break
            }
        }
    }

    /// Follows a path, at the position of the next character, to the steps that take a character or end the match.
    private mutating func reach(_ way: Way, at position: Int) {
        pending.append(way)
        while var way = pending.popLast() {
            guard reached[way.step] < position else { continue }
            reached[way.step] = position
            switch program.steps[way.step] {
            case .one, .match: next.append(way)
            case .jump(let target):
                way.step = target
                pending.append(way)
            case .split(let first, let second):
                pending.append(Way(step: second, places: way.places))
                way.step = first
                pending.append(way)
            case .remember(let slot):
                if remembers { way.places[slot] = position }
                way.step += 1
                pending.append(way)
            case .assertion(let assertion):
                guard holds(assertion, at: position) else { continue }
                way.step += 1
                pending.append(way)
            }
        }
    }

    private func holds(_ assertion: PatternNode.Assertion, at position: Int) -> Bool {
        let before = position > 0 ? text[position - 1] : nil
        let after = position < text.count ? text[position] : nil
        switch assertion {
        case .textStart: return before == nil
        case .textEnd: return after == nil
        case .lineStart: return before == nil || before == 10
        case .lineEnd: return after == nil || after == 10
        case .wordBoundary, .noWordBoundary:
            let isBoundary =
                (before.map(ScalarSet.word.contains) ?? false) != (after.map(ScalarSet.word.contains) ?? false)
            return isBoundary == (assertion == .wordBoundary)
        }
    }
}

/// A pattern compiled to a program that tries all paths at once.
///
/// So a match takes time in proportion to the text, for any pattern and text: a sender cannot block the collector.
struct PatternProgram: Sendable {
    private(set) var steps: [Step] = []
    /// The number of remembered positions: two for each group, and two for the match.
    let slots: Int

    enum Step: Sendable {
        case one(of: ScalarSet)
        case assertion(PatternNode.Assertion)
        /// Two paths, the first preferred.
        case split(Int, Int)
        case jump(Int)
        case remember(Int)
        case match
    }

    /// The most steps; a larger pattern would cost too much for each character.
    private static let mostSteps = 5_000

    /// Compiles a pattern with a number of groups.
    init(_ node: PatternNode, groups: Int) throws(PatternError) {
        slots = 2 * groups
        try add(node)
        steps.append(.match)
    }

    private mutating func add(_ node: PatternNode) throws(PatternError) {
        guard steps.count < Self.mostSteps else {
            throw PatternError(reason: "the pattern is too large", position: 0)
        }
        switch node {
        case .empty: break
        case .one(let set): steps.append(.one(of: set))
        case .assertion(let assertion): steps.append(.assertion(assertion))
        case .sequence(let parts): for part in parts { try add(part) }
        case .alternatives(let parts): try add(alternatives: parts)
        case .repeated(let part, let least, let most, let greedy):
            for _ in 0..<least { try add(part) }
            if let most {
                try add(optional: part, times: most - least, greedy)
            } else {
                try add(endless: part, greedy)
            }
        case .group(let part, let number):
            steps.append(.remember(2 * number - 2))
            try add(part)
            steps.append(.remember(2 * number - 1))
        }
    }

    private mutating func add(alternatives parts: [PatternNode]) throws(PatternError) {
        var jumps: [Int] = []
        for part in parts.dropLast() {
            let split = steps.count
            steps.append(.split(split + 1, 0))
            try add(part)
            jumps.append(steps.count)
            steps.append(.jump(0))
            steps[split] = .split(split + 1, steps.count)
        }
        if let last = parts.last { try add(last) }
        for jump in jumps { steps[jump] = .jump(steps.count) }
    }

    private mutating func add(endless part: PatternNode, _ greedy: Bool) throws(PatternError) {
        let split = steps.count
        steps.append(.split(0, 0))
        try add(part)
        steps.append(.jump(split))
        steps[split] = greedy ? .split(split + 1, steps.count) : .split(steps.count, split + 1)
    }

    private mutating func add(optional part: PatternNode, times: Int, _ greedy: Bool) throws(PatternError) {
        var splits: [Int] = []
        for _ in 0..<times {
            splits.append(steps.count)
            steps.append(.split(0, 0))
            try add(part)
        }
        for split in splits { steps[split] = greedy ? .split(split + 1, steps.count) : .split(steps.count, split + 1) }
    }
}
