// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import Testing
import Usage

@testable import SendingQueue

/// When each request is sent, without sending anything.
struct ScheduleTests {
    private static let none = QueueSize()

    private func schedule(_ change: (inout SendingSections) -> Void = { _ in }) -> SendingSchedule {
        var config = SendingSections()
        config.sendingQueue.numConsumers = 4
        config.retryOnFailure.randomizationFactor = 0
        change(&config)
        let limits = QueueLimits(config.sendingQueue)
        return SendingSchedule(
            config.sendingQueue,
            config.retryOnFailure,
            minimum: limits.minimum,
            memory: limits.memory
        )
    }

    private func tally(_ batches: Int, bytes: Int = 100) throws -> QueueSize {
        let entry = QueueEntry(
            signal: .logs,
            records: 1,
            time: Timestamp(nanoseconds: 0),
            bytes: [UInt8](repeating: 0, count: bytes)
        )
        return (0..<batches).reduce(QueueSize()) { sum, _ in sum + QueueSize(entry) }
    }

    /// Places like those of a queue.
    private func places(_ count: Int, bytes: Int = 100) throws -> [QueuePlace] {
        let queue = SegmentLog(folder: "/q", storage: MemoryStorage(), logger: RecordedLog().logger)
        try queue.open()
        for number in 0..<count {
            let entry = QueueEntry(
                signal: .logs,
                records: 1,
                time: Timestamp(nanoseconds: Int64(number)),
                bytes: [UInt8](repeating: 0, count: bytes)
            )
            try queue.append([entry])
        }
        return try (0..<count).map { _ in try #require(try queue.take(SegmentLog.BatchLimit(bytes: 1))).place }
    }

    @Test func `a batch waits for others for the flush timeout, and a full request does not wait`() throws {
        var schedule = schedule()
        #expect(schedule.next(now: .zero, fresh: Self.none) == .wait(nil))
        #expect(schedule.next(now: .zero, fresh: try tally(1)) == .wait(.milliseconds(200)))
        #expect(schedule.next(now: .milliseconds(150), fresh: try tally(2)) == .wait(.milliseconds(50)))
        #expect(schedule.next(now: .milliseconds(200), fresh: try tally(2)) == .fresh)
        var other = self.schedule()
        #expect(other.next(now: .zero, fresh: try tally(8_192)) == .fresh)
    }

    @Test func `no more requests are under way than there are consumers and memory for`() throws {
        var schedule = schedule()
        for place in try places(4) {
            #expect(schedule.next(now: .seconds(1), fresh: try tally(9_000)) == .fresh)
            _ = schedule.took(place, now: .seconds(1))
        }
        #expect(schedule.next(now: .seconds(1), fresh: try tally(9_000)) == .wait(nil))
        var other = self.schedule()
        for place in try places(2, bytes: 3 << 20) {
            #expect(other.next(now: .seconds(1), fresh: try tally(9_000)) == .fresh)
            _ = other.took(place, now: .seconds(1))
        }
        #expect(other.next(now: .seconds(1), fresh: try tally(9_000)) == .wait(nil))
    }

    @Test func `while a destination is down one request at a time asks for it, at growing intervals`() throws {
        var schedule = schedule()
        var now = Duration.seconds(100)
        var queuedRequests: [QueuedRequest] = []
        for place in try places(4) {
            #expect(schedule.next(now: now, fresh: try tally(9_000)) == .fresh)
            queuedRequests.append(schedule.took(place, now: now))
        }
        for queuedRequest in queuedRequests {
            let waits = schedule.failed(queuedRequest, asked: nil, now: now, chance: 0.5)
            #expect(waits)
        }
        var waits: [Duration] = []
        for _ in 0..<6 {
            guard case .wait(let wait?) = schedule.next(now: now, fresh: try tally(9_000)) else {
                Issue.record("no wait")
                return
            }
            waits.append(wait)
            now += wait
            guard case .again(let queuedRequest) = schedule.next(now: now, fresh: try tally(9_000)) else {
                Issue.record("no attempt")
                return
            }
            #expect(schedule.next(now: now, fresh: try tally(9_000)) == .wait(nil))
            _ = schedule.failed(schedule.marked(queuedRequest), asked: nil, now: now, chance: 0.5)
        }
        #expect(waits.first == .seconds(5))
        #expect(waits.last == .seconds(30))
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        now += .seconds(30)
        guard case .again(let queuedRequest) = schedule.next(now: now, fresh: try tally(9_000)) else {
            Issue.record("no attempt")
            return
        }
        schedule.ended(queuedRequest, wasTaken: true)
        var begun = 0
        while schedule.next(now: now + .seconds(60), fresh: try tally(9_000)) != .wait(nil) { begun += 1 }
        #expect(begun == 2)
    }

    @Test func `a destination that asks for a time gets it, up to ten minutes`() throws {
        for (asked, waits) in [(Duration.seconds(90), Duration.seconds(90)), (.seconds(99_999), .seconds(600))] {
            var schedule = schedule()
            _ = schedule.next(now: .seconds(1), fresh: try tally(9_000))
            let queuedRequest = schedule.took(try places(1)[0], now: .seconds(1))
            _ = schedule.failed(queuedRequest, asked: asked, now: .seconds(1), chance: 0.5)
            #expect(schedule.next(now: .seconds(1), fresh: Self.none) == .wait(waits))
        }
    }

    @Test func `waits are shorter or longer by chance`() {
        var config = RetryConfig()
        config.randomizationFactor = 0.5
        let policy = RetryPolicy(config)
        #expect(policy.wait(after: 1, asked: nil, chance: 0) == .seconds(2.5))
        #expect(policy.wait(after: 1, asked: nil, chance: 1) == .seconds(7.5))
        #expect(policy.wait(after: 1_000_000, asked: nil, chance: 0.5) == .seconds(30))
    }

    @Test(arguments: [
        ("120", Duration.seconds(120)), (" 3 ", .seconds(3)), ("0", .zero),
        ("Sun, 22 Nov 2026 08:00:30 GMT", .seconds(30)), ("Sun, 22 Nov 2026 07:00:00 GMT", .zero), ("soon", nil),
        ("-1", nil), ("", nil), ("1.5", nil), ("Sunday, 22-Nov-26 08:00:30 GMT", nil),
        ("99999999999999999999", .seconds(Int64.max / 4_000_000_000)),
    ])
    func `Retry-After is read in both its forms`(text: String, wait: Duration?) throws {
        let now = try #require(Timestamp(iso8601: "2026-11-22T08:00:00Z"))
        #expect(RetryAfter.wait(text, now: now) == wait)
    }

    @Test func `a drain sends everything at once and ends at the first trouble`() throws {
        var schedule = schedule()
        schedule.isDraining = true
        #expect(schedule.next(now: .zero, fresh: try tally(1)) == .fresh)
        let queuedRequest = schedule.took(try places(1)[0], now: .zero)
        _ = schedule.failed(queuedRequest, asked: nil, now: .zero, chance: 0.5)
        #expect(schedule.next(now: .zero, fresh: try tally(1)) == .stop)
        var empty = self.schedule()
        empty.isDraining = true
        #expect(empty.next(now: .zero, fresh: Self.none) == .stop)
    }

    @Test func `a queue that empties fast asks senders to wait a short while, a stuck one a long while`() {
        var rate = DrainRate()
        #expect(rate.seconds(for: 1, now: .seconds(1)) == 30)
        for second in 1...60 { rate.note(bytes: 1_000, now: .seconds(second)) }
        #expect(rate.seconds(for: 500, now: .seconds(60)) == 1)
        #expect((2...30).contains(rate.seconds(for: 5_000, now: .seconds(60))))
        #expect(rate.seconds(for: 500, now: .seconds(600)) == 30)
    }
}

/// The sections of a configuration that a schedule follows.
private struct SendingSections {
    var sendingQueue = SendingQueueConfig()
    var retryOnFailure = RetryConfig()
}
