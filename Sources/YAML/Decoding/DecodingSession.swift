// SPDX-License-Identifier: Apache-2.0

/// One run of `ConfigDecoder`: collects diagnostics while `Decodable` types ask for their parts.
///
/// A class because `Decoder` is copied freely and everything has to be reported to one place; used by one thread.
final class DecodingSession {
    /// Thrown when there is nothing to return; the reason is reported already.
    struct Abandoned: Error {}

    var diagnostics: Diagnostics
    let userInfo: [CodingUserInfoKey: Any]

    init(diagnostics: Diagnostics, home: String?) {
        self.diagnostics = diagnostics
        var userInfo: [CodingUserInfoKey: Any] = [:]
        if let home, let key = ConfigPath.homeKey { userInfo[key] = home }
        self.userInfo = userInfo
    }

    /// Returns the value, its default after a problem, or a stand-in; throws `Abandoned` when there is none of these.
    func decode<T: Decodable>(_ type: T.Type, _ layers: Layers) throws -> T {
        if type is any OptionalType.Type { return try make(type, layers) }
        let layers = prepared(layers, for: type)
        do {
            return try givenValue(type, layers)
        } catch is Abandoned {
            return try defaultValue(type, layers)
        }
    }

    /// Returns the value or its default; nil when there is neither, or the value is not acceptable and has no default.
    func decodeOptional<T: Decodable>(_ type: T.Type, _ layers: Layers) -> T? {
        guard !layers.isNull else { return nil }
        if !layers.isFallbackNull { return try? decode(type, layers) }
        return try? givenValue(type, prepared(layers, for: type))
    }

    /// Remembers secrets, and puts the defaults of a section beneath it where nothing else is.
    private func prepared<T: Decodable>(_ layers: Layers, for type: T.Type) -> Layers {
        var layers = layers
        if ValueType.describing(type).holdsSecret {
            layers.isSecret = true
            if let name = layers.declaredKey { diagnostics.secretKeys.insert(name) }
        }
        if layers.isFallbackNull, let section = type as? any ConfigSection.Type {
            layers.fallback = try? Node(encoding: section.init())
        }
        return layers
    }

    /// Returns the default, or a stand-in so that the search for problems can go on.
    func defaultValue<T: Decodable>(_ type: T.Type, _ layers: Layers) throws -> T {
        if !layers.isFallbackNull, let value = try? givenValue(type, layers.defaultAlone) { return value }
        if let value = (type as? any PlaceholderProviding.Type)?.placeholder as? T { return value }
        var empty = layers
        (empty.given, empty.fallback, empty.isSilent) = (.mapping(Node.Mapping(mark: layers.mark)), nil, true)
        switch ValueType.describing(type) {
        case .list: empty.given = .sequence(Node.Sequence([], mark: layers.mark))
        case .choice(let words): empty.given = .scalar(Scalar(words[0], style: .quoted, mark: layers.mark))
        case .map, .section: break
        default: throw Abandoned()
        }
        return try givenValue(type, empty)
    }

    /// Converts what is there; problems are reported and thrown as `Abandoned`.
    private func givenValue<T: Decodable>(_ type: T.Type, _ layers: Layers) throws -> T {
        guard let node = layers.given, !node.isNull, node.scalar?.isUnresolved != true else { throw Abandoned() }
        let valueType = ValueType.describing(type)
        if valueType.isPrimitive, let primitive = type as? any PrimitiveValue.Type {
            guard let value = try convert(primitive, node, layers) as? T else { throw Abandoned() }
            return value
        }
        switch valueType {
        case .list: return try list(type, node, valueType, layers)
        case .map: return try map(type, node, valueType, layers)
        case .choice(let words): try checkChoice(words, node, layers)
        case .section: break
        default:
            guard case .scalar = node else { throw mismatch(node, valueType, layers) }
        }
        return try make(type, layers)
    }

    private func convert<T: PrimitiveValue>(_ type: T.Type, _ node: Node, _ layers: Layers) throws -> T {
        let expected = ValueType.describing(type)
        guard case .scalar(let scalar) = node else { throw mismatch(node, expected, layers) }
        do throws(ConversionFailure) {
            return try T.convert(scalar)
        } catch {
            switch error {
            case .mismatch(let help):
                throw mismatch(node, expected, layers, help: isHidden(node, layers) ? nil : help)
            case .outOfRange(let rule):
                let shown = isHidden(node, layers) ? "" : ", found \(scalar.text.prefix(40))"
                throw report(.error("out-of-range", rule + shown, at: node.mark), layers)
            }
        }
    }

    private func checkChoice(_ words: [String], _ node: Node, _ layers: Layers) throws {
        guard case .scalar(let scalar) = node else { throw mismatch(node, .choice(words), layers) }
        guard !words.contains(scalar.text) else { return }
        let found = isHidden(node, layers) ? "the value" : quoted(scalar.text)
        throw report(
            .error(
                "invalid-value",
                "\(found) is not one of \(words.joined(separator: ", "))",
                at: node.mark,
                help: suggestion(for: scalar.text, among: words).map { "did you mean \"\($0)\"?" }
            ),
            layers
        )
    }

    /// Calls the type's own `init(from:)` and reports what it throws.
    private func make<T: Decodable>(_ type: T.Type, _ layers: Layers) throws -> T {
        let decoder = NodeDecoder(session: self, layers: layers)
        do {
            let value = try type.init(from: decoder)
            checkKeys(decoder.keys, of: type, layers)
            return value
        } catch let error as ConfigValueError {
            throw report(mask(error, layers), layers)
        } catch let error as DecodingError {
            throw report(.error("invalid-value", reason(error), at: layers.mark), layers)
        }
    }
}
