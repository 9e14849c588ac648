// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
public import Usage

/// A range of consecutive entries in a segment that were taken together and get one answer.
public struct QueuePlace: Sendable, Hashable {
    /// The number of the segment.
    public let segment: UInt64
    /// The range of bytes in the segment.
    public let range: Range<Int>
    /// The size of its entries.
    public let tally: QueueSize
    /// When the first of them was received.
    public let time: Timestamp
}

/// Entries read from a queue.
public struct QueueRange: Sendable {
    /// Their place in the queue.
    public let place: QueuePlace
    private let parts: [Part]

    /// An entry and the position of its bytes in a buffer; entries that were read together share the buffer.
    struct Part: Sendable {
        var entry: QueueEntry
        var body: Range<Int>

        /// An entry in memory.
        init(_ entry: QueueEntry) {
            self.entry = entry
            body = entry.bytes.indices
        }

        /// An entry whose header is at an offset of a buffer.
        init(_ header: EntryHeader, _ buffer: [UInt8], at offset: Int) {
            entry = QueueEntry(
                signal: header.signal,
                records: header.records,
                time: header.time,
                hops: header.hops,
                bytes: buffer
            )
            body = offset + EntryHeader.size..<offset + EntryHeader.size + header.length
        }

        var bytes: ArraySlice<UInt8> { entry.bytes[body] }
    }

    init(place: QueuePlace, parts: [Part]) {
        self.place = place
        self.parts = parts
    }

    /// The bytes of each entry, not copied.
    ///
    /// Joined they are one request: concatenated protobuf messages are one message with the fields of all.
    public var pieces: [ArraySlice<UInt8>] { parts.map(\.bytes) }

    /// Through how many collectors they have come; those that were taken together have that in common.
    public var hops: UInt8 { parts.first?.entry.hops ?? 0 }

    /// The requests of all entries as one.
    public var request: [UInt8] { Array(pieces.joined()) }

    /// The bytes of each entry.
    public var requests: [[UInt8]] { parts.map { Array($0.bytes) } }

    /// The entries one by one.
    public var entries: [QueueEntry] {
        parts.map { part in
            var entry = part.entry
            entry.bytes = Array(part.bytes)
            return entry
        }
    }
}

/// The state of one segment file: its entries, the position of reading, and the finished ranges.
struct Segment: Sendable {
    let number: UInt64
    let seed: UInt64
    let file: any QueueFile
    /// The end of the flushed entries.
    var end: Int
    /// The start of the next entry to take.
    var cursor = SegmentHeader.size
    /// The size of the entries that were not taken yet.
    var fresh = QueueSize()
    /// The size of the entries that were taken and not acknowledged.
    var taken = QueueSize()
    var done = DoneRanges()
    var doneFile: (any QueueFile)?
    /// When the next entry to take was received.
    var nextTime: Timestamp?
    /// Whether entries are still added.
    var isOpen = false
    var isDamaged = false

    init(number: UInt64, seed: UInt64, file: any QueueFile, end: Int) {
        self.number = number
        self.seed = seed
        self.file = file
        self.end = end
    }

    /// Whether nothing in it waits and nothing will be added.
    var isFinished: Bool { !isOpen && fresh.batches == 0 && taken.batches == 0 }
}
