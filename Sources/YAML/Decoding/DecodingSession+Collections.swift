// SPDX-License-Identifier: Apache-2.0

/// An array whose items can be decoded one by one, so that one bad item does not hide the next.
protocol ListDecodable {
    static func decode(_ nodes: [Node], _ layers: Layers, in session: DecodingSession) -> Self
}

extension Array: ListDecodable where Element: Decodable {
    static func decode(_ nodes: [Node], _ layers: Layers, in session: DecodingSession) -> Self {
        nodes.enumerated().compactMap { index, node in
            session.decodeItem(Element.self, layers.element(node, index))
        }
    }
}

/// A dictionary whose values can be decoded one by one.
protocol MapDecodable {
    static func decode(_ mapping: Node.Mapping, _ layers: Layers, in session: DecodingSession) -> Self
}

extension Dictionary: MapDecodable where Key == String, Value: Decodable {
    static func decode(_ mapping: Node.Mapping, _ layers: Layers, in session: DecodingSession) -> Self {
        var result: Self = [:]
        var layers = layers
        layers.fallback = nil
        for entry in mapping.entries {
            // `child` keeps `declaredKey`: the user's keys are no names of secrets.
            let item = layers.child(entry.key.text, secretKeys: session.diagnostics.secretKeys)
            result[entry.key.text] = session.decodeItem(Value.self, item)
        }
        return result
    }
}

extension DecodingSession {
    /// Returns an item of a list or dictionary; nil after a problem, and nothing at all is one.
    func decodeItem<T: Decodable>(_ type: T.Type, _ layers: Layers) -> T? {
        if type is any OptionalType.Type || type is any ConfigSection.Type { return try? decode(type, layers) }
        if let node = layers.given, node.isNull, node.scalar?.isUnresolved != true {
            _ = mismatch(node, .describing(type), layers)
            return nil
        }
        return decodeOptional(type, layers)
    }

    func list<T: Decodable>(_ type: T.Type, _ node: Node, _ expected: ValueType, _ layers: Layers) throws -> T {
        guard case .sequence(let sequence) = node else {
            var help: String?
            if case .scalar(let scalar) = node {
                let item = isHidden(node, layers) ? "item" : ScalarText.text(of: scalar)
                help = "write [\(item)]"
            }
            throw mismatch(node, expected, layers, help: help)
        }
        guard let list = type as? any ListDecodable.Type,
            let value = list.decode(sequence.elements, layers, in: self) as? T
        else { throw Abandoned() }
        return value
    }

    func map<T: Decodable>(_ type: T.Type, _ node: Node, _ expected: ValueType, _ layers: Layers) throws -> T {
        guard case .mapping(let mapping) = node else { throw mismatch(node, expected, layers) }
        guard let map = type as? any MapDecodable.Type, let value = map.decode(mapping, layers, in: self) as? T else {
            throw Abandoned()
        }
        return value
    }
}
