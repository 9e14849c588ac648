// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

extension ConditionParser {
    mutating func operand() throws(ConditionError) -> Condition.Operand {
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

    /// Reads a function that says yes or no; nil when the name is none of theirs.
    mutating func test(named name: String) throws(ConditionError) -> ConditionTest? {
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

    /// Reads `name`, `resource.attributes["key"]`, `span.status.code`.
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
                    "\(Self.article(context)) has no field \"\(names.joined(separator: "."))\" that can be asked for",
                help: "fields: \(known)"
            )
        }
        return field
    }

    /// Takes the prefix off a path.
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
