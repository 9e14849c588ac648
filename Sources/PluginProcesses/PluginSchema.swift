// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import YAML

/// The JSON Schema that a plugin gives for the configuration of a component, as far as the collector reads it.
///
/// It reads `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `minimum`, `maximum`, `minLength`, `maxLength`,
/// `minItems`, `maxItems`, `default`, `description` and `writeOnly`; it does not judge by others. As everywhere in a configuration, a key
/// that no schema has is an error unless `additionalProperties` allows it, nothing behind a colon means the default, and text out of the
/// environment is a number where a number is wanted.
struct PluginSchema: Sendable {
    private let root: JSONValue
    /// Takes every value, and every key of one.
    private static let anything = JSONValue.object(["additionalProperties": .bool(true)])

    /// Creates a schema; without one every key is allowed.
    init(_ root: JSONValue?) { self.root = root ?? Self.anything }

    /// The keys that it names, nested ones joined by their path, in alphabetical order.
    var keys: [ConfigKey] { Self.keys(of: root, at: []) }

    /// Whether it allows keys that it does not name.
    var takesAll: Bool { ![nil, .bool(false)].contains(Self.member("additionalProperties", of: root)) }

    /// The names at its top.
    var names: [String] { Self.properties(of: root).map(\.name) }

    /// The keys whose values are not to be shown.
    var secretNames: [String] { Self.secrets(of: root) }

    private static func secrets(of schema: JSONValue) -> [String] {
        properties(of: schema).flatMap { name, property in
            (member("writeOnly", of: property) == .bool(true) ? [name] : []) + secrets(of: property)
        }
    }

    private static func keys(of schema: JSONValue, at path: [String]) -> [ConfigKey] {
        properties(of: schema).flatMap { name, property -> [ConfigKey] in
            let path = path + [name]
            if member("type", of: property) == .string("object"), !properties(of: property).isEmpty {
                return keys(of: property, at: path)
            }
            let key = ConfigKey(
                path: path,
                type: valueType(of: property),
                defaultText: member("default", of: property).map { text(of: $0) },
                documentation: member("description", of: property).map { text(of: $0) } ?? "of the plugin"
            )
            return [key]
        }
    }

    private static func valueType(of schema: JSONValue) -> ValueType {
        if case .array(let words)? = member("enum", of: schema) { return .choice(words.map { text(of: $0) }) }
        if member("writeOnly", of: schema) == .bool(true) { return .secret }
        switch types(of: schema).first {
        case "string": return .string
        case "integer": return .integer
        case "number": return .number
        case "boolean": return .boolean
        case "array": return .list(member("items", of: schema).map { valueType(of: $0) } ?? .string)
        case "object": return .map(member("additionalProperties", of: schema).map { valueType(of: $0) } ?? .string)
        default: return .custom("value")
        }
    }

    private static func text(of value: JSONValue) -> String {
        if case .string(let text) = value { text } else { value.jsonText }
    }

    private static func member(_ key: String, of schema: JSONValue) -> JSONValue? {
        guard case .object(let members) = schema else { return nil }
        return members[key]
    }

    private static func properties(of schema: JSONValue) -> [(name: String, schema: JSONValue)] {
        guard case .object(let properties)? = member("properties", of: schema) else { return [] }
        return properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func types(of schema: JSONValue) -> [String] {
        switch member("type", of: schema) {
        case .string(let type)?: [type]
        case .array(let types)?: types.compactMap { if case .string(let type) = $0 { type } else { nil } }
        default: []
        }
    }

    private static func number(_ key: String, of schema: JSONValue) -> Double? {
        guard case .number(let text)? = member(key, of: schema) else { return nil }
        return Double(text)
    }

    // MARK: - Reading

    /// A configuration as JSON, with the defaults of the schema where nothing is written; whatever is wrong is reported at its place.
    ///
    /// - Parameter hosts: The names at the top that are the collector's own, for suggestions.
    func json(of written: Node, beside hosts: [String], _ diagnostics: inout Diagnostics) -> String {
        var reading = Reading(diagnostics: diagnostics, hosts: hosts)
        let node = written.isNull ? Node.mapping(Node.Mapping(mark: written.mark)) : written
        let value = reading.value(of: node, Self.withType("object", root), named: "")
        diagnostics = reading.diagnostics
        return value?.jsonText ?? "{}"
    }

    private static func withType(_ type: String, _ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema, members["type"] == nil else { return schema }
        members["type"] = .string(type)
        return .object(members)
    }

    private struct Reading {
        var diagnostics: Diagnostics
        let hosts: [String]

        mutating func report(_ code: String, _ message: String, _ node: Node, help: String? = nil) {
            let text = node.scalar?.concealing(message) ?? message
            diagnostics.append(.error(code, text, at: node.mark, help: help))
        }

        /// The value of a node; nil when there is none, or it is reported.
        mutating func value(of node: Node, _ schema: JSONValue, named name: String) -> JSONValue? {
            if node.scalar?.isUnresolved == true { return nil }
            if node.isNull { return member("default", of: schema) }
            let found: JSONValue?
            switch node {
            case .scalar(let scalar): found = self.scalar(scalar, schema, name)
            case .sequence(let sequence): found = list(sequence, schema, name)
            case .mapping(let mapping): found = object(mapping, schema, name)
            }
            guard let found, case .array(let words)? = member("enum", of: schema), !words.contains(found) else {
                return found
            }
            let choices = words.map { PluginSchema.text(of: $0) }
            let similar = suggestion(for: PluginSchema.text(of: found), among: choices)
            report(
                "invalid-value",
                "\(title(name)) is one of \(choices.joined(separator: ", "))",
                node,
                help: similar.map { "did you mean \"\($0)\"?" }
            )
            return nil
        }

        private func title(_ name: String) -> String { name.isEmpty ? "this" : "\"\(name)\"" }

        private mutating func mismatch(_ node: Node, _ types: [String], _ name: String) -> JSONValue? {
            let wanted = types.map { type in
                switch type {
                case "string": "a text"
                case "integer": "a whole number"
                case "number": "a number"
                case "boolean": "true or false"
                case "array": "a list"
                case "object": "a mapping of keys to values"
                default: type
                }
            }
            report("type-mismatch", "\(title(name)) is \(wanted.joined(separator: " or "))", node)
            return nil
        }

        private mutating func scalar(_ scalar: Scalar, _ schema: JSONValue, _ name: String) -> JSONValue? {
            let types = PluginSchema.types(of: schema)
            let node = Node.scalar(scalar)
            let (text, resolved) = (scalar.text, scalar.resolved)
            // Text out of the environment has no type of its own.
            let isFree = scalar.style == .plain || scalar.reference != nil
            func wants(_ type: String) -> Bool { types.isEmpty || types.contains(type) }
            if wants("boolean"), case .boolean(let flag) = resolved { return .bool(flag) }
            if wants("boolean"), isFree, text == "true" || text == "false" { return .bool(text == "true") }
            if wants("integer") || wants("number"), let number = number(scalar, isFree: isFree) {
                let isWhole = number.rounded() == number
                if isWhole || wants("number") {
                    check(number, schema, name, node)
                    return isWhole && abs(number) < 1e15 ? .number(String(Int64(number))) : .number("\(number)")
                }
            }
            guard wants("string") else { return mismatch(node, types, name) }
            let length = Double(text.unicodeScalars.count)
            if let least = PluginSchema.number("minLength", of: schema), length < least {
                report("out-of-range", "\(title(name)) has at least \(Int(least)) characters", node)
            }
            if let most = PluginSchema.number("maxLength", of: schema), length > most {
                report("out-of-range", "\(title(name)) has at most \(Int(most)) characters", node)
            }
            return .string(text)
        }

        private func number(_ scalar: Scalar, isFree: Bool) -> Double? {
            switch scalar.resolved {
            case .integer(let number?): Double(number)
            case .float(let number) where number.isFinite: number
            case .string where isFree: Double(scalar.text).flatMap { $0.isFinite ? $0 : nil }
            default: nil
            }
        }

        private mutating func check(_ number: Double, _ schema: JSONValue, _ name: String, _ node: Node) {
            if let least = PluginSchema.number("minimum", of: schema), number < least {
                report("out-of-range", "\(title(name)) is at least \(JSONValue.number("\(least)").plain)", node)
            }
            if let most = PluginSchema.number("maximum", of: schema), number > most {
                report("out-of-range", "\(title(name)) is at most \(JSONValue.number("\(most)").plain)", node)
            }
        }

        private mutating func list(_ sequence: Node.Sequence, _ schema: JSONValue, _ name: String) -> JSONValue? {
            let types = PluginSchema.types(of: schema)
            let node = Node.sequence(sequence)
            guard types.isEmpty || types.contains("array") else { return mismatch(node, types, name) }
            let count = Double(sequence.elements.count)
            if let least = PluginSchema.number("minItems", of: schema), count < least {
                report("out-of-range", "\(title(name)) has at least \(Int(least)) items", node)
            }
            if let most = PluginSchema.number("maxItems", of: schema), count > most {
                report("out-of-range", "\(title(name)) has at most \(Int(most)) items", node)
            }
            let items = member("items", of: schema) ?? PluginSchema.anything
            var values: [JSONValue] = []
            for element in sequence.elements {
                if let value = value(of: element, items, named: name) { values.append(value) }
            }
            return .array(values)
        }

        private mutating func object(_ mapping: Node.Mapping, _ schema: JSONValue, _ name: String) -> JSONValue? {
            let types = PluginSchema.types(of: schema)
            guard types.isEmpty || types.contains("object") else { return mismatch(.mapping(mapping), types, name) }
            let properties = PluginSchema.properties(of: schema)
            var members: [String: JSONValue] = [:]
            for entry in mapping.entries {
                let key = entry.key.text
                if let property = properties.first(where: { $0.name == key }) {
                    members[key] = value(of: entry.value, property.schema, named: key)
                    continue
                }
                switch member("additionalProperties", of: schema) {
                case .bool(true)?: members[key] = value(of: entry.value, PluginSchema.anything, named: key)
                case .object(let others)?: members[key] = value(of: entry.value, .object(others), named: key)
                default: reportUnknown(entry, properties.map(\.name) + (name.isEmpty ? hosts : []))
                }
            }
            for (key, property) in properties where members[key] == nil && mapping.entry(key)?.value.isNull != false {
                members[key] = member("default", of: property)
            }
            if case .array(let required)? = member("required", of: schema) {
                for case .string(let key) in required
                where members[key] == nil && mapping.entry(key)?.value.isNull != false {
                    report("missing-key", "the key \"\(key)\" is missing", .mapping(mapping), help: "add \(key):")
                }
            }
            return .object(members)
        }

        private mutating func reportUnknown(_ entry: Node.Entry, _ keys: [String]) {
            diagnostics.append(
                .error(
                    "unknown-key",
                    "there is no key \"\(entry.key.text)\"",
                    at: entry.key.mark,
                    help: suggestion(for: entry.key.text, among: keys).map { "did you mean \"\($0)\"?" },
                    notes: keys.isEmpty ? [] : [.init("keys: \(keys.sorted().joined(separator: ", "))")]
                )
            )
        }

        private func member(_ key: String, of schema: JSONValue) -> JSONValue? { PluginSchema.member(key, of: schema) }
    }
}

extension JSONValue {
    /// A number without a fraction that says nothing.
    fileprivate var plain: String {
        guard case .number(let text) = self else { return jsonText }
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
