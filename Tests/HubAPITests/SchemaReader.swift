// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI
import JSON

/// The JSON shape that a type decodes, found by decoding it: comparable to a schema of OpenAPI.
indirect enum Shape: Hashable, CustomStringConvertible {
    case string, boolean, integer, number, null
    case array(Shape)
    /// Members with user-defined names.
    case map(Shape)
    case object([String: Member])

    struct Member: Hashable {
        var shape: Shape
        var isNullable = false
        var isRequired = true
    }

    /// The shape of a document.
    init<Document: Decodable>(of type: Document.Type) throws {
        let reader = SchemaReader()
        _ = try Document(from: reader)
        self = reader.shape
    }

    var description: String {
        switch self {
        case .string: "string"
        case .boolean: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .null: "null"
        case .array(let element): "[\(element)]"
        case .map(let value): "{*: \(value)}"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map {
                    "\($0)\($1.isRequired ? "" : "?"): \($1.shape)\($1.isNullable ? " or null" : "")"
                }.joined(separator: ", ") + "}"
        }
    }
}

/// A decoder that returns a value for every requested type, and records the requests.
private final class SchemaReader: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    var shape = Shape.null

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        if Key.self == MemberName.self { shape = .map(.null) } else { shape = .object([:]) }
        return KeyedDecodingContainer(Members(reader: self))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { Elements(reader: self) }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(reader: self) }

    /// A value of a type, and its shape.
    static func value<Value: Decodable>(_ type: Value.Type) throws -> (Value, Shape) {
        func scalar(_ value: Any, _ shape: Shape) throws -> (Value, Shape) {
            guard let value = value as? Value else { throw Unreadable(type: "\(type)") }
            return (value, shape)
        }
        switch type {
        case is String.Type: return try scalar("1", .string)
        case is Bool.Type: return try scalar(true, .boolean)
        case is Int64.Type: return try scalar(Int64(1), .integer)
        case is Int.Type: return try scalar(1, .integer)
        case is Decimal.Type: return try scalar(Decimal(1), .number)
        default:
            let reader = SchemaReader()
            let value = try Value(from: reader)
            return (value, reader.shape)
        }
    }

    struct Unreadable: Error {
        var type: String
    }
}

private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reader: SchemaReader
    let codingPath: [any CodingKey] = []

    var allKeys: [Key] { [Key(stringValue: "a")].compactMap(\.self) }

    /// Only an optional member is tested before it is decoded.
    func contains(_ key: Key) -> Bool {
        note(key, Shape.Member(shape: .null, isRequired: false))
        return true
    }

    private func note(_ key: Key, _ member: Shape.Member) {
        switch reader.shape {
        case .map: reader.shape = .map(member.shape)
        case .object(var members):
            var member = member
            member.isRequired = member.isRequired && members[key.stringValue]?.isRequired ?? true
            members[key.stringValue] = member
            reader.shape = .object(members)
        default: break
        }
    }

    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let (value, shape) = try SchemaReader.value(type)
        note(key, Shape.Member(shape: shape))
        return value
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try nullable(type, key)
    }

    // The protocol has a default for each of these types, so each needs its own method.
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try nullable(type, key) }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try nullable(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try nullable(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try nullable(type, key) }

    private func nullable<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        let (value, shape) = try SchemaReader.value(type)
        note(key, Shape.Member(shape: shape, isNullable: true))
        return value
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
        -> KeyedDecodingContainer<Nested>
    { throw SchemaReader.Unreadable(type: "nested") }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw SchemaReader.Unreadable(type: "nested")
    }

    func superDecoder() throws -> any Decoder { throw SchemaReader.Unreadable(type: "super") }

    func superDecoder(forKey key: Key) throws -> any Decoder { throw SchemaReader.Unreadable(type: "super") }
}

private struct Elements: UnkeyedDecodingContainer {
    let reader: SchemaReader
    let codingPath: [any CodingKey] = []
    let count: Int? = 1
    private(set) var currentIndex = 0

    init(reader: SchemaReader) { self.reader = reader }

    var isAtEnd: Bool { currentIndex == 1 }

    mutating func decodeNil() -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (value, shape) = try SchemaReader.value(type)
        reader.shape = .array(shape)
        currentIndex = 1
        return value
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        throw SchemaReader.Unreadable(type: "nested")
    }

    func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw SchemaReader.Unreadable(type: "nested")
    }

    func superDecoder() throws -> any Decoder { throw SchemaReader.Unreadable(type: "super") }
}

private struct Single: SingleValueDecodingContainer {
    let reader: SchemaReader
    let codingPath: [any CodingKey] = []

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (value, shape) = try SchemaReader.value(type)
        reader.shape = shape
        return value
    }
}
