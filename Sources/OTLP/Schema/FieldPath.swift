// SPDX-License-Identifier: Apache-2.0

/// Finds the name of the field at an offset by reading the body again: errors are rare, so reading is not slowed down by keeping
/// track.
enum FieldPath {
    /// The path in a protobuf request, in the names of OTLP/JSON: `resourceSpans[0].scopeSpans[2].spans[7]`.
    static func inProtobuf(_ body: [UInt8], offset: Int, signal: Signal) -> String {
        var path = ""
        var message = MessageID.request(signal)
        var range = 0..<body.count
        for _ in 0..<Wire.maximumDepth {
            guard let step = fieldAround(offset, body, range, message) else { break }
            path += (path.isEmpty ? "" : ".") + step.name
            guard let inner = step.message else { break }
            (message, range) = inner
        }
        return path
    }

    private struct Step {
        var name: String
        /// The message to search next, if the field has one.
        var message: (MessageID, Range<Int>)?
    }

    private static func fieldAround(
        _ offset: Int,
        _ body: [UInt8],
        _ range: Range<Int>,
        _ message: MessageID
    ) -> Step? {
        let bytes = body.span.bytes
        var cursor = WireCursor(range)
        var counts: [UInt32: Int] = [:]
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { return nil }
            let valueStart = cursor.position
            let isComplete = (try? cursor.skip(tag, bytes)) != nil
            let ordinal = counts[tag >> 3, default: 0]
            counts[tag >> 3] = ordinal + 1
            guard !isComplete || (start..<cursor.position).contains(offset) else { continue }
            guard let index = Schema.otlp.field(number: tag >> 3, in: message) else { return nil }
            let field = Schema.otlp.fields[index]
            let name = field.name.description + (field.isRepeated ? "[\(ordinal)]" : "")
            var value = WireCursor(valueStart..<range.upperBound)
            guard isComplete, field.kind == .message, let inner = try? value.lengthDelimited(bytes),
                inner.contains(offset) || inner.upperBound == offset
            else { return Step(name: name, message: nil) }
            return Step(name: name, message: (field.message, inner))
        }
        return nil
    }
}

// MARK: - JSON

extension FieldPath {
    /// The path in a JSON request; everything before the offset has been read before and is well-formed.
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

    /// The position after the closing quote, or the end of the body plus one.
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

    /// Long keys of the sender are cut, so that messages stay short.
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
