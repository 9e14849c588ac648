// SPDX-License-Identifier: Apache-2.0

/// The `Encoder` handed to `encode(to:)`.
struct NodeEncoding: Encoder {
    let rules: NodeEncoder
    let slot: EncodedSlot
    /// Whether keys are the user's own and must not become snake case.
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
