// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
public import Usage

/// Entries that lie one behind the other in a segment, for which one answer was or will be got.
public struct QueuePlace: Sendable, Hashable {
    /// The number of the segment.
    public let segment: UInt64
    /// Where the entries lie in it.
    public let range: Range<Int>
    /// How much that is.
    public let tally: QueueSize
    /// When the first of them was taken in.
    public let time: Timestamp
}

/// Entries read from a queue.
public struct QueueRange: Sendable {
    /// Where they lie.
    public let place: QueuePlace
    private let parts: [Part]

    /// An entry, and where in a buffer its bytes lie; entries that were read together share one.
    struct Part: Sendable {
        var entry: QueueEntry
        var body: Range<Int>

        /// An entry that is in memory.
        init(_ entry: QueueEntry) {
            self.entry = entry
            body = entry.bytes.indices
        }

        /// An entry the header of which lies at an offset of a buffer.
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

    /// The bytes of each entry, where they lie.
    ///
    /// One behind the other they are one request: protobuf messages that follow each other are one message with the fields of all.
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

/// A file of a queue as far as it is known: what is in it, how far it is read, what is done with.
struct Segment: Sendable {
    let number: UInt64
    let seed: UInt64
    let file: any QueueFile
    /// Where entries end that are on the disk.
    var end: Int
    /// Where the next entry to be taken begins.
    var cursor = SegmentHeader.size
    /// What nobody has taken yet.
    var fresh = QueueSize()
    /// What was taken and not answered for.
    var taken = QueueSize()
    var done = DoneRanges()
    var doneFile: (any QueueFile)?
    /// When the next entry to be taken was taken in.
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

    /// Whether nothing in it waits, and nothing will come.
    var isFinished: Bool { !isOpen && fresh.batches == 0 && taken.batches == 0 }
}
