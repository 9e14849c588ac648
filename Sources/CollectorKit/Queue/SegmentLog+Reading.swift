// SPDX-License-Identifier: Apache-2.0

import Logging
import OTLP
import Synchronization
import Usage

extension SegmentLog {
    /// How much of what waits is taken at a time.
    public struct Portion: Sendable, Hashable {
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
    public func take(_ portion: Portion) throws(QueueStorageError) -> QueueStretch? {
        try reading.withLock { _ throws(QueueStorageError) in
            while let segment = state.withLock({ $0.segments.first { $0.fresh.batches > 0 } }) {
                var found = try recentStretch(of: segment, portion)
                if found == nil { found = try nextStretch(of: segment, portion) }
                guard let (stretch, next) = found else { continue }
                state.withLock { state in
                    state.taken[stretch.place] = stretch.place.time
                    guard let index = state.position(of: segment.number) else { return }
                    state.segments[index].fresh -= stretch.place.tally
                    state.segments[index].taken += stretch.place.tally
                    move(&state.segments[index], to: stretch.place.range.upperBound)
                    state.segments[index].nextTime = next ?? stretch.place.time
                }
                return stretch
            }
            return nil
        }
    }

    /// Reads batches again that were taken.
    public func read(_ place: QueuePlace) throws(QueueStorageError) -> QueueStretch? {
        guard let segment = state.withLock({ state in state.segments.first { $0.number == place.segment } }) else {
            return nil
        }
        let bytes = try segment.file.bytes(at: place.range.lowerBound, count: place.range.count)
        var parts: [QueueStretch.Part] = []
        var position = 0
        while position < bytes.count, let header = Self.entry(bytes, at: position, segment.seed) {
            parts.append(QueueStretch.Part(header, bytes, at: position))
            position += EntryHeader.size + header.length
        }
        return QueueStretch(place: place, parts: parts)
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
    public func dropOldest(bytes: Int) throws(QueueStorageError) -> Tally {
        var dropped = Tally()
        while dropped.bytes < bytes, let stretch = try take(Portion(bytes: 1)) {
            dropped += stretch.place.tally
            acknowledge(stretch.place)
        }
        return dropped
    }

    /// Notes that a stretch is done with, and removes the segment when all of it is.
    private func finish(_ range: Range<Int>, of index: Int, _ state: inout State) {
        state.segments[index].done.insert(range)
        let segment = state.segments[index]
        if segment.isFinished { return removeFinished(&state) }
        do throws(QueueStorageError) {
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
        do throws(QueueStorageError) {
            try file.cut(to: file.size / DoneMark.size * DoneMark.size)
        } catch {
            logger.debug("the note of what is done with is torn", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - One segment

    /// The next entries of a segment as they are in memory; nil when they are not.
    private func recentStretch(of segment: Segment, _ portion: Portion) throws(QueueStorageError) -> (
        QueueStretch, Timestamp?
    )? {
        let (entries, next) = state.withLock {
            $0.recent.take(segment: segment.number, from: segment.cursor, portion)
        }
        guard let first = entries.first else { return nil }
        let tally = entries.reduce(Tally()) { $0 + Tally($1) }
        let end = segment.cursor + tally.bytes
        let place = QueuePlace(
            segment: segment.number,
            range: segment.cursor..<end,
            tally: tally,
            time: first.time
        )
        let stretch = QueueStretch(place: place, parts: entries.map { QueueStretch.Part($0) })
        if next != nil || end >= segment.end { return (stretch, next) }
        var walk = SegmentWalk(segment.file, seed: segment.seed, end: segment.end)
        return (stretch, try walk.header(at: end)?.time)
    }

    /// The next entries of a segment that follow each other, and the time of the one after; nil when there was nothing to take at
    /// its position, which has moved on then.
    private func nextStretch(of segment: Segment, _ portion: Portion) throws(QueueStorageError) -> (
        QueueStretch, Timestamp?
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
        var parts: [QueueStretch.Part] = []
        var tally = Tally()
        var position = 0
        while let header = Self.entry(bytes, at: position, segment.seed), segment.done.end(at: start + position) == nil
        {
            let sum = tally + Tally(header)
            guard parts.isEmpty || (sum.bytes <= portion.bytes && sum.records <= portion.records) else { break }
            parts.append(QueueStretch.Part(header, bytes, at: position))
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
        return (QueueStretch(place: place, parts: parts), next)
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
        if position >= segment.end { segment.fresh = Tally() }
    }
}
