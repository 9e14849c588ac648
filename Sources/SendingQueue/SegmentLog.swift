// SPDX-License-Identifier: Apache-2.0

public import Files
public import Logging
import OTLP
import Synchronization
public import Usage

/// A queue of batches in files that survives a crash of the process and a power cut.
///
/// - ``append(_:)`` returns when the batches are on the disk. Batches are read in the order in which they came; after a start, those
///   that were not acknowledged come first.
/// - An acknowledgement is written to a file next to the segment without a flush: after a power cut a batch may come twice, but it is
///   never missing. After the process was killed, only batches that were being sent come twice.
/// - Opening succeeds whenever the folder can be used: the torn end of a file is truncated, damage between batches is skipped and its
///   file kept under the name `….segment.bad`; both are logged.
/// - A finished file becomes the next segment when the storage prefers that: overwriting changes neither the size nor the place of a
///   file, which halves the cost of a flush. Each segment has a random number that seeds its checksums, so bytes of the previous
///   segment are never taken for a batch.
///
/// In memory are a few numbers for each segment, the batches that callers have taken, and at most 4 MiB of those not taken yet, so
/// that a batch that is sent at once need not be read. Methods block on files; safe to call from any thread.
public final class SegmentLog: Sendable {
    private let folder: String
    private let storage: any QueueStorage
    private let logger: Logger
    private let segmentSize: Int
    private let state = Mutex(State())
    /// Held while the reading position moves.
    private let reading = Mutex(())
    /// Held while batches are added.
    private let writing = Mutex(())

    /// The default size at which a new file is begun.
    public static let fileSize = 16 << 20

    struct State {
        var isOpen = false
        /// The segments, ordered by number.
        var segments: [Segment] = []
        var nextNumber: UInt64 = 1
        /// The times at which taken batches had been received, by place.
        var taken: [QueuePlace: Timestamp] = [:]
        /// Whether there is a file that can be reused for the next segment.
        var hasSpare = false
        /// The latest entries, kept in memory.
        var recent = RecentEntries()

        func position(of number: UInt64) -> Int? { segments.firstIndex { $0.number == number } }
    }

    /// Creates a queue; opens nothing.
    ///
    /// - Parameters:
    ///   - folder: The folder of its files, which has no others.
    ///   - segmentSize: The size in bytes at which a new file is begun.
    public init(folder: String, storage: any QueueStorage, segmentSize: Int = fileSize, logger: Logger) {
        self.folder = folder
        self.storage = storage
        self.segmentSize = segmentSize
        self.logger = logger
    }

    /// The size of all batches that were added and not acknowledged.
    public var waiting: QueueSize {
        state.withLock { $0.segments.reduce(QueueSize()) { $0 + $1.fresh + $1.taken } }
    }

    /// The size of the batches that were not taken yet.
    public var fresh: QueueSize { state.withLock { $0.segments.reduce(QueueSize()) { $0 + $1.fresh } } }

    /// When the oldest waiting batch was received; nil when none waits.
    public var oldest: Timestamp? {
        state.withLock { state in
            let next = state.segments.first { $0.fresh.batches > 0 }?.nextTime
            return [state.taken.values.min(), next].compactMap(\.self).min()
        }
    }

    /// Closes the files; waiting batches stay in them.
    public func close() {
        writing.withLock { _ in
            reading.withLock { _ in
                state.withLock { state in
                    for index in state.segments.indices { state.segments[index].isOpen = false }
                    state.isOpen = false
                    removeFinished(&state)
                    if state.hasSpare { storage.remove(path(SegmentName.spare)) }
                    state = State()
                }
            }
        }
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Removes finished segments; damaged ones are kept under another name.
    private func removeFinished(_ state: inout State) {
        // A queue that is being closed needs no spare file.
        var hasSpare = state.hasSpare || !state.isOpen
        state.segments.removeAll { segment in
            guard segment.isFinished else { return false }
            discard(segment, hasSpare: &hasSpare)
            return true
        }
        if state.isOpen { state.hasSpare = hasSpare }
    }

    /// Removes the segment before its file of finished ranges: such a file without a segment is ignored.
    private func discard(_ segment: Segment, hasSpare: inout Bool) {
        let path = path(SegmentName.segment(segment.number))
        if segment.isDamaged {
            setAside(segment.number)
        } else if !hasSpare, isOfUse(segment), (try? storage.rename(path, to: self.path(SegmentName.spare))) != nil {
            hasSpare = true
        } else {
            storage.remove(path)
        }
        storage.remove(self.path(SegmentName.done(segment.number)))
    }

    /// Whether its file may become another segment: it must be large enough, but not larger than needed.
    private func isOfUse(_ segment: Segment) -> Bool {
        storage.reusesFiles && segmentSize...segmentSize * 2 ~= segment.end
    }

    /// Renames a file that cannot be read.
    private func setAside(_ number: UInt64) {
        let bad = path(SegmentName.bad(number))
        do throws(FileError) {
            try storage.rename(path(SegmentName.segment(number)), to: bad)
            logger.error("a damaged segment of the queue is set aside", metadata: ["file": "\(bad)"])
        } catch {
            logger.error("a damaged segment cannot be set aside", metadata: ["reason": "\(error)"])
        }
    }
}

// MARK: - Appending

extension SegmentLog {
    /// How many bytes of small entries are joined into one system call.
    private static let gathered = 256 << 10
    /// Entries of at least this size are written without being copied.
    private static let large = 16 << 10

    /// Adds batches, all or none; they are on the disk when it returns.
    ///
    /// - Returns: The size of the batches not taken yet; no more than was added when none had been waiting.
    /// - Throws: ``FileError`` when they could not be stored; the queue is unchanged, and the next attempt may succeed.
    @discardableResult
    public func append(_ entries: [QueueEntry]) throws(FileError) -> QueueSize {
        guard !entries.isEmpty else { return fresh }
        return try writing.withLock { _ throws(FileError) in
            let segment = try openSegment()
            do throws(FileError) {
                try write(entries, to: segment)
                try segment.file.sync()
            } catch {
                takeBack(segment)
                throw error
            }
            let added = entries.reduce(QueueSize()) { $0 + QueueSize($1) }
            return state.withLock { state in
                if let index = state.position(of: segment.number) {
                    if state.segments[index].fresh.batches == 0 { state.segments[index].nextTime = entries[0].time }
                    state.recent.add(entries, segment: segment.number, start: state.segments[index].end)
                    state.segments[index].end += added.bytes
                    state.segments[index].fresh += added
                }
                return state.segments.reduce(QueueSize()) { $0 + $1.fresh }
            }
        }
    }

    private func write(_ entries: [QueueEntry], to segment: Segment) throws(FileError) {
        var buffer: [UInt8] = []
        var offset = segment.end
        for entry in entries {
            EntryHeader(entry, seed: segment.seed).write(to: &buffer, seed: segment.seed)
            let isLarge = entry.bytes.count >= Self.large
            if !isLarge {
                buffer.append(contentsOf: entry.bytes)
                guard buffer.count >= Self.gathered else { continue }
            }
            let more = isLarge ? entry.bytes : []
            try segment.file.write(buffer, then: more, at: offset)
            offset += buffer.count + more.count
            buffer.removeAll(keepingCapacity: true)
        }
        try segment.file.write(buffer, at: offset)
    }

    /// The segment to which entries are added; begins a new one when there is none or it is full.
    private func openSegment() throws(FileError) -> Segment {
        let (isOpen, current, number) = state.withLock { state in
            (state.isOpen, state.segments.last { $0.isOpen }, state.nextNumber)
        }
        guard isOpen else { throw FileError(number: 9, path: folder) }
        if let current, current.end < segmentSize { return current }
        let seed = UInt64.random(in: .min ... .max)
        let path = path(SegmentName.segment(number))
        let file: any QueueFile =
            if let reused = reusedFile(path, seed: seed) { reused } else { try newFile(path, seed: seed) }
        var segment = Segment(number: number, seed: seed, file: file, end: SegmentHeader.size)
        segment.isOpen = true
        state.withLock { [segment] state in
            state.nextNumber = number + 1
            if let current, let index = state.position(of: current.number) { state.segments[index].isOpen = false }
            current?.file.releaseDescriptor()
            removeFinished(&state)
            state.segments.append(segment)
        }
        return segment
    }

    private func newFile(_ path: String, seed: UInt64) throws(FileError) -> any QueueFile {
        let file = try storage.open(path, creating: true)
        do throws(FileError) {
            if file.size > 0 { try file.cut(to: 0) }
            try file.write(SegmentHeader.bytes(seed: seed), at: 0)
            try file.sync()
            try storage.syncFolder(folder)
        } catch {
            storage.remove(path)
            throw error
        }
        return file
    }

    /// The spare file as a new segment; nil when there is none or it cannot be used.
    ///
    /// The new header is flushed before the file is renamed: its previous bytes are never taken for a waiting segment.
    private func reusedFile(_ path: String, seed: UInt64) -> (any QueueFile)? {
        let hasSpare = state.withLock { state in
            defer { state.hasSpare = false }
            return state.hasSpare
        }
        guard hasSpare else { return nil }
        let spare = self.path(SegmentName.spare)
        do throws(FileError) {
            let former = try storage.open(spare, creating: false)
            try former.write(SegmentHeader.bytes(seed: seed, isReused: true), at: 0)
            try former.sync()
            try storage.rename(spare, to: path)
            let file = try storage.open(path, creating: false)
            try storage.syncFolder(folder)
            return file
        } catch {
            logger.debug("a file of the queue cannot be used again", metadata: ["reason": "\(error)"])
            storage.remove(spare)
            storage.remove(path)
            return nil
        }
    }

    /// Removes the bytes of a failed attempt; when that fails, nothing more is added to the file.
    private func takeBack(_ segment: Segment) {
        do throws(FileError) {
            try segment.file.cut(to: segment.end)
        } catch {
            logger.warning("a failed write cannot be taken back", metadata: ["reason": "\(error)"])
        }
        // After a failed flush the kernel's copy of a file may differ from the disk, so new entries go to a new file.
        state.withLock { state in
            if let index = state.position(of: segment.number) { state.segments[index].isOpen = false }
            removeFinished(&state)
        }
    }
}

// MARK: - Opening

extension SegmentLog {
    /// Reads the segments of earlier runs; the caller must hold the lock of the folder.
    ///
    /// - Throws: ``FileError`` when the folder cannot be used; damaged files in it are no error.
    public func open() throws(FileError) {
        try storage.makeFolder(folder)
        storage.remove(path(SegmentName.spare))
        var numbers: Set<UInt64> = []
        var notes: Set<UInt64> = []
        var highest: UInt64 = 0
        for name in try storage.names(in: folder) {
            guard let (number, kind) = SegmentName.parse(name) else { continue }
            highest = max(highest, number)
            if kind == "segment" { numbers.insert(number) }
            if kind == "done" { notes.insert(number) }
        }
        for number in notes.subtracting(numbers) { storage.remove(path(SegmentName.done(number))) }
        var segments: [Segment] = []
        for number in numbers.sorted() {
            // Only the newest segment may have been cut off while it was written; the others were complete when the next one was begun.
            if let segment = recovered(number, verifying: number == numbers.max()) { segments.append(segment) }
        }
        state.withLock { [segments] state in
            state.segments = segments
            state.nextNumber = highest + 1
            state.isOpen = true
            removeFinished(&state)
        }
    }

    /// A segment of an earlier run; nil when none of it can be read.
    private func recovered(_ number: UInt64, verifying: Bool) -> Segment? {
        do throws(FileError) {
            let file = try storage.open(path(SegmentName.segment(number)), creating: false)
            let size = file.size
            guard let header = SegmentHeader.read(try file.bytes(at: 0, count: SegmentHeader.size)) else {
                // No entry is written before the header is flushed.
                if size <= SegmentHeader.size {
                    storage.remove(path(SegmentName.segment(number)))
                } else {
                    setAside(number)
                }
                return nil
            }
            var segment = Segment(number: number, seed: header.seed, file: file, end: size)
            segment.done = try doneRanges(of: number, seed: header.seed)
            let findings = try count(&segment, verifying: verifying)
            cut(&segment, to: findings.end, isReused: header.isReused)
            note(findings.damage, in: &segment)
            // A long queue has more files than a process may have open.
            file.releaseDescriptor()
            return segment
        } catch {
            logger.error("a segment of the queue cannot be read", metadata: ["reason": "\(error)"])
            // Only a read error of the disk means damage; any other error may pass, and the next start reads the file.
            if error.isDamage { setAside(number) }
            return nil
        }
    }

    private func doneRanges(of number: UInt64, seed: UInt64) throws(FileError) -> DoneRanges {
        do throws(FileError) {
            let file = try storage.open(path(SegmentName.done(number)), creating: false)
            return DoneMark.ranges(try file.bytes(at: 0, count: file.size), seed: seed)
        } catch {
            // Without the file no range counts as finished, which loses nothing.
            return DoneRanges()
        }
    }

    private func count(_ segment: inout Segment, verifying: Bool) throws(FileError) -> SegmentWalk.Findings {
        var walk = SegmentWalk(segment.file, seed: segment.seed, end: segment.end)
        var fresh = QueueSize()
        var first: Timestamp?
        let done = segment.done
        let findings = try walk.entries(from: SegmentHeader.size, verifying: verifying) { header, offset in
            guard done.end(at: offset) == nil else { return }
            fresh += QueueSize(header)
            first = first ?? header.time
        }
        segment.fresh = fresh
        segment.nextTime = first
        return findings
    }

    /// Truncates a segment after its last complete entry; in a reused file the following bytes need not be a torn entry.
    private func cut(_ segment: inout Segment, to end: Int, isReused: Bool) {
        let tail = segment.end - end
        segment.end = end
        guard tail > 0 else { return }
        if !isReused {
            logger.warning(
                "the torn end of the queue is cut; what was being written there was not acknowledged",
                metadata: ["file": "\(path(SegmentName.segment(segment.number)))", "bytes": "\(tail)"]
            )
        }
        do throws(FileError) {
            try segment.file.cut(to: end)
        } catch {
            logger.warning("the torn end cannot be cut and is passed over", metadata: ["reason": "\(error)"])
        }
    }

    /// Records the damage of a segment and logs it once.
    private func note(_ damage: [Range<Int>], in segment: inout Segment) {
        let damage = damage.filter { segment.done.end(at: $0.lowerBound) == nil }
        guard !damage.isEmpty else { return }
        segment.isDamaged = true
        logger.error(
            "a segment of the queue is damaged; what can be read is sent, the file is kept",
            metadata: [
                "file": "\(path(SegmentName.segment(segment.number)))",
                "bytes": "\(damage.reduce(0) { $0 + $1.count })", "places": "\(damage.count)",
            ]
        )
    }
}

// MARK: - Reading

extension SegmentLog {
    /// The limit of what is taken at a time.
    public struct BatchLimit: Sendable, Hashable {
        /// The largest number of bytes, unless a single batch has more.
        public var bytes: Int
        /// The largest number of records, unless a single batch has more.
        public var records: Int

        /// Creates a limit.
        public init(bytes: Int, records: Int = .max) {
            self.bytes = bytes
            self.records = records
        }
    }

    /// Takes the next batches; nil when none waits.
    ///
    /// The caller calls ``acknowledge(_:)`` when they need not come again, or ``read(_:)`` to get them once more.
    public func take(_ portion: BatchLimit) throws(FileError) -> QueueRange? {
        try reading.withLock { _ throws(FileError) in
            while let segment = state.withLock({ $0.segments.first { $0.fresh.batches > 0 } }) {
                var found = try recentRange(of: segment, portion)
                if found == nil { found = try nextRange(of: segment, portion) }
                guard let (range, next) = found else { continue }
                state.withLock { state in
                    state.taken[range.place] = range.place.time
                    guard let index = state.position(of: segment.number) else { return }
                    state.segments[index].fresh -= range.place.tally
                    state.segments[index].taken += range.place.tally
                    move(&state.segments[index], to: range.place.range.upperBound)
                    state.segments[index].nextTime = next ?? range.place.time
                }
                return range
            }
            return nil
        }
    }

    /// Reads taken batches again.
    public func read(_ place: QueuePlace) throws(FileError) -> QueueRange? {
        guard let segment = state.withLock({ state in state.segments.first { $0.number == place.segment } }) else {
            return nil
        }
        let bytes = try segment.file.bytes(at: place.range.lowerBound, count: place.range.count)
        var parts: [QueueRange.Part] = []
        var position = 0
        while position < bytes.count, let header = Self.entry(bytes, at: position, segment.seed) {
            parts.append(QueueRange.Part(header, bytes, at: position))
            position += EntryHeader.size + header.length
        }
        return QueueRange(place: place, parts: parts)
    }

    /// Marks batches as finished, so that they do not come again.
    public func acknowledge(_ place: QueuePlace) {
        state.withLock { state in
            guard state.taken.removeValue(forKey: place) != nil, let index = state.position(of: place.segment) else {
                return
            }
            state.segments[index].taken -= place.tally
            finish(place.range, of: index, &state)
        }
    }

    /// Drops the oldest batches that were not taken, until this many bytes are free; returns their size.
    public func dropOldest(bytes: Int) throws(FileError) -> QueueSize {
        var dropped = QueueSize()
        while dropped.bytes < bytes, let range = try take(BatchLimit(bytes: 1)) {
            dropped += range.place.tally
            acknowledge(range.place)
        }
        return dropped
    }

    /// Marks a range as finished, and removes the segment when all of it is.
    private func finish(_ range: Range<Int>, of index: Int, _ state: inout State) {
        state.segments[index].done.insert(range)
        let segment = state.segments[index]
        if segment.isFinished { return removeFinished(&state) }
        do throws(FileError) {
            let file: any QueueFile
            if let noted = segment.doneFile {
                file = noted
            } else {
                file = try storage.open(path(SegmentName.done(segment.number)), creating: true)
            }
            state.segments[index].doneFile = file
            try file.write(DoneMark.bytes(range, seed: segment.seed), at: file.size)
        } catch {
            // Without the mark batches come twice after a crash, but none is lost.
            logger.debug("what is done with cannot be noted", metadata: ["reason": "\(error)"])
            realign(state.segments[index].doneFile)
        }
    }

    /// Truncates a partly written mark, so that those after it can be read.
    private func realign(_ file: (any QueueFile)?) {
        guard let file else { return }
        do throws(FileError) {
            try file.cut(to: file.size / DoneMark.size * DoneMark.size)
        } catch {
            logger.debug("the note of what is done with is torn", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - One segment

    /// The next entries of a segment from memory; nil when they are not there.
    private func recentRange(of segment: Segment, _ portion: BatchLimit) throws(FileError) -> (
        QueueRange, Timestamp?
    )? {
        let (entries, next) = state.withLock {
            $0.recent.take(segment: segment.number, from: segment.cursor, portion)
        }
        guard let first = entries.first else { return nil }
        let tally = entries.reduce(QueueSize()) { $0 + QueueSize($1) }
        let end = segment.cursor + tally.bytes
        let place = QueuePlace(
            segment: segment.number,
            range: segment.cursor..<end,
            tally: tally,
            time: first.time
        )
        let range = QueueRange(place: place, parts: entries.map { QueueRange.Part($0) })
        if next != nil || end >= segment.end { return (range, next) }
        var walk = SegmentWalk(segment.file, seed: segment.seed, end: segment.end)
        return (range, try walk.header(at: end)?.time)
    }

    /// The next consecutive entries of a segment, and the time of the one after them; nil when there was nothing to take at the reading
    /// position, which has then moved on.
    private func nextRange(of segment: Segment, _ portion: BatchLimit) throws(FileError) -> (
        QueueRange, Timestamp?
    )? {
        let start = segment.cursor
        if let end = segment.done.end(at: start) {
            pass(to: end, of: segment, damage: nil)
            return nil
        }
        var walk = SegmentWalk(segment.file, seed: segment.seed, end: segment.end)
        guard start < segment.end, let first = try walk.header(at: start) else {
            let next = start < segment.end ? try walk.nextEntry(after: start) : nil
            pass(to: next ?? segment.end, of: segment, damage: start..<(next ?? segment.end))
            return nil
        }
        let size = max(EntryHeader.size + first.length, min(portion.bytes, segment.end - start))
        let bytes = try segment.file.bytes(at: start, count: size)
        var parts: [QueueRange.Part] = []
        var tally = QueueSize()
        var position = 0
        while let header = Self.entry(bytes, at: position, segment.seed), segment.done.end(at: start + position) == nil
        {
            let sum = tally + QueueSize(header)
            guard parts.isEmpty || (sum.isWithin(portion) && header.hops == first.hops) else { break }
            parts.append(QueueRange.Part(header, bytes, at: position))
            tally = sum
            position += EntryHeader.size + header.length
        }
        guard !parts.isEmpty else {
            pass(to: start + EntryHeader.size + first.length, of: segment, damage: start..<start + size)
            return nil
        }
        let place = QueuePlace(
            segment: segment.number,
            range: start..<start + position,
            tally: tally,
            time: first.time
        )
        let next = try start + position < segment.end ? walk.header(at: start + position)?.time : nil
        return (QueueRange(place: place, parts: parts), next)
    }

    /// The header of a complete entry at an offset of a buffer.
    private static func entry(_ bytes: [UInt8], at offset: Int, _ seed: UInt64) -> EntryHeader? {
        bytes.withUnsafeBytes { bytes in
            guard offset + EntryHeader.size <= bytes.count,
                let header = EntryHeader(UnsafeRawBufferPointer(rebasing: bytes[offset...]), seed: seed)
            else { return nil }
            let start = offset + EntryHeader.size
            guard start + header.length <= bytes.count,
                header.matches(UnsafeRawBufferPointer(rebasing: bytes[start..<start + header.length]), seed: seed)
            else { return nil }
            return header
        }
    }

    /// Moves the reading position past finished or damaged entries.
    private func pass(to position: Int, of segment: Segment, damage: Range<Int>?) {
        state.withLock { state in
            guard let index = state.position(of: segment.number) else { return }
            if let damage, !damage.isEmpty, !state.segments[index].isDamaged {
                note([damage], in: &state.segments[index])
            }
            move(&state.segments[index], to: position)
            removeFinished(&state)
        }
    }

    /// At the end of a segment nothing of it is left to take, whatever was counted before it was damaged.
    private func move(_ segment: inout Segment, to position: Int) {
        segment.cursor = position
        if position >= segment.end { segment.fresh = QueueSize() }
    }
}

extension QueueSize {
    fileprivate func isWithin(_ limit: SegmentLog.BatchLimit) -> Bool {
        bytes <= limit.bytes && records <= limit.records
    }
}

/// Entries that were just added to a queue and no sender has taken yet, so that sending them needs no reading: a few mebibytes at most.
///
/// They are on the disk as well. When there is no more room, the newest ones are left out, because the oldest are taken first.
struct RecentEntries: Sendable {
    private struct Item {
        var segment: UInt64
        var start: Int
        var entry: QueueEntry

        var end: Int { start + QueueSize(entry).bytes }
    }

    private var items: [Item] = []
    /// The index of the first entry not taken; those before it are emptied.
    private var first = 0
    private var bytes = 0

    /// The largest total size in bytes.
    private static let room = 4 << 20
    /// The memory of an entry in addition to its bytes.
    private static let overhead = 128

    /// Keeps consecutive entries of a segment, as far as there is room.
    mutating func add(_ entries: [QueueEntry], segment: UInt64, start: Int) {
        var start = start
        for entry in entries {
            let size = entry.bytes.count + Self.overhead
            guard bytes + size <= Self.room else { return }
            items.append(Item(segment: segment, start: start, entry: entry))
            bytes += size
            start = items[items.count - 1].end
        }
    }

    /// Takes consecutive entries from a position on, as many as the limit allows and at least one; none when the first of them is not
    /// in memory.
    ///
    /// - Returns: The entries, and when the one after them was received, if that one is in memory, too.
    mutating func take(segment: UInt64, from position: Int, _ portion: SegmentLog.BatchLimit) -> (
        [QueueEntry], Timestamp?
    ) {
        while first < items.count, (items[first].segment, items[first].start) < (segment, position) { dropFirst() }
        var entries: [QueueEntry] = []
        var tally = QueueSize()
        var end = position
        while first < items.count, items[first].segment == segment, items[first].start == end {
            let entry = items[first].entry
            let sum = tally + QueueSize(entry)
            guard entries.isEmpty || (sum.isWithin(portion) && entry.hops == entries[0].hops) else { break }
            entries.append(entry)
            tally = sum
            end = items[first].end
            dropFirst()
        }
        guard first < items.count, (items[first].segment, items[first].start) == (segment, end) else {
            return (entries, nil)
        }
        return (entries, items[first].entry.time)
    }

    private mutating func dropFirst() {
        bytes -= items[first].entry.bytes.count + Self.overhead
        items[first].entry.bytes = []
        first += 1
        guard first == items.count || first > 256 else { return }
        items.removeSubrange(..<first)
        first = 0
    }
}
