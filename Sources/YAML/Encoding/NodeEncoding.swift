// SPDX-License-Identifier: Apache-2.0

/// The `Encoder` passed to `encode(to:)`.
struct NodeEncoding: Encoder {
    let rules: NodeEncoder
    let slot: EncodedSlot
    /// Whether keys are user-defined and must not become snake case.
    let keepsKeys: Bool
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .keyed = slot.content {} else { slot.content = .keyed([]) }
        return KeyedEncodingContainer(KeyedNodeEncoding(encoding: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .unkeyed = slot.content {} else { slot.content = .unkeyed([]) }
        return UnkeyedNodeEncoding(encoding: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleNodeEncoding(encoding: self)
    }

    func nested(_ slot: EncodedSlot, _ key: any CodingKey) -> NodeEncoding {
        NodeEncoding(rules: rules, slot: slot, keepsKeys: false, codingPath: codingPath + [key])
    }
}

struct SingleNodeEncoding: SingleValueEncodingContainer {
    let encoding: NodeEncoding
    var codingPath: [any CodingKey] { encoding.codingPath }

    func encodeNil() { encoding.slot.content = .null }

    func encode<T: Encodable>(_ value: T) throws {
        try encoding.rules.write(value, into: encoding.slot, codingPath: codingPath)
    }
}

struct UnkeyedNodeEncoding: UnkeyedEncodingContainer {
    let encoding: NodeEncoding
    var codingPath: [any CodingKey] { encoding.codingPath }

    var count: Int {
        if case .unkeyed(let children) = encoding.slot.content { children.count } else { 0 }
    }

    func encodeNil() { encoding.slot.element().content = .null }

    func encode<T: Encodable>(_ value: T) throws {
        try encoding.rules.write(value, into: encoding.slot.element(), codingPath: codingPath)
    }

    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        encoding.nested(encoding.slot.element(), ConfigKey(index: count)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        encoding.nested(encoding.slot.element(), ConfigKey(index: count)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        encoding.nested(encoding.slot.element(), ConfigKey(index: count))
    }
}

struct KeyedNodeEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoding: NodeEncoding
    var codingPath: [any CodingKey] { encoding.codingPath }

    func encodeNil(forKey key: Key) { slot(key).content = .null }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try encoding.rules.write(value, into: slot(key), codingPath: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        encoding.nested(slot(key), key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoding.nested(slot(key), key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        encoding.nested(encoding.slot.child("super"), ConfigKey(stringValue: "super"))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        encoding.nested(slot(key), key)
    }

    private func slot(_ key: Key) -> EncodedSlot {
        encoding.slot.child(encoding.keepsKeys ? key.stringValue : ConfigKey.name(of: key))
    }

    private func write<T: Encodable>(optional value: T?, _ key: Key) throws {
        guard let value else { return encoding.rules.writeNull(T.self, into: slot(key)) }
        try encode(value, forKey: key)
    }

    // An absent optional is encoded as null with its type, so that its key is known. The generic requirement alone is not enough:
    // the standard library's own default implementations would be used for the types below.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try write(optional: value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try write(optional: value, key) }
}
