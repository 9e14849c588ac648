// SPDX-License-Identifier: Apache-2.0

import Usage

/// A row of the table of calls as it was or is to be sent, without the columns `version` and `sign`.
struct CallRow: Hashable {
    /// The call.
    let id: UInt64
    /// When the call ended.
    let time: Timestamp
    /// The columns of ``Tables/callsColumns``, up to `version`.
    let bytes: [UInt8]

    init(_ call: CountedCall) {
        (id, time) = (call.id, call.time)
        var row = RowBinary()
        row.number(call.id)
        row.number(call.time.nanoseconds)
        row.text(call.model)
        let names = call.names
        for name in [names.agent, names.project, names.user, names.machine, names.team, names.branch] { row.text(name) }
        row.flag(names.isSubagent)
        let counts = call.counts
        for tokens in [
            counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h, counts.output,
            counts.reasoning,
        ] { row.number(tokens) }
        row.number(Int128(call.price.cost.nanodollars))
        row.flag(call.price.isPriced)
        row.optional(call.duration)
        bytes = row.bytes
    }

    /// Reads back what a row has; nil when the bytes are too few to be one.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > 16 else { return nil }
        self.bytes = bytes
        let numbers = bytes.withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self))
        }
        id = UInt64(littleEndian: numbers.0)
        time = Timestamp(nanoseconds: Int64(littleEndian: numbers.1))
    }
}

/// What changes in the table by one insert: rows that no longer hold, and those that do now.
///
/// Its bytes are what the queue keeps: a token by which ClickHouse knows a repeat, the version of new rows, and the rows with their blocks.
struct MirrorChange {
    /// Distinguishes the insert from every other one.
    private(set) var token: String
    /// The version of its new rows; rises with every change.
    let version: UInt64
    private(set) var rows: [Row] = []

    struct Row {
        /// The block of the store's calls.
        var block: Int64
        /// 1 for a call as it is now, -1 for as it was sent before.
        var sign: Int8
        /// The version with which the row was or is sent; a row and its opposite have the same.
        var version: UInt64
        var row: CallRow
    }

    init(version: UInt64) {
        self.version = version
        token = String(UInt64.random(in: 0 ... .max), radix: 16) + "-" + String(version, radix: 16)
    }

    var isEmpty: Bool { rows.isEmpty }

    /// Adds what takes a block from the rows that were sent to those that its calls have now.
    mutating func add(block: Int64, former: [UInt64: SentRow], _ calls: [CountedCall]) {
        var kept: Set<UInt64> = []
        for call in calls {
            let row = CallRow(call)
            if former[call.id]?.row == row {
                kept.insert(call.id)
            } else {
                rows.append(Row(block: block, sign: 1, version: version, row: row))
            }
        }
        for (id, sent) in former where !kept.contains(id) {
            rows.append(Row(block: block, sign: -1, version: sent.version, row: sent.row))
        }
    }

    /// The rows as an insert has them, those that are older than an instant left out: the table has removed them or soon will.
    func body(since border: Timestamp?) -> (bytes: [UInt8], rows: Int) {
        var body = RowBinary()
        var count = 0
        for row in rows where border.map({ row.row.time >= $0 }) ?? true {
            body.append(row.row.bytes)
            body.number(row.version)
            body.number(row.sign)
            count += 1
        }
        return (body.bytes, count)
    }

    // MARK: - Coding

    /// The first byte of the form that this version writes.
    private static let form: UInt8 = 1

    var encoded: [UInt8] {
        var writer = RowBinary()
        writer.number(Self.form)
        writer.text(token)
        writer.number(version)
        writer.list(rows) { writer, row in
            writer.number(row.block)
            writer.number(row.sign)
            writer.number(row.version)
            writer.text(row.row.bytes)
        }
        return writer.bytes
    }

    /// Reads back what ``encoded`` gave; nil when the bytes are damaged.
    init?(encoded bytes: [UInt8]) {
        var reader = RowReader(bytes)
        guard reader.number(UInt8.self) == Self.form, let token = reader.text(),
            let version = reader.number(UInt64.self),
            let count = reader.count()
        else { return nil }
        (self.token, self.version) = (String(decoding: token, as: UTF8.self), version)
        for _ in 0..<count {
            guard let block = reader.number(Int64.self), let sign = reader.number(Int8.self),
                let version = reader.number(UInt64.self), let row = reader.text().flatMap({ CallRow(Array($0)) })
            else { return nil }
            rows.append(Row(block: block, sign: sign, version: version, row: row))
        }
    }
}

/// A row of a call that is in the table, or on its way.
struct SentRow: Hashable {
    var version: UInt64
    var row: CallRow
}

/// Reads what ``RowBinary`` wrote; nil where bytes are missing.
struct RowReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        let size = MemoryLayout<Number>.size
        guard bytes.count - offset >= size else { return nil }
        defer { offset += size }
        return bytes.withUnsafeBytes {
            Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
    }

    mutating func count() -> Int? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 35, by: 7) {
            guard let byte = number(UInt8.self) else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(value) }
        }
        return nil
    }

    mutating func text() -> ArraySlice<UInt8>? {
        guard let count = count(), bytes.count - offset >= count else { return nil }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }
}
