// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Logging
import OTLP
import Synchronization
import Usage

/// The way of one signal to its destination: a queue, and the task that empties it.
///
/// Each signal has its own, so that a destination that takes traces only does not hold up logs.
final class Lane: Sendable {
    let signal: Signal
    let queue: SegmentLog
    let surroundings: Surroundings
    let limits: QueueLimits
    let memory: LaneMemory
    let bell = Doorbell()
    /// Where files are written and read; may block.
    private let writes = DispatchQueue(label: "otlp_http.writes")
    private let reads = DispatchQueue(label: "otlp_http.reads")
    let state: Mutex<State>

    /// What all lanes of an exporter share.
    struct Surroundings: Sendable {
        var config: OTLPHTTPConfig
        var settings: ComponentSettings
        var destination: Destination
        var deadLetters: DeadLetters
        /// The time since some moment, which nobody sets back.
        var uptime: @Sendable () -> Duration
        /// A number from 0 to 1.
        var chance: @Sendable () -> Double
    }

    struct State {
        var schedule: LaneSchedule
        var rate = DrainRate()
        /// When something last left the queue, or came into an empty one.
        var progress: Timestamp?
        /// Why the destination does not take batches; nil while it does.
        var trouble: String?
        /// Why batches cannot be kept; nil while they can.
        var diskTrouble: String?
        /// The largest request that the destination is believed to take.
        var largestRequest = Destination.largestBody
        var refusals = Throttle()
        var rejections = Throttle()
        var overflows = Throttle()
        var diskTroubles = Throttle()
    }

    init(_ signal: Signal, queue: SegmentLog, _ surroundings: Surroundings) {
        self.signal = signal
        self.queue = queue
        self.surroundings = surroundings
        limits = QueueLimits(surroundings.config.sendingQueue)
        memory = LaneMemory(surroundings.config.sendingQueue, surroundings.settings.memory)
        let schedule = LaneSchedule(surroundings.config, minimum: limits.minimum, memory: limits.memory)
        state = Mutex(State(schedule: schedule))
    }

    var logger: Logger { surroundings.settings.logger }
    var counters: ComponentCounters { surroundings.settings.counters }

    /// Where batches are handed in.
    func makeCommitQueue() -> CommitQueue { CommitQueue(on: writes) { self.keep($0) } }

    /// Runs something that blocks, where it may.
    func onDisk<Value: Sendable>(reading: Bool, _ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            (reading ? reads : writes).async { continuation.resume(returning: work()) }
        }
    }

    /// Sends what waits until it is told to stop or is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while let (shipment, stretch) = await nextShipment() {
                group.addTask { await self.deliver(shipment, stretch) }
            }
        }
    }

    /// Sends as much as goes at once and stops at the first trouble.
    func drain() {
        state.withLock { $0.schedule.isDraining = true }
        bell.ring()
    }

    /// What is to be sent next, read from the disk; nil when nothing more will be.
    private func nextShipment() async -> (Shipment, QueueStretch)? {
        while !Task.isCancelled {
            let fresh = queue.fresh
            let step = state.withLock { $0.schedule.next(now: surroundings.uptime(), fresh: fresh) }
            switch step {
            case .stop: return nil
            case .wait(let time): await bell.wait(time)
            case .fresh: if let next = await takeFresh() { return next }
            case .again(let shipment): if let next = await readAgain(shipment) { return next }
            }
        }
        return nil
    }

    private func takeFresh() async -> (Shipment, QueueStretch)? {
        var portion = limits.maximum
        portion.bytes = min(portion.bytes, state.withLock { $0.largestRequest })
        let taken = await onDisk(reading: true) { [queue, portion] in
            Result { () throws(QueueStorageError) in try queue.take(portion) }
        }
        let now = surroundings.uptime()
        switch taken {
        case .success(let stretch?):
            return state.withLock { ($0.schedule.took(stretch.place, now: now), stretch) }
        case .success(nil): state.withLock { $0.schedule.tookNothing() }
        case .failure(let error):
            state.withLock { $0.schedule.tookNothing(pauseUntil: now + .seconds(10)) }
            report(unreadable: error)
        }
        return nil
    }

    private func readAgain(_ shipment: Shipment) async -> (Shipment, QueueStretch)? {
        let read = await onDisk(reading: true) { [queue] in
            Result { () throws(QueueStorageError) in try queue.read(shipment.place) }
        }
        switch read {
        case .success(let stretch?):
            return state.withLock { ($0.schedule.marked(shipment), stretch) }
        case .success(nil): state.withLock { $0.schedule.ended(shipment, wasTaken: false) }
        case .failure(let error):
            report(unreadable: error)
            _ = state.withLock {
                $0.schedule.failed(shipment, asked: nil, now: surroundings.uptime(), chance: surroundings.chance())
            }
        }
        return nil
    }

    private func report(unreadable error: QueueStorageError) {
        logger.error("the queue cannot be read", metadata: ["reason": "\(error)"])
        counters.note("the queue cannot be read: \(error.reason)", at: surroundings.settings.now())
    }
}
