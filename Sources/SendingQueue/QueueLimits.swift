// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// The size limits of a queue and of its requests.
struct QueueLimits: Sendable, Hashable {
    /// How many bytes may wait; always bounded.
    var bytes: Int
    var batches = Int.max
    var records = Int.max
    /// From this size on a request is sent at once.
    var minimum: SegmentLog.BatchLimit
    /// The largest request.
    var maximum: SegmentLog.BatchLimit
    /// How many bytes of requests may be in flight at once.
    var memory: Int

    /// The default size of a joined request: many servers accept no more.
    private static let joined = 1 << 20
    private static let standardBytes = 1 << 30

    init(_ config: SendingQueueConfig) {
        bytes = Self.standardBytes
        let size = config.queueSize
        switch (size.hasUnit, config.sizer) {
        case (true, _), (false, .bytes): bytes = size.number
        case (false, .items): records = size.number
        case (false, .auto), (false, .requests): batches = size.number
        }
        let batch = config.batch
        func portion(_ amount: SendingQueueConfig.Amount, unlimited: Bool) -> SegmentLog.BatchLimit {
            let isBytes = amount.hasUnit || batch.sizer == .bytes
            let number = amount.number == 0 && unlimited ? Int.max : amount.number
            return SegmentLog.BatchLimit(bytes: isBytes ? number : .max, records: isBytes ? .max : number)
        }
        minimum = portion(batch.minSize, unlimited: false)
        maximum = portion(batch.maxSize, unlimited: true)
        if maximum.bytes == .max { maximum.bytes = Self.joined }
        minimum.bytes = min(minimum.bytes, maximum.bytes)
        minimum.records = min(minimum.records, maximum.records)
        memory = max(4 << 20, maximum.bytes)
    }

    /// Whether a queue of this size is within the limit.
    func hold(_ tally: QueueSize) -> Bool {
        tally.bytes <= bytes && tally.batches <= batches && tally.records <= records
    }

    /// Whether the queue is almost full: its last twentieth counts as used, because batches differ in size.
    func areReached(by tally: QueueSize) -> Bool {
        tally.bytes >= bytes - bytes / 20 || tally.batches >= batches || tally.records >= records
    }
}

/// The rate at which a queue empties, over about the last minute.
struct DrainRate: Sendable {
    private var bytes = 0.0
    private var last: Duration = .zero

    /// The seconds over which the rate is averaged: bytes that left this long ago count for about a third.
    private static let memory = 60.0

    /// Records bytes that left the queue.
    mutating func note(bytes count: Int, now: Duration) {
        fade(to: now)
        bytes += Double(count)
    }

    /// The expected time until this many bytes fit, from 1 to 30 seconds.
    mutating func seconds(for count: Int, now: Duration) -> Int {
        fade(to: now)
        let rate = bytes / Self.memory
        guard rate > 0 else { return 30 }
        return Int(min(30, max(1, (Double(count) / rate).rounded(.up))))
    }

    private mutating func fade(to now: Duration) {
        let (seconds, attoseconds) = (now - last).components
        let passed = Double(seconds) + Double(attoseconds) / 1e18
        bytes *= max(0, 1 - passed / Self.memory)
        last = now
    }
}

/// Lets one of many equal log messages through each minute.
struct Throttle: Sendable {
    private var next: Duration = .zero
    private var held = 0

    /// The number of messages suppressed since the last one; nil when this one is suppressed, too.
    mutating func admit(_ now: Duration) -> Int? {
        guard now >= next else {
            held += 1
            return nil
        }
        next = now + .seconds(60)
        defer { held = 0 }
        return held
    }
}
