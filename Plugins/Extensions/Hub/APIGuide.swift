// SPDX-License-Identifier: Apache-2.0

import JSON

/// The page that explains the API, made from its description in OpenAPI so that the two cannot differ.
struct APIGuide {
    private let document: [String: JSONValue]

    /// Reads a description.
    ///
    /// - Returns: nil when it is no JSON object.
    init?(_ description: [UInt8]) {
        var reader = JSONReader(description)
        guard case .object(let document)? = try? reader.value() else { return nil }
        self.document = document
    }

    /// The page as Markdown: the routes by path, with their parameters, their body and the shape of their answer.
    var text: String {
        var lines = [
            "# API", "", Self.text(document["info"], "description") ?? "", "",
            "The description for programs (OpenAPI 3.1) is at [`/api/openapi.json`](/api/openapi.json). Errors are JSON with `error`,",
            "which says what is wrong; 503 comes with `Retry-After`.", "",
        ]
        for (path, item) in Self.members(document["paths"]).sorted(by: { $0.key < $1.key }) {
            for (method, operation) in Self.members(item).sorted(by: { $0.key < $1.key }) {
                lines += ["## \(method.uppercased()) \(path)", "", Self.text(operation, "summary") ?? "", ""]
                lines += parameters(of: operation)
                lines += shapes(of: operation)
            }
        }
        return lines.joined(separator: "\n")
    }

    private func parameters(of operation: JSONValue) -> [String] {
        guard case .array(let parameters)? = Self.members(operation)["parameters"], !parameters.isEmpty else {
            return []
        }
        let rows = parameters.map { parameter in
            let schema = Self.members(parameter)["schema"]
            let meaning = [
                Self.text(parameter, "description"), choices(of: schema).map { "one of \($0)" },
                schema.flatMap { Self.text($0, "format") }.map { "a \($0)" },
            ]
            return "| `\(Self.text(parameter, "name") ?? "")` | \(Self.text(parameter, "in") ?? "") | "
                + meaning.compactMap(\.self).joined(separator: "; ").replacing("|", with: "\\|") + " |"
        }
        return ["| parameter | in | meaning |", "| --- | --- | --- |"] + rows + [""]
    }

    private func choices(of schema: JSONValue?) -> String? {
        let schema = Self.members(schema)
        guard case .array(let values)? = schema["enum"] ?? Self.members(schema["items"])["enum"] else { return nil }
        return values.compactMap { value in
            if case .string(let text) = value { "`\(text)`" } else { nil }
        }.joined(separator: ", ")
    }

    /// The members of the answer with status 200.
    private func shapes(of operation: JSONValue) -> [String] {
        let content = Self.members(Self.members(Self.members(operation)["responses"])["200"])["content"]
        let schema = resolved(Self.members(Self.members(content)["application/json"])["schema"])
        let members = Self.members(Self.members(schema)["properties"])
        guard !members.isEmpty else { return [] }
        let rows = members.sorted { $0.key < $1.key }.map { name, value in
            let meaning = Self.text(value, "description") ?? ""
            return "| `\(name)` | \(kind(of: value)) | \(meaning.replacing("|", with: "\\|")) |"
        }
        return ["| member of the answer | type | meaning |", "| --- | --- | --- |"] + rows + [""]
    }

    private func kind(of schema: JSONValue) -> String {
        let members = Self.members(schema)
        if let reference = Self.text(schema, "$ref")?.split(separator: "/").last { return String(reference) }
        switch members["type"] {
        case .string("array")?: return "list of " + (members["items"].map(kind) ?? "values")
        case .string(let type)?: return type
        case .array(let types)?:
            return types.compactMap { type in
                if case .string(let text) = type { text } else { nil }
            }.joined(separator: " or ")
        default: return ""
        }
    }

    private func resolved(_ schema: JSONValue?) -> JSONValue? {
        guard let schema, let name = Self.text(schema, "$ref")?.split(separator: "/").last else { return schema }
        return Self.members(Self.members(document["components"])["schemas"])[String(name)]
    }

    private static func members(_ value: JSONValue?) -> [String: JSONValue] {
        if case .object(let members)? = value { members } else { [:] }
    }

    private static func text(_ value: JSONValue?, _ name: String) -> String? {
        if case .string(let text)? = members(value)[name] { text } else { nil }
    }
}
