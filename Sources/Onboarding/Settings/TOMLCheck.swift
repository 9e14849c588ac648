// SPDX-License-Identifier: Apache-2.0

import TOMLKit

/// What a TOML parser makes of a text.
enum TOMLCheck {
    /// Every value with the path to it; throws where the text is not TOML.
    static func content(of bytes: [UInt8]) throws(SyntaxError) -> [[String]: String] {
        if let fault = TextShape.firstFault(of: bytes) { throw fault }
        let mark = TextShape(bytes).mark.count
        let text = String(decoding: bytes.dropFirst(mark), as: UTF8.self)
        do {
            var result: [[String]: String] = [:]
            collect(try TOMLTable(string: text), into: &result, path: [])
            return result
        } catch let error as TOMLParseError {
            throw SyntaxError(
                offset: offset(ofLine: error.source.begin.line, column: error.source.begin.column, in: bytes),
                message: error.description
            )
        } catch {
            throw SyntaxError(offset: 0, message: "\(error)")
        }
    }

    private static func collect(_ table: TOMLTable, into result: inout [[String]: String], path: [String]) {
        result[path] = "{}"
        for key in table.keys {
            guard let value = table[key] else { continue }
            if let inner = value.table {
                collect(inner, into: &result, path: path + [key])
            } else {
                result[path + [key]] = "\(value.type) \(value.debugDescription)"
            }
        }
    }

    private static func offset(ofLine line: Int, column: Int, in bytes: [UInt8]) -> Int {
        var start = 0
        for _ in 1..<max(1, line) {
            guard let end = bytes[start...].firstIndex(of: 10) else { break }
            start = end + 1
        }
        return min(bytes.count, start + max(0, column - 1))
    }
}
