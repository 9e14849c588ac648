// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What was taken from the queue and is to be sent.
struct QueuedRequest: Sendable, Hashable {
    var place: QueuePlace
    /// Which of its records are left to send, once it had to be divided; nil for all as one request.
    var parts: [Range<Int>]?
    /// How often the destination could not take it.
    var failures = 0
    /// When it was first tried.
    var since: Duration
    /// When it may be tried again.
    var notBefore: Duration = .zero
    /// How many times the lane had been stopped by a failure when this attempt began.
    var epoch = 0
}

/// Decides when which request goes; performs nothing.
///
/// While the destination takes what it gets, up to ``consumers`` requests are under way. After a failure one at a time tries whether it is
/// back, at growing intervals; what failed waits on the disk, not in memory. A batch that alone is refused again and again does not
/// hold up the others: each has its own time.
struct SendingSchedule: Sendable {
    let consumers: Int
    let policy: RetryPolicy
    let flushTimeout: Duration
    /// From how much on a request goes at once.
    let minimum: SegmentLog.BatchLimit
    /// As many bytes may be under way at once, unless a single request has more.
    let memory: Int

    private(set) var underWay = 0
    private(set) var bytesUnderWay = 0
    /// How many requests may be under way.
    private(set) var allowed: Int
    private(set) var pausedUntil: Duration = .zero
    /// Failures in a row, those of requests that were under way together counted as one.
    private(set) var failures = 0
    private(set) var returned: [QueuedRequest] = []
    private var epoch = 0
    /// Since when something waits that nobody has taken; nil when nothing does.
    var freshSince: Duration?
    /// Whether everything is to go now, because the collector stops.
    var isDraining = false

    init(_ queue: SendingQueueConfig, _ retry: RetryConfig, minimum: SegmentLog.BatchLimit, memory: Int) {
        consumers = queue.numConsumers
        allowed = consumers
        policy = RetryPolicy(retry)
        flushTimeout = queue.batch.flushTimeout.duration
        self.minimum = minimum
        self.memory = memory
    }

    enum Step: Hashable {
        /// Send what was returned.
        case again(QueuedRequest)
        /// Take what nobody has taken and send it.
        case fresh
        /// Do nothing for a time, or until something happens.
        case wait(Duration?)
        /// Nothing more will be sent.
        case stop
    }

    /// What to do now; `fresh` is what waits and was not taken.
    mutating func next(now: Duration, fresh: QueueSize) -> Step {
        if fresh.batches == 0 { freshSince = nil } else { freshSince = freshSince ?? now }
        if isDraining, failures > 0 || (fresh.batches == 0 && returned.isEmpty) { return .stop }
        guard underWay < allowed, underWay == 0 || bytesUnderWay < memory else { return .wait(nil) }
        if pausedUntil > now { return .wait(pausedUntil - now) }
        if let index = returned.firstIndex(where: { $0.notBefore <= now }) {
            let queuedRequest = returned.remove(at: index)
            begin(bytes: queuedRequest.place.tally.bytes)
            return .again(queuedRequest)
        }
        var due = returned.map(\.notBefore).min()
        if let freshSince, returned.count < consumers {
            let ready = freshSince + flushTimeout
            if isDraining || ready <= now || fresh.bytes >= minimum.bytes || fresh.records >= minimum.records {
                begin(bytes: 0)
                return .fresh
            }
            due = min(due ?? ready, ready)
        }
        return .wait(due.map { $0 - now })
    }

    private mutating func begin(bytes: Int) {
        underWay += 1
        bytesUnderWay += bytes
    }

    /// Something was taken for ``Step/fresh``; what is left waits from now on.
    mutating func took(_ place: QueuePlace, now: Duration) -> QueuedRequest {
        bytesUnderWay += place.tally.bytes
        freshSince = now
        return QueuedRequest(place: place, since: now, epoch: epoch)
    }

    /// The attempt that begins belongs to the present state of the lane.
    func marked(_ queuedRequest: QueuedRequest) -> QueuedRequest {
        var queuedRequest = queuedRequest
        queuedRequest.epoch = epoch
        return queuedRequest
    }

    /// There was nothing to take, or it could not be read.
    mutating func tookNothing(pauseUntil: Duration = .zero) {
        underWay -= 1
        pausedUntil = max(pausedUntil, pauseUntil)
    }

    /// A request has found its end: taken, refused for good, or given up by ``SegmentLog``.
    mutating func ended(_ queuedRequest: QueuedRequest, wasTaken: Bool) {
        leave(queuedRequest)
        guard wasTaken else { return }
        failures = 0
        pausedUntil = .zero
        allowed = min(consumers, allowed * 2)
    }

    /// The destination could not take it now.
    ///
    /// - Returns: false when it has been tried for too long and must be given up; until it is, it stays among the ``returned``.
    mutating func failed(_ queuedRequest: QueuedRequest, asked: Duration?, now: Duration, chance: Double) -> Bool {
        leave(queuedRequest)
        allowed = 1
        if queuedRequest.epoch == epoch {
            epoch += 1
            failures += 1
            pausedUntil = now + policy.wait(after: failures, asked: asked, chance: chance)
        } else if let asked {
            pausedUntil = max(pausedUntil, now + min(asked, RetryPolicy.longestAsked))
        }
        var queuedRequest = queuedRequest
        queuedRequest.failures += 1
        queuedRequest.notBefore = now + policy.wait(after: queuedRequest.failures, asked: asked, chance: chance)
        returned.append(queuedRequest)
        return policy.limit.map { queuedRequest.notBefore - queuedRequest.since <= $0 } ?? true
    }

    /// A batch that was returned will not be sent.
    mutating func forget(_ place: QueuePlace) { returned.removeAll { $0.place == place } }

    /// A batch that was to be given up stays.
    mutating func keep(_ queuedRequest: QueuedRequest) {
        guard !returned.contains(where: { $0.place == queuedRequest.place }) else { return }
        var queuedRequest = queuedRequest
        queuedRequest.notBefore = pausedUntil
        returned.append(queuedRequest)
    }

    private mutating func leave(_ queuedRequest: QueuedRequest) {
        underWay -= 1
        bytesUnderWay -= queuedRequest.place.tally.bytes
    }
}
