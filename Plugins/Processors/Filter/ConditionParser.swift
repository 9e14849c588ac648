// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Parses a condition token by token.
struct ConditionParser {
    private let context: ConditionContext
    private let signal: Signal
    private let tokens: [ConditionToken]
    private var index = 0
    private var depth = 0

    /// The deepest nesting of parentheses; deeper ones are a mistake, and would use up the stack.
    private static let deepest = 64

    init(tokens: [ConditionToken], context: ConditionContext, signal: Signal) {
        self.tokens = tokens
        self.context = context
        self.signal = signal
    }

    /// The next token; after the last one there is always an end token.
    private var current: ConditionToken { tokens[min(index, tokens.count - 1)] }

    private mutating func advance() { index += 1 }

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
    private func fault(_ message: String, help: String? = nil) -> ConditionError {
        ConditionError(position: current.position, message: message, help: help)
    }

    /// Parses the contents of parentheses.
    private mutating func nested<Part>(_ read: (inout ConditionParser) throws(ConditionError) -> Part)
        throws(ConditionError)
        -> Part
    {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("the parentheses are nested too deep") }
        return try read(&self)
    }

    private mutating func take(name: String) -> Bool {
        guard current.kind == .name(name) else { return false }
        advance()
        return true
    }

    private mutating func take(symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(ConditionError) {
        guard take(symbol: symbol) else { throw fault("expected \"\(symbol)\", found \(current.description)") }
    }
}

// MARK: - Operands

extension ConditionParser {
    private mutating func operand() throws(ConditionError) -> Condition.Operand {
        let token = current
        switch token.kind {
        case .text(let text):
            advance()
            return .value(.text(text))
        case .int(let number):
            advance()
            return .value(.int(number))
        case .double(let number):
            advance()
            return .value(.double(number))
        case .name(let name):
            if let value = Self.words[name] {
                advance()
                return .value(value)
            }
            if let conversion = Conversion(rawValue: name) {
                advance()
                try expect("(")
                let inner = try nested { (parser) throws(ConditionError) in try parser.operand() }
                try expect(")")
                return .conversion(conversion, inner)
            }
            return .field(try path())
        case .symbol, .end: throw fault("expected a path or a value, found \(token.description)")
        }
    }

    /// Parses a function that returns true or false; nil when the name is not one of them.
    private mutating func test(named name: String) throws(ConditionError) -> ConditionTest? {
        if let kind = ConditionTest.Kind(rawValue: name) {
            advance()
            try expect("(")
            let value = try operand()
            try expect(")")
            return .isKind(value, kind)
        }
        switch name {
        case "IsRootSpan":
            guard signal == .traces else { throw fault("only spans have a root") }
            advance()
            try expect("(")
            try expect(")")
            return .isRootSpan
        case "IsMatch", "HasPrefix", "HasSuffix":
            advance()
            try expect("(")
            let value = try operand()
            try expect(",")
            let place = current
            let text = try literalText()
            try expect(")")
            if name == "HasPrefix" { return .hasPrefix(value, Array(text.utf8)) }
            if name == "HasSuffix" { return .hasSuffix(value, Array(text.utf8)) }
            do throws(PatternError) {
                return .isMatch(value, try TextPattern(text))
            } catch {
                throw ConditionError(position: place.position, message: "the pattern cannot be read: \(error)")
            }
        default: return nil
        }
    }

    private mutating func literalText() throws(ConditionError) -> String {
        guard case .text(let text) = current.kind else {
            throw fault("expected a text in double quotes, found \(current.description)")
        }
        advance()
        return text
    }

    /// Parses `name`, `resource.attributes["key"]`, `span.status.code`.
    private mutating func path() throws(ConditionError) -> ConditionField {
        let start = current
        var names: [String] = []
        repeat {
            guard case .name(let name) = current.kind else {
                throw fault("expected a name, found \(current.description)")
            }
            names.append(name)
            advance()
        } while take(symbol: ".")
        if current.kind == .symbol("("), names.count == 1 {
            throw ConditionError(
                position: start.position,
                message: "there is no function \"\(names[0])\" here",
                help: "functions: \(Self.functions)"
            )
        }
        let context = try context(of: &names, at: start)
        if names == ["attributes"] { return try attribute(in: context, at: start) }
        let fields = ConditionField.fields(of: context)
        guard let field = fields[names.joined(separator: ".")] else {
            let known = (fields.keys.sorted() + ["attributes[\"key\"]"]).joined(separator: ", ")
            throw ConditionError(
                position: start.position,
                message:
                    "\(Self.article(context)) has no field \"\(names.joined(separator: "."))\" that a condition can use",
                help: "fields: \(known)"
            )
        }
        return field
    }

    /// Removes the prefix of a path.
    private func context(of names: inout [String], at start: ConditionToken) throws(ConditionError)
        -> ConditionContext
    {
        guard names.count > 1, let first = names.first else { return context }
        let word = first == "instrumentation_scope" ? "scope" : first
        guard let prefix = ConditionContext(rawValue: word), prefix != .anyMetric else { return context }
        let allowed: [ConditionContext] =
            switch signal {
            case .traces: [.span, .scope, .resource]
            case .logs: [.log, .scope, .resource]
            case .metrics: [.metric, .datapoint, .scope, .resource]
            }
        guard allowed.contains(prefix) else {
            throw ConditionError(
                position: start.position,
                message: "\(signal.rawValue) have no \(word)",
                help: "paths begin with \(allowed.map(\.rawValue).joined(separator: ", "))"
            )
        }
        names.removeFirst()
        return prefix
    }

    private mutating func attribute(in context: ConditionContext, at start: ConditionToken) throws(ConditionError)
        -> ConditionField
    {
        guard let owner = ConditionField.attributeOwner(in: context) else {
            throw ConditionError(
                position: start.position,
                message: "a metric has no attributes, its data points have",
                help: "write datapoint.attributes under metric_conditions or metrics.datapoint"
            )
        }
        try expect("[")
        let name = try literalText()
        try expect("]")
        return .attribute(of: owner, named: name)
    }

    private static func article(_ context: ConditionContext) -> String {
        context == .anyMetric ? "a metric" : context == .log ? "a log record" : "a \(context.rawValue)"
    }

    private static let functions =
        "IsMatch, HasPrefix, HasSuffix, IsRootSpan, "
        + (ConditionTest.Kind.allCases.map(\.rawValue) + Conversion.allCases.map(\.rawValue)).joined(separator: ", ")

    /// `nil`, `true`, `false` and the enumerations of OTLP.
    private static let words: [String: ConditionValue] = {
        var words: [String: ConditionValue] = ["nil": .nothing, "true": .bool(true), "false": .bool(false)]
        func add(_ prefix: String, _ names: [String], from first: Int64 = 0) {
            for (number, name) in names.enumerated() { words[prefix + name] = .int(first + Int64(number)) }
        }
        add("SPAN_KIND_", ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])
        add("STATUS_CODE_", ["UNSET", "OK", "ERROR"])
        add("METRIC_DATA_TYPE_", ["NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"])
        add("AGGREGATION_TEMPORALITY_", ["UNSPECIFIED", "DELTA", "CUMULATIVE"])
        add("SEVERITY_NUMBER_", ["UNSPECIFIED"])
        for (number, name) in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].enumerated() {
            add("SEVERITY_NUMBER_\(name)", ["", "2", "3", "4"], from: Int64(number) * 4 + 1)
        }
        return words
    }()
}
