// SPDX-License-Identifier: Apache-2.0

import JSON
package import Usage

/// Money in JSON: a number of dollars in decimal digits, so that every amount stays exact.
package struct Dollars: Codable, Hashable, Sendable {
    package var amount: Money

    package init(_ amount: Money) { self.amount = amount }

    package init(from decoder: any Decoder) throws {
        let text = try JSONNumber(from: decoder).text
        guard let amount = Money(dollars: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\(text) is no amount of money")
            )
        }
        self.amount = amount
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(JSONNumber(billionths: amount.nanodollars))
    }
}

/// An object with user-defined member names, such as models: written in the given order, read in alphabetical order.
package struct ByName<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: Value
    }

    package var members: [Member]

    package init(_ members: some Sequence<(String, Value)>) {
        self.members = members.map { Member(name: $0.0, value: $0.1) }
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: MemberName.self)
        members = try values.allKeys.sorted { $0.stringValue < $1.stringValue }.map {
            Member(name: $0.stringValue, value: try values.decode(Value.self, forKey: $0))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: MemberName.self)
        for member in members { try values.encode(member.value, forKey: MemberName(member.name)) }
    }

    package subscript(name: String) -> Value? { members.first { $0.name == name }?.value }
}

// MARK: - Absent members

/// A member that is omitted when it is nil; any other optional is written as null.
@propertyWrapper
package struct Omittable<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package var wrappedValue: Value?

    package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    package init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try wrappedValue?.encode(to: encoder) }
}

extension KeyedEncodingContainer {
    mutating func encode<Value>(_ member: Omittable<Value>, forKey key: Key) throws {
        if let value = member.wrappedValue { try encode(value, forKey: key) }
    }
}

extension KeyedDecodingContainer {
    func decode<Value>(_ type: Omittable<Value>.Type, forKey key: Key) throws -> Omittable<Value> {
        Omittable(wrappedValue: contains(key) ? try decode(Value.self, forKey: key) : nil)
    }
}

/// A member that a collector of 0.1.0 may omit; a missing one has its empty value.
@propertyWrapper
package struct Added<Value: Codable & Hashable & Sendable & Emptiness>: Codable, Hashable, Sendable {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

    package init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension KeyedDecodingContainer {
    func decode<Value>(_ type: Added<Value>.Type, forKey key: Key) throws -> Added<Value> {
        do {
            return Added(wrappedValue: try decode(Value.self, forKey: key))
        } catch DecodingError.keyNotFound where !contains(key) {
            return Added(wrappedValue: .empty)
        }
    }
}

/// A type with an empty value.
package protocol Emptiness {
    static var empty: Self { get }
}

extension ByName: Emptiness { package static var empty: Self { Self([]) } }
extension Array: Emptiness { package static var empty: [Element] { [] } }
extension Bool: Emptiness { package static var empty: Bool { false } }
extension String: Emptiness { package static var empty: String { "" } }
extension Int64: Emptiness { package static var empty: Int64 { 0 } }

// MARK: - Names

/// The name in answers; `unknown` for an empty one.
package func nameInAnswers(_ key: String) -> String { key.isEmpty ? "unknown" : key }

extension Dictionary where Key == String {
    /// The values by the names of answers, in descending order and then by name; an empty name and the name "unknown" are merged.
    package func named(adding: (inout Value, Value) -> Void, by size: (Value) -> some Comparable) -> [(String, Value)] {
        let named = Dictionary(map { (nameInAnswers($0), $1) }) { left, right in
            var sum = left
            adding(&sum, right)
            return sum
        }
        return named.sorted { left, right in
            let (leftSize, rightSize) = (size(left.value), size(right.value))
            return leftSize == rightSize ? left.key < right.key : leftSize > rightSize
        }.map { ($0, $1) }
    }
}
