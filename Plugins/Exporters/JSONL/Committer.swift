// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import OTLP
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Turns batches into lines, puts them on the disk and only then into the book; lives on one thread.
struct Committer: ~Copyable {
    private let shelf: StoreState
    private let keepsRecords: Bool
    private let flushes: Bool
    private var file: LineFile
    private var writer = LineWriter()
    private var part: Int32
    private var generation: Int

    init(_ file: consuming LineFile, shelf: StoreState, part: Int32, keepsRecords: Bool, flushes: Bool) {
        self.shelf = shelf
        self.keepsRecords = keepsRecords
        self.flushes = flushes
        self.part = part
        generation = file.generation
        self.file = file
    }

    /// The size of the file.
    var size: Int64 { file.offset }

    /// Keeps a group of batches; either all of them are kept or none is.
    ///
    /// - Parameter lost: Is called when others have taken the file away with what is in it.
    /// - Returns: What became of each batch, and how many records are older than what compaction removed.
    mutating func commit(_ group: [Batch], lost: () -> Void) throws -> (deliveries: [Delivery], refused: Int) {
        let keepsRecords = keepsRecords
        let border = shelf.withLock { $0.book.border }.applying(to: group)
        let (batches, refused) = border.admit(group)
        var lines = batches.map { Self.draft($0, keepsRecords: keepsRecords) }
        let deliveries = try learn(batches, &lines, border)
        guard lines.contains(where: { !$0.isEmpty }) else { return (deliveries, refused) }
        defer { writer.clear() }
        let offsets = try write(lines, batches)
        if noticeReplacement() { lost() }
        let (part, end) = (part, file.offset)
        let (kept, places) = (lines, offsets)
        shelf.withLock { contents in
            for (line, offset) in zip(kept, places) where !line.isEmpty {
                contents.book.apply(line, part: part, offset: offset)
                contents.parts.note(line, in: part, end: end)
            }
        }
        return (deliveries, refused)
    }

    /// Notes how far the store is compacted, on the disk when it returns.
    ///
    /// - Parameter lost: Is called when others have taken the file away with what is in it.
    mutating func compacted(_ border: CompactionBorder, lost: () -> Void) throws {
        guard shelf.withLock({ $0.book.border != border }) else { return }
        var line = UsageLine()
        line.compacted = border
        writer.begin(receivedAt: nil)
        writer.write(border)
        writer.end()
        try appendWritten(line, lost: lost)
    }

    /// Appends the line that is written and takes it into the book.
    private mutating func appendWritten(_ line: UsageLine, lost: () -> Void) throws {
        defer { writer.clear() }
        let start = try file.append(writer.bytes, flush: flushes)
        if noticeReplacement() { lost() }
        let (part, end) = (part, start + Int64(writer.bytes.count))
        shelf.withLock { contents in
            contents.book.apply(line, part: part, offset: start)
            contents.parts.note(line, in: part, end: end)
        }
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

    /// Prices some calls again.
    ///
    /// - Parameter lost: Is called when others have taken the file away with what is in it.
    /// - Returns: How many of those that count have another price now.
    mutating func reprice(_ ids: ArraySlice<UInt64>, by pricing: Pricing, lost: () -> Void) throws -> Int {
        var line = UsageLine()
        line.calls = shelf.withLock { $0.book.repriced(ids, by: pricing) }
        guard !line.isEmpty else { return 0 }
        writer.begin(receivedAt: nil)
        writer.write(calls: line.calls)
        writer.end()
        try appendWritten(line, lost: lost)
        return line.calls.count { $0.entry.call.isCounted }
    }

    /// Puts everything on the disk.
    mutating func flush() throws(FileError) { try file.flush() }

    /// Sets the file aside under another name and begins a new one.
    ///
    /// - Returns: The number of the file that was set aside; nil when there was nothing to set aside.
    mutating func rotate(_ names: PartNames, now: Timestamp) throws(FileError) -> Bool {
        guard file.offset > 0 else { return false }
        try file.flush()
        let current = part
        let path = shelf.withLock { names.path(number: max(now.milliseconds, $0.parts.largestNumber + 1)) }
        try shelf.withLock { contents throws(FileError) in
            try OwnFile.move(names.path, to: path)
            contents.parts[current]?.path = path
            contents.parts[current]?.number = names.number(of: DurableFolder.lastName(path))
        }
        file.close()
        try file.makeReady()
        generation = file.generation
        part = shelf.withLock { $0.parts.append(Part(path: names.path)) }
        return true
    }

    mutating func close() { file.close() }

    /// After others have taken the file away, what follows is in a new one.
    private mutating func noticeReplacement() -> Bool {
        guard file.generation != generation else { return false }
        generation = file.generation
        let (former, path) = (part, file.path)
        part = shelf.withLock { contents in
            contents.parts.remove(former)
            return contents.parts.append(Part(path: path))
        }
        return true
    }

    // MARK: - Lines

    private static func draft(_ batch: Batch, keepsRecords: Bool) -> UsageLine {
        var line = UsageLine()
        line.sessions = batch.sessions.map { SessionEntry(update: $0, isSighted: !$0.isImplied) }
        guard keepsRecords, batch.otlp.recordCount > 0 else { return line }
        line.extent = batch.extent
        for (session, ranges) in batch.recordsOfSessions { line.sessions[session].records = ranges }
        return line
    }

    /// Asks the ledger what the observations of the group change; that becomes part of the group's last line.
    ///
    /// - Returns: What became of each batch.
    private func learn(_ batches: [Batch], _ lines: inout [UsageLine], _ border: CompactionBorder) throws -> [Delivery]
    {
        let observations = batches.map(\.observations)
        let copied = batches.flatMap(\.copiedCalls)
        let drafts = lines
        let (change, notes, news) = try shelf.withLock { contents in
            // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
            let notes = contents.book.news(in: observations)
            let change = try Ledger.absorb(observations, adopting: copied, into: contents.book.ledger)
            return (
                change, notes, drafts.map { $0.sessions.filter { !$0.records.isEmpty || contents.book.isNews($0) } }
            )
        }
        for (position, sessions) in news.enumerated() { lines[position].sessions = sessions }
        let deliveries = Delivery.each(of: batches, in: border.visible(change))
        guard !change.isEmpty || !notes.isEmpty, let last = lines.indices.last else { return deliveries }
        let pricing = batches.lazy.compactMap(\.pricing).last
        lines[last].expired = change.entries.filter { border.isExpired($0.call.time) }
        lines[last].calls = border.visible(change).entries.map { entry in
            let unpriced = CallPrice(cost: .zero, isPriced: false, computed: nil)
            return KeptEntry(entry: entry, price: pricing?.price(entry.call) ?? unpriced)
        }
        let standing = Set(change.entries.map(\.call.id))
        lines[last].retired = change.retired.map(\.call.id).filter { !standing.contains($0) }
        lines[last].sessions += notes
        return deliveries
    }
}
