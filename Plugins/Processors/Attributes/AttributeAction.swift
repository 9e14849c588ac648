// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Why an action or a match cannot be carried out.
struct ActionError: Error, Hashable {
    var message: String
    /// The key at fault inside its section.
    var key: String?
    var help: String?
}

/// One action, ready to be carried out.
enum AttributeAction: Sendable {
    case insert(String, Source)
    case update(String, Source)
    case upsert(String, Source)
    case delete(Keys)
    case hash(Keys)
    case extract(String, TextPattern)
    case convert(String, ActionConfig.ValueForm)

    /// Where a new value comes from.
    enum Source: Sendable {
        case value(AttributeScalar)
        case attribute(String)
    }

    /// Which attributes an action is about.
    struct Keys: Sendable {
        var name: String
        var pattern: TextPattern?
    }

    static func list(_ configs: [ActionConfig]) throws(ActionError) -> [AttributeAction] {
        var actions: [AttributeAction] = []
        for config in configs { actions.append(try AttributeAction(config)) }
        return actions
    }

    /// Checks an action as it was written.
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
    /// A value as it was written in a configuration: what looks like a number or `true` is one, unless a type is asked for.
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
