// SPDX-License-Identifier: Apache-2.0

/// One search: the ways through a program that are still open, the preferred ones first.
struct PatternMachine {
    private let program: PatternProgram
    private let text: [UInt32]
    private let remembers: Bool
    private var ways: [Way] = []
    private var next: [Way] = []
    /// For each step the place in the text at which it was last reached.
    private var reached: [Int]
    private var pending: [Way] = []
    private var found: [Int]?

    private struct Way {
        var step: Int
        var places: [Int]
    }

    /// Prepares a search.
    ///
    /// - Parameter remembers: Whether the places of groups are wanted.
    init(_ program: PatternProgram, _ text: [UInt32], remembers: Bool) {
        self.program = program
        self.text = text
        self.remembers = remembers
        reached = Array(repeating: -1, count: program.steps.count)
    }

    /// The places of the groups in the leftmost match, -1 for those that took no part; nil when there is no match.
    mutating func run() -> [Int]? {
        let nowhere = remembers ? Array(repeating: -1, count: program.slots) : []
        for position in 0...text.count {
            // Ways that began earlier are preferred; after a match none begins any more.
            if found == nil { reach(Way(step: 0, places: nowhere), at: position) }
            swap(&ways, &next)
            next.removeAll(keepingCapacity: true)
            if ways.isEmpty, found != nil { break }
            step(at: position)
            if found != nil, !remembers { break }
        }
        return found
    }

    /// Lets every way take the character at a place.
    private mutating func step(at position: Int) {
        let scalar = position < text.count ? text[position] : nil
        var index = 0
        while index < ways.count {
            let way = ways[index]
            index += 1
            switch program.steps[way.step] {
            case .match:
                // What comes behind is less preferred.
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

    /// Follows a way, at the place the next character is taken from, to the steps that take a character or end the match.
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
