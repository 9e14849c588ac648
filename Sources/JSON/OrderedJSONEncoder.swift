// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Encodes values as JSON with their members in the order of encoding, so that equal values give equal bytes.
///
/// It writes without an intermediate tree. An optional that is nil is `null`, a ``JSONNumber`` is written digit by digit. A value must
/// finish a nested container before it continues with the outer one, as synthesized code does. Safe to use from many tasks at once.
public enum OrderedJSONEncoder {
    /// The document as UTF-8, without white space.
    ///
    /// - Throws: `EncodingError` for a number that is not finite, for a value that encodes nothing, and for containers out of order.
    public static func bytes(of value: some Encodable) throws -> [UInt8] {
        let output = Output()
        try output.write(value, [])
        return output.bytes
    }

    /// The document as text.
    ///
    /// - Throws: `EncodingError` as ``bytes(of:)``.
    public static func text(of value: some Encodable) throws -> String {
        String(decoding: try bytes(of: value), as: UTF8.self)
    }
}

/// A JSON number with its decimal digits, so that money is exact.
public struct JSONNumber: Hashable, Sendable, Codable {
    /// The digits, as RFC 8259 has them.
    public let text: String

    /// A number from its text.
    public init(text: String) {
        self.text = text
    }

    /// A number of billionths, without trailing zeros.
    public init(billionths: Int64) {
        let (whole, rest) = billionths.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let sign = billionths < 0 ? "-" : ""
        guard rest > 0 else {
            text = "\(sign)\(whole)"
            return
        }
        var decimals = String(rest + 1_000_000_000).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        text = "\(sign)\(whole).\(decimals)"
    }

    /// The nearest double.
    public var double: Double { Double(text) ?? .nan }

    /// Decodes a number with up to 38 digits exactly.
    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(Decimal.self).description
    }

    /// Encodes the number, for encoders other than ``OrderedJSONEncoder``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Decimal(string: text) ?? Decimal(double))
    }
}

/// The output, with its open objects and arrays.
private final class Output {
    var bytes: [UInt8] = []
    private var open: [(id: Int, end: Unicode.Scalar, isEmpty: Bool)] = []
    private var opened = 0

    /// An object or array that was opened.
    struct Place {
        var depth: Int
        var id: Int
    }

    func begin(_ start: Unicode.Scalar, _ end: Unicode.Scalar) -> Place {
        bytes.append(UInt8(ascii: start))
        opened += 1
        open.append((opened, end, true))
        return Place(depth: open.count, id: opened)
    }

    /// Closes what is open inside a place, and writes the comma before its next member or element.
    func next(in place: Place, _ path: [any CodingKey]) throws {
        guard open.count >= place.depth, open[place.depth - 1].id == place.id else {
            throw EncodingError.invalidValue(
                "",
                .init(codingPath: path, debugDescription: "this container was ended by one around it")
            )
        }
        end(to: place.depth)
        if !open[place.depth - 1].isEmpty { bytes.append(UInt8(ascii: ",")) }
        open[place.depth - 1].isEmpty = false
    }

    func end(to depth: Int) {
        while open.count > depth { bytes.append(UInt8(ascii: open.removeLast().end)) }
    }

    /// How many objects and arrays are open.
    var depth: Int { open.count }

    func write<Value: Encodable>(_ value: Value, _ path: [any CodingKey]) throws {
        switch value {
        case let text as String: bytes.append(jsonString: text)
        case let number as JSONNumber: bytes += number.text.utf8
        case let flag as Bool: bytes += (flag ? "true" : "false").utf8
        case let number as any BinaryInteger: bytes += "\(number)".utf8
        case let number as Double:
            guard number.isFinite else {
                throw EncodingError.invalidValue(
                    number,
                    .init(codingPath: path, debugDescription: "JSON has no word for this number")
                )
            }
            bytes += "\(number)".utf8
        default:
            let (encoder, before) = (ValueEncoder(self, path), depth)
            let start = bytes.count
            try value.encode(to: encoder)
            guard bytes.count > start else {
                throw EncodingError.invalidValue(
                    value,
                    .init(codingPath: path, debugDescription: "a \(Value.self) encoded nothing")
                )
            }
            end(to: before)
        }
    }

    func writeNull() { bytes += "null".utf8 }
}

/// Encodes one value.
private final class ValueEncoder: Encoder {
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private let output: Output
    /// The object or array of the value; several containers of one encoder are the same.
    private var place: Output.Place?

    init(_ output: Output, _ path: [any CodingKey]) {
        (self.output, codingPath) = (output, path)
    }

    private func begin(_ start: Unicode.Scalar, _ end: Unicode.Scalar) -> Output.Place {
        let begun = place ?? output.begin(start, end)
        place = begun
        return begun
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Members(output: output, place: begin("{", "}"), codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        Elements(output: output, place: begin("[", "]"), codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(output: output, codingPath: codingPath)
    }
}

private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: Output
    let place: Output.Place
    let codingPath: [any CodingKey]

    private func begin(_ key: any CodingKey) throws {
        try output.next(in: place, codingPath)
        output.bytes.append(jsonString: key.stringValue)
        output.bytes.append(UInt8(ascii: ":"))
    }

    func encodeNil(forKey key: Key) throws {
        try begin(key)
        output.writeNull()
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try begin(key)
        try output.write(value, codingPath)
    }

    /// Writes null for nil, so that every member is present; the protocol has a default for each of these types, so each needs its own.
    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try member(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try member(value, key) }

    private func member<Value: Encodable>(_ value: Value?, _ key: Key) throws {
        if let value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key)
        -> KeyedEncodingContainer<Nested>
    { superEncoder(forKey: key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        superEncoder(forKey: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder(MemberName("super")) }

    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    /// A closed container gives an encoder with a closed container: writing to it throws.
    private func encoder(_ key: any CodingKey) -> any Encoder {
        try? begin(key)
        return ValueEncoder(output, codingPath)
    }
}

private struct Elements: UnkeyedEncodingContainer {
    let output: Output
    let place: Output.Place
    let codingPath: [any CodingKey]
    private(set) var count = 0

    init(output: Output, place: Output.Place, codingPath: [any CodingKey]) {
        (self.output, self.place, self.codingPath) = (output, place, codingPath)
    }

    private mutating func begin() throws {
        try output.next(in: place, codingPath)
        count += 1
    }

    mutating func encodeNil() throws {
        try begin()
        output.writeNull()
    }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        try begin()
        try output.write(value, codingPath)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        superEncoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { superEncoder().unkeyedContainer() }

    mutating func superEncoder() -> any Encoder {
        try? begin()
        return ValueEncoder(output, codingPath)
    }
}

private struct Single: SingleValueEncodingContainer {
    let output: Output
    let codingPath: [any CodingKey]

    func encodeNil() throws { output.writeNull() }

    func encode<Value: Encodable>(_ value: Value) throws { try output.write(value, codingPath) }
}

/// The name of a member that is known only at run time.
public struct MemberName: CodingKey, Hashable, Sendable {
    /// The name.
    public let stringValue: String
    /// Members have no numbers.
    public var intValue: Int? { nil }

    /// Creates a name.
    public init(_ name: String) { stringValue = name }

    /// Creates a name.
    public init(stringValue: String) { self.init(stringValue) }

    /// Members have no numbers.
    public init?(intValue: Int) { nil }
}
