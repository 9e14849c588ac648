// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What a lane takes of the memory that the collector has for requests and queues.
///
/// What waits in files takes none. What is being sent is counted, but never waits for memory: it is bounded by ``QueueLimits/memory``, and
/// only by sending does memory come back.
struct SendingMemory: Sendable {
    private let sending: (any MemoryPool)?
    private let waiting: (any MemoryPool)?

    /// From how many bytes on a queue in memory begins another piece: memory comes back piece by piece.
    static let segmentSize = 1 << 20
    /// What is read from the queue is held once as it was read, once as a request and once as a body.
    private static let copies = 3

    init(_ config: SendingQueueConfig, _ pool: (any MemoryPool)?) {
        sending = pool
        waiting = config.isInFiles ? nil : pool
    }

    /// Whether so many bytes can wait at all.
    func canHold(_ bytes: Int) -> Bool { waiting.map { bytes <= $0.mostWaiting } ?? true }
    /// Whether so many more bytes may wait now beside what waits.
    func mayWait(_ bytes: Int, beside own: Int) -> Bool { waiting?.mayWait(bytes, beside: own) ?? true }
    /// Takes bytes beside what waits; false when there is no room.
    func reserve(_ bytes: Int, beside own: Int) -> Bool { waiting?.reserve(bytes, beside: own) ?? true }
    /// Gives back what was reserved.
    func unreserve(_ bytes: Int) { waiting?.unreserve(bytes) }

    /// Counts what is about to be sent; returns how many bytes that is.
    func take(toSend range: QueueRange) -> Int {
        let bytes = range.place.range.count * Self.copies
        sending?.charge(bytes)
        return bytes
    }

    /// Gives back what was counted.
    func giveBack(sent bytes: Int) { sending?.discharge(bytes) }
}
