// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// The size of a queue or of a part of it.
public struct QueueSize: Sendable, Hashable {
    /// Batches.
    public var batches = 0
    /// Records.
    public var records = 0
    /// Bytes, including the queue's overhead for each batch.
    public var bytes = 0

    /// Creates an empty size.
    public init() {}

    init(_ header: EntryHeader) {
        (batches, records, bytes) = (1, header.records, EntryHeader.size + header.length)
    }

    /// The size of one entry in a queue.
    public init(_ entry: QueueEntry) {
        (batches, records, bytes) = (1, entry.records, EntryHeader.size + entry.bytes.count)
    }

    /// The sum of both.
    public static func + (left: QueueSize, right: QueueSize) -> QueueSize {
        var sum = left
        sum += right
        return sum
    }

    /// Adds a size.
    public static func += (left: inout QueueSize, right: QueueSize) {
        left.batches += right.batches
        left.records += right.records
        left.bytes += right.bytes
    }

    /// Subtracts a size; no member becomes negative.
    public static func -= (left: inout QueueSize, right: QueueSize) {
        left.batches = max(0, left.batches - right.batches)
        left.records = max(0, left.records - right.records)
        left.bytes = max(0, left.bytes - right.bytes)
    }
}
