// SPDX-License-Identifier: Apache-2.0

/// A part of a configuration with its position.
public enum Node: Hashable, Sendable {
    /// A single value.
    case scalar(Scalar)
    /// A list.
    case sequence(Sequence)
    /// Keys with values, in the order written.
    case mapping(Mapping)

    /// A list of nodes.
    public struct Sequence: Hashable, Sendable {
        /// The items.
        public var elements: [Node]
        /// The first item's `-`, or the opening bracket.
        public var mark: Mark
        /// The type of the items, known for encoded defaults only.
        public var valueType: ValueType?

        /// Creates a list.
        public init(_ elements: [Node], mark: Mark, valueType: ValueType? = nil) {
            self.elements = elements
            self.mark = mark
            self.valueType = valueType
        }
    }

    /// A key with its value; both have a mark.
    public struct Entry: Hashable, Sendable {
        /// The key as written.
        public var key: Scalar
        /// The value.
        public var value: Node

        /// Creates an entry.
        public init(key: Scalar, value: Node) {
            self.key = key
            self.value = value
        }
    }

    /// Keys with values, in the order written; every key occurs once.
    public struct Mapping: Hashable, Sendable {
        /// The entries.
        public var entries: [Entry]
        /// The first key, or the opening brace.
        public var mark: Mark
        /// The type of the mapping, known for encoded defaults only.
        public var valueType: ValueType?

        /// Creates a mapping.
        public init(_ entries: [Entry] = [], mark: Mark, valueType: ValueType? = nil) {
            self.entries = entries
            self.mark = mark
            self.valueType = valueType
        }

        /// Returns the entry of a key.
        public func entry(_ key: String) -> Entry? {
            entries.first { $0.key.text == key }
        }

        /// The value of a key; setting nil removes the entry.
        public subscript(key: String) -> Node? {
            get { entry(key)?.value }
            set {
                let index = entries.firstIndex { $0.key.text == key }
                switch (index, newValue) {
                case (let index?, let value?): entries[index].value = value
                case (let index?, nil): entries.remove(at: index)
                case (nil, let value?):
                    entries.append(Entry(key: Scalar(key, mark: value.mark), value: value))
                case (nil, nil): break
                }
            }
        }
    }

    /// Returns the node as YAML text with an indent of two spaces.
    ///
    /// With `secretKeys`, a value that came from the environment or a file is written as the reference to it, and any
    /// other secret as `[redacted]`. With nil everything is written as it is.
    public func rendered(redacting secretKeys: SecretKeys? = SecretKeys()) -> String {
        NodeRenderer(secretKeys: secretKeys).document(self)
    }

    /// Encodes a configuration as nodes: the defaults for a user's file, and the output of `config print`.
    ///
    /// Keys are the coding keys in snake case, an absent optional is null, and a `Secret` keeps its value but is marked as
    /// secret. All marks are `<defaults>:1:1`.
    public init(encoding value: some Encodable) throws {
        self = try NodeEncoder(templateDepth: 0).encode(value)
    }
}

extension Node {
    /// The position of the value.
    public var mark: Mark {
        switch self {
        case .scalar(let scalar): scalar.mark
        case .sequence(let sequence): sequence.mark
        case .mapping(let mapping): mapping.mark
        }
    }

    /// The type of the value, known for encoded defaults only.
    public var valueType: ValueType? {
        switch self {
        case .scalar(let scalar): scalar.valueType
        case .sequence(let sequence): sequence.valueType
        case .mapping(let mapping): mapping.valueType
        }
    }

    /// Whether it is `null`, `~` or nothing at all.
    public var isNull: Bool {
        guard case .scalar(let scalar) = self else { return false }
        return scalar.resolved == .null
    }

    /// The scalar, when it is one.
    public var scalar: Scalar? {
        guard case .scalar(let scalar) = self else { return nil }
        return scalar
    }

    /// The list, when it is one.
    public var sequence: Sequence? {
        guard case .sequence(let sequence) = self else { return nil }
        return sequence
    }

    /// The mapping, when it is one.
    public var mapping: Mapping? {
        guard case .mapping(let mapping) = self else { return nil }
        return mapping
    }

    /// Returns the value of a key, or nil when this is no mapping or has no such key.
    public subscript(key: String) -> Node? { mapping?[key] }

    /// Creates a value for a missing one.
    public static func null(at mark: Mark) -> Node {
        .scalar(Scalar("", mark: mark))
    }
}

// MARK: - Merging

extension Node {
    /// Returns this configuration with a later one merged into it.
    ///
    /// Mappings are merged key by key; anything else is replaced, and a null removes the previous value. Every part keeps the
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

    /// Returns this configuration with the encoded defaults added, by the rules of `ConfigDecoder`.
    ///
    /// A missing key and a null have the default; sections merge deeply; dictionaries, lists and scalars are replaced. The types and
    /// secrets of the defaults are kept.
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

    /// Returns whether both have the same meaning; the positions, the style and the order of keys do not matter.
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
    /// Whether the keys are user-defined, so that defaults are replaced and not merged.
    var isDictionary: Bool {
        if case .map = valueType { true } else { false }
    }
}

// MARK: - Parsing

extension Node {
    /// Parses one configuration file and adds all problems to the diagnostics.
    ///
    /// An empty file is an empty mapping. Returns nil when the file cannot be used at all (not UTF-8, bad syntax, over a
    /// limit); with lesser problems, such as a duplicate key, the rest is returned so that later checks can continue.
    public init?(parsing source: SourceFile, limits: ParseLimits = ParseLimits(), diagnostics: inout Diagnostics) {
        guard source.bytes.count <= limits.bytes else {
            let message = "the file has \(source.bytes.count) bytes, more than \(limits.bytes)"
            // Without its lines: the file is too large to show.
            diagnostics.append(.error("file-too-large", message, at: Mark(file: source.name, line: 1, column: 1)))
            return nil
        }
        diagnostics.add(source)
        if let offset = source.firstInvalidByte {
            let (line, column) = source.position(ofByte: offset)
            diagnostics.append(
                .error(
                    "invalid-utf8",
                    "the file is not UTF-8 from here on",
                    at: Mark(file: source.name, line: line, column: column),
                    help: source.looksLikeUTF16
                        ? "it looks like UTF-16; save the file with the encoding UTF-8"
                        : "save the file with the encoding UTF-8"
                )
            )
            return nil
        }
        guard let events = EventStream(source.bytes) else {
            diagnostics.append(.error("syntax", "out of memory", at: Mark(file: source.name, line: 1, column: 1)))
            return nil
        }
        var composer = Composer(events: events, file: source.name, limits: limits)
        do {
            let root = try composer.document()
            diagnostics.append(contentsOf: composer.problems)
            let start = Mark(file: source.name, line: 1, column: 1)
            self = root.flatMap { $0.isNull ? nil : $0 } ?? .mapping(Mapping(mark: start))
        } catch {
            diagnostics.append(contentsOf: composer.problems)
            if case .syntax(let problem) = error { diagnostics.append(problem.diagnostic(in: source)) }
            return nil
        }
    }
}

extension SourceFile {
    /// Whether the file begins with a byte order mark of UTF-16.
    fileprivate var looksLikeUTF16: Bool { bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) }

    /// The offset of the first byte that is not UTF-8.
    fileprivate var firstInvalidByte: Int? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
