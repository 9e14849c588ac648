// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import SendingQueue
import Usage

/// Numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func next() -> UInt64 {
        state = state &+ 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// A batch with a number.
func entry(_ number: Int) -> QueueEntry {
    let bytes = Array("batch-\(number)-".utf8) + [UInt8](repeating: UInt8(number % 251), count: number % 13)
    return QueueEntry(signal: .logs, records: number % 7 + 1, time: time(number), bytes: bytes)
}

/// When that batch came in.
func time(_ number: Int) -> Timestamp { Timestamp(nanoseconds: 1_790_000_000_000_000_000 + Int64(number)) }

/// The number of a batch.
func number(_ bytes: [UInt8]) -> Int? {
    let parts = bytes.split(separator: UInt8(ascii: "-"), maxSplits: 2)
    return parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) : nil
}

/// The numbers of everything that waits, taken and answered for.
func drain(_ queue: SegmentLog) throws -> [Int] {
    var seen: [Int] = []
    while let range = try queue.take(SegmentLog.BatchLimit(bytes: 100)) {
        seen += range.requests.compactMap(number)
        queue.acknowledge(range.place)
    }
    return seen
}
