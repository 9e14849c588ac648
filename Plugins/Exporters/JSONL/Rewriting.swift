// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import OTLP
import Usage

/// The file that a compaction writes.
struct Rewriting: ~Copyable {
    private var file: FileReplacement
    private let path: String
    private let setAside: (ReadableFile, Range<Int64>) throws(FileError) -> Void
    private var writer = LineWriter()
    private var result = Rewritten()

    /// What the new file holds.
    struct Rewritten {
        var size: Int64 = 0
        var earliest = Timestamp(nanoseconds: .max)
        /// Where the lines of each session stand now.
        var lines: [String: [LineRef]] = [:]
    }

    /// Creates a rewriting.
    ///
    /// - Parameter setAside: Keeps bytes of a file that are no line of the store's.
    init(
        _ file: consuming FileReplacement,
        path: String,
        setAside: @escaping (ReadableFile, Range<Int64>) throws(FileError) -> Void
    ) {
        self.file = file
        self.setAside = setAside
        self.path = path
    }

    /// Writes what the book knows, without what is too old.
    mutating func snapshot(_ shelf: StoreState, _ border: CompactionBorder) throws(FileError) {
        writer.begin(receivedAt: nil)
        writer.bytes.append("snapshot", flag: true)
        writer.write(border)
        writer.end()
        try flush()
        var dump = IndexSnapshot(shelf)
        while let (calls, expired) = dump.nextCalls() {
            let kept = calls.filter { !border.isExpired($0.entry.call.time) }
            let old = (expired + calls.map(\.entry)).filter {
                border.isExpired($0.call.time) && !border.isForgotten($0.observations)
            }
            guard !kept.isEmpty || !old.isEmpty else { continue }
            writer.begin(receivedAt: nil)
            writer.write(calls: kept)
            writer.write(expired: old)
            writer.end()
            try flush()
            if let earliest = (kept.map(\.entry.call.time) + old.map(\.forgottenAfter)).min() { note(earliest) }
        }
        while let notes = dump.nextSessions() {
            let sessions = shelf.withLock { $0.book.remaining(notes, border.instant) }
            guard !sessions.isEmpty else { continue }
            writer.begin(receivedAt: nil)
            writer.write(sessions: sessions)
            writer.end()
            try flush()
            if let earliest = sessions.map(\.update.lastSeen).min() { note(earliest) }
        }
    }

    /// Copies the records of a file that are not too old.
    ///
    /// - Returns: How many were left out.
    mutating func copy(_ part: Part, border: Timestamp) throws(FileError) -> Int {
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
                continue
            }
            if extent.earliest >= border {
                try copy(line, place, source)
            } else {
                removed += try prune(line, place, source, border)
            }
        }
        // A file that cannot be read to its end must not be replaced by what was read of it.
        try source.check()
        return removed
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
        remember(line.sessions, at: start, extent)
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
        remember(sessions, at: start, extent)
        return before - extent.count
    }

    /// Writes what is before the records, and returns where the line begins.
    private mutating func beginRecords(_ line: UsageLine, _ extent: RecordExtent, _ sessions: [SessionEntry]) -> Int64 {
        writer.begin(receivedAt: line.receivedAt.flatMap(Timestamp.init(iso8601:)))
        writer.write(extent)
        writer.write(sessions: sessions.filter { !$0.records.isEmpty })
        return file.size
    }

    private mutating func remember(_ sessions: [SessionEntry], at offset: Int64, _ extent: RecordExtent) {
        note(extent.earliest)
        for session in sessions where !session.records.isEmpty {
            let line = LineRef(part: 0, offset: offset, first: session.update.firstSeen.nanoseconds)
            result.lines[session.update.id, default: []].append(line)
        }
    }

    private mutating func note(_ earliest: Timestamp) { result.earliest = min(result.earliest, earliest) }

    private mutating func flush() throws(FileError) {
        try file.append(writer.bytes)
        writer.clear()
    }

    /// Puts the file in its place.
    mutating func commit() throws(FileError) { try file.commit() }

    /// Puts the bytes on the disk, still aside.
    mutating func finish() throws(FileError) -> Rewritten {
        try file.flush()
        result.size = file.size
        return result
    }
}

extension UsageIndex {
    /// The sessions that stay after a compaction.
    fileprivate func remaining(_ notes: [SessionEntry], _ border: Timestamp) -> [SessionEntry] {
        notes.compactMap { note in
            guard let number = sessions.number(of: note.update.id), let session = sessions[number] else { return nil }
            let hasCalls = session.calls.contains { (call($0)?.time).map { $0 >= border } ?? false }
            guard hasCalls || note.update.lastSeen >= border else { return nil }
            var note = note
            note.lines = []
            return note
        }
    }
}

extension UsageLine {
    /// The line's records as a batch again.
    func batch(_ place: LinePlace, _ file: ReadableFile) -> Batch? {
        guard let records else { return nil }
        var json = file.bytes(
            at: place.offset + Int64(records.offset) - 1,
            count: Int(place.length) - records.offset + 1
        )
        guard !json.isEmpty else { return nil }
        json[0] = UInt8(ascii: "{")
        guard let otlp = try? OTLPBatch(signal: records.signal, json: json) else { return nil }
        return Batch(otlp, receivedAt: receivedAt.flatMap(Timestamp.init(iso8601:)) ?? Timestamp(nanoseconds: 0))
    }

    /// The sessions with the positions that their records have after some were dropped.
    func sessions(of batch: Batch) -> [SessionEntry] {
        var positions: [Int: Int] = [:]
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            positions[record] = positions.count
        }
        return sessions.map { session in
            var session = session
            // Within the batch: the positions of a damaged line can be as large as any.
            let records = 0..<batch.otlp.records.count
            let kept = session.records.flatMap { Range($0).clamped(to: records) }.compactMap { positions[$0] }
            session.records = kept.map { $0...$0 }
            return session
        }
    }
}
