// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// How much may wait, and how much goes at once, in the units of the queue.
struct QueueLimits: Sendable, Hashable {
    /// As many bytes as may wait; always bounded.
    var bytes: Int
    var batches = Int.max
    var records = Int.max
    /// From how much on a request goes at once.
    var minimum: SegmentLog.BatchLimit
    /// How much a request has at most.
    var maximum: SegmentLog.BatchLimit
    /// As many bytes of requests as may be under way at once.
    var memory: Int

    /// How much is joined into one request where nothing else is said: many servers take no more.
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

    /// Whether so much may wait.
    func hold(_ tally: QueueSize) -> Bool {
        tally.bytes <= bytes && tally.batches <= batches && tally.records <= records
    }

    /// Whether usual batches find no more room: the last twentieth of the bytes is counted as taken, because batches differ in size.
    func areReached(by tally: QueueSize) -> Bool {
        tally.bytes >= bytes - bytes / 20 || tally.batches >= batches || tally.records >= records
    }
}

/// How fast a queue empties, over the last minute or so.
struct DrainRate: Sendable {
    private var bytes = 0.0
    private var last: Duration = .zero

    /// After this time what was sent counts for a third.
    private static let memory = 60.0

    /// Something has left the queue.
    mutating func note(bytes count: Int, now: Duration) {
        fade(to: now)
        bytes += Double(count)
    }

    /// How long until there is room for so many bytes, from 1 to 30 seconds.
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

/// Lets one of many equal messages through each minute.
struct Throttle: Sendable {
    private var next: Duration = .zero
    private var held = 0

    /// Whether to speak now, and how many were held back since the last time.
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
