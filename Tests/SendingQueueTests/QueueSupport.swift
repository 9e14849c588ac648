// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import SendingQueue
import Usage

/// A batch with a number.
func entry(_ number: Int) -> QueueEntry {
    let bytes = Array("batch-\(number)-".utf8) + [UInt8](repeating: UInt8(number % 251), count: number % 13)
    return QueueEntry(signal: .logs, records: number % 7 + 1, time: time(number), bytes: bytes)
}

/// When that batch was received.
func time(_ number: Int) -> Timestamp { Timestamp(nanoseconds: 1_790_000_000_000_000_000 + Int64(number)) }

/// The number of a batch.
func number(_ bytes: [UInt8]) -> Int? {
    let parts = bytes.split(separator: UInt8(ascii: "-"), maxSplits: 2)
    return parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) : nil
}

/// Takes and acknowledges everything that waits; returns the numbers.
func drain(_ queue: SegmentLog) throws -> [Int] {
    var seen: [Int] = []
    while let range = try queue.take(SegmentLog.BatchLimit(bytes: 100)) {
        seen += range.requests.compactMap(number)
        queue.acknowledge(range.place)
    }
    return seen
}
