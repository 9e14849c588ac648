// SPDX-License-Identifier: Apache-2.0

/// Rewrites a message so that it can be turned into JSON in one pass.
enum FieldOrder {
    /// Groups the values of each known field.
    ///
    /// Repeated ones one after the other, of single ones the last, sub-messages
    /// merged, and of several alternatives the one that was set last. Unknown fields are left out.
    static func canonical(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> [UInt8] {
        let occurrences = occurrences(message, body, bytes)
        let alternative = occurrences.last { Schema.otlp.fields[$0.index].form == .alternative }?.index
        var sink = ByteSink(capacity: body.count)
        for index in Schema.otlp.fieldIndices(message) {
            let field = Schema.otlp.fields[index]
            if field.form == .alternative, index != alternative { continue }
            let values = occurrences.filter { $0.index == index }
            guard let last = values.last else { continue }
            if field.isRepeated {
                for value in values { sink.append(bytes.extracting(value.field)) }
            } else if field.kind == .message {
                sink.varint(UInt64(field.tag))
                let start = sink.openLength()
                for value in values { sink.append(bytes.extracting(value.content)) }
                sink.closeLength(from: start)
            } else {
                sink.append(bytes.extracting(last.field))
            }
        }
        return sink.finish()
    }

    /// Whether a message needs no rewriting: the values of a field follow each other, and of fields that exclude each other
    /// there is one.
    static func isCanonical(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> Bool {
        var cursor = WireCursor(body)
        var seen: UInt32 = 0
        var last = -1
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes), (try? cursor.skip(tag, bytes)) != nil else { return true }
            guard let index = Schema.otlp.field(number: tag >> 3, in: message) else { continue }
            if index == last, Schema.otlp.fields[index].isRepeated { continue }
            if seen & Schema.otlp.fields[index].excluded != 0 { return false }
            seen |= Schema.otlp.fields[index].bit
            last = index
        }
        return true
    }

    private struct Occurrence {
        var index: Int
        var field: Range<Int>
        /// The body of a sub-message.
        var content: Range<Int>
    }

    private static func occurrences(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> [Occurrence] {
        var found: [Occurrence] = []
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { break }
            var inner = cursor
            guard (try? cursor.skip(tag, bytes)) != nil else { break }
            guard let index = Schema.otlp.field(number: tag >> 3, in: message) else { continue }
            let content = (tag & 7 == Wire.length ? try? inner.lengthDelimited(bytes) : nil) ?? start..<start
            // Setting another alternative forgets what was set before.
            if Schema.otlp.fields[index].form == .alternative {
                found.removeAll { $0.index != index && Schema.otlp.fields[$0.index].form == .alternative }
            }
            found.append(Occurrence(index: index, field: start..<cursor.position, content: content))
        }
        return found
    }
}
