// SPDX-License-Identifier: Apache-2.0

extension FieldPath {
    /// The path in a JSON request; everything before the offset has been read once and is well-formed.
    static func inJSON(_ body: [UInt8], offset: Int) -> String {
        var path = JSONPath()
        var position = 0
        while position < min(offset, body.count) {
            switch body[position] {
            case UInt8(ascii: "\""):
                let end = endOfString(body, position)
                if end <= offset { path.string(body[position + 1..<end - 1]) }
                position = end - 1
            case UInt8(ascii: "{"): path.open(.object(key: nil))
            case UInt8(ascii: "["): path.open(.array(index: 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): path.close()
            case UInt8(ascii: ","): path.next()
            default: break
            }
            position += 1
        }
        return path.description
    }

    /// The position behind the closing quote, or the end of the body plus one.
    private static func endOfString(_ body: [UInt8], _ start: Int) -> Int {
        var position = start + 1
        while position < body.count, body[position] != UInt8(ascii: "\"") {
            position += body[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return position + 1
    }
}

/// The objects and arrays around a position.
private struct JSONPath {
    enum Level {
        case object(key: ArraySlice<UInt8>?)
        case array(index: Int)
    }

    private var levels: [Level] = []

    mutating func open(_ level: Level) { levels.append(level) }

    mutating func close() { _ = levels.popLast() }

    /// The first string of an object's member is its key.
    mutating func string(_ text: ArraySlice<UInt8>) {
        if case .object(key: nil) = levels.last { levels[levels.count - 1] = .object(key: text) }
    }

    mutating func next() {
        switch levels.last {
        case .object: levels[levels.count - 1] = .object(key: nil)
        case .array(let index): levels[levels.count - 1] = .array(index: index + 1)
        case nil: break
        }
    }

    /// Keys are the sender's: long ones are cut, so that messages stay short.
    var description: String {
        var text = ""
        for level in levels where text.utf8.count < 512 {
            switch level {
            case .object(key: nil): break
            case .object(let key?):
                text += (text.isEmpty ? "" : ".") + String(decoding: key.prefix(64), as: UTF8.self)
            case .array(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
