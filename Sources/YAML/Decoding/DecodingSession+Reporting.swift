// SPDX-License-Identifier: Apache-2.0

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
    func checkKeys(_ keys: RequestedKeys, of type: Any.Type, _ layers: Layers) {
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
    func isHidden(_ node: Node, _ layers: Layers) -> Bool {
        guard case .scalar(let scalar) = node else { return layers.isSecret }
        return layers.isSecret || scalar.isSecret || scalar.isSecretSource
    }

    /// Returns the diagnostic of a value that its type refused, without the value where it is secret.
    func mask(_ error: ConfigValueError, _ layers: Layers) -> Diagnostic {
        var (message, help) = (error.message, error.help)
        if let node = layers.given, isHidden(node, layers), let scalar = node.scalar, !scalar.text.isEmpty {
            message = scalar.concealed(in: message) ?? "the value is not acceptable"
            if help?.contains(scalar.text) == true { help = nil }
        }
        return .error(error.code, message, at: layers.mark, help: help)
    }

    /// Returns what a standard library error says.
    func reason(_ error: DecodingError) -> String {
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
