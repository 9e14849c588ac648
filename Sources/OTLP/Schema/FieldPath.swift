// SPDX-License-Identifier: Apache-2.0

/// Finds the name of the field that lies at an offset, by reading the body again: errors are rare, so reading is not
/// slowed down by keeping track.
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
        /// What to search next, if the field holds a message.
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
