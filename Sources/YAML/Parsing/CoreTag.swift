// SPDX-License-Identifier: Apache-2.0

/// The explicit tags a configuration may use: those of YAML's core schema.
enum CoreTag {
    static let prefix = "tag:yaml.org,2002:"

    /// Returns the tag of a scalar; the non-specific `!` means a string.
    static func scalarTag(_ tag: String) -> Scalar.Tag? {
        if tag == "!" { return .string }
        return tag.hasPrefix(prefix) ? Scalar.Tag(rawValue: String(tag.dropFirst(prefix.count))) : nil
    }

    /// Returns what is wrong with a tag on a scalar.
    static func problem(_ tag: String, on scalar: Scalar) -> Diagnostic? {
        guard let known = scalarTag(tag) else { return problem(tag, on: "a single value", at: scalar.mark) }
        let fits =
            switch (known, CoreSchema.resolve(scalar.text)) {
            case (.string, _), (.integer, .integer), (.float, .integer), (.float, .float), (.boolean, .boolean),
                (.null, .null):
                true
            default: false
            }
        return fits ? nil : .error("tag-mismatch", "the value does not fit its tag \(written(tag))", at: scalar.mark)
    }

    /// Returns the problem of a tag that is unknown or stands on another kind of node.
    static func problem(_ tag: String, on found: String, at mark: Mark) -> Diagnostic {
        let names = Scalar.Tag.allCases.map(\.rawValue) + ["seq", "map"]
        if tag.hasPrefix(prefix), names.contains(String(tag.dropFirst(prefix.count))) {
            return .error("tag-mismatch", "the tag \(written(tag)) stands on \(found)", at: mark)
        }
        return .error(
            "unknown-tag",
            "unknown tag \(written(tag))",
            at: mark,
            notes: [.init("tags: " + names.map { "!!\($0)" }.joined(separator: ", "))]
        )
    }

    private static func written(_ tag: String) -> String {
        quoted(tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag)
    }
}
