// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// Batches that were taken from the queue to be sent as one request.
struct QueuedRequest: Sendable, Hashable {
    var place: QueuePlace
    /// The ranges of records left to send, after the request had to be divided; nil for all of it.
    var parts: [Range<Int>]?
    /// How often sending failed.
    var failures = 0
    /// When it was first sent.
    var since: Duration
    /// The earliest time of the next attempt.
    var notBefore: Duration = .zero
    /// The schedule's `epoch` when this attempt began: how often a failure had stopped the queue until then.
    var epoch = 0
}

/// Decides when which request is sent; performs no I/O.
///
/// While the destination accepts requests, up to ``consumers`` are in flight. After a failure one request at a time tests whether the
/// destination is back, at growing intervals; failed requests wait on the disk, not in memory. A batch that is refused repeatedly does
/// not block the others: each has its own time.
struct SendingSchedule: Sendable {
    let consumers: Int
    let policy: RetryPolicy
    let flushTimeout: Duration
    /// From this size on a request is sent at once.
    let minimum: SegmentLog.BatchLimit
    /// How many bytes may be in flight at once, unless a single request has more.
    let memory: Int

    private(set) var underWay = 0
    private(set) var bytesUnderWay = 0
    /// How many requests may be in flight.
    private(set) var allowed: Int
    private(set) var pausedUntil: Duration = .zero
    /// Consecutive failures; those of requests that were in flight together count as one.
    private(set) var failures = 0
    private(set) var returned: [QueuedRequest] = []
    private var epoch = 0
    /// Since when batches have been waiting that were not taken; nil when there are none.
    var freshSince: Duration?
    /// Whether everything is to be sent now, because the collector is stopping.
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
        /// Send this request, which failed before.
        case again(QueuedRequest)
        /// Take batches from the queue and send them.
        case fresh
        /// Do nothing for this time, or until the next event.
        case wait(Duration?)
        /// Nothing more will be sent.
        case stop
    }

    /// The next step; `fresh` is the size of the batches that were not taken yet.
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

    /// Records that batches were taken for ``Step/fresh``; the rest waits from now on.
    mutating func took(_ place: QueuePlace, now: Duration) -> QueuedRequest {
        bytesUnderWay += place.tally.bytes
        freshSince = now
        return QueuedRequest(place: place, since: now, epoch: epoch)
    }

    /// The request for a new attempt, marked with the present epoch.
    func marked(_ queuedRequest: QueuedRequest) -> QueuedRequest {
        var queuedRequest = queuedRequest
        queuedRequest.epoch = epoch
        return queuedRequest
    }

    /// Records that there was nothing to take, or that it could not be read.
    mutating func tookNothing(pauseUntil: Duration = .zero) {
        underWay -= 1
        pausedUntil = max(pausedUntil, pauseUntil)
    }

    /// Records that a request has ended: accepted, refused for good, or dropped by ``SegmentLog``.
    mutating func ended(_ queuedRequest: QueuedRequest, wasTaken: Bool) {
        leave(queuedRequest)
        guard wasTaken else { return }
        failures = 0
        pausedUntil = .zero
        allowed = min(consumers, allowed * 2)
    }

    /// Records that the destination could not accept a request now.
    ///
    /// - Returns: false when it has been tried for too long and must be given up; until then it stays among the ``returned``.
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

    /// Removes a returned request that will not be sent.
    mutating func forget(_ place: QueuePlace) { returned.removeAll { $0.place == place } }

    /// Keeps a request that was to be given up.
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
