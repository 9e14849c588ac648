// SPDX-License-Identifier: Apache-2.0

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
    let folder: String
    let storage: any QueueStorage
    let logger: Logger
    let segmentSize: Int
    let state = Mutex(State())
    /// Held while the position of reading moves.
    let reading = Mutex(())
    /// Held while something is added.
    let writing = Mutex(())

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
    public var waiting: Tally {
        state.withLock { $0.segments.reduce(Tally()) { $0 + $1.fresh + $1.taken } }
    }

    /// What waits and was not taken yet.
    public var fresh: Tally { state.withLock { $0.segments.reduce(Tally()) { $0 + $1.fresh } } }

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

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Removes segments that nobody needs any more; damaged ones are kept under another name.
    func removeFinished(_ state: inout State) {
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
    func setAside(_ number: UInt64) {
        let bad = path(SegmentName.bad(number))
        do throws(QueueStorageError) {
            try storage.rename(path(SegmentName.segment(number)), to: bad)
            logger.error("a damaged segment of the queue is set aside", metadata: ["file": "\(bad)"])
        } catch {
            logger.error("a damaged segment cannot be set aside", metadata: ["reason": "\(error)"])
        }
    }
}
