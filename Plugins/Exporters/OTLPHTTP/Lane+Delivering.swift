// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

extension Lane {
    /// Sends what was taken from the queue and says there what became of it.
    func deliver(_ shipment: Shipment, _ stretch: QueueStretch) async {
        let held = memory.take(toSend: stretch)
        defer { memory.giveBack(sent: held) }
        var delivery = Delivery(shipment, stretch, signal)
        while let part = delivery.next {
            let request = delivery.request(part)
            let largest = state.withLock { $0.largestRequest }
            if request.size > largest || delivery.records(part) > limits.maximum.records,
                delivery.divide(part, into: limits.maximum.records)
            {
                continue
            }
            switch await surroundings.destination.send(request, signal) {
            case .taken(let rejected, let message):
                delivery.finish(part)
                taken(delivery.records(part), rejected, message)
            case .later(let reason, let asked):
                return await postpone(delivery, reason, asked: asked)
            case .tooLarge(let reason):
                state.withLock { $0.largestRequest = max(64 << 10, min($0.largestRequest, request.size / 2)) }
                if delivery.divide(part, into: delivery.records(part) / 2) { continue }
                guard await bury(request, delivery.records(part), reason) else {
                    return await postpone(delivery, "dead letters cannot be written", asked: nil)
                }
                delivery.finish(part)
            case .refused(let reason):
                guard await bury(request, delivery.records(part), reason) else {
                    return await postpone(delivery, "dead letters cannot be written", asked: nil)
                }
                delivery.finish(part)
            case .cancelled: return
            }
        }
        await end(delivery)
    }

    private func end(_ delivery: Delivery) async {
        let place = delivery.shipment.place
        await onDisk(reading: true) { [queue] in queue.acknowledge(place) }
        release(place.tally.bytes)
        let (uptime, now) = (surroundings.uptime(), surroundings.settings.now())
        let hadTrouble = state.withLock { state in
            state.schedule.ended(delivery.shipment, wasTaken: delivery.wasTaken)
            state.rate.note(bytes: place.tally.bytes, now: uptime)
            state.progress = now
            guard delivery.wasTaken else { return false }
            defer { state.trouble = nil }
            return state.trouble != nil
        }
        if hadTrouble { logger.notice("the destination takes batches again", metadata: ["signal": "\(signal)"]) }
        bell.ring()
    }

    private func taken(_ records: Int, _ rejected: Int, _ message: String) {
        let rejected = min(records, rejected)
        counters.add(records - rejected, to: .sent)
        counters.add(rejected, to: .failed)
        guard rejected > 0 || !message.isEmpty else { return }
        let uptime = surroundings.uptime()
        guard let held = state.withLock({ $0.rejections.admit(uptime) }) else { return }
        logger.warning(
            rejected > 0
                ? "the destination took a request but not all of it" : "the destination took a request with a remark",
            metadata: ["rejected": "\(rejected)", "message": "\(message)", "before": "\(held)"]
        )
        guard rejected > 0 else { return }
        counters.note("the destination rejected \(rejected) records: \(message)", at: surroundings.settings.now())
    }

    /// The destination cannot take it now; it waits, or is given up when that has lasted too long.
    private func postpone(_ delivery: Delivery, _ reason: String, asked: Duration?) async {
        var shipment = delivery.shipment
        shipment.parts = delivery.remaining
        let (now, chance) = (surroundings.uptime(), surroundings.chance())
        let (isFirst, waits) = state.withLock { state in
            let isFirst = state.trouble == nil
            state.trouble = reason
            let mayWait = state.schedule.failed(shipment, asked: asked, now: now, chance: chance)
            return (isFirst, mayWait && surroundings.config.retryOnFailure.enabled)
        }
        counters.note(reason, at: surroundings.settings.now())
        if isFirst {
            logger.warning(
                "the destination does not take batches; they wait in the queue",
                metadata: ["signal": "\(signal)", "reason": "\(reason)"]
            )
        }
        if !waits { await giveUp(delivery, reason) }
        bell.ring()
    }

    /// What could not be sent for too long goes to the dead letters; if that fails it stays where it is.
    private func giveUp(_ delivery: Delivery, _ reason: String) async {
        var delivery = delivery
        state.withLock { $0.schedule.forget(delivery.shipment.place) }
        while let part = delivery.next {
            guard await bury(delivery.request(part), delivery.records(part), "given up: \(reason)") else {
                state.withLock { $0.schedule.keep(delivery.shipment) }
                return
            }
            delivery.finish(part)
        }
        let place = delivery.shipment.place
        await onDisk(reading: true) { [queue] in queue.acknowledge(place) }
        release(place.tally.bytes)
    }

    /// Puts a refused request to the dead letters; false when it cannot be kept there.
    private func bury(_ request: OutgoingRequest, _ records: Int, _ reason: String) async -> Bool {
        let now = surroundings.settings.now()
        let letter = DeadLetter(signal: signal, records: records, time: now, reason: reason, request: request.bytes)
        let deadLetters = surroundings.deadLetters
        let failure = await onDisk(reading: false) { () -> QueueStorageError? in
            do throws(QueueStorageError) {
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
        let uptime = surroundings.uptime()
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

/// A shipment while it is sent, as one request or in parts.
struct Delivery {
    private(set) var shipment: Shipment
    private let stretch: QueueStretch
    private let signal: Signal
    private var parts: [Part]
    private var divided: DividedRequest?
    /// Whether the destination took anything of it.
    private(set) var wasTaken = false

    enum Part: Hashable {
        case whole
        case records(Range<Int>)
    }

    init(_ shipment: Shipment, _ stretch: QueueStretch, _ signal: Signal) {
        self.shipment = shipment
        self.stretch = stretch
        self.signal = signal
        parts = shipment.parts.map { $0.map { .records($0) } } ?? [.whole]
        if shipment.parts != nil { divided = DividedRequest(stretch.request, signal) }
    }

    /// What is to be sent next.
    var next: Part? { parts.first }

    /// The records left, when the shipment was divided.
    var remaining: [Range<Int>]? {
        guard divided != nil else { return nil }
        let ranges = parts.compactMap { part -> Range<Int>? in
            if case .records(let range) = part { range } else { nil }
        }
        return ranges.count == parts.count ? ranges : nil
    }

    func records(_ part: Part) -> Int {
        if case .records(let range) = part { range.count } else { shipment.place.tally.records }
    }

    func request(_ part: Part) -> OutgoingRequest {
        guard case .records(let range) = part, let divided else { return OutgoingRequest(pieces: stretch.pieces) }
        return OutgoingRequest(divided.request(range))
    }

    /// The destination has the next part, or the dead letters do.
    mutating func finish(_ part: Part) {
        parts.removeFirst()
        wasTaken = true
    }

    /// Divides the next part into pieces of so many records, or halves; false when it is a single record.
    mutating func divide(_ part: Part, into size: Int) -> Bool {
        let request = divided ?? DividedRequest(stretch.request, signal)
        let range: Range<Int> = if case .records(let range) = part { range } else { request.all }
        var pieces = range.pieces(of: size)
        if pieces.count < 2, let halves = range.halves { pieces = [halves.0, halves.1] }
        guard pieces.count > 1 else { return false }
        divided = request
        parts.replaceSubrange(0..<1, with: pieces.map { .records($0) })
        return true
    }
}
