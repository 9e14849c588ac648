// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// Takes the body away from a log record; the other parts stay.
    public mutating func removeBody(record: Int) {
        guard signal == .logs else { return }
        for field in bodyFields(of: record) { overlay.remove(field: field) }
        records[record].bodyKind = .empty
        records[record].bodyBits = 0
    }

    /// The fields that carry a log record's body: one, unless its sender wrote it in parts.
    private func bodyFields(of record: Int) -> [Slice] {
        var fields: [Slice] = []
        let source = bytes.span.bytes
        var cursor = WireCursor(records[record].message.range)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(source), (try? cursor.skip(tag, source)) != nil else { break }
            if tag == Tag.LogRecord.body { fields.append(Slice(start..<cursor.position)) }
        }
        return fields
    }
}
