// SPDX-License-Identifier: Apache-2.0

/// What the user wrote at one place, with the default beneath it.
struct Layers {
    /// What the user wrote; nil or null when there is nothing.
    var given: Node?
    /// The encoded default; nil or null when there is none.
    var fallback: Node?
    /// The nearest place the user wrote.
    var mark: Mark
    /// Whether the value must not appear in a message.
    var isSecret = false
    /// Whether problems were reported already, or are the program's own.
    var isSilent = false
    /// The keys from the decoded type down to here, for messages and secrets.
    var path: [String] = []
    /// The nearest key that a type declares, as opposed to an index or a key of the user's choice.
    var declaredKey: String?

    var isGivenNull: Bool { given.map(\.isNull) ?? true }
    var isFallbackNull: Bool { fallback.map(\.isNull) ?? true }

    /// Whether there is neither a value nor a default.
    var isNull: Bool { isGivenNull && isFallbackNull }

    /// The default on its own, as if it had been written.
    var defaultAlone: Layers {
        var layers = self
        (layers.given, layers.fallback, layers.isSilent) = (fallback, nil, true)
        return layers
    }

    /// Leaves defaults to the keys alone that the user wrote; to all where none of them is written.
    mutating func dropDefaultsOfUnchosen() {
        guard let written = given?.mapping, case .mapping(var defaults)? = fallback else { return }
        let chosen = defaults.entries.filter { written.entry($0.key.text) != nil }
        guard !chosen.isEmpty else { return }
        defaults.entries = chosen
        fallback = .mapping(defaults)
    }

    /// The value beneath a key.
    func child(_ key: String, secretKeys: SecretKeys) -> Layers {
        let entry = given?.mapping?.entry(key)
        var layers = self
        layers.given = entry?.value
        layers.fallback = fallback?[key]
        layers.mark = entry?.value.mark ?? mark
        layers.isSecret = isSecret || secretKeys.contains(key)
        layers.path.append(key)
        return layers
    }

    /// An item of a list; lists have no defaults beneath.
    func element(_ node: Node, _ index: Int) -> Layers {
        var layers = self
        (layers.given, layers.fallback, layers.mark) = (node, nil, node.mark)
        layers.path.append(String(index))
        return layers
    }
}
