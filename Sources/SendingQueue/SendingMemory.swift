// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// A signal queue's share of the memory that the collector has for requests and queues.
///
/// Batches in files use none. Batches in flight are counted but never wait for memory: they are bounded by ``QueueLimits/memory``, and
/// sending them is what frees memory.
struct SendingMemory: Sendable {
    private let sending: (any MemoryPool)?
    private let waiting: (any MemoryPool)?

    /// The segment size of a queue in memory: its memory is released segment by segment.
    static let segmentSize = 1 << 20
    /// A batch in flight is held as it was read, as a request, and as a body.
    private static let copies = 3

    init(_ config: SendingQueueConfig, _ pool: (any MemoryPool)?) {
        sending = pool
        waiting = config.isInFiles ? nil : pool
    }

    /// Whether this many bytes could wait in an empty queue.
    func canHold(_ bytes: Int) -> Bool { waiting.map { bytes <= $0.mostWaiting } ?? true }
    /// Whether this many more bytes may wait now in addition to the queue's own.
    func mayWait(_ bytes: Int, beside own: Int) -> Bool { waiting?.mayWait(bytes, beside: own) ?? true }
    /// Reserves bytes in addition to the queue's own; false when there is no room.
    func reserve(_ bytes: Int, beside own: Int) -> Bool { waiting?.reserve(bytes, beside: own) ?? true }
    /// Releases reserved bytes.
    func unreserve(_ bytes: Int) { waiting?.unreserve(bytes) }

    /// Counts the memory of a range that is about to be sent; returns the number of bytes.
    func take(toSend range: QueueRange) -> Int {
        let bytes = range.place.range.count * Self.copies
        sending?.charge(bytes)
        return bytes
    }

    /// Releases counted bytes.
    func giveBack(sent bytes: Int) { sending?.discharge(bytes) }
}
