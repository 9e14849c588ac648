// SPDX-License-Identifier: Apache-2.0

import Logging
import OTLP
import Synchronization
import Usage

extension SegmentLog {
    /// Finds what earlier runs have left; whoever calls has the lock of the folder.
    ///
    /// - Throws: ``QueueStorageError`` when the folder cannot be used at all; whatever its files hold is no reason.
    public func open() throws(QueueStorageError) {
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
        do throws(QueueStorageError) {
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
            file.layBy()
            return segment
        } catch {
            logger.error("a segment of the queue cannot be read", metadata: ["reason": "\(error)"])
            // Only the disk itself says something about the file; anything else may pass, and the next start reads it.
            if error.isDamage { setAside(number) }
            return nil
        }
    }

    private func doneRanges(of number: UInt64, seed: UInt64) throws(QueueStorageError) -> DoneRanges {
        do throws(QueueStorageError) {
            let file = try storage.open(path(SegmentName.done(number)), creating: false)
            return DoneMark.ranges(try file.bytes(at: 0, count: file.size), seed: seed)
        } catch {
            // Without the note everything counts as not done, which loses nothing.
            return DoneRanges()
        }
    }

    private func count(_ segment: inout Segment, verifying: Bool) throws(QueueStorageError) -> SegmentWalk.Findings {
        var walk = SegmentWalk(segment.file, seed: segment.seed, end: segment.end)
        var fresh = Tally()
        var first: Timestamp?
        let done = segment.done
        let findings = try walk.entries(from: SegmentHeader.size, verifying: verifying) { header, offset in
            guard done.end(at: offset) == nil else { return }
            fresh += Tally(header)
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
        do throws(QueueStorageError) {
            try segment.file.cut(to: end)
        } catch {
            logger.warning("the torn end cannot be cut and is passed over", metadata: ["reason": "\(error)"])
        }
    }

    /// Remembers that a segment is damaged and says so once.
    func note(_ damage: [Range<Int>], in segment: inout Segment) {
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
