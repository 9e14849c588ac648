// SPDX-License-Identifier: Apache-2.0

extension ExportResponse {
    /// The rejected records in a successful protobuf answer; nil when it reports none or cannot be read.
    public static func partialSuccess(protobuf bytes: [UInt8]) -> (rejected: Int, message: String)? {
        guard let body = FieldScan(bytes).message(ExportResponse.partialSuccessField) else { return nil }
        let scan = FieldScan(body)
        return (Int(clamping: scan.number(1)), scan.text(2))
    }

    private static let partialSuccessField: UInt32 = 1
}

extension RPCStatus {
    /// The message of a protobuf status; nil when it has none or cannot be read.
    public static func message(protobuf bytes: [UInt8]) -> String? {
        let text = FieldScan(bytes).text(2)
        return text.isEmpty ? nil : text
    }
}

/// Searches single fields of a small message; unreadable ones count as missing.
private struct FieldScan {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func message(_ field: UInt32) -> [UInt8]? {
        last(field, Wire.length) { (cursor: inout WireCursor, span) throws(ParseFailure) in
            try cursor.lengthDelimited(span)
        }.map { Array(bytes[$0]) }
    }

    func text(_ field: UInt32) -> String { message(field).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    func number(_ field: UInt32) -> Int64 {
        last(field, Wire.varint) { (cursor: inout WireCursor, span) throws(ParseFailure) in
            Int64(bitPattern: try cursor.varint(span))
        } ?? 0
    }

    private func last<Value>(
        _ field: UInt32,
        _ type: UInt32,
        _ read: (inout WireCursor, RawSpan) throws(ParseFailure) -> Value
    ) -> Value? {
        let span = bytes.span.bytes
        var cursor = WireCursor(0..<bytes.count)
        var found: Value?
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(span) else { return found }
            if tag == field << 3 | type {
                guard let value = try? read(&cursor, span) else { return found }
                found = value
            } else if (try? cursor.skip(tag, span)) == nil {
                return found
            }
        }
        return found
    }
}
