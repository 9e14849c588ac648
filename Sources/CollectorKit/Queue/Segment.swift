// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

/// Entries that lie one behind the other in a segment, for which one answer was or will be got.
public struct QueuePlace: Sendable, Hashable {
    /// The number of the segment.
    public let segment: UInt64
    /// Where the entries lie in it.
    public let range: Range<Int>
    /// How much that is.
    public let tally: Tally
    /// When the first of them was taken in.
    public let time: Timestamp
}

/// Entries read from a queue.
public struct QueueStretch: Sendable {
    /// Where they lie.
    public let place: QueuePlace
    private let buffer: [UInt8]
    private let bodies: [Range<Int>]

    private let seed: UInt64

    init(place: QueuePlace, buffer: [UInt8], bodies: [Range<Int>], seed: UInt64) {
        self.place = place
        self.seed = seed
        self.buffer = buffer
        self.bodies = bodies
    }

    /// The requests of all entries as one: protobuf messages one behind the other are one message with the fields of all.
    public var request: [UInt8] {
        let size = bodies.reduce(0) { $0 + $1.count }
        return [UInt8](unsafeUninitializedCapacity: size) { target, filled in
            buffer.withUnsafeBytes { source in
                for body in bodies {
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[filled...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[body]))
                    filled += body.count
                }
            }
        }
    }

    /// The bytes of each entry.
    public var requests: [[UInt8]] { bodies.map { Array(buffer[$0]) } }

    /// The entries one by one.
    public var entries: [QueueEntry] {
        bodies.compactMap { body in
            let start = body.lowerBound - EntryHeader.size
            let header = buffer.withUnsafeBytes { bytes in
                EntryHeader(UnsafeRawBufferPointer(rebasing: bytes[start..<body.lowerBound]), seed: seed)
            }
            return header.map {
                QueueEntry(signal: $0.signal, records: $0.records, time: $0.time, bytes: Array(buffer[body]))
            }
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
    var fresh = Tally()
    /// What was taken and not answered for.
    var taken = Tally()
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
