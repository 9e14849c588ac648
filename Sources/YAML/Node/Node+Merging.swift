// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Returns this configuration with a later one laid over it.
    ///
    /// Mappings are merged key by key; anything else is replaced, and a null wipes what was there. Every part keeps the
    /// mark of the file it came from.
    public func merged(with override: Node) -> Node {
        guard case .mapping(var base) = self, case .mapping(let over) = override else { return override }
        for entry in over.entries {
            if let index = base.entries.firstIndex(where: { $0.key.text == entry.key.text }) {
                base.entries[index].value = base.entries[index].value.merged(with: entry.value)
                base.entries[index].key = entry.key
            } else {
                base.entries.append(entry)
            }
        }
        return .mapping(base)
    }

    /// Returns this configuration with the encoded defaults beneath, by the rules of `ConfigDecoder`.
    ///
    /// A missing key and a null take the default; sections merge deeply; dictionaries, lists and scalars are replaced.
    /// What the defaults know about types and secrets is kept.
    public func filled(from defaults: Node) -> Node {
        if isNull { return defaults }
        switch (self, defaults) {
        case (.mapping(let given), .mapping(var section)) where !section.isDictionary:
            for entry in given.entries {
                section[entry.key.text] = section[entry.key.text].map { entry.value.filled(from: $0) } ?? entry.value
            }
            section.mark = given.mark
            return .mapping(section)
        case (.scalar(var given), .scalar(let expected)):
            given.isSecret = given.isSecret || expected.isSecret
            given.valueType = expected.valueType
            return .scalar(given)
        default: return self
        }
    }

    /// Returns whether both mean the same, wherever and however they are written; the order of keys does not matter.
    public func hasSameContent(as other: Node) -> Bool {
        switch (self, other) {
        case (.scalar(let left), .scalar(let right)):
            return left.resolved == right.resolved && (left.text == right.text || left.resolved == .null)
        case (.sequence(let left), .sequence(let right)):
            return left.elements.count == right.elements.count
                && zip(left.elements, right.elements).allSatisfy { $0.hasSameContent(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            return left.entries.count == right.entries.count
                && left.entries.allSatisfy { entry in
                    right[entry.key.text].map { entry.value.hasSameContent(as: $0) } ?? false
                }
        default: return false
        }
    }
}

extension Node.Mapping {
    /// Whether the keys are the user's own, so that defaults are replaced and not merged.
    var isDictionary: Bool {
        if case .map = valueType { true } else { false }
    }
}
