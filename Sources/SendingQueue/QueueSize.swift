// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// How much of something in a queue there is.
public struct QueueSize: Sendable, Hashable {
    /// Batches.
    public var batches = 0
    /// Records.
    public var records = 0
    /// Bytes, with what a queue adds to each batch.
    public var bytes = 0

    /// Nothing.
    public init() {}

    init(_ header: EntryHeader) {
        (batches, records, bytes) = (1, header.records, EntryHeader.size + header.length)
    }

    /// What one batch takes in a queue.
    public init(_ entry: QueueEntry) {
        (batches, records, bytes) = (1, entry.records, EntryHeader.size + entry.bytes.count)
    }

    /// Both together.
    public static func + (left: QueueSize, right: QueueSize) -> QueueSize {
        var sum = left
        sum += right
        return sum
    }

    /// Adds what is there, too.
    public static func += (left: inout QueueSize, right: QueueSize) {
        left.batches += right.batches
        left.records += right.records
        left.bytes += right.bytes
    }

    /// Takes away what is gone; nothing becomes negative.
    public static func -= (left: inout QueueSize, right: QueueSize) {
        left.batches = max(0, left.batches - right.batches)
        left.records = max(0, left.records - right.records)
        left.bytes = max(0, left.bytes - right.bytes)
    }
}
