// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// A condition on a record: a subset of the OpenTelemetry Transformation Language (OTTL).
///
/// It has paths, texts, numbers, `true`, `false`, `nil`, the enumerations of OTLP, comparisons, a few functions, `and`, `or`, `not`.
/// Evaluating it cannot fail: a missing value is `nil`.
indirect enum Condition: Sendable {
    case constant(Bool)
    case not(Condition)
    case all([Condition])
    case any([Condition])
    case comparison(Operand, Comparator, Operand)
    case test(ConditionTest)

    /// One side of a comparison.
    indirect enum Operand: Sendable {
        case value(ConditionValue)
        case field(ConditionField)
        case conversion(Conversion, Operand)
    }

    /// Parses a condition.
    ///
    /// - Parameters:
    ///   - text: The condition as written.
    ///   - context: The context of a path without a prefix.
    ///   - signal: The signal of the records.
    init(parsing text: String, in context: ConditionContext, of signal: Signal) throws(ConditionError) {
        var parser = ConditionParser(tokens: try ConditionToken.list(of: text), context: context, signal: signal)
        self = try parser.parse()
    }

    /// Whether a record meets the condition.
    func isMet(by record: Int, of otlp: OTLPBatch) -> Bool {
        switch self {
        case .constant(let value): value
        case .not(let condition): !condition.isMet(by: record, of: otlp)
        case .all(let conditions): conditions.allSatisfy { $0.isMet(by: record, of: otlp) }
        case .any(let conditions): conditions.contains { $0.isMet(by: record, of: otlp) }
        case .comparison(let left, let comparator, let right):
            comparator.holds(left.value(of: record, in: otlp), right.value(of: record, in: otlp), in: otlp)
        case .test(let test): test.holds(for: record, of: otlp)
        }
    }
}

extension Condition.Operand {
    /// The value of the operand for a record.
    func value(of record: Int, in otlp: OTLPBatch) -> ConditionValue {
        switch self {
        case .value(let value): value
        case .field(let field): field.value(of: record, in: otlp)
        case .conversion(let conversion, let operand):
            conversion.apply(to: operand.value(of: record, in: otlp), in: otlp)
        }
    }
}

/// A function that converts a value.
enum Conversion: String, Sendable, CaseIterable {
    case int = "Int"
    case double = "Double"
    case string = "String"
    case length = "Len"

    func apply(to value: ConditionValue, in otlp: OTLPBatch) -> ConditionValue {
        switch self {
        case .string: return value.written(in: otlp).map { .text(String(decoding: $0, as: UTF8.self)) } ?? .nothing
        case .length: return value.textBytes(in: otlp).map { .int(Int64($0.count)) } ?? .nothing
        case .int:
            switch value {
            case .int: return value
            case .bool(let flag): return .int(flag ? 1 : 0)
            case .double(let number): return Int64(exactly: number.rounded(.towardZero)).map { .int($0) } ?? .nothing
            default:
                return value.textBytes(in: otlp).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
                    .map { .int($0) } ?? .nothing
            }
        case .double:
            switch value {
            case .double: return value
            case .bool(let flag): return .double(flag ? 1 : 0)
            case .int(let number): return .double(Double(number))
            default:
                return value.textBytes(in: otlp).flatMap { Double(String(decoding: $0, as: UTF8.self)) }
                    .map { .double($0) } ?? .nothing
            }
        }
    }
}

/// A function that returns true or false.
enum ConditionTest: Sendable {
    case isMatch(Condition.Operand, TextPattern)
    case hasPrefix(Condition.Operand, [UInt8])
    case hasSuffix(Condition.Operand, [UInt8])
    case isKind(Condition.Operand, Kind)
    case isRootSpan
    /// Whether the operand is `true`.
    case isTrue(Condition.Operand)

    /// The types of values.
    enum Kind: String, Sendable, CaseIterable {
        case string = "IsString"
        case int = "IsInt"
        case double = "IsDouble"
        case bool = "IsBool"
        case map = "IsMap"
        case list = "IsList"
    }

    func holds(for record: Int, of otlp: OTLPBatch) -> Bool {
        switch self {
        case .isRootSpan: return otlp.records[record].parentSpanID == 0
        case .isTrue(let operand): return operand.value(of: record, in: otlp) == .bool(true)
        case .isMatch(let operand, let pattern):
            return operand.value(of: record, in: otlp).written(in: otlp).map { pattern.isFound(in: $0) } ?? false
        case .hasPrefix(let operand, let text):
            return operand.value(of: record, in: otlp).textBytes(in: otlp)?.starts(with: text) ?? false
        case .hasSuffix(let operand, let text):
            return operand.value(of: record, in: otlp).textBytes(in: otlp)?.suffix(text.count).elementsEqual(text)
                ?? false
        case .isKind(let operand, let kind):
            switch (operand.value(of: record, in: otlp), kind) {
            case (.text, .string), (.slice, .string), (.int, .int), (.double, .double), (.bool, .bool),
                (.structure(_, isMap: true), .map), (.structure(_, isMap: false), .list):
                return true
            default: return false
            }
        }
    }
}
