// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

/// What was logged, as text.
final class RecordedLog: Sendable {
    private let text = Mutex<[String]>([])

    var lines: [String] { text.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in RecordingHandler { line in self.text.withLock { $0.append(line) } } }
        logger.logLevel = .info
        return logger
    }
}

private struct RecordingHandler: LogHandler {
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write("\(event.message) \(event.metadata ?? [:])") }
}

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
