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
        if type is any AlternativeSections.Type { layers.dropDefaultsOfUnchosen() }
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

// MARK: - Collections

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

    private func list<T: Decodable>(_ type: T.Type, _ node: Node, _ expected: ValueType, _ layers: Layers) throws -> T {
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

// MARK: - Reporting

extension DecodingSession {
    /// Adds the diagnostic unless the value is not the user's, and returns the error to throw.
    func report(_ diagnostic: Diagnostic, _ layers: Layers) -> Abandoned {
        if !layers.isSilent { diagnostics.append(diagnostic) }
        return Abandoned()
    }

    /// Reports a value of the wrong kind.
    func mismatch(_ node: Node, _ expected: ValueType, _ layers: Layers, help: String? = nil) -> Abandoned {
        let message = "expected \(expected.expectation), found \(found(node, layers))"
        return report(.error("type-mismatch", message, at: node.mark, help: help), layers)
    }

    /// Reports a key that has neither a value nor a default.
    func missing(_ key: String, _ layers: Layers) -> Abandoned {
        report(.error("missing-key", "the key \(quoted(key)) is required here", at: layers.mark), layers)
    }

    /// Reports every key the type did not ask for.
    private func checkKeys(_ keys: RequestedKeys, of type: Any.Type, _ layers: Layers) {
        guard !layers.isSilent, keys.isKeyed, case .mapping(let mapping)? = layers.given else { return }
        let advice = (type as? any AbsentKeyAdvising.Type)?.absentKeys ?? [:]
        for entry in mapping.entries where !keys.names.contains(entry.key.text) {
            let section = layers.path.isEmpty ? "" : " in \(layers.path.joined(separator: "."))"
            let written = entry.key.text
            diagnostics.append(
                .error(
                    "unknown-key",
                    "unknown key \(quoted(written))\(section)",
                    at: entry.key.mark,
                    help: advice[written] ?? keyHelp(written, keys, layers),
                    notes: [
                        .init(keys.names.isEmpty ? "no keys here" : "valid keys: \(keys.names.joined(separator: ", "))")
                    ]
                )
            )
        }
    }

    /// Returns the key that was meant: the same in snake case, a similar one, or the same one further in.
    private func keyHelp(_ written: String, _ keys: RequestedKeys, _ layers: Layers) -> String? {
        let words = ConfigKey.name(of: ConfigKey(stringValue: written)).split(separator: "-")
        let snakeCase = words.joined(separator: "_")
        let meant = keys.names.contains(snakeCase) ? snakeCase : suggestion(for: written, among: keys.names)
        if let meant { return "did you mean \"\(meant)\"?" }
        guard let section = layers.fallback?.section(holding: snakeCase) else { return nil }
        return "write it under \(section.joined(separator: "."))"
    }

    /// Whether the value must not be quoted.
    private func isHidden(_ node: Node, _ layers: Layers) -> Bool {
        guard case .scalar(let scalar) = node else { return layers.isSecret }
        return layers.isSecret || scalar.isSecret || scalar.isSecretSource
    }

    /// Returns the diagnostic of a value that its type refused, without the value where it is secret.
    private func mask(_ error: ConfigValueError, _ layers: Layers) -> Diagnostic {
        var (message, help) = (error.message, error.help)
        if let node = layers.given, isHidden(node, layers), let scalar = node.scalar, !scalar.text.isEmpty {
            message = scalar.concealed(in: message) ?? "the value is not acceptable"
            if help?.contains(scalar.text) == true { help = nil }
        }
        return .error(error.code, message, at: layers.mark, help: help)
    }

    /// Returns what a standard library error says.
    private func reason(_ error: DecodingError) -> String {
        switch error {
        case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context):
            context.debugDescription
        @unknown default: "the value cannot be decoded"
        }
    }

    private func found(_ node: Node, _ layers: Layers) -> String {
        switch node {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let scalar):
            let isHidden = isHidden(node, layers)
            switch scalar.resolved {
            case .null: return "nothing"
            case .boolean: return isHidden ? "a boolean" : "the boolean \(scalar.text)"
            case .integer, .float: return isHidden ? "a number" : "the number \(scalar.text.prefix(40))"
            case .string: return isHidden ? "a string" : "the string \(quoted(scalar.text))"
            }
        }
    }
}

extension Node {
    /// Returns the path of the nearest section below this one that has the key.
    fileprivate func section(holding key: String) -> [String]? {
        guard case .mapping(let mapping) = self, !mapping.isDictionary else { return nil }
        let sections = mapping.entries.filter { $0.value.mapping.map { !$0.isDictionary } == true }
        if let holder = sections.first(where: { $0.value[key] != nil }) { return [holder.key.text] }
        for entry in sections {
            if let deeper = entry.value.section(holding: key) { return [entry.key.text] + deeper }
        }
        return nil
    }
}
