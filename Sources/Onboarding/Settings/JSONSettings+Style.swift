// SPDX-License-Identifier: Apache-2.0

extension JSONSettings {
    /// How an object is laid out, so that what is added looks like what is there.
    struct Style {
        /// Whether each key has a line of its own.
        var isMultiline: Bool
        /// What stands in front of a key on its line.
        var indent: String
        /// What stands in front of the line on which the object ends.
        var outerIndent: String
        /// What stands between a key and its value.
        var colon: String
        /// What stands after a comma between two keys on one line.
        var gap: String
        /// One step of indentation.
        let unit: String
        let newline: String

        init(of object: JSONNode, in bytes: [UInt8], unit: String, newline: String, documentIsOneLine: Bool) {
            self.unit = unit
            self.newline = newline
            let members = object.members ?? []
            outerIndent = Self.indentOfLine(at: object.range.lowerBound, in: bytes)
            guard let last = members.last else {
                isMultiline = !documentIsOneLine
                indent = outerIndent + unit
                colon = documentIsOneLine && !Self.hasSpaces(bytes) ? ":" : ": "
                gap = " "
                return
            }
            let between = bytes[last.keyRange.upperBound..<last.value.range.lowerBound]
            colon = between.allSatisfy { [32, 58].contains($0) } ? String(decoding: between, as: UTF8.self) : ": "
            gap = colon.hasSuffix(" ") ? " " : ""
            let own = JSONSettings.indent(before: last.keyRange.lowerBound, in: bytes)
            isMultiline = own != nil
            indent = own ?? outerIndent + unit
        }

        /// Whether keys of a text on one line are followed by a space.
        private static func hasSpaces(_ bytes: [UInt8]) -> Bool {
            bytes.indices.dropLast().contains { bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == 32 }
        }

        private static func indentOfLine(at offset: Int, in bytes: [UInt8]) -> String {
            let start = bytes[..<offset].lastIndex(of: 10).map { $0 + 1 } ?? 0
            let blank = bytes[start...].prefix { $0 == 32 || $0 == 9 }
            return String(decoding: blank, as: UTF8.self)
        }

        /// A key with its value; further keys of the path become objects.
        func member(_ scalar: JSONScalar, under path: [String]) -> String {
            guard let key = path.first else { return "" }
            return JSONScalar.quoted(key) + colon + text(of: scalar, under: Array(path.dropFirst()))
        }

        /// A value; keys of the path become objects around it.
        func text(of scalar: JSONScalar, under path: [String]) -> String {
            guard !path.isEmpty else { return scalar.text }
            guard isMultiline else { return "{" + member(scalar, under: path) + "}" }
            var inner = self
            inner.indent = indent + unit
            return "{" + newline + inner.indent + inner.member(scalar, under: path) + newline + indent + "}"
        }
    }
}
