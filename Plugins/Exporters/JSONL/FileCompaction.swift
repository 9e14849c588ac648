// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import GRDB
import OTLP
import SQLiteUsage
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Rewrites files without what ended before an instant, while batches go on coming in.
///
/// One new file replaces all files up to the last that holds anything old: first what the index knows, then the records that stay.
/// It takes the place of the last of them by a rename. Its first line says that what is before it is void, so that a crash before
/// the others are removed changes nothing.
struct FileCompaction: ~Copyable {
    /// How many records have gone.
    private(set) var removed = 0
    private let old: [Part]
    /// The number of the new file.
    private let id: Int32
    private let opening: StoreOpening
    private var file: FileReplacement
    private var writer = LineWriter()
    private var result: Part
    /// Lines with records of sessions that are not in the index yet.
    private var lines: [(session: String, first: Timestamp, offset: Int64)] = []
    /// Lines with spans that are not in the index yet.
    private var spanLines: [(extent: RecordExtent, offset: Int64)] = []

    /// How many lines the index gets at once.
    private static let step = 2_000

    /// Begins the new file.
    ///
    /// - Parameter old: The files that it replaces; at least one.
    init(_ old: [Part], _ last: Part, id: Int32, _ opening: StoreOpening) throws(FileError) {
        (self.old, self.id, self.opening) = (old, id, opening)
        result = Part(path: last.path, number: last.number)
        file = try FileReplacement(of: last.path, draft: opening.names.rewritten)
    }

    /// Writes the new file beside the old ones.
    ///
    /// - Parameter change: Runs a transaction of the index between two commits.
    mutating func write(
        _ border: CompactionBorder,
        _ index: OpenDatabase,
        _ change: ((Database) throws -> Void) throws -> Void
    ) throws {
        try index.readNow { try writeState(of: $0, border) }
        for part in old { removed += try copy(part, border: border.instant, change) }
        try addLines(change)
        try file.flush()
    }

    /// Puts the new file in the place of the old ones; to be called between two commits.
    mutating func finish(_ parts: OpenParts, _ index: OpenDatabase) throws {
        result.end = file.size
        let (old, id) = (old, id)
        try file.commit()
        let written = try ReadableFile(result.path)
        result.tail = Part.tail(of: written.bytes(at:count:), before: result.end) ?? 0
        let result = result
        let former = parts.withLock { list in
            let former = Array(list.order.prefix(old.count))
            list.replaceFirst(old.count, with: result, id)
            return former
        }
        for part in old.dropLast() { OwnFile.remove(part.path) }
        try DurableFolder.flush(DurableFolder.containing(result.path))
        // Where that fails the next start finds another file than the index knows, and makes the index again.
        try index.changeNow { db, _ in
            _ = try Revision.next(db)
            let tables = LineTables(db: db)
            for part in former {
                try tables.removePart(part)
                try tables.removeLines(of: part)
            }
            try tables.write(result, id)
        }
    }

    // MARK: - Calls and sessions

    /// Writes what the index knows.
    private mutating func writeState(of db: Database, _ border: CompactionBorder) throws {
        writer.begin(receivedAt: nil)
        writer.bytes.append("snapshot", flag: true)
        writer.write(border)
        writer.end()
        try flush()
        var reader = StateReader(db)
        while let change = try reader.nextCalls() { try write(change) }
        while let change = try reader.nextSessions() { try write(change) }
    }

    private mutating func write(_ change: LoggedChange) throws {
        var line = UsageLine()
        (line.calls, line.expired) = (change.calls, change.expired)
        line.sessions = change.sessions.map { SessionEntry(update: $0.update, isSighted: $0.isSighted) }
        guard !line.isEmpty else { return }
        writer.begin(receivedAt: nil)
        writer.write(calls: line.calls)
        writer.write(expired: line.expired)
        writer.write(sessions: line.sessions)
        writer.end()
        try flush()
        result.note(line)
    }

    // MARK: - Records

    /// Copies the records of a file that are not too old.
    ///
    /// - Returns: How many were left out.
    private mutating func copy(
        _ part: Part,
        border: Timestamp,
        _ change: ((Database) throws -> Void) throws -> Void
    ) throws -> Int {
        guard let source = try ReadableFile.ifPresent(part.path) else { return 0 }
        var scanner = LineScanner(source, from: 0)
        var removed = 0
        while let item = scanner.next() {
            let (line, place): (UsageLine, LinePlace)
            switch item {
            case .line(let known, let at): (line, place) = (known, at)
            case .broken(let at), .torn(let at):
                try setAside(source, at.offset..<at.offset + at.length)
                continue
            }
            guard let extent = line.extent, line.records != nil else { continue }
            if extent.latest < border {
                removed += extent.count
            } else if extent.earliest >= border {
                try copy(line, place, source)
            } else {
                removed += try prune(line, place, source, border)
            }
            if lines.count + spanLines.count >= Self.step { try addLines(change) }
        }
        // A file that cannot be read to its end must not be replaced by what was read of it.
        try source.check()
        return removed
    }

    /// Keeps bytes that are no line of the store's.
    private func setAside(_ source: ReadableFile, _ range: Range<Int64>) throws(FileError) {
        guard !range.isEmpty else { return }
        let torn = opening.names.torn
        guard SetAside(path: torn, calls: opening.calls).keep(source, range) else {
            throw FileError(number: EIO, path: source.path)
        }
        opening.damage.note(StoreDamage.Place(path: source.path, offset: range.lowerBound), keptIn: torn)
    }

    /// Copies records as they are.
    private mutating func copy(_ line: UsageLine, _ place: LinePlace, _ source: ReadableFile) throws(FileError) {
        guard let records = line.records, let extent = line.extent else { return }
        let start = beginRecords(line, extent, line.sessions)
        try flush()
        var (offset, end) = (place.offset + Int64(records.offset) - 1, place.offset + place.length + 1)
        end = min(end, source.size)
        var isFirst = true
        while offset < end {
            var bytes = source.bytes(at: offset, count: Int(min(1 << 20, end - offset)))
            guard !bytes.isEmpty else { break }
            offset += Int64(bytes.count)
            if isFirst { bytes[0] = UInt8(ascii: ",") }
            isFirst = false
            try file.append(bytes)
        }
        remember(line, line.sessions, at: start, extent)
    }

    /// Copies a line without its old records.
    private mutating func prune(
        _ line: UsageLine,
        _ place: LinePlace,
        _ source: ReadableFile,
        _ border: Timestamp
    ) throws(FileError) -> Int {
        guard var batch = line.batch(place, source) else { return 0 }
        let before = batch.otlp.recordCount
        for record in batch.otlp.records.indices where batch.time(ofRecord: record) < border {
            batch.otlp.overlay.drop(record: record)
        }
        let (extent, sessions) = (batch.extent, line.sessions(of: batch))
        guard extent.count > 0 else { return before }
        let start = beginRecords(line, extent, sessions)
        writer.writeRecords(batch.otlp)
        writer.end()
        try flush()
        remember(line, sessions, at: start, extent)
        return before - extent.count
    }

    /// Writes what is before the records, and returns where the line begins.
    private mutating func beginRecords(_ line: UsageLine, _ extent: RecordExtent, _ sessions: [SessionEntry]) -> Int64 {
        writer.begin(receivedAt: line.receivedAt.flatMap(Timestamp.init(iso8601:)))
        writer.write(extent)
        writer.write(sessions: sessions.filter { !$0.records.isEmpty })
        return file.size
    }

    private mutating func remember(
        _ line: UsageLine,
        _ sessions: [SessionEntry],
        at offset: Int64,
        _ extent: RecordExtent
    ) {
        result.earliest = min(result.earliest, extent.earliest)
        if line.records?.signal == .traces { spanLines.append((extent, offset)) }
        for session in sessions where !session.records.isEmpty {
            lines.append((session.update.id, session.update.firstSeen, offset))
        }
    }

    /// Writes into the index where records of sessions and spans are; no question reads them before the file is in its place.
    private mutating func addLines(_ change: ((Database) throws -> Void) throws -> Void) throws {
        guard !lines.isEmpty || !spanLines.isEmpty else { return }
        try change { db in
            let tables = LineTables(db: db)
            for line in lines {
                try tables.add(session: line.session, first: line.first, part: id, offset: line.offset)
            }
            for (extent, offset) in spanLines { try tables.add(spans: extent, part: id, offset: offset) }
        }
        lines.removeAll(keepingCapacity: true)
        spanLines.removeAll(keepingCapacity: true)
    }

    private mutating func flush() throws(FileError) {
        try file.append(writer.bytes)
        writer.clear()
    }
}
