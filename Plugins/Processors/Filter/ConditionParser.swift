// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Reads a condition word by word.
struct ConditionParser {
    let context: ConditionContext
    let signal: Signal
    private let tokens: [ConditionToken]
    private var index = 0
    private var depth = 0

    /// Deeper parentheses are somebody's mistake, and would cost stack.
    private static let deepest = 64

    init(tokens: [ConditionToken], context: ConditionContext, signal: Signal) {
        self.tokens = tokens
        self.context = context
        self.signal = signal
    }

    /// The word to be read; behind the last one there is always the end.
    var current: ConditionToken { tokens[min(index, tokens.count - 1)] }

    mutating func advance() { index += 1 }

    mutating func parse() throws(ConditionError) -> Condition {
        let condition = try alternatives()
        guard current.kind == .end else {
            throw fault("expected and, or, or the end, found \(current.description)")
        }
        return condition
    }

    private mutating func alternatives() throws(ConditionError) -> Condition {
        var parts = [try conjunction()]
        while take(name: "or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(ConditionError) -> Condition {
        var parts = [try negation()]
        while take(name: "and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ConditionError) -> Condition {
        var isNegated = false
        while take(name: "not") { isNegated.toggle() }
        let condition = try primary()
        return isNegated ? .not(condition) : condition
    }

    private mutating func primary() throws(ConditionError) -> Condition {
        if take(symbol: "(") {
            let condition = try nested { (parser) throws(ConditionError) in try parser.alternatives() }
            try expect(")")
            return condition
        }
        if case .name(let name) = current.kind, let test = try test(named: name) {
            return try compared(test)
        }
        let start = current
        let left = try operand()
        guard case .symbol(let symbol) = current.kind, let comparator = Comparator(rawValue: symbol) else {
            switch left {
            case .value(.bool(let flag)): return .constant(flag)
            case .field, .conversion:
                guard current.kind == .end || [.name("and"), .name("or"), .symbol(")")].contains(current.kind) else {
                    throw fault("expected ==, !=, <, <=, > or >=, found \(current.description)")
                }
                return .test(.isTrue(left))
            case .value:
                throw ConditionError(position: start.position, message: "a value alone is no condition")
            }
        }
        advance()
        return .comparison(left, comparator, try operand())
    }

    /// A test may be compared with `true` or `false`.
    private mutating func compared(_ test: ConditionTest) throws(ConditionError) -> Condition {
        guard case .symbol(let symbol) = current.kind, let comparator = Comparator(rawValue: symbol) else {
            return .test(test)
        }
        guard comparator == .equal || comparator == .unequal else {
            throw fault("true and false have no order", help: "compare with == or !=")
        }
        advance()
        guard case .name(let word) = current.kind, word == "true" || word == "false" else {
            throw fault("expected true or false, found \(current.description)")
        }
        advance()
        return (word == "true") == (comparator == .equal) ? .test(test) : .not(.test(test))
    }
}

extension ConditionParser {
    func fault(_ message: String, help: String? = nil) -> ConditionError {
        ConditionError(position: current.position, message: message, help: help)
    }

    /// Reads what stands in parentheses.
    mutating func nested<Part>(_ read: (inout ConditionParser) throws(ConditionError) -> Part) throws(ConditionError)
        -> Part
    {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("the parentheses are nested too deep") }
        return try read(&self)
    }

    mutating func take(name: String) -> Bool {
        guard current.kind == .name(name) else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: String) throws(ConditionError) {
        guard take(symbol: symbol) else { throw fault("expected \"\(symbol)\", found \(current.description)") }
    }
}
