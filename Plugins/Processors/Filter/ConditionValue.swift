// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The value of an operand; texts of a record are not copied.
enum ConditionValue: Sendable, Hashable {
    case nothing
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case text(String)
    case slice(Slice)
    /// A list or map, which equals nothing, in a readable form.
    case structure(String, isMap: Bool)

    init(_ value: AttributeValue?, in otlp: OTLPBatch) {
        switch value {
        case nil, .empty?: self = .nothing
        case .string(let slice)?: self = .slice(slice)
        case .bool(let flag)?: self = .bool(flag)
        case .int(let number)?: self = .int(number)
        case .double(let number)?: self = .double(number)
        case .bytes?: self = value.map { .text(otlp.text(of: $0)) } ?? .nothing
        case .array?: self = value.map { .structure(otlp.text(of: $0), isMap: false) } ?? .nothing
        case .keyValueList?: self = value.map { .structure(otlp.text(of: $0), isMap: true) } ?? .nothing
        }
    }

    /// The bytes of a text; nil for anything else.
    func textBytes(in otlp: OTLPBatch) -> ArraySlice<UInt8>? {
        switch self {
        case .text(let text): Array(text.utf8)[...]
        case .slice(let slice): otlp.bytes(of: slice)
        default: nil
        }
    }

    /// The value as text, as functions on texts see it; nil for `nil`.
    func written(in otlp: OTLPBatch) -> ArraySlice<UInt8>? {
        switch self {
        case .nothing: nil
        case .text, .slice: textBytes(in: otlp)
        case .bool(let flag): Array((flag ? "true" : "false").utf8)[...]
        case .int(let number): Array(String(number).utf8)[...]
        case .double(let number): Array(number.description.utf8)[...]
        case .structure(let text, _): Array(text.utf8)[...]
        }
    }
}

/// How two operands are compared.
enum Comparator: String, Sendable, CaseIterable {
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// As in OTTL: values of different types are unequal and have no order, except that all numbers can be compared.
    func holds(_ left: ConditionValue, _ right: ConditionValue, in otlp: OTLPBatch) -> Bool {
        switch (left, right) {
        case (.nothing, .nothing): return self == .equal || self == .lessOrEqual || self == .greaterOrEqual
        case (.bool(let left), .bool(let right)): return ordered(left ? 1 : 0, right ? 1 : 0)
        case (.int(let left), .int(let right)): return ordered(left, right)
        case (.int(let left), .double(let right)): return ordered(Double(left), right)
        case (.double(let left), .int(let right)): return ordered(left, Double(right))
        case (.double(let left), .double(let right)): return ordered(left, right)
        case (.slice(let slice), .text(let text)) where self == .equal: return otlp.equals(slice, text)
        case (.slice(let slice), .text(let text)) where self == .unequal: return !otlp.equals(slice, text)
        default:
            guard let left = left.textBytes(in: otlp), let right = right.textBytes(in: otlp) else {
                return self == .unequal
            }
            return orderedBytes(left, right)
        }
    }

    private func ordered<Number: Comparable>(_ left: Number, _ right: Number) -> Bool {
        switch self {
        case .equal: left == right
        case .unequal: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }

    private func orderedBytes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .equal: left.elementsEqual(right)
        case .unequal: !left.elementsEqual(right)
        case .less: left.lexicographicallyPrecedes(right)
        case .lessOrEqual: !right.lexicographicallyPrecedes(left)
        case .greater: right.lexicographicallyPrecedes(left)
        case .greaterOrEqual: !left.lexicographicallyPrecedes(right)
        }
    }
}
