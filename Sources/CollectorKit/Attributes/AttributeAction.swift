// SPDX-License-Identifier: Apache-2.0

package import OTLP
import Usage
package import YAML

/// Why an action or a match cannot be carried out.
package struct ActionError: Error, Hashable {
    /// What is wrong.
    package var message: String
    /// The key at fault inside its section.
    package var key: String?
    /// What to write instead.
    package var help: String?

    /// Creates an error.
    package init(message: String, key: String? = nil, help: String? = nil) {
        (self.message, self.key, self.help) = (message, key, help)
    }
}

/// One action on the attributes of records or resources, ready to be carried out.
///
/// The processors `attributes` and `resource` have it in common. A value; safe to use from many tasks at once.
package enum AttributeAction: Sendable {
    case insert(String, Source)
    case update(String, Source)
    case upsert(String, Source)
    case delete(Keys)
    case hash(Keys)
    case extract(String, TextPattern)
    case convert(String, ActionConfig.ValueForm)

    /// Where a new value comes from.
    package indirect enum Source: Sendable {
        case value(AttributeScalar)
        case attribute(String)
        case context(ContextKey)
        /// What a table has for the value from elsewhere.
        case table(LookupTable, Source)
        /// A source, and the value where it gives none.
        case orElse(Source, AttributeScalar)
    }

    /// Which attributes an action is about.
    package struct Keys: Sendable {
        var name: String
        var pattern: TextPattern?
    }

    /// Makes actions ready, and reads the tables that they use.
    ///
    /// - Parameter settings: What the collector gives to the component; nil where the actions are only checked and no file is read.
    package static func list(_ configs: [ActionConfig], _ settings: ComponentSettings?) throws(ActionError)
        -> [AttributeAction]
    {
        var actions: [AttributeAction] = []
        for config in configs { actions.append(try AttributeAction(config, settings)) }
        return actions
    }

    /// Checks an action as it was written, and reads its table.
    ///
    /// - Parameter settings: What the collector gives to the component; nil where the action is only checked and no file is read.
    package init(_ config: ActionConfig, _ settings: ComponentSettings? = nil) throws(ActionError) {
        let keys = Keys(name: config.key, pattern: try config.pattern.map(TextPattern.forAction))
        let takesPattern = config.action == .delete || config.action == .hash
        guard !config.key.isEmpty || (takesPattern && keys.pattern != nil) else {
            throw ActionError(
                message: "the action \(config.action.rawValue) needs the key of an attribute",
                key: "key",
                help: takesPattern ? "write key or pattern" : "write key"
            )
        }
        switch config.action {
        case .insert: self = .insert(config.key, try Self.source(config, settings))
        case .update: self = .update(config.key, try Self.source(config, settings))
        case .upsert: self = .upsert(config.key, try Self.source(config, settings))
        case .delete: self = .delete(keys)
        case .hash: self = .hash(keys)
        case .extract:
            guard let pattern = keys.pattern, pattern.hasNamedGroup else {
                throw ActionError(
                    message: "extract needs a pattern with named groups, which become attributes",
                    key: "pattern",
                    help: "write ^(?P<name>[^/]+)/, for example"
                )
            }
            self = .extract(config.key, pattern)
        case .convert:
            guard let form = config.convertedType else {
                throw ActionError(message: "convert needs converted_type", key: "converted_type", help: "write int")
            }
            self = .convert(config.key, form)
        }
    }

    private static func source(_ config: ActionConfig, _ settings: ComponentSettings?) throws(ActionError) -> Source {
        guard let written = config.defaultValue else { return try ownSource(config, settings) }
        let value = try scalar(written, config, key: "default_value")
        let hasNoOther = config.fromAttribute == nil && config.fromContext == nil && config.value?.text.isEmpty != false
        // An empty text is what a missing variable of the environment leaves.
        return hasNoOther ? .value(value) : .orElse(try ownSource(config, settings), value)
    }

    private static func scalar(_ written: TypedScalar, _ config: ActionConfig, key: String) throws(ActionError)
        -> AttributeScalar
    {
        guard let value = AttributeScalar(writtenAs: written, config.convertedType) else {
            throw ActionError(
                message: "\"\(written.text)\" is no \(config.convertedType?.rawValue ?? "value")",
                key: key,
                help: "correct it, or take converted_type out"
            )
        }
        return value
    }

    /// The source without the default value.
    private static func ownSource(_ config: ActionConfig, _ settings: ComponentSettings?) throws(ActionError)
        -> Source
    {
        let origin = try plainSource(config)
        guard let path = config.table else {
            if config.keyColumn != nil || config.valueColumn != nil {
                throw ActionError(message: "columns need a table", key: "table", help: "write table: teams.csv")
            }
            return origin
        }
        if case .value = origin {
            throw ActionError(
                message: "a table is asked for a value that requests bring",
                key: "value",
                help: "write from_attribute or from_context"
            )
        }
        let table = table(path, config, settings)
        if settings != nil { try table.open() }
        return .table(table, origin)
    }

    private static func table(_ path: ConfigPath, _ config: ActionConfig, _ settings: ComponentSettings?)
        -> LookupTable
    {
        LookupTable(
            path: path.path,
            keyColumn: config.keyColumn ?? "key",
            valueColumn: config.valueColumn ?? "value",
            settings
        )
    }

    /// The table of an action, which is not read yet; nil for an action that reads none.
    static func table(of config: ActionConfig) -> LookupTable? {
        guard let path = config.table, [.insert, .update, .upsert].contains(config.action) else { return nil }
        return table(path, config, nil)
    }

    private static func plainSource(_ config: ActionConfig) throws(ActionError) -> Source {
        switch (config.value, config.fromAttribute, config.fromContext) {
        case (nil, let name?, nil) where !name.isEmpty: return .attribute(name)
        case (nil, nil, let text?):
            guard let key = ContextKey(text) else {
                throw ActionError(
                    message: "\"\(text)\" is nothing that is known of a request",
                    key: "from_context",
                    help:
                        "write metadata.NAME for a header field, auth.name for the name of the API key, or client.address"
                )
            }
            guard !key.isSecret else {
                throw ActionError(
                    message: "\(text) is a secret, which must not become an attribute",
                    key: "from_context",
                    help: "write auth.name for the name of the API key"
                )
            }
            return .context(key)
        case (let written?, nil, nil): return .value(try scalar(written, config, key: "value"))
        default:
            let sources = [
                ("value", config.value != nil), ("from_attribute", config.fromAttribute != nil),
                ("from_context", config.fromContext != nil),
            ].filter(\.1).map(\.0)
            guard sources.count < 2 else {
                throw ActionError(
                    message: "\(config.action.rawValue) has \(sources.joined(separator: " and "))",
                    help: sources.count == 2 ? "remove one of them" : "remove two of them"
                )
            }
            throw ActionError(
                message: "\(config.action.rawValue) needs value, from_attribute or from_context",
                help: "write one of them"
            )
        }
    }
}

extension AttributeScalar {
    /// A value as it was written in a configuration: of the type that YAML gives it, unless another one is asked for.
    package init?(writtenAs written: TypedScalar, _ form: ActionConfig.ValueForm?) {
        switch form {
        case .string?: self = .string(written.text)
        case .int?:
            guard let number = Int64(written.text) else { return nil }
            self = .int(number)
        case .double?:
            guard let number = Double(written.text) else { return nil }
            self = .double(number)
        case .bool?:
            guard let flag = Bool(written.text) else { return nil }
            self = .bool(flag)
        case nil: self.init(typed: written)
        }
    }

    private init(typed written: TypedScalar) {
        switch written.resolved {
        case .boolean(let flag): self = .bool(flag)
        case .integer(let number?): self = Int64(exactly: number).map { .int($0) } ?? .double(Double(number))
        case .float(let number) where number.isFinite: self = .double(number)
        case .integer(nil), .float, .null, .string: self = .string(written.text)
        }
    }
}

// MARK: - Applying

extension AttributeAction {
    /// Carries the action out on a record or resource of a batch; what it does not find stays as it is.
    package func apply(to owner: AttributeOwner, of batch: inout Batch) {
        let client = batch.client
        apply(to: owner, of: &batch.otlp, client)
    }

    private func apply(to owner: AttributeOwner, of otlp: inout OTLPBatch, _ client: ClientContext?) {
        switch self {
        case .insert(let key, let source):
            if otlp.attribute(key, of: owner) == nil { source.set(key, owner, of: &otlp, client) }
        case .update(let key, let source):
            if otlp.attribute(key, of: owner) != nil { source.set(key, owner, of: &otlp, client) }
        case .upsert(let key, let source): source.set(key, owner, of: &otlp, client)
        case .delete(let keys):
            for key in keys.found(in: owner, of: otlp) { otlp.removeAttributes(key, of: owner) }
        case .hash(let keys):
            for key in keys.found(in: owner, of: otlp) {
                guard let value = otlp.attribute(key, of: owner) else { continue }
                otlp.set(key, to: .string(AttributeHash.digits(of: value, in: otlp)), of: owner)
            }
        case .extract(let key, let pattern):
            guard case .string(let slice)? = otlp.attribute(key, of: owner) else { return }
            for (name, text) in pattern.namedGroups(in: otlp.bytes(of: slice)) ?? [] {
                otlp.set(name, to: .string(text), of: owner)
            }
        case .convert(let key, let form):
            guard let value = otlp.attribute(key, of: owner),
                let converted = form.convert(value, in: otlp)
            else { return }
            otlp.set(key, to: converted, of: owner)
        }
    }
}

extension AttributeAction.Source {
    fileprivate func set(_ key: String, _ owner: AttributeOwner, of otlp: inout OTLPBatch, _ client: ClientContext?) {
        guard let value = value(for: owner, of: otlp, client) else { return }
        // What is as it should be stays as it is, so that the batch need not be written again.
        if let present = otlp.attribute(key, of: owner), value.isSame(as: present, in: otlp) { return }
        otlp.set(key, to: value, of: owner)
    }

    private func value(for owner: AttributeOwner, of otlp: OTLPBatch, _ client: ClientContext?) -> AttributeScalar? {
        switch self {
        case .value(let value): value
        case .attribute(let name): otlp.attribute(name, of: owner).map { AttributeScalar($0, in: otlp) }
        case .context(let key): client?.value(of: key).map { .string(NameLimit.bounded($0)) }
        case .table(let table, let source):
            source.value(for: owner, of: otlp, client).flatMap { table.value(for: $0.text) }.map { .string($0) }
        case .orElse(let source, let value): source.value(for: owner, of: otlp, client) ?? value
        }
    }
}

extension AttributeAction.Keys {
    /// The keys of a record that are meant.
    fileprivate func found(in owner: AttributeOwner, of otlp: OTLPBatch) -> [String] {
        guard let pattern else { return [name] }
        let keys = otlp.attributes(of: owner).filter { entry in
            pattern.isFound(in: otlp.bytes(of: entry.key)) || (!name.isEmpty && otlp.equals(entry.key, name))
        }
        return keys.map { otlp.string($0.key) }
    }
}

extension AttributeScalar {
    /// The value as a table has it.
    fileprivate var text: String {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .bool(let flag): String(flag)
        }
    }

    /// Whether an attribute has this value already.
    fileprivate func isSame(as value: AttributeValue, in otlp: OTLPBatch) -> Bool {
        switch (self, value) {
        case (.string(let text), .string(let slice)): otlp.equals(slice, text)
        case (.int(let left), .int(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        default: false
        }
    }

    /// A copy of a value; lists and maps are written out as text.
    fileprivate init(_ value: AttributeValue, in otlp: OTLPBatch) {
        switch value {
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .bool(let flag): self = .bool(flag)
        case .empty, .string, .bytes, .array, .keyValueList: self = .string(otlp.text(of: value))
        }
    }
}

extension ActionConfig.ValueForm {
    /// The value in another type; nil when it has no such form.
    fileprivate func convert(_ value: AttributeValue, in otlp: OTLPBatch) -> AttributeScalar? {
        switch self {
        case .string: return .string(otlp.text(of: value))
        case .int:
            switch value {
            case .int: return nil
            case .double(let number): return Int64(exactly: number.rounded(.towardZero)).map { .int($0) }
            case .bool(let flag): return .int(flag ? 1 : 0)
            case .string(let slice): return Int64(otlp.string(slice)).map { .int($0) }
            case .empty, .bytes, .array, .keyValueList: return nil
            }
        case .double:
            switch value {
            case .double: return nil
            case .int(let number): return .double(Double(number))
            case .bool(let flag): return .double(flag ? 1 : 0)
            case .string(let slice): return Double(otlp.string(slice)).map { .double($0) }
            case .empty, .bytes, .array, .keyValueList: return nil
            }
        case .bool:
            guard case .string(let slice) = value else { return nil }
            return Bool(otlp.string(slice)).map { .bool($0) }
        }
    }
}

/// The hash of a value, as the OpenTelemetry Collector makes it, so that both give the same digits.
package enum AttributeHash {
    /// SHA-256 in 64 digits over the bytes of a text, or the eight little-endian bytes of a number; nothing for an empty value.
    package static func digits(of value: AttributeValue, in otlp: OTLPBatch) -> String {
        let bytes: [UInt8] =
            switch value {
            case .int(let number): withUnsafeBytes(of: number.littleEndian) { Array($0) }
            case .double(let number): withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
            case .bool(let flag): [flag ? 1 : 0]
            case .string(let slice): Array(otlp.bytes(of: slice))
            case .empty, .bytes, .array, .keyValueList: Array(otlp.text(of: value).utf8)
            }
        return bytes.isEmpty ? "" : SHA256.hex(SHA256.digest(bytes))
    }
}

extension TextPattern {
    /// Compiles a pattern of a configuration.
    package static func forAction(_ text: String) throws(ActionError) -> TextPattern {
        do throws(PatternError) {
            return try TextPattern(text)
        } catch {
            throw ActionError(message: "the pattern \"\(text)\" cannot be read: \(error)", key: "pattern")
        }
    }
}
