// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import Logging
import OTLP
import Synchronization
import Usage

/// Forwards one signal to the destination: a queue, and the task that empties it.
///
/// Each signal has its own, so that a destination that accepts only traces does not block logs.
final class SignalQueue: Sendable {
    let signal: Signal
    let queue: SegmentLog
    private let environment: Environment
    private let limits: QueueLimits
    private let memory: SendingMemory
    let wakeup = Wakeup()
    /// Runs blocking file operations.
    private let writes = DispatchQueue(label: "sending_queue.writes")
    private let reads = DispatchQueue(label: "sending_queue.reads")
    let state: Mutex<State>

    /// What all signal queues of an exporter share.
    struct Environment: Sendable {
        var queue: SendingQueueConfig
        var retry: RetryConfig
        var settings: ComponentSettings
        /// The largest size of a request in bytes.
        var largestRequest: Int
        /// What is kept of a batch; a whole one is not divided.
        var form = QueuedForm.records
        var send: QueuedExporter.Send
        var deadLetters: DeadLetters
        /// The time since some moment, by a clock that is never set.
        var uptime: @Sendable () -> Duration
        /// A random number from 0 to 1.
        var chance: @Sendable () -> Double
    }

    struct State {
        var schedule: SendingSchedule
        var rate = DrainRate()
        /// When a batch last left the queue, or entered an empty one.
        var progress: Timestamp?
        /// Why the destination does not accept batches; nil while it does.
        var trouble: String?
        /// Why batches cannot be stored; nil while they can.
        var diskTrouble: String?
        /// The largest request that the destination is assumed to accept.
        var largestRequest: Int
        var refusals = Throttle()
        var rejections = Throttle()
        var overflows = Throttle()
        var diskTroubles = Throttle()
    }

    init(_ signal: Signal, queue: SegmentLog, _ environment: Environment) {
        self.signal = signal
        self.queue = queue
        self.environment = environment
        limits = QueueLimits(environment.queue)
        memory = SendingMemory(environment.queue, environment.settings.memory)
        let schedule = SendingSchedule(
            environment.queue,
            environment.retry,
            minimum: limits.minimum,
            memory: limits.memory
        )
        state = Mutex(State(schedule: schedule, largestRequest: environment.largestRequest))
    }

    private var logger: Logger { environment.settings.logger }
    private var counters: ComponentCounters { environment.settings.counters }

    /// Creates the queue to which batches are submitted.
    func makeCommitQueue() -> CommitQueue { CommitQueue(on: writes) { self.keep($0).map { $0.map { .unkept } } } }

    /// Runs blocking work on a dispatch queue.
    private func onDisk<Value: Sendable>(reading: Bool, _ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            (reading ? reads : writes).async { continuation.resume(returning: work()) }
        }
    }

    /// Sends waiting batches until the schedule stops or the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while let (queuedRequest, range) = await nextRequest() {
                group.addTask { await self.deliver(queuedRequest, range) }
            }
        }
    }

    /// Sends everything at once, until the first failure.
    func drain() {
        state.withLock { $0.schedule.isDraining = true }
        wakeup.ring()
    }

    /// The next request, read from the disk; nil when nothing more will be sent.
    private func nextRequest() async -> (QueuedRequest, QueueRange)? {
        while !Task.isCancelled {
            let fresh = queue.fresh
            let step = state.withLock { $0.schedule.next(now: environment.uptime(), fresh: fresh) }
            switch step {
            case .stop: return nil
            case .wait(let time): await wakeup.wait(time)
            case .fresh: if let next = await takeFresh() { return next }
            case .again(let queuedRequest): if let next = await readAgain(queuedRequest) { return next }
            }
        }
        return nil
    }

    private func takeFresh() async -> (QueuedRequest, QueueRange)? {
        var portion = limits.maximum
        portion.bytes = min(portion.bytes, state.withLock { $0.largestRequest })
        let taken = await onDisk(reading: true) { [queue, portion] in
            Result { () throws(FileError) in try queue.take(portion) }
        }
        let now = environment.uptime()
        switch taken {
        case .success(let range?):
            return state.withLock { ($0.schedule.took(range.place, now: now), range) }
        case .success(nil): state.withLock { $0.schedule.tookNothing() }
        case .failure(let error):
            state.withLock { $0.schedule.tookNothing(pauseUntil: now + .seconds(10)) }
            report(unreadable: error)
        }
        return nil
    }

    private func readAgain(_ queuedRequest: QueuedRequest) async -> (QueuedRequest, QueueRange)? {
        let read = await onDisk(reading: true) { [queue] in
            Result { () throws(FileError) in try queue.read(queuedRequest.place) }
        }
        switch read {
        case .success(let range?):
            return state.withLock { ($0.schedule.marked(queuedRequest), range) }
        case .success(nil): state.withLock { $0.schedule.ended(queuedRequest, wasTaken: false) }
        case .failure(let error):
            report(unreadable: error)
            _ = state.withLock {
                $0.schedule.failed(queuedRequest, asked: nil, now: environment.uptime(), chance: environment.chance())
            }
        }
        return nil
    }

    private func report(unreadable error: FileError) {
        logger.error("the queue cannot be read", metadata: ["reason": "\(error)"])
        counters.note("the queue cannot be read: \(error.reason)", at: environment.settings.now())
    }
}

// MARK: - Delivering

extension SignalQueue {
    /// Sends a request and records the outcome in the queue.
    private func deliver(_ queuedRequest: QueuedRequest, _ range: QueueRange) async {
        let held = memory.take(toSend: range)
        defer { memory.giveBack(sent: held) }
        var delivery = Delivery(queuedRequest, range, signal)
        while let part = delivery.next {
            let request = delivery.request(part)
            let largest = state.withLock { $0.largestRequest }
            if environment.form == .records,
                request.size > largest || delivery.records(part) > limits.maximum.records,
                delivery.divide(part, into: limits.maximum.records)
            {
                continue
            }
            switch await environment.send(request, signal) {
            case .taken(let rejected, let message):
                delivery.finish(part)
                taken(delivery.records(part), rejected, message)
            case .takenWithout(let refused):
                for refusal in refused {
                    guard await deadLetter(refusal.request, refusal.records, refusal.reason) else {
                        return await postpone(delivery, "dead letters cannot be written", asked: nil)
                    }
                }
                delivery.finish(part)
                taken(delivery.records(part) - refused.reduce(0) { $0 + $1.records }, 0, "")
            case .later(let reason, let asked):
                return await postpone(delivery, reason, asked: asked)
            case .tooLarge(let reason):
                state.withLock { $0.largestRequest = max(64 << 10, min($0.largestRequest, request.size / 2)) }
                if environment.form == .records, delivery.divide(part, into: delivery.records(part) / 2) { continue }
                guard await deadLetter(request, delivery.records(part), reason) else {
                    return await postpone(delivery, "dead letters cannot be written", asked: nil)
                }
                delivery.finish(part)
            case .refused(let reason):
                guard await deadLetter(request, delivery.records(part), reason) else {
                    return await postpone(delivery, "dead letters cannot be written", asked: nil)
                }
                delivery.finish(part)
            case .cancelled: return
            }
        }
        await end(delivery)
    }

    private func end(_ delivery: Delivery) async {
        let place = delivery.queuedRequest.place
        await onDisk(reading: true) { [queue] in queue.acknowledge(place) }
        release(place.tally.bytes)
        let (uptime, now) = (environment.uptime(), environment.settings.now())
        let hadTrouble = state.withLock { state in
            state.schedule.ended(delivery.queuedRequest, wasTaken: delivery.wasTaken)
            state.rate.note(bytes: place.tally.bytes, now: uptime)
            state.progress = now
            guard delivery.wasTaken else { return false }
            defer { state.trouble = nil }
            return state.trouble != nil
        }
        if hadTrouble { logger.notice("the destination takes batches again", metadata: ["signal": "\(signal)"]) }
        wakeup.ring()
    }

    private func taken(_ records: Int, _ rejected: Int, _ message: String) {
        let rejected = min(records, rejected)
        counters.add(records - rejected, to: .sent)
        counters.add(rejected, to: .failed)
        guard rejected > 0 || !message.isEmpty else { return }
        let uptime = environment.uptime()
        guard let held = state.withLock({ $0.rejections.admit(uptime) }) else { return }
        logger.warning(
            rejected > 0
                ? "the destination took a request but not all of it" : "the destination took a request with a remark",
            metadata: ["rejected": "\(rejected)", "message": "\(message)", "before": "\(held)"]
        )
        guard rejected > 0 else { return }
        counters.note("the destination rejected \(rejected) records: \(message)", at: environment.settings.now())
    }

    /// After a passing failure the request waits, or is given up when that has lasted too long.
    private func postpone(_ delivery: Delivery, _ reason: String, asked: Duration?) async {
        var queuedRequest = delivery.queuedRequest
        queuedRequest.parts = delivery.remaining
        let (now, chance) = (environment.uptime(), environment.chance())
        let (isFirst, waits) = state.withLock { state in
            let isFirst = state.trouble == nil
            state.trouble = reason
            let mayWait = state.schedule.failed(queuedRequest, asked: asked, now: now, chance: chance)
            return (isFirst, mayWait && environment.retry.enabled)
        }
        counters.note(reason, at: environment.settings.now())
        if isFirst {
            logger.warning(
                "the destination does not take batches; they wait in the queue",
                metadata: ["signal": "\(signal)", "reason": "\(reason)"]
            )
        }
        if !waits { await giveUp(delivery, reason) }
        wakeup.ring()
    }

    /// Moves a request that failed for too long to the dead letters; when that fails it stays in the queue.
    private func giveUp(_ delivery: Delivery, _ reason: String) async {
        var delivery = delivery
        state.withLock { $0.schedule.forget(delivery.queuedRequest.place) }
        while let part = delivery.next {
            guard await deadLetter(delivery.request(part), delivery.records(part), "given up: \(reason)") else {
                state.withLock { $0.schedule.keep(delivery.queuedRequest) }
                return
            }
            delivery.finish(part)
        }
        let place = delivery.queuedRequest.place
        await onDisk(reading: true) { [queue] in queue.acknowledge(place) }
        release(place.tally.bytes)
    }

    /// Writes a refused request to the dead letters; false when it cannot be stored there.
    private func deadLetter(_ request: OutgoingRequest, _ records: Int, _ reason: String) async -> Bool {
        let now = environment.settings.now()
        let letter = DeadLetter(signal: signal, records: records, time: now, reason: reason, request: request.bytes)
        let deadLetters = environment.deadLetters
        let failure = await onDisk(reading: false) { () -> FileError? in
            do throws(FileError) {
                try deadLetters.keep(letter)
                return nil
            } catch {
                return error
            }
        }
        if let failure {
            logger.error("dead letters cannot be written", metadata: ["reason": "\(failure)"])
            return false
        }
        counters.add(records, to: .failed)
        counters.note(reason, at: now)
        let uptime = environment.uptime()
        if let held = state.withLock({ $0.refusals.admit(uptime) }) {
            logger.error(
                "the destination refused a batch for good; it is kept as a dead letter (hammurabi queue)",
                metadata: [
                    "signal": "\(signal)", "records": "\(records)", "reason": "\(reason)", "before": "\(held)",
                ]
            )
        }
        return true
    }
}

/// A queued request while it is sent, as one request or in parts.
struct Delivery {
    private(set) var queuedRequest: QueuedRequest
    private let range: QueueRange
    private let signal: Signal
    private var parts: [Part]
    private var divided: DividedRequest?
    /// Whether the destination accepted any part of it.
    private(set) var wasTaken = false

    enum Part: Hashable {
        case whole
        case records(Range<Int>)
    }

    init(_ queuedRequest: QueuedRequest, _ range: QueueRange, _ signal: Signal) {
        self.queuedRequest = queuedRequest
        self.range = range
        self.signal = signal
        parts = queuedRequest.parts.map { $0.map { .records($0) } } ?? [.whole]
        if queuedRequest.parts != nil { divided = DividedRequest(range.request, signal) }
    }

    /// The next part to send.
    var next: Part? { parts.first }

    /// The records left, when the queued request was divided.
    var remaining: [Range<Int>]? {
        guard divided != nil else { return nil }
        let ranges = parts.compactMap { part -> Range<Int>? in
            if case .records(let range) = part { range } else { nil }
        }
        return ranges.count == parts.count ? ranges : nil
    }

    func records(_ part: Part) -> Int {
        if case .records(let range) = part { range.count } else { queuedRequest.place.tally.records }
    }

    func request(_ part: Part) -> OutgoingRequest {
        let hops = Int(self.range.hops)
        guard case .records(let range) = part, let divided else {
            return OutgoingRequest(pieces: range.pieces, hops: hops)
        }
        return OutgoingRequest(divided.request(range), hops: hops)
    }

    /// Records that the next part was accepted or is in the dead letters.
    mutating func finish(_ part: Part) {
        parts.removeFirst()
        wasTaken = true
    }

    /// Divides the next part into parts of this many records, or halves; false when it is a single record.
    mutating func divide(_ part: Part, into size: Int) -> Bool {
        let request = divided ?? DividedRequest(range.request, signal)
        let range: Range<Int> = if case .records(let range) = part { range } else { request.all }
        var pieces = range.pieces(of: size)
        if pieces.count < 2, let halves = range.halves { pieces = [halves.0, halves.1] }
        guard pieces.count > 1 else { return false }
        divided = request
        parts.replaceSubrange(0..<1, with: pieces.map { .records($0) })
        return true
    }
}

// MARK: - Keeping

extension SignalQueue {
    /// Stores a group of batches in the queue; those without room are refused.
    private func keep(_ batches: [Batch]) -> [Result<Void, ConsumeError>] {
        var waiting = queue.waiting
        var entries: [QueueEntry] = []
        var results: [Result<Void, ConsumeError>] = []
        for batch in batches {
            let entry = QueueEntry(
                signal: signal,
                records: batch.otlp.recordCount,
                time: batch.receivedAt,
                hops: UInt8(clamping: batch.hops),
                bytes: environment.form.bytes(of: batch)
            )
            let result = admit(entry, &waiting)
            if case .success = result { entries.append(entry) }
            results.append(result)
        }
        do throws(FileError) {
            let fresh = try queue.append(entries)
            kept(entries, fresh)
            return results
        } catch {
            for entry in entries { memory.unreserve(QueueSize(entry).bytes) }
            let refusal = refuse(error)
            return results.map { $0.flatMap { .failure(refusal) } }
        }
    }

    /// Whether there is room for an entry; drops the oldest batches when so configured.
    private func admit(_ entry: QueueEntry, _ waiting: inout QueueSize) -> Result<Void, ConsumeError> {
        let one = QueueSize(entry)
        guard limits.hold(one) else {
            return .failure(.permanent("the batch is larger than the whole queue of \(environment.settings.id)"))
        }
        guard memory.canHold(one.bytes) else {
            return .failure(.permanent("the batch is larger than service.memory_limit lets a queue in memory be"))
        }
        if environment.queue.overflow == .dropOldest {
            while !limits.hold(waiting + one) || !memory.mayWait(one.bytes, beside: waiting.bytes) {
                guard let dropped = try? queue.dropOldest(bytes: 1), dropped.batches > 0 else { break }
                waiting -= dropped
                noteDrop(dropped)
            }
        }
        guard limits.hold(waiting + one), memory.reserve(one.bytes, beside: waiting.bytes) else {
            return .failure(refuseFull(waiting.bytes + one.bytes))
        }
        waiting += one
        return .success(())
    }

    private func noteDrop(_ dropped: QueueSize) {
        counters.add(dropped.records, to: .dropped)
        release(dropped.bytes)
        let now = environment.uptime()
        guard state.withLock({ $0.overflows.admit(now) }) != nil else { return }
        logger.error("the queue is full: the oldest batches are given up", metadata: ["signal": "\(signal)"])
        counters.note("the queue is full: the oldest batches are given up", at: environment.settings.now())
    }

    private func refuseFull(_ bytes: Int) -> ConsumeError {
        let now = environment.uptime()
        let (seconds, isFirst) = state.withLock { state in
            (
                state.rate.seconds(for: max(bytes - limits.bytes, bytes / 20), now: now),
                state.overflows.admit(now) != nil
            )
        }
        if isFirst {
            logger.warning("the queue is full; senders are asked to try again", metadata: ["signal": "\(signal)"])
            counters.note("the queue is full", at: environment.settings.now())
        }
        return .retryable("the sending queue of \(environment.settings.id) is full", after: seconds)
    }

    private func refuse(_ error: FileError) -> ConsumeError {
        let now = environment.uptime()
        let isFirst = state.withLock { state in
            state.diskTrouble = error.reason
            return state.diskTroubles.admit(now) != nil
        }
        if isFirst {
            logger.error("the queue cannot be written", metadata: ["reason": "\(error)"])
            counters.note("the queue cannot be written: \(error.reason)", at: environment.settings.now())
        }
        return .retryable("the sending queue cannot be written: \(error.reason)", after: 10)
    }

    private func kept(_ entries: [QueueEntry], _ fresh: QueueSize) {
        guard !entries.isEmpty else { return }
        // The sending task sleeps without a time limit only when nothing waits.
        let wasEmpty = fresh.batches <= entries.count
        let wasFailing = state.withLock { state in
            defer { state.diskTrouble = nil }
            if wasEmpty, state.schedule.underWay == 0, state.schedule.returned.isEmpty {
                state.progress = environment.settings.now()
            }
            return state.diskTrouble != nil
        }
        if wasFailing { logger.notice("the queue can be written again") }
        counters.add(entries.reduce(0) { $0 + QueueSize($1).bytes }, to: .queuedBytes)
        let isEnough = fresh.bytes >= limits.minimum.bytes || fresh.records >= limits.minimum.records
        if wasEmpty || isEnough { wakeup.ring() }
    }

    /// Records that bytes have left the queue.
    func release(_ bytes: Int) {
        counters.add(-bytes, to: .queuedBytes)
        memory.unreserve(bytes)
    }

    /// Why it accepts no more batches now; nil while it does.
    var refusal: String? {
        if let trouble = state.withLock(\.diskTrouble) { return Self.unwritable(trouble) }
        let isRefusing = environment.queue.overflow != .dropOldest && limits.areReached(by: queue.waiting)
        return isRefusing ? "the queue is full" : nil
    }

    /// The message for an error of the disk.
    static func unwritable(_ trouble: String) -> String { "the queue cannot be written: \(trouble)" }

    /// The waiting batches.
    var status: (waiting: QueueSize, oldest: Timestamp?, stuckSince: Timestamp?) {
        let waiting = queue.waiting
        guard waiting.batches > 0 else { return (waiting, nil, nil) }
        let progress = state.withLock { $0.progress } ?? queue.oldest
        // A shorter pause is normal.
        let border = environment.settings.now().nanoseconds - 10_000_000_000
        return (waiting, queue.oldest, progress.flatMap { $0.nanoseconds < border ? $0 : nil })
    }
}

/// Wakes the one waiting task; a signal without a waiting task is kept for the next wait.
final class Wakeup: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
        /// Identifies the present wait for its timer.
        var wait: UInt64 = 0
    }

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns at the next signal, or after a time.
    func wait(_ time: Duration?) async {
        await withCheckedContinuation { continuation in
            let wait = state.withLock { state -> UInt64? in
                guard !state.isRung else {
                    state.isRung = false
                    return nil
                }
                state.wait += 1
                state.waiter = continuation
                return state.wait
            }
            guard let wait else { return continuation.resume() }
            guard let time else { return }
            let (seconds, attoseconds) = time.components
            let nanoseconds = max(0, min(seconds, 3_600)) * 1_000_000_000 + max(0, attoseconds / 1_000_000_000)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [weak self] in
                self?.end(wait)
            }
        }
    }

    private func end(_ wait: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.wait == wait else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
