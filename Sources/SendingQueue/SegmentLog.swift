// SPDX-License-Identifier: Apache-2.0

public import Files
public import Logging
import OTLP
import Synchronization
public import Usage

/// A queue of batches in files that survives whatever happens to the process.
///
/// It stands in CollectorKit, not in the host, because the exporters that need it are plugins, which know CollectorKit alone.
///
/// - ``append(_:)`` returns when the batches are on the disk. Batches are read back in the order in which they came, whatever was not
///   answered for first after a start.
/// - What is answered for is noted in a file beside the segment, without waiting for the disk: after a power cut a batch may
///   come twice; it is never missing. After the process was killed only what was being sent comes twice.
/// - Opening always succeeds if the folder can be used: the torn end of a file is cut, damage between batches is passed over and its
///   file kept under the name `….segment.bad`; the log says so.
/// - A file that is done with becomes the next segment where the storage prefers that: bytes that lie over others change neither
///   the size nor the place of a file, which halves what a flush costs. Each segment has a number of its own that seeds its sums, so
///   nothing of what lay there before is taken for a batch.
///
/// Memory holds a few numbers for each segment, what callers have taken, and of what nobody has taken yet at most 4 MiB, so that
/// what is sent at once need not be read. Methods block on files; safe to call from any thread.
public final class SegmentLog: Sendable {
    private let folder: String
    private let storage: any QueueStorage
    private let logger: Logger
    private let segmentSize: Int
    private let state = Mutex(State())
    /// Held while the position of reading moves.
    private let reading = Mutex(())
    /// Held while something is added.
    private let writing = Mutex(())

    /// From how many bytes on a new file is begun where nothing else is said.
    public static let fileSize = 16 << 20

    struct State {
        var isOpen = false
        /// In the order of their numbers.
        var segments: [Segment] = []
        var nextNumber: UInt64 = 1
        /// When the batches that were taken had come in, by place.
        var taken: [QueuePlace: Timestamp] = [:]
        /// Whether there is a file that will be the next segment.
        var hasSpare = false
        /// What need not be read.
        var recent = RecentEntries()

        func position(of number: UInt64) -> Int? { segments.firstIndex { $0.number == number } }
    }

    /// Names a queue; opens nothing.
    ///
    /// - Parameters:
    ///   - folder: Where its files lie; nothing else may lie there.
    ///   - segmentSize: From how many bytes on a new file is begun.
    public init(folder: String, storage: any QueueStorage, segmentSize: Int = fileSize, logger: Logger) {
        self.folder = folder
        self.storage = storage
        self.segmentSize = segmentSize
        self.logger = logger
    }

    /// What waits: everything that was added and not answered for.
    public var waiting: QueueSize {
        state.withLock { $0.segments.reduce(QueueSize()) { $0 + $1.fresh + $1.taken } }
    }

    /// What waits and was not taken yet.
    public var fresh: QueueSize { state.withLock { $0.segments.reduce(QueueSize()) { $0 + $1.fresh } } }

    /// When the oldest batch that waits was taken in; nil when none waits.
    public var oldest: Timestamp? {
        state.withLock { state in
            let next = state.segments.first { $0.fresh.batches > 0 }?.nextTime
            return [state.taken.values.min(), next].compactMap(\.self).min()
        }
    }

    /// Closes the files; what waits stays in them.
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

    /// Removes segments that nobody needs any more; damaged ones are kept under another name.
    private func removeFinished(_ state: inout State) {
        // Nobody needs a spare file of a queue that is being closed.
        var hasSpare = state.hasSpare || !state.isOpen
        state.segments.removeAll { segment in
            guard segment.isFinished else { return false }
            discard(segment, hasSpare: &hasSpare)
            return true
        }
        if state.isOpen { state.hasSpare = hasSpare }
    }

    /// The segment goes before the note of what is done with it: a note without a segment means nothing.
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

    /// Whether its file may become another segment: it must be large enough, and not waste the disk.
    private func isOfUse(_ segment: Segment) -> Bool {
        storage.reusesFiles && segmentSize...segmentSize * 2 ~= segment.end
    }

    /// Keeps a file that cannot be read, out of the way.
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
    /// As many bytes of small entries as are gathered for one call of the system.
    private static let gathered = 256 << 10
    /// Entries from this size on are written from where they lie.
    private static let large = 16 << 10

    /// Adds batches; they are on the disk when it returns, all or none.
    ///
    /// - Returns: What waits now and was not taken; no more than was added when nothing waited before.
    /// - Throws: ``FileError`` when they are not; the queue is as it was, and the next attempt may succeed.
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

    /// The segment that entries are added to; begins a new one when there is none or it is full.
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
    /// Its new head is on the disk before its name is: what it held before is never taken for a segment that waits.
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

    /// Takes back what a failed attempt has left; a file from which it cannot be taken is not added to any more.
    private func takeBack(_ segment: Segment) {
        do throws(FileError) {
            try segment.file.cut(to: segment.end)
        } catch {
            logger.warning("a failed write cannot be taken back", metadata: ["reason": "\(error)"])
        }
        // What the system holds of a file after a failed flush is not to be trusted: what follows goes into a new one.
        state.withLock { state in
            if let index = state.position(of: segment.number) { state.segments[index].isOpen = false }
            removeFinished(&state)
        }
    }
}

// MARK: - Opening

extension SegmentLog {
    /// Finds what earlier runs have left; whoever calls has the lock of the folder.
    ///
    /// - Throws: ``FileError`` when the folder cannot be used at all; whatever its files hold is no reason.
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
            // The newest may have been cut off while it was written; the others were whole when the next one was begun.
            if let segment = recovered(number, verifying: number == numbers.max()) { segments.append(segment) }
        }
        state.withLock { [segments] state in
            state.segments = segments
            state.nextNumber = highest + 1
            state.isOpen = true
            removeFinished(&state)
        }
    }

    /// A segment of an earlier run; nil when nothing of it can be read.
    private func recovered(_ number: UInt64, verifying: Bool) -> Segment? {
        do throws(FileError) {
            let file = try storage.open(path(SegmentName.segment(number)), creating: false)
            let size = file.size
            guard let header = SegmentHeader.read(try file.bytes(at: 0, count: SegmentHeader.size)) else {
                // No entry is written before the header is on the disk.
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
            // Only the disk itself says something about the file; anything else may pass, and the next start reads it.
            if error.isDamage { setAside(number) }
            return nil
        }
    }

    private func doneRanges(of number: UInt64, seed: UInt64) throws(FileError) -> DoneRanges {
        do throws(FileError) {
            let file = try storage.open(path(SegmentName.done(number)), creating: false)
            return DoneMark.ranges(try file.bytes(at: 0, count: file.size), seed: seed)
        } catch {
            // Without the note everything counts as not done, which loses nothing.
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

    /// Cuts what follows the last whole entry; in a file that was used before that need not be a torn one.
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

    /// Remembers that a segment is damaged and says so once.
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
    /// How much of what waits is taken at a time.
    public struct BatchLimit: Sendable, Hashable {
        /// As many bytes as there are at most, unless a single batch has more.
        public var bytes: Int
        /// As many records as there are at most, unless a single batch has more.
        public var records: Int

        /// Creates a portion.
        public init(bytes: Int, records: Int = .max) {
            self.bytes = bytes
            self.records = records
        }
    }

    /// Takes the next batches; nil when none waits.
    ///
    /// Whoever takes them says ``acknowledge(_:)`` when they need not come again, or reads them once more.
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

    /// Reads batches again that were taken.
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

    /// Says that batches need not come again.
    public func acknowledge(_ place: QueuePlace) {
        state.withLock { state in
            guard state.taken.removeValue(forKey: place) != nil, let index = state.position(of: place.segment) else {
                return
            }
            state.segments[index].taken -= place.tally
            finish(place.range, of: index, &state)
        }
    }

    /// Gives up the oldest batches that nobody has taken until so many bytes are free; what that was.
    public func dropOldest(bytes: Int) throws(FileError) -> QueueSize {
        var dropped = QueueSize()
        while dropped.bytes < bytes, let range = try take(BatchLimit(bytes: 1)) {
            dropped += range.place.tally
            acknowledge(range.place)
        }
        return dropped
    }

    /// Notes that a range is done with, and removes the segment when all of it is.
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
            // The note only keeps batches from coming twice after a crash.
            logger.debug("what is done with cannot be noted", metadata: ["reason": "\(error)"])
            realign(state.segments[index].doneFile)
        }
    }

    /// Cuts off a part of a mark, so that those that follow can be read.
    private func realign(_ file: (any QueueFile)?) {
        guard let file else { return }
        do throws(FileError) {
            try file.cut(to: file.size / DoneMark.size * DoneMark.size)
        } catch {
            logger.debug("the note of what is done with is torn", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - One segment

    /// The next entries of a segment as they are in memory; nil when they are not.
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

    /// The next entries of a segment that follow each other, and the time of the one after; nil when there was nothing to take at
    /// its position, which has moved on then.
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

    /// The header of a whole entry at an offset of a buffer.
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

    /// Moves the position of reading past what is done with or cannot be read.
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

    /// At the end of a segment nothing of it is fresh, whatever was counted before it was damaged.
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

/// Entries that were just added to a queue and nobody has taken yet, so that sending them needs no reading: a few mebibytes at most.
///
/// They are on the disk as well. When there is no more room the newest ones are left out: the oldest are taken first.
struct RecentEntries: Sendable {
    private struct Item {
        var segment: UInt64
        var start: Int
        var entry: QueueEntry

        var end: Int { start + QueueSize(entry).bytes }
    }

    private var items: [Item] = []
    /// Where what nobody has taken begins; what lies before is empty.
    private var first = 0
    private var bytes = 0

    /// As many bytes as are kept.
    private static let room = 4 << 20
    /// What an entry takes beside its bytes.
    private static let overhead = 128

    /// Keeps entries that lie one behind the other in a segment, as far as there is room.
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

    /// Takes the entries that follow each other from a position on, as many as a portion holds and at least one; none when
    /// the first of them is not here.
    ///
    /// - Returns: The entries, and when the one after them was taken in, if that is here, too.
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
