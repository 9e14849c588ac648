// SPDX-License-Identifier: Apache-2.0

/// A pattern as steps of a machine that tries all ways through it at once.
///
/// So a match takes time in proportion to the text, whatever pattern and text are: a sender cannot make the collector stand still.
struct PatternProgram: Sendable {
    private(set) var steps: [Step] = []
    /// Places in the text that are remembered: two for each group, and two for the match.
    let slots: Int

    enum Step: Sendable {
        case one(of: ScalarSet)
        case assertion(PatternNode.Assertion)
        /// Two ways, the first preferred.
        case split(Int, Int)
        case jump(Int)
        case remember(Int)
        case match
    }

    /// A pattern that needs more steps costs more for each character than anybody means.
    private static let mostSteps = 5_000

    /// Compiles a pattern with so many groups.
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
