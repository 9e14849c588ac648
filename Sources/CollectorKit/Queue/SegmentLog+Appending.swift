// SPDX-License-Identifier: Apache-2.0

import Logging
import OTLP
import Synchronization
import Usage

extension SegmentLog {
    /// As many bytes of small entries as are gathered for one call of the system.
    private static let gathered = 256 << 10
    /// Entries from this size on are written from where they lie.
    private static let large = 16 << 10

    /// Adds batches; they are on the disk when it returns, all or none.
    ///
    /// - Returns: What waits now and was not taken; no more than was added when nothing waited before.
    /// - Throws: ``QueueStorageError`` when they are not; the queue is as it was, and the next attempt may succeed.
    @discardableResult
    public func append(_ entries: [QueueEntry]) throws(QueueStorageError) -> Tally {
        guard !entries.isEmpty else { return fresh }
        return try writing.withLock { _ throws(QueueStorageError) in
            let segment = try openSegment()
            do throws(QueueStorageError) {
                try write(entries, to: segment)
                try segment.file.sync()
            } catch {
                takeBack(segment)
                throw error
            }
            let added = entries.reduce(Tally()) { $0 + Tally($1) }
            return state.withLock { state in
                if let index = state.position(of: segment.number) {
                    if state.segments[index].fresh.batches == 0 { state.segments[index].nextTime = entries[0].time }
                    state.recent.add(entries, segment: segment.number, start: state.segments[index].end)
                    state.segments[index].end += added.bytes
                    state.segments[index].fresh += added
                }
                return state.segments.reduce(Tally()) { $0 + $1.fresh }
            }
        }
    }

    private func write(_ entries: [QueueEntry], to segment: Segment) throws(QueueStorageError) {
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
    private func openSegment() throws(QueueStorageError) -> Segment {
        let (isOpen, current, number) = state.withLock { state in
            (state.isOpen, state.segments.last { $0.isOpen }, state.nextNumber)
        }
        guard isOpen else { throw QueueStorageError(number: 9, path: folder) }
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
            current?.file.layBy()
            removeFinished(&state)
            state.segments.append(segment)
        }
        return segment
    }

    private func newFile(_ path: String, seed: UInt64) throws(QueueStorageError) -> any QueueFile {
        let file = try storage.open(path, creating: true)
        do throws(QueueStorageError) {
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
        do throws(QueueStorageError) {
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
        do throws(QueueStorageError) {
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
