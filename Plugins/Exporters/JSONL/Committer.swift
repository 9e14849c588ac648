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

/// Turns batches into lines and puts them on the disk, within the transaction of the index that learns from them; lives on one thread.
///
/// A crash between the two leaves lines that the index does not have: the next start reads them. Where the index cannot take them, they
/// are taken out of the file again.
struct Committer: ~Copyable {
    private let parts: OpenParts
    private let keepsRecords: Bool
    private let flushes: Bool
    private let damage: StoreDamage
    private let settings: ComponentSettings
    /// Is called when others have taken the file away with what is in it.
    private let lost: @Sendable () -> Void
    private var file: LineFile
    private var writer = LineWriter()
    private var generation: Int
    /// What the transaction makes of the file.
    private var pending: (id: Int32, part: Part)?
    /// Files that others have taken away and the index still has.
    private var gone: [Int32] = []
    /// Up to where the store is compacted; nil while that has to be read from the index.
    private var border: CompactionBorder?
    /// How many bytes of lines were appended since the index was told of its last one.
    private var unsaid: Int64 = 0

    /// How many such bytes a start has to read at most.
    private static let mostUnsaid: Int64 = 4 << 20

    init(
        _ file: consuming LineFile,
        _ parts: OpenParts,
        _ config: JSONLConfig,
        _ damage: StoreDamage,
        _ settings: ComponentSettings,
        lost: @escaping @Sendable () -> Void
    ) {
        self.parts = parts
        keepsRecords = config.records == .all
        flushes = config.sync == .always
        (self.damage, self.settings, self.lost) = (damage, settings, lost)
        generation = file.generation
        self.file = file
    }

    /// The size of the file.
    var size: Int64 { file.offset }

    /// Keeps a group of batches; either all of them are kept or none is.
    ///
    /// - Returns: What became of each batch, and how many records are older than what compaction removed.
    mutating func commit(_ group: [Batch], to index: OpenDatabase) throws -> (deliveries: [Delivery], refused: Int) {
        if let kept = try append(group, index) { return kept }
        return try change(index) { committer, db, storeWriter in
            let learned = try storeWriter.learn(group, to: db, findsNews: true)
            let drafts = committer.drafts(of: learned)
            if drafts.contains(where: { !$0.line.isEmpty }) { try committer.write(drafts, learned.batches, db) }
            return (learned.deliveries, learned.refused)
        }
    }

    /// Appends batches of which the index has nothing to learn, without a transaction of it.
    ///
    /// The index is told where they end with the next batch of which it learns; until then a start reads them.
    ///
    /// - Returns: nil if there is something to learn.
    private mutating func append(_ group: [Batch], _ index: OpenDatabase) throws -> (
        deliveries: [Delivery], refused: Int
    )? {
        guard keepsRecords, unsaid < Self.mostUnsaid, group.allSatisfy(\.isWithoutUsage) else { return nil }
        try catchUp(index)
        guard let border, gone.isEmpty else { return nil }
        let (batches, refused) = border.applying(to: group).admit(group)
        let lines = batches.map { batch in
            var line = UsageLine()
            if batch.otlp.recordCount > 0 { line.extent = batch.extent }
            return line
        }
        let start = file.offset
        defer { writer.clear() }
        _ = try write(lines, batches)
        noticeReplacement()
        if let (id, known) = current {
            var part = known
            for line in lines { part.note(line) }
            (part.end, part.tail) = (file.offset, file.tail)
            parts.withLock { $0[id] = part }
        }
        unsaid += max(0, file.offset - start)
        return (Delivery.each(of: batches, in: LedgerChange()), refused)
    }

    /// Tells the index where the file ends.
    mutating func settle(_ index: OpenDatabase) throws {
        guard unsaid > 0 else { return }
        try change(index) { committer, db, _ in
            guard let (id, part) = committer.current else { return }
            var known = part
            try committer.finish(&known, id, LineTables(db: db))
        }
    }

    /// Notes how far the store is compacted, on the disk when it returns.
    mutating func compact(before instant: Timestamp, in index: OpenDatabase) throws {
        let now = settings.now()
        try change(index) { committer, db, _ in
            let known = try Revision.nextState(db).border
            let border = known.after(CompactionBorder(before: instant), now: now)
            guard border != known else { return }
            try Revision.note(border, db)
            committer.border = nil
            var line = UsageLine()
            line.compacted = border
            committer.writer.begin(receivedAt: nil)
            committer.writer.write(border)
            committer.writer.end()
            try committer.append(line, db)
        }
    }

    /// Prices some calls again.
    mutating func reprice(_ repricing: inout Repricing, in index: OpenDatabase) throws {
        let former = repricing
        repricing = try change(index) { committer, db, storeWriter in
            var next = former
            var line = UsageLine()
            line.calls = try next.step(db, &storeWriter)
            guard !line.isEmpty else { return next }
            committer.writer.begin(receivedAt: nil)
            committer.writer.write(calls: line.calls)
            committer.writer.end()
            try committer.append(line, db)
            return next
        }
    }

    /// Puts everything on the disk.
    mutating func flush() throws(FileError) { try file.flush() }

    /// Sets the file aside under another name and begins a new one.
    mutating func rotate(_ names: PartNames, in index: OpenDatabase) throws {
        guard file.offset > 0, let (id, part) = current else { return }
        try file.flush()
        let now = settings.now().milliseconds
        let closed = try parts.withLock { list throws(FileError) -> Part in
            let path = names.path(number: max(now, list.largestNumber + 1))
            try OwnFile.move(names.path, to: path)
            var closed = part
            (closed.path, closed.number) = (path, names.number(of: DurableFolder.lastName(path)))
            list[id] = closed
            _ = list.append(Part(path: names.path))
            return closed
        }
        file.close()
        unsaid = 0
        try file.makeReady()
        generation = file.generation
        try index.changeNow { db, _ in
            _ = try Revision.next(db)
            try LineTables(db: db).write(closed, id)
        }
    }

    mutating func close() { file.close() }

    // MARK: - Transactions

    /// Runs a transaction of the index in which lines may be written.
    private mutating func change<Value: Sendable>(
        _ index: OpenDatabase,
        _ body: (inout Committer, Database, inout StoreWriter) throws -> Value
    ) throws -> Value {
        try catchUp(index)
        let (start, began) = (file.offset, generation)
        pending = nil
        do {
            let value = try index.changeNow { db, writer in
                let value = try body(&self, db, &writer)
                if border == nil { border = try Revision.border(db) }
                return value
            }
            if let (id, part) = pending {
                parts.withLock { $0[id] = part }
                (gone, unsaid) = ([], 0)
            }
            return value
        } catch {
            border = nil
            // In a file that others have put in its place they are read before the next ones are written.
            if generation == began { file.takeBack(to: start) }
            throw error
        }
    }

    /// The file that is appended to.
    private var current: (id: Int32, part: Part)? {
        parts.withLock { list in list.current.flatMap { id in list[id].map { (id, $0) } } }
    }

    /// Takes what others have appended into the index.
    private mutating func catchUp(_ index: OpenDatabase) throws {
        _ = try file.begin()
        noticeReplacement()
        guard let (id, part) = current, part.end != file.offset else { return }
        border = nil
        var list = parts.withLock { $0 }
        var reading = LineReading(into: index, total: 0, damage, settings.logger)
        let superseded = try reading.read(id, of: &list)
        parts.withLock { [list] in $0 = list }
        for part in superseded { OwnFile.remove(part.path) }
    }

    /// After others have taken the file away, what follows is in a new one.
    ///
    /// What the former held stays in the index: its senders were promised that it is kept.
    private mutating func noticeReplacement() {
        guard file.generation != generation else { return }
        generation = file.generation
        let path = file.path
        let former = parts.withLock { list in
            let former = list.current
            if let former { list.remove(former) }
            _ = list.append(Part(path: path))
            return former
        }
        if let former { gone.append(former) }
        lost()
    }

    // MARK: - Lines

    /// A line, and which sessions have records in it: their rows with the first sign of each.
    private struct Draft {
        var line = UsageLine()
        var records: [(row: Int64, first: Timestamp)] = []
    }

    /// What is written of a group: of each batch what was new, and with the last what the ledger learned from all of them.
    private borrowing func drafts(of learned: LearnedBatches) -> [Draft] {
        guard let news = learned.news else { return [] }
        var drafts: [Draft] = []
        for (position, batch) in learned.batches.enumerated() {
            var draft = Draft()
            var sessions = batch.sessions.map { SessionEntry(update: $0, isSighted: !$0.isImplied) }
            if keepsRecords, batch.otlp.recordCount > 0 {
                draft.line.extent = batch.extent
                for (session, ranges) in batch.recordsOfSessions where !ranges.isEmpty {
                    sessions[session].records = ranges
                    let first = sessions[session].update.firstSeen
                    draft.records.append((learned.sessions[position][session], first))
                }
            }
            for (session, isNews) in zip(sessions, news.isNews[position]) where isNews || !session.records.isEmpty {
                draft.line.sessions.append(session)
            }
            drafts.append(draft)
        }
        guard let last = drafts.indices.last else { return [] }
        drafts[last].line.calls = news.calls
        drafts[last].line.expired = news.expired
        drafts[last].line.retired = news.retired
        drafts[last].line.sessions += news.notes.map { SessionEntry(update: $0, isSighted: false) }
        return drafts
    }

    private mutating func write(_ drafts: [Draft], _ batches: [Batch], _ db: Database) throws {
        defer { writer.clear() }
        let offsets = try write(drafts.map(\.line), batches)
        noticeReplacement()
        guard let (id, known) = current else { return }
        var part = known
        let tables = LineTables(db: db)
        for (place, (draft, offset)) in zip(drafts, offsets).enumerated() where !draft.line.isEmpty {
            part.note(draft.line)
            if let extent = draft.line.extent, batches[place].signal == .traces {
                try tables.add(spans: extent, part: id, offset: offset)
            }
            for (row, first) in draft.records { try tables.add(session: row, first: first, part: id, offset: offset) }
        }
        try finish(&part, id, tables)
    }

    /// Writes lines so that they are found under the path of the file: should it be taken away while they are written, once more.
    ///
    /// - Returns: Where each line begins.
    private mutating func write(_ lines: [UsageLine], _ batches: [Batch]) throws -> [Int64] {
        for _ in 0..<Self.attempts {
            writer.clear()
            var offsets: [Int64] = []
            _ = try file.begin()
            for (line, batch) in zip(lines, batches) {
                offsets.append(file.end + Int64(writer.bytes.count))
                if !line.isEmpty { try writer.write(line, batch, to: &file) }
            }
            try file.finish(writer.bytes, flush: flushes)
            if file.isInPlace { return offsets }
        }
        throw FileError(number: ENOENT, path: file.path)
    }

    /// How often lines are written at most, should their file be taken away each time.
    private static let attempts = 3

    /// Appends the line that is written.
    private mutating func append(_ line: UsageLine, _ db: Database) throws {
        defer { writer.clear() }
        _ = try file.append(writer.bytes, flush: flushes)
        noticeReplacement()
        guard let (id, known) = current else { return }
        var part = known
        part.note(line)
        try finish(&part, id, LineTables(db: db))
    }

    /// Says in the index that it is true up to the end of the file.
    private mutating func finish(_ part: inout Part, _ id: Int32, _ tables: LineTables) throws {
        (part.end, part.tail) = (file.offset, file.tail)
        try tables.write(part, id)
        for former in gone {
            try tables.removePart(former)
            try tables.removeLines(of: former)
        }
        pending = (id, part)
    }
}
