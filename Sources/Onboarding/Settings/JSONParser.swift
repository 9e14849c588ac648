// SPDX-License-Identifier: Apache-2.0

import JSON

/// Parses JSON and keeps the position of every value.
struct JSONParser {
    private var reader: JSONReader

    /// The one value of the text.
    static func parse(_ bytes: [UInt8], dialect: JSONDialect) throws(SyntaxError) -> JSONNode {
        if let fault = TextShape.firstFault(of: bytes) { throw fault }
        do throws(JSONError) {
            var parser = JSONParser(reader: JSONReader(bytes, dialect: dialect, deepest: 256, takesMark: true))
            let root = try parser.value()
            try parser.reader.finish()
            return root
        } catch {
            throw SyntaxError(offset: error.offset, message: error.message)
        }
    }

    private mutating func value() throws(JSONError) -> JSONNode {
        let first = try reader.peek()
        let start = reader.position
        let value: JSONNode.Value
        switch first {
        case UInt8(ascii: "{"): value = .object(try members())
        case UInt8(ascii: "["): value = .array(try elements())
        default:
            switch try reader.value() {
            case .null: value = .scalar(.null)
            case .bool(let flag): value = .scalar(.bool(flag))
            case .number(let digits): value = .scalar(.number(digits))
            case .string(let text): value = .scalar(.string(text))
            case .array, .object: throw reader.error(.noValue)
            }
        }
        return JSONNode(value: value, range: start..<reader.position)
    }

    private mutating func members() throws(JSONError) -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        try reader.enterObject()
        while let key = try reader.nextKeyRange() {
            let quoted = key.lowerBound - 1..<key.upperBound + 1
            members.append(JSONNode.Member(key: try reader.text(key), keyRange: quoted, value: try value()))
        }
        return members
    }

    private mutating func elements() throws(JSONError) -> [JSONNode] {
        var elements: [JSONNode] = []
        try reader.enterArray()
        while try reader.nextElement() { elements.append(try value()) }
        return elements
    }
}
