// SPDX-License-Identifier: Apache-2.0

import JSON

/// A value of a JSON text with its position.
struct JSONNode {
    /// The value.
    var value: Value
    /// The range of its bytes.
    var range: Range<Int>

    enum Value {
        case scalar(JSONScalar)
        case array([JSONNode])
        case object([Member])
    }

    /// A key of an object with its value.
    struct Member {
        var key: String
        var keyRange: Range<Int>
        var value: JSONNode
    }

    var members: [Member]? {
        if case .object(let members) = value { members } else { nil }
    }

    var scalar: JSONScalar? {
        if case .scalar(let scalar) = value { scalar } else { nil }
    }

    /// The value of a key; of duplicates the last one, which is the one that programs use.
    subscript(key: String) -> JSONNode? { members?.last { $0.key == key }?.value }

    /// The value at a path of keys.
    func node(at path: [String]) -> JSONNode? {
        path.reduce(JSONNode?.some(self)) { $0?[$1] }
    }

    /// Every scalar, empty array and empty object with its path, for comparing the values of two texts.
    var content: [[String]: String] {
        var result: [[String]: String] = [:]
        collect(into: &result, path: [])
        return result
    }

    private func collect(into result: inout [[String]: String], path: [String]) {
        switch value {
        case .scalar(let scalar): result[path] = scalar.text
        case .array(let nodes):
            result[path] = "[\(nodes.count)]"
            for (index, node) in nodes.enumerated() { node.collect(into: &result, path: path + ["[\(index)]"]) }
        case .object(let members):
            result[path] = "{}"
            for member in members { member.value.collect(into: &result, path: path + [member.key]) }
        }
    }
}

/// A value without parts.
enum JSONScalar: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)

    /// The value in JSON.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): text.jsonString
        }
    }

    /// The value as text, for a program that expects text.
    var plain: String {
        if case .string(let text) = self { text } else { text }
    }
}
