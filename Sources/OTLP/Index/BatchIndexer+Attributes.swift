// SPDX-License-Identifier: Apache-2.0

extension BatchIndexer {
    /// Indexes one KeyValue.
    @inline(__always)
    mutating func attribute(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        depth: Int
    ) throws(ParseFailure) {
        guard let plain = PlainAttribute(bytes, body) else {
            return try anyAttribute(bytes, from: start, body, depth: depth)
        }
        let keyID = keys.key(bytes, plain.key)
        if keyID == .unknown { checker.notes.inspect(bytes, plain.key) }
        if plain.kind == .string { checker.notes.inspect(bytes, Slice(packed: plain.bits).range) }
        try memory.makeRoom(in: &attributes, for: Cost.attribute)
        attributes.append(
            AttributeEntry(
                key: Slice(plain.key),
                bits: plain.bits,
                tagOffset: UInt32(truncatingIfNeeded: start),
                keyID: keyID,
                kind: plain.kind,
                isPlain: true
            )
        )
    }

    @inline(never)
    private mutating func anyAttribute(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        depth: Int
    ) throws(ParseFailure) {
        var entry = AttributeEntry(
            key: .none,
            bits: 0,
            tagOffset: UInt32(truncatingIfNeeded: start),
            keyID: .unknown,
            kind: .empty
        )
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.KeyValue.key:
                let range = try cursor.lengthDelimited(bytes)
                entry.key = Slice(range)
                entry.keyID = keys.key(bytes, range)
                checker.notes.inspect(bytes, range)
            case Tag.KeyValue.value:
                try value(bytes, try cursor.lengthDelimited(bytes), depth: depth &+ 1, &entry.kind, &entry.bits)
            default: try checker.field(tag, &cursor, bytes, in: .keyValue, depth: depth)
            }
        }
        try memory.makeRoom(in: &attributes, for: Cost.attribute)
        attributes.append(entry)
    }

    /// Reads an AnyValue; of several members the last one counts.
    @inline(__always)
    mutating func value(
        _ bytes: RawSpan,
        _ body: Range<Int>,
        depth: Int,
        _ kind: inout ValueKind,
        _ bits: inout UInt64
    ) throws(ParseFailure) {
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.AnyValue.string:
                bits = try text(&cursor, bytes).packed
                kind = .string
            case Tag.AnyValue.bool:
                bits = try cursor.varint(bytes) == 0 ? 0 : 1
                kind = .bool
            case Tag.AnyValue.int:
                bits = try cursor.varint(bytes)
                kind = .int
            case Tag.AnyValue.double:
                bits = try cursor.fixed64(bytes)
                kind = .double
            default: try rareValue(tag, bytes, &cursor, depth: depth, &kind, &bits)
            }
        }
    }

    @inline(never)
    private mutating func rareValue(
        _ tag: UInt32,
        _ bytes: RawSpan,
        _ cursor: inout WireCursor,
        depth: Int,
        _ kind: inout ValueKind,
        _ bits: inout UInt64
    ) throws(ParseFailure) {
        switch tag {
        case Tag.AnyValue.array, Tag.AnyValue.keyValueList:
            let range = try cursor.lengthDelimited(bytes)
            let isArray = tag == Tag.AnyValue.array
            try checker.message(isArray ? .arrayValue : .keyValueList, range, bytes, depth: depth + 1)
            bits = Slice(range).packed
            kind = isArray ? .array : .keyValueList
        case Tag.AnyValue.bytes:
            bits = try cursor.slice(bytes).packed
            kind = .bytes
        default: try checker.field(tag, &cursor, bytes, in: .anyValue, depth: depth)
        }
    }

    /// The start of a range to which the next attributes can be added.
    ///
    /// A Resource or scope message may come in several parts with other things between; the earlier part's entries are
    /// then repeated behind them, so that each owner's attributes are one range.
    mutating func continueAttributes(_ range: Range<Int>) throws(ParseFailure) -> UInt32 {
        if range.isEmpty { return UInt32(truncatingIfNeeded: attributes.count) }
        if range.upperBound == attributes.count { return UInt32(truncatingIfNeeded: range.lowerBound) }
        let start = attributes.count
        if attributes.capacity - start < range.count {
            try memory.grow(&attributes, to: max(start + range.count, 2 * start), Cost.attribute)
        }
        attributes.append(contentsOf: attributes[range])
        return UInt32(truncatingIfNeeded: start)
    }

    mutating func addEnvelope(from start: Int, _ body: Range<Int>, parent: UInt32) throws(ParseFailure) -> UInt32 {
        try memory.makeRoom(in: &envelopes, for: MemoryLayout<Envelope>.stride)
        envelopes.append(
            Envelope(tagOffset: UInt32(truncatingIfNeeded: start), message: Slice(body), parent: parent, records: 0)
        )
        return UInt32(truncatingIfNeeded: envelopes.count - 1)
    }
}
