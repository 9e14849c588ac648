// SPDX-License-Identifier: Apache-2.0

/// Turns an `Encodable` value into nodes.
struct NodeEncoder {
    static let mark = Mark(file: "<defaults>", line: 1, column: 1)

    /// How deep the defaults of absent sections are described.
    let templateDepth: Int

    func encode<T: Encodable>(_ value: T) throws -> Node {
        let slot = EncodedSlot()
        try write(value, into: slot, codingPath: [])
        return slot.node()
    }

    func write<T: Encodable>(_ value: T, into slot: EncodedSlot, codingPath: [any CodingKey]) throws {
        let type = ValueType.describing(T.self, templateDepth: templateDepth)
        if let secret = value as? Secret {
            slot.content = .scalar(text: secret.value, style: .quoted)
        } else if type.isPrimitive, let primitive = value as? any PrimitiveValue {
            let style = (value as? TypedScalar)?.style ?? (type == .string ? .quoted : .plain)
            slot.content = .scalar(text: primitive.scalarText, style: style)
        } else {
            let encoder = NodeEncoding(rules: self, slot: slot, keepsKeys: type.isMap, codingPath: codingPath)
            try value.encode(to: encoder)
        }
        slot.describe(as: type)
    }

    func writeNull<T>(_ type: T.Type, into slot: EncodedSlot) {
        slot.content = .null
        slot.valueType = .describing(type, templateDepth: templateDepth)
    }
}

/// The result of encoding one value; a class, because `Encoder` has reference semantics.
final class EncodedSlot {
    enum Content {
        case empty
        case null
        case scalar(text: String, style: Scalar.Style)
        case keyed([(key: String, slot: EncodedSlot)])
        case unkeyed([EncodedSlot])
    }

    var content = Content.empty
    var valueType: ValueType?

    /// Sets the type unless a wrapped value has set one.
    func describe(as type: ValueType) {
        if case .scalar = content, type == .section(nil) { return }
        if case .null = content, valueType != nil { return }
        valueType = type
    }

    func child(_ key: String) -> EncodedSlot {
        let child = EncodedSlot()
        if case .keyed(var children) = content {
            children.removeAll { $0.key == key }
            content = .keyed(children + [(key, child)])
        } else {
            content = .keyed([(key, child)])
        }
        return child
    }

    func element() -> EncodedSlot {
        let child = EncodedSlot()
        if case .unkeyed(let children) = content {
            content = .unkeyed(children + [child])
        } else {
            content = .unkeyed([child])
        }
        return child
    }

    func node() -> Node {
        let mark = NodeEncoder.mark
        switch content {
        case .empty, .null: return .scalar(scalar("", .plain))
        case .scalar(let text, let style): return .scalar(scalar(text, style))
        case .keyed(let children):
            let entries = children.map { Node.Entry(key: Scalar($0.key, mark: mark), value: $0.slot.node()) }
            return .mapping(Node.Mapping(entries, mark: mark, valueType: valueType))
        case .unkeyed(let children):
            return .sequence(Node.Sequence(children.map { $0.node() }, mark: mark, valueType: valueType))
        }
    }

    private func scalar(_ text: String, _ style: Scalar.Style) -> Scalar {
        var scalar = Scalar(text, style: style, mark: NodeEncoder.mark)
        scalar.valueType = valueType
        scalar.isSecret = valueType == .secret
        return scalar
    }
}
