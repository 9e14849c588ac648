// SPDX-License-Identifier: Apache-2.0

/// The keys that a type requested while it was decoded: those that are valid.
final class RequestedKeys {
    private(set) var names: [String] = []
    var isKeyed = false

    func insert(_ name: String) {
        if !names.contains(name) { names.append(name) }
    }
}

/// The `Decoder` passed to `init(from:)`.
struct NodeDecoder: Decoder {
    let session: DecodingSession
    let layers: Layers
    let keys = RequestedKeys()

    var codingPath: [any CodingKey] { layers.path.map { ConfigKey(stringValue: $0) } }
    var userInfo: [CodingUserInfoKey: Any] { session.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        keys.isKeyed = true
        var layers = layers
        if let given = layers.given, given.mapping == nil, !given.isNull {
            // The defaults replace the whole section.
            let lacksSpace = given.scalar.map { ConfigLine($0.text).lacksSpaceAfterKey } ?? false
            let help = lacksSpace ? "write a space after the colon: \"key: value\"" : nil
            let abandoned = session.mismatch(given, .section(nil), layers, help: help)
            guard layers.fallback != nil else { throw abandoned }
            layers.given = nil
        }
        return KeyedDecodingContainer(KeyedNodeDecoding(session: session, layers: layers, keys: keys))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let node = layers.isGivenNull ? layers.fallback : layers.given, case .sequence(let sequence) = node else {
            throw layers.given.map { session.mismatch($0, .list(.section(nil)), layers) } ?? DecodingSession.Abandoned()
        }
        return UnkeyedNodeDecoding(session: session, layers: layers, nodes: sequence.elements)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleNodeDecoding(session: session, layers: layers)
    }
}

struct SingleNodeDecoding: SingleValueDecodingContainer {
    let session: DecodingSession
    let layers: Layers
    var codingPath: [any CodingKey] { layers.path.map { ConfigKey(stringValue: $0) } }

    func decodeNil() -> Bool { layers.isNull }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try session.decode(type, layers) }
}

struct UnkeyedNodeDecoding: UnkeyedDecodingContainer {
    let session: DecodingSession
    let layers: Layers
    let nodes: [Node]
    private(set) var currentIndex = 0

    init(session: DecodingSession, layers: Layers, nodes: [Node]) {
        self.session = session
        self.layers = layers
        self.nodes = nodes
    }

    var codingPath: [any CodingKey] { layers.path.map { ConfigKey(stringValue: $0) } }
    var count: Int? { nodes.count }
    var isAtEnd: Bool { currentIndex >= nodes.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, nodes[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        guard let value = session.decodeItem(type, try next()) else { throw DecodingSession.Abandoned() }
        return value
    }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try NodeDecoder(session: session, layers: next()).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try NodeDecoder(session: session, layers: next()).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        NodeDecoder(session: session, layers: try next())
    }

    private mutating func next() throws -> Layers {
        guard !isAtEnd else {
            let message = "expected an item after the \(nodes.count) here"
            throw session.report(.error("type-mismatch", message, at: layers.mark), layers)
        }
        defer { currentIndex += 1 }
        return layers.element(nodes[currentIndex], currentIndex)
    }
}

struct KeyedNodeDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let session: DecodingSession
    let layers: Layers
    let keys: RequestedKeys

    var codingPath: [any CodingKey] { layers.path.map { ConfigKey(stringValue: $0) } }

    var allKeys: [Key] {
        let names = [layers.given, layers.fallback].flatMap { $0?.mapping?.entries.map(\.key.text) ?? [] }
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }.compactMap { Key(stringValue: $0) }
    }

    func contains(_ key: Key) -> Bool {
        let child = child(key)
        return child.given != nil || child.fallback != nil
    }

    func decodeNil(forKey key: Key) -> Bool { child(key).isNull }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        let child = child(key)
        if child.isNull, child.given?.scalar?.isUnresolved != true, ConfigKind(of: type)?.hasOwnDefault != true {
            _ = session.missing(ConfigKey.name(of: key), layers)
            return try session.defaultValue(type, child)
        }
        return try session.decode(type, child)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try NodeDecoder(session: session, layers: child(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try NodeDecoder(session: session, layers: child(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        NodeDecoder(session: session, layers: layers.child("super", secretKeys: session.diagnostics.secretKeys))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        NodeDecoder(session: session, layers: child(key))
    }

    private func child(_ key: Key) -> Layers {
        let name = ConfigKey.name(of: key)
        keys.insert(name)
        var child = layers.child(name, secretKeys: session.diagnostics.secretKeys)
        child.declaredKey = name
        return child
    }

    private func optional<T: Decodable>(_ type: T.Type, _ key: Key) -> T? {
        session.decodeOptional(type, child(key))
    }

    // See `KeyedNodeEncoding` for why every type is listed.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? { optional(type, key) }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { optional(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { optional(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { optional(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { optional(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { optional(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { optional(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { optional(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { optional(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { optional(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { optional(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { optional(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { optional(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { optional(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { optional(type, key) }
}
