// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Usage

/// The rows of calls that were sent, in a folder of one small file for each block of 2,048 calls.
///
/// What takes a row back must be equal to it, also after months, so every row is kept until it is taken back. A file is replaced in one step
/// and knows up to which change it has come, so that a change can be noted twice. Not for several tasks at once.
struct SentRows {
    private let folder: String

    /// A file of rows is compressed to this part of them or less; a larger one is damaged.
    private static let largest = 64 << 20
    /// The first byte of the form that this version writes.
    private static let form: UInt8 = 1
    private static let suffix = ".rows"

    init(folder: String) { self.folder = folder }

    func makeFolder() throws(FileError) { try DurableFolder.make(folder) }

    private func path(_ block: Int64) -> String { "\(folder)/\(block)\(Self.suffix)" }

    /// The rows of a block by call, and the version of the change by which they came to be.
    func rows(of block: Int64) throws -> (rows: [UInt64: SentRow], version: UInt64) {
        guard let content = try OwnFile.content(path(block), largest: Self.largest) else { return ([:], 0) }
        guard let bytes = try? Zstandard.inflate(content, limit: Self.largest), let found = Self.decoded(bytes) else {
            throw StoreError(
                "\(path(block)) is damaged; stop the collector, drop the table of calls and remove \(folder)"
            )
        }
        return found
    }

    private static func decoded(_ bytes: [UInt8]) -> (rows: [UInt64: SentRow], version: UInt64)? {
        var reader = RowReader(bytes)
        guard reader.number(UInt8.self) == form, let latest = reader.number(UInt64.self), let count = reader.count()
        else { return nil }
        var rows: [UInt64: SentRow] = [:]
        for _ in 0..<count {
            guard let version = reader.number(UInt64.self), let row = reader.text().flatMap({ CallRow(Array($0)) })
            else { return nil }
            rows[row.id] = SentRow(version: version, row: row)
        }
        return reader.isAtEnd ? (rows, latest) : nil
    }

    /// Notes a change that is in the queue; a change that was noted before is not noted again.
    func note(_ change: MirrorChange) throws {
        for (block, rows) in Dictionary(grouping: change.rows, by: \.block) {
            var (known, version) = try self.rows(of: block)
            guard version < change.version else { continue }
            for row in rows where row.sign < 0 { known[row.row.id] = nil }
            for row in rows where row.sign > 0 {
                known[row.row.id] = SentRow(version: row.version, row: row.row)
            }
            // A block without rows keeps its file: it says up to which change it has come.
            try write(known, version: change.version, of: block)
        }
    }

    private func write(_ rows: [UInt64: SentRow], version: UInt64, of block: Int64) throws {
        var writer = RowBinary()
        writer.number(Self.form)
        writer.number(version)
        writer.list(rows.values.sorted { $0.row.id < $1.row.id }) { writer, sent in
            writer.number(sent.version)
            writer.text(sent.row.bytes)
        }
        try FileReplacement.replace(path(block), with: Zstandard.deflate(writer.bytes, level: 1))
    }

    /// The blocks of which rows may have been sent.
    func blocks() throws(FileError) -> [Int64] {
        try DurableFolder.names(in: folder).compactMap { name in
            name.hasSuffix(Self.suffix) ? Int64(name.dropLast(Self.suffix.count)) : nil
        }.sorted()
    }

    /// The largest version of a change that was noted.
    func latest() throws -> UInt64 {
        var latest: UInt64 = 0
        for block in try blocks() { latest = max(latest, try rows(of: block).version) }
        return latest
    }

    /// Forgets everything, because the table has nothing.
    func forget() throws {
        for block in try blocks() { OwnFile.remove(path(block)) }
        try DurableFolder.flush(folder)
    }
}
