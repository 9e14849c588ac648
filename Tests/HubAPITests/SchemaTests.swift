// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import HTTPTypes
import HubAPI
import JSON
import Testing

/// Compares the description of the API with the types that encode and decode its documents.
struct SchemaTests {
    private let document: JSONValue

    init() throws {
        let bytes = UnsafeBufferPointer(start: hammurabi_openapi(), count: hammurabi_openapi_length())
        var reader = JSONReader(Array(bytes))
        document = try reader.value()
    }

    @Test func `every answer of the hub is described as its type`() throws {
        try expect(.health)
        // Only the events of a stream leave the sessions out.
        try expect(.summary, alwaysWith: "sessions")
        try expect(.insights)
        try expect(.blocks)
        try expect(.compare)
        try expect(.statusLine)
        try expect(.statusLineReport)
        try expect(.limits)
        try expect(.quality)
        try expect(.sessions)
        try expect(.session)
        try expect(.call)
        try expect(.prices)
        try expect(.budgets)
        try expect(.alerts)
        try expect(.alertTest)
        try expect(.pipelines)
        try expect(.compact)
        try expect(.scan)
        try expect(.reprice)
        try expect(.reload)
    }

    @Test func `an error is described as its type`() throws {
        let described = try Shape(schema: try #require(document["components"]?["schemas"]?["Error"]), of: document)
        #expect(described == (try Shape(of: ErrorDocument.self)))
    }

    @Test func `a difference would be noticed`() throws {
        struct Other: Decodable {
            var error: String
            var status: Int?
            var more: [Bool]
        }
        #expect(
            try Shape(of: Other.self).description == "{error: string, more: [boolean], status: integer or null}"
        )
        #expect(try Shape(of: Other.self) != (try Shape(of: ErrorDocument.self)))
        let repriced = try Shape(of: RepricingDocument.self).description
        #expect(
            repriced
                == "{ok: boolean, repriced: integer, unmatchedOverrides?: [{model: string, nearest: string or null}]}"
        )
    }

    private func expect<Document>(_ endpoint: HubEndpoint<Document>, alwaysWith member: String? = nil) throws {
        let operation = document["paths"]?[endpoint.path]?[endpoint.method.rawValue.lowercased()]
        let content = operation?["responses"]?["200"]?["content"]?["application/json"]
        let schema = try #require(content?["schema"], "\(endpoint.method) \(endpoint.path)")
        let described = try Shape(schema: schema, of: document)
        var real = try Shape(of: Document.self)
        if let member, case .object(var members) = real {
            members[member]?.isRequired = true
            real = .object(members)
        }
        #expect(described == real, "\(endpoint.path)\n\(described)\n\(real)")
    }
}

extension JSONValue {
    /// A member of an object.
    fileprivate subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }

    fileprivate var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
}

extension Shape {
    /// The shape that a schema describes.
    fileprivate init(schema: JSONValue, of document: JSONValue) throws {
        if let name = schema["$ref"]?.text?.split(separator: "/").last {
            let schemas = document["components"]?["schemas"]
            self = try Shape(schema: try #require(schemas?[String(name)], "\(name)"), of: document)
            return
        }
        switch try #require(Self.types(schema).first { $0 != "null" }, "\(schema)") {
        case "string": self = .string
        case "boolean": self = .boolean
        case "integer": self = .integer
        case "number": self = .number
        case "array": self = .array(try Shape(schema: try #require(schema["items"]), of: document))
        default:
            guard case .object(let properties) = schema["properties"] else {
                self = .map(try Shape(schema: try #require(schema["additionalProperties"]), of: document))
                return
            }
            let required = Set((schema["required"]?.elements ?? []).compactMap(\.text))
            #expect(required.isSubset(of: properties.keys))
            var members: [String: Member] = [:]
            for (name, property) in properties {
                let choices = property["anyOf"]?.elements ?? [property]
                let isNull = choices.map { Self.types($0).contains("null") }
                let schema = choices.first { Self.types($0) != ["null"] } ?? property
                members[name] = Member(
                    shape: try Shape(schema: schema, of: document),
                    isNullable: isNull.contains(true),
                    isRequired: required.contains(name)
                )
            }
            self = .object(members)
        }
    }

    private static func types(_ schema: JSONValue) -> [String] {
        guard let type = schema["type"] else { return [] }
        return type.text.map { [$0] } ?? type.elements.compactMap(\.text)
    }
}
