// SPDX-License-Identifier: Apache-2.0

/// Builds nodes from parser events: resolves aliases, rejects unsupported content, enforces the limits.
struct Composer: ~Copyable {
    /// Why composing ended early; the reason is already among the problems, except for a syntax error.
    enum Failure: Error {
        case syntax(SyntaxProblem)
        case refused
    }

    private struct Anchored {
        let node: Node
        let count: Int
        let height: Int
    }

    private var events: EventStream
    private let file: String
    private let limits: ParseLimits
    private var anchors: [String: Anchored] = [:]
    private var count = 0
    private(set) var problems: [Diagnostic] = []

    init(events: consuming EventStream, file: String, limits: ParseLimits) {
        self.events = events
        self.file = file
        self.limits = limits
    }

    /// Returns the only document, or nil when the file is empty.
    mutating func document() throws(Failure) -> Node? {
        _ = try next()
        guard case .documentStart = try next().kind else { return nil }
        let root = try node(from: try next(), depth: 1)
        _ = try next()
        let after = try next()
        if case .documentStart = after.kind {
            problems.append(
                .error(
                    "several-documents",
                    "a second document begins here, a configuration file has one",
                    at: mark(after),
                    help: "give the second document as a file of its own"
                )
            )
        }
        return root
    }

    private mutating func next() throws(Failure) -> ParserEvent {
        do {
            return try events.next()
        } catch {
            throw .syntax(error)
        }
    }

    private mutating func node(from event: ParserEvent, depth: Int) throws(Failure) -> Node {
        let before = count
        try add(1, at: event)
        let result: Node
        switch event.kind {
        case .alias(let name): return try alias(name, event, depth: depth)
        case .scalar(let text, let style): result = .scalar(scalar(text, style, event))
        case .sequenceStart: result = try sequence(event, depth: depth)
        case .mappingStart: result = try mapping(event, depth: depth)
        default:
            // libyaml's grammar requires a node here.
            problems.append(.error("syntax", "a value is missing", at: mark(event)))
            throw .refused
        }
        if let anchor = event.anchor {
            anchors[anchor] = Anchored(node: result, count: count - before, height: result.height)
        }
        return result
    }

    private mutating func sequence(_ event: ParserEvent, depth: Int) throws(Failure) -> Node {
        try checkDepth(depth, event)
        checkTag(of: event, isOnly: "seq", "a list")
        var elements: [Node] = []
        while true {
            let child = try next()
            if case .sequenceEnd = child.kind { return .sequence(Node.Sequence(elements, mark: mark(event))) }
            elements.append(try node(from: child, depth: depth + 1))
        }
    }

    private mutating func mapping(_ event: ParserEvent, depth: Int) throws(Failure) -> Node {
        try checkDepth(depth, event)
        checkTag(of: event, isOnly: "map", "a mapping")
        var entries: [Node.Entry] = []
        var places: [String: Mark] = [:]
        var merged: [Node.Entry] = []
        while true {
            let keyEvent = try next()
            if case .mappingEnd = keyEvent.kind {
                // Entries of the mapping itself take precedence, then those of earlier merges.
                for entry in merged where places[entry.key.text] == nil {
                    places[entry.key.text] = entry.key.mark
                    entries.append(entry)
                }
                return .mapping(Node.Mapping(entries, mark: mark(event)))
            }
            let key = try node(from: keyEvent, depth: depth + 1)
            let value = try node(from: try next(), depth: depth + 1)
            if case .scalar(let scalar) = key, scalar.text == "<<", scalar.style == .plain, !keyEvent.isAlias {
                merged += entriesToMerge(value, at: mark(keyEvent))
                continue
            }
            guard let key = accepted(key, isAlias: keyEvent.isAlias, at: mark(keyEvent), places: places) else {
                continue
            }
            places[key.text] = key.mark
            entries.append(Node.Entry(key: key, value: value))
        }
    }

    /// The entries of a merge key (`<<`): those of a mapping, or of each mapping of a list.
    ///
    /// It is not part of YAML 1.2, but configurations of the OpenTelemetry Collector use it, whose parser supports it.
    private mutating func entriesToMerge(_ value: Node, at mark: Mark) -> [Node.Entry] {
        let parts = if case .sequence(let list) = value { list.elements } else { [value] }
        var entries: [Node.Entry] = []
        for part in parts {
            guard case .mapping(let mapping) = part else {
                problems.append(
                    .error(
                        "merge-key",
                        "<< brings the keys of a mapping or of a list of mappings",
                        at: mark,
                        help: "write <<: *name, where &name is before a mapping"
                    )
                )
                return entries
            }
            entries += mapping.entries
        }
        return entries
    }

    /// Returns the key when it is valid and new in the mapping.
    private mutating func accepted(_ key: Node, isAlias: Bool, at mark: Mark, places: [String: Mark]) -> Scalar? {
        guard case .scalar(var key) = key else {
            problems.append(.error("invalid-key", "a key must be a single value, not a list or mapping", at: mark))
            return nil
        }
        if isAlias { key.mark = mark }
        if let first = places[key.text] {
            problems.append(
                .error(
                    "duplicate-key",
                    "the key \(quoted(key.text)) is already there",
                    at: mark,
                    help: "remove or rename one of the two",
                    notes: [.init("first written here", at: first)]
                )
            )
            return nil
        }
        return key
    }

    private mutating func alias(_ name: String, _ event: ParserEvent, depth: Int) throws(Failure) -> Node {
        guard let anchored = anchors[name] else {
            problems.append(
                .error(
                    "unknown-alias",
                    "no anchor &\(name) before this place",
                    at: mark(event),
                    help: suggestion(for: name, among: anchors.keys).map { "did you mean \"*\($0)\"?" }
                        ?? "put &\(name) before the value that is meant, or quote \"*\(name)\" when it is a text",
                    notes: anchors.isEmpty ? [] : [.init("anchors: \(anchors.keys.sorted().joined(separator: ", "))")]
                )
            )
            return .null(at: mark(event))
        }
        try add(anchored.count - 1, at: event)
        try checkDepth(depth + anchored.height - 1, event)
        return anchored.node
    }

    private mutating func add(_ more: Int, at event: ParserEvent) throws(Failure) {
        count += more
        guard count > limits.nodes else { return }
        problems.append(
            .error(
                "too-many-nodes",
                "more than \(limits.nodes) values after expanding aliases",
                at: mark(event),
                help: "an alias counts as all the values behind its anchor; use fewer"
            )
        )
        throw .refused
    }

    private mutating func checkDepth(_ depth: Int, _ event: ParserEvent) throws(Failure) {
        guard depth > limits.depth else { return }
        problems.append(
            .error("too-deep", "lists and mappings are nested deeper than \(limits.depth)", at: mark(event))
        )
        throw .refused
    }

    private mutating func checkTag(of event: ParserEvent, isOnly name: String, _ found: String) {
        guard let tag = event.tag, tag != "!", tag != CoreTag.prefix + name else { return }
        problems.append(CoreTag.problem(tag, on: found, at: mark(event)))
    }

    private mutating func scalar(_ text: String, _ style: Scalar.Style, _ event: ParserEvent) -> Scalar {
        var scalar = Scalar(text, style: style, mark: mark(event))
        guard let tag = event.tag else { return scalar }
        scalar.tag = CoreTag.scalarTag(tag)
        if let problem = CoreTag.problem(tag, on: scalar) { problems.append(problem) }
        return scalar
    }

    private func mark(_ event: ParserEvent) -> Mark {
        Mark(file: file, line: event.line, column: event.column, length: event.length)
    }
}

extension ParserEvent {
    fileprivate var isAlias: Bool {
        if case .alias = kind { true } else { false }
    }
}

extension Node {
    /// The nesting of lists and mappings; 0 for a scalar.
    fileprivate var height: Int {
        switch self {
        case .scalar: 0
        case .sequence(let sequence): 1 + (sequence.elements.map(\.height).max() ?? 0)
        case .mapping(let mapping): 1 + (mapping.entries.map(\.value.height).max() ?? 0)
        }
    }
}

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

    /// Returns the problem of a tag that is unknown or on another kind of node.
    static func problem(_ tag: String, on found: String, at mark: Mark) -> Diagnostic {
        let names = Scalar.Tag.allCases.map(\.rawValue) + ["seq", "map"]
        if tag.hasPrefix(prefix), names.contains(String(tag.dropFirst(prefix.count))) {
            return .error("tag-mismatch", "the tag \(written(tag)) is on \(found)", at: mark)
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
