// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import JSON
import OTLP
import YAML

/// A JSON Schema (2020-12) for configurations, generated from the descriptions of the components.
struct ConfigSchema {
    let registry: Registry

    /// The schema as JSON.
    var text: String { JSONText.indented(schema) }

    private var schema: Schema {
        var root = Schema(type: "object")
        root.dialect = "https://json-schema.org/draft/2020-12/schema"
        root.title = "Telemetry Hub configuration"
        root.additionalProperties = false
        root.required = ["service"]
        var properties: [String: Schema] = [:]
        for kind in ComponentKind.allCases { properties[kind.rawValue] = section(kind) }
        properties["plugins"] = plugins
        properties["service"] = service
        root.properties = properties
        return root
    }

    private func section(_ kind: ComponentKind) -> Schema {
        var section = Schema(type: ["object", "null"])
        section.additionalProperties = false
        section.patternProperties = [:]
        for factory in registry.all(kind) {
            let names = ([factory.type] + factory.aliases).joined(separator: "|")
            section.patternProperties?["^(\(names))(/.+)?$"] = component(factory)
        }
        return section
    }

    private func component(_ factory: ComponentFactory) -> Schema {
        if let text = factory.configuration.schema {
            var reader = JSONReader(Array(text.utf8))
            if let given = try? reader.value() { return Schema(given: given) }
        }
        var root = Schema(type: ["object", "null"])
        root.description = factory.summary
        root.additionalProperties = false
        root.properties = [:]
        for key in factory.configuration.keys { root.insert(key, at: key.path[...]) }
        return root
    }

    private var plugins: Schema {
        var plugin = Schema(type: "object")
        plugin.additionalProperties = false
        plugin.required = ["command"]
        var command = Schema(type: "array")
        command.items = Box(Schema(type: "string"))
        plugin.properties = [
            "command": command, "sha256": Schema(type: ["string", "null"]),
            "memory_limit": Schema(type: ["string", "number", "null"]),
        ]
        var plugins = Schema(type: ["object", "null"])
        plugins.additionalProperties = false
        plugins.patternProperties = ["^[A-Za-z][A-Za-z0-9_]*$": plugin]
        return plugins
    }

    private var service: Schema {
        var ids = Schema(type: ["array", "null"])
        ids.items = Box(Schema(type: "string"))
        var pipeline = Schema(type: "object")
        pipeline.additionalProperties = false
        pipeline.required = ["receivers", "exporters"]
        pipeline.properties = ["receivers": ids, "processors": ids, "exporters": ids]
        var pipelines = Schema(type: "object")
        pipelines.additionalProperties = false
        pipelines.patternProperties = ["^(\(Signal.allCases.map(\.rawValue).joined(separator: "|")))(/.+)?$": pipeline]
        var level = Schema(type: "string")
        level.choices = TelemetryConfig.Level.allCases.map(\.rawValue)
        var encoding = Schema(type: "string")
        encoding.choices = TelemetryConfig.Encoding.allCases.map(\.rawValue)
        var logs = Schema(type: "object")
        logs.properties = ["level": level, "encoding": encoding]
        var telemetry = Schema(type: "object")
        telemetry.properties = ["logs": logs]
        var service = Schema(type: "object")
        service.additionalProperties = false
        service.required = ["pipelines"]
        service.properties = [
            "extensions": ids, "pipelines": pipelines, "telemetry": telemetry,
            "memory_limit": Schema(type: ["string", "number", "null"]),
        ]
        return service
    }
}

/// A part of a JSON Schema.
private struct Schema: Encodable {
    var dialect: String?
    var title: String?
    var description: String?
    var type: [String]
    var choices: [String]?
    var properties: [String: Schema]?
    var patternProperties: [String: Schema]?
    var additionalProperties: Bool?
    var required: [String]?
    var items: Box?
    /// A schema that a component supplies; it replaces all other members.
    var given: JSONValue?

    init(given: JSONValue) {
        type = []
        self.given = given
    }

    init(type: String) { self.type = [type] }

    init(type: [String]) { self.type = type }

    enum CodingKeys: String, CodingKey {
        case dialect = "$schema"
        case choices = "enum"
        case title, description, type, properties, patternProperties, additionalProperties, required, items
    }

    func encode(to encoder: any Encoder) throws {
        if let given { return try given.encode(to: encoder) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(dialect, forKey: .dialect)
        try container.encodeIfPresent(title, forKey: .title)
        try container.encodeIfPresent(description, forKey: .description)
        try container.encode(type, forKey: .type)
        try container.encodeIfPresent(choices, forKey: .choices)
        try container.encodeIfPresent(properties, forKey: .properties)
        try container.encodeIfPresent(patternProperties, forKey: .patternProperties)
        try container.encodeIfPresent(additionalProperties, forKey: .additionalProperties)
        try container.encodeIfPresent(required, forKey: .required)
        try container.encodeIfPresent(items, forKey: .items)
    }

    /// Adds a key to nested sections, which are created when needed.
    mutating func insert(_ key: ConfigKey, at path: ArraySlice<String>) {
        guard let name = path.first else { return }
        if path.count == 1 {
            var leaf = Schema(key.type)
            leaf.description = key.documentation.isEmpty ? nil : key.documentation
            properties?[name] = leaf
            return
        }
        var nested = properties?[name] ?? Schema(type: ["object", "null"])
        nested.additionalProperties = false
        if nested.properties == nil { nested.properties = [:] }
        nested.insert(key, at: path.dropFirst())
        properties?[name] = nested
    }

    /// The schema of a value type; every value may also be a text from the environment, and null means the default.
    init(_ type: ValueType) {
        switch type {
        case .integer: self.init(type: ["integer", "string", "null"])
        case .number: self.init(type: ["number", "string", "null"])
        case .boolean: self.init(type: ["boolean", "string", "null"])
        case .list(let element):
            self.init(type: ["array", "null"])
            items = Box(Schema(element))
        case .map(let value):
            self.init(type: ["object", "null"])
            patternProperties = [".*": Schema(value)]
        case .section:
            self.init(type: ["object", "null"])
        case .choice(let words):
            self.init(type: ["string", "null"])
            description = words.joined(separator: ", ")
        case .string, .duration, .size, .path, .secret, .custom:
            self.init(type: ["string", "number", "null"])
        }
    }
}

/// Holds a schema inside another.
private final class Box: Encodable {
    let schema: Schema

    init(_ schema: Schema) { self.schema = schema }

    func encode(to encoder: any Encoder) throws { try schema.encode(to: encoder) }
}
