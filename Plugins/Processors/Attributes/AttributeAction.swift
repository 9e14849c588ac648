// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Why an action or a match is invalid.
struct ActionError: Error, Hashable {
    var message: String
    /// The key with the error within its section.
    var key: String?
    var help: String?
}

/// One validated action.
enum AttributeAction: Sendable {
    case insert(String, Source)
    case update(String, Source)
    case upsert(String, Source)
    case delete(Keys)
    case hash(Keys)
    case extract(String, TextPattern)
    case convert(String, ActionConfig.ValueForm)

    /// The source of a new value.
    enum Source: Sendable {
        case value(AttributeScalar)
        case attribute(String)
    }

    /// The attributes that an action applies to.
    struct Keys: Sendable {
        var name: String
        var pattern: TextPattern?
    }

    static func list(_ configs: [ActionConfig]) throws(ActionError) -> [AttributeAction] {
        var actions: [AttributeAction] = []
        for config in configs { actions.append(try AttributeAction(config)) }
        return actions
    }

    /// Validates an action of the configuration.
    init(_ config: ActionConfig) throws(ActionError) {
        let keys = Keys(name: config.key, pattern: try config.pattern.map(TextPattern.make))
        let takesPattern = config.action == .delete || config.action == .hash
        guard !config.key.isEmpty || (takesPattern && keys.pattern != nil) else {
            throw ActionError(
                message: "the action \(config.action.rawValue) needs the key of an attribute",
                key: "key",
                help: takesPattern ? "write key or pattern" : "write key"
            )
        }
        switch config.action {
        case .insert: self = .insert(config.key, try Self.source(config))
        case .update: self = .update(config.key, try Self.source(config))
        case .upsert: self = .upsert(config.key, try Self.source(config))
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

    private static func source(_ config: ActionConfig) throws(ActionError) -> Source {
        switch (config.value, config.fromAttribute) {
        case (nil, let name?) where !name.isEmpty: return .attribute(name)
        case (let text?, nil):
            guard let value = AttributeScalar(writtenAs: text, config.convertedType) else {
                throw ActionError(
                    message: "\"\(text)\" is no \(config.convertedType?.rawValue ?? "value")",
                    key: "value",
                    help: "correct it, or take converted_type out"
                )
            }
            return .value(value)
        default:
            throw ActionError(
                message: "\(config.action.rawValue) needs either value or from_attribute",
                help: "write one of them"
            )
        }
    }
}

extension AttributeScalar {
    /// A value of the configuration: a text that looks like a number or `true` becomes one, unless a type is given.
    init?(writtenAs text: String, _ form: ActionConfig.ValueForm?) {
        switch form {
        case .string?: self = .string(text)
        case .int?:
            guard let number = Int64(text) else { return nil }
            self = .int(number)
        case .double?:
            guard let number = Double(text) else { return nil }
            self = .double(number)
        case .bool?:
            guard let flag = Bool(text) else { return nil }
            self = .bool(flag)
        case nil:
            if let flag = Bool(text) {
                self = .bool(flag)
            } else if let number = Int64(text) {
                self = .int(number)
            } else if let first = text.unicodeScalars.first, "0123456789-+.".unicodeScalars.contains(first),
                let number = Double(text), number.isFinite
            {
                self = .double(number)
            } else {
                self = .string(text)
            }
        }
    }
}

// MARK: - Applying

extension AttributeAction {
    /// Applies the action to a record; a missing attribute is no error.
    func apply(to record: Int, of otlp: inout OTLPBatch) {
        switch self {
        case .insert(let key, let source):
            if otlp.attribute(key, of: .record(record)) == nil { source.set(key, record, of: &otlp) }
        case .update(let key, let source):
            if otlp.attribute(key, of: .record(record)) != nil { source.set(key, record, of: &otlp) }
        case .upsert(let key, let source): source.set(key, record, of: &otlp)
        case .delete(let keys):
            for key in keys.found(in: record, of: otlp) { otlp.removeAttributes(key, record: record) }
        case .hash(let keys):
            for key in keys.found(in: record, of: otlp) {
                guard let value = otlp.attribute(key, of: .record(record)) else { continue }
                otlp.set(key, to: .string(AttributeHash.digits(of: value, in: otlp)), record: record)
            }
        case .extract(let key, let pattern):
            guard case .string(let slice)? = otlp.attribute(key, of: .record(record)) else { return }
            for (name, text) in pattern.namedGroups(in: otlp.bytes(of: slice)) ?? [] {
                otlp.set(name, to: .string(text), record: record)
            }
        case .convert(let key, let form):
            guard let value = otlp.attribute(key, of: .record(record)),
                let converted = form.convert(value, in: otlp)
            else { return }
            otlp.set(key, to: converted, record: record)
        }
    }
}

extension AttributeAction.Source {
    fileprivate func set(_ key: String, _ record: Int, of otlp: inout OTLPBatch) {
        switch self {
        case .value(let value): otlp.set(key, to: value, record: record)
        case .attribute(let name):
            guard let value = otlp.attribute(name, of: .record(record)) else { return }
            otlp.set(key, to: AttributeScalar(value, in: otlp), record: record)
        }
    }
}

extension AttributeAction.Keys {
    /// The keys of a record that the action applies to.
    fileprivate func found(in record: Int, of otlp: OTLPBatch) -> [String] {
        guard let pattern else { return [name] }
        let keys = otlp.attributes(of: .record(record)).filter { entry in
            pattern.isFound(in: otlp.bytes(of: entry.key)) || (!name.isEmpty && otlp.equals(entry.key, name))
        }
        return keys.map { otlp.string($0.key) }
    }
}

extension AttributeScalar {
    /// A copy of a value; lists and maps become text.
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
    /// The value converted to another type; nil when that is impossible.
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

/// The hash of a value, the same digits as the OpenTelemetry Collector computes.
enum AttributeHash {
    /// SHA-256 in 64 digits over the bytes of a text, or the eight little-endian bytes of a number; the empty text for an empty value.
    static func digits(of value: AttributeValue, in otlp: OTLPBatch) -> String {
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
