// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Logging
public import OTLP
public import Usage

/// A request that the destination refused for good, and the reason.
public struct DeadLetter: Sendable, Hashable {
    /// The signal of its records.
    public var signal: Signal
    /// The number of records.
    public var records: Int
    /// When it was refused.
    public var time: Timestamp
    /// The destination's message.
    public var reason: String
    /// The request as protobuf.
    public var request: [UInt8]
}

extension DeadLetter {
    /// Its form in the queue: the size of the reason in four bytes, the reason, the request.
    var entry: QueueEntry {
        let reason = Array(reason.utf8.prefix(4_096))
        let size = UInt32(reason.count)
        let head = (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * UInt32($0))) }
        return QueueEntry(signal: signal, records: records, time: time, bytes: head + reason + request)
    }

    /// Decodes an entry; nil when it is damaged.
    init?(_ entry: QueueEntry) {
        guard entry.bytes.count >= 4 else { return nil }
        let size = entry.bytes[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard entry.bytes.count >= 4 + size else { return nil }
        signal = entry.signal
        records = entry.records
        time = entry.time
        reason = String(decoding: entry.bytes[4..<4 + size], as: UTF8.self)
        request = Array(entry.bytes[(4 + size)...])
    }
}

/// Keeps refused requests up to a total size; the oldest are removed first.
///
/// Blocks on files.
struct DeadLetters: Sendable {
    let log: SegmentLog
    let limit: Int
    let counters: ComponentCounters
    let logger: Logger

    /// Keeps a request; removes the oldest ones when there is no room.
    func keep(_ letter: DeadLetter) throws(FileError) {
        let entry = letter.entry
        let size = entry.bytes.count
        guard size <= limit else {
            counters.add(letter.records, to: .dropped)
            logger.error("a refused batch is given up: dead_letters.max_size has no room for it")
            return
        }
        let excess = log.waiting.bytes + size - limit
        if excess > 0 {
            let dropped = try log.dropOldest(bytes: excess)
            counters.add(dropped.records, to: .dropped)
            logger.error("dead letters are given up for newer ones", metadata: ["records": "\(dropped.records)"])
        }
        try log.append([entry])
    }
}
