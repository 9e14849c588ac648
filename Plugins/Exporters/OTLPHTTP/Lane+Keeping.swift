// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

extension Lane {
    /// Puts a group of batches on the disk; what there is no room for is refused.
    func keep(_ batches: [Batch]) -> [Result<Void, ConsumeError>] {
        var waiting = queue.waiting
        var entries: [QueueEntry] = []
        var results: [Result<Void, ConsumeError>] = []
        for batch in batches {
            let entry = QueueEntry(
                signal: signal,
                records: batch.otlp.recordCount,
                time: batch.receivedAt,
                bytes: batch.otlp.encoded()
            )
            let result = admit(entry, &waiting)
            if case .success = result { entries.append(entry) }
            results.append(result)
        }
        do throws(QueueStorageError) {
            let fresh = try queue.append(entries)
            kept(entries, fresh)
            return results
        } catch {
            for entry in entries { memory.unreserve(Tally(entry).bytes) }
            let refusal = refuse(error)
            return results.map { $0.flatMap { .failure(refusal) } }
        }
    }

    /// Whether there is room for an entry; makes room where that is wanted.
    private func admit(_ entry: QueueEntry, _ waiting: inout Tally) -> Result<Void, ConsumeError> {
        let one = Tally(entry)
        guard limits.hold(one) else {
            return .failure(.permanent("the batch is larger than the whole queue of \(surroundings.settings.id)"))
        }
        guard memory.canHold(one.bytes) else {
            return .failure(.permanent("the batch is larger than service.memory_limit lets a queue in memory be"))
        }
        if surroundings.config.sendingQueue.overflow == .dropOldest {
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

    private func noteDrop(_ dropped: Tally) {
        counters.add(dropped.records, to: .dropped)
        release(dropped.bytes)
        let now = surroundings.uptime()
        guard state.withLock({ $0.overflows.admit(now) }) != nil else { return }
        logger.error("the queue is full: the oldest batches are given up", metadata: ["signal": "\(signal)"])
        counters.note("the queue is full: the oldest batches are given up", at: surroundings.settings.now())
    }

    private func refuseFull(_ bytes: Int) -> ConsumeError {
        let now = surroundings.uptime()
        let (seconds, isFirst) = state.withLock { state in
            (
                state.rate.seconds(for: max(bytes - limits.bytes, bytes / 20), now: now),
                state.overflows.admit(now) != nil
            )
        }
        if isFirst {
            logger.warning("the queue is full; senders are told to try again", metadata: ["signal": "\(signal)"])
            counters.note("the queue is full", at: surroundings.settings.now())
        }
        return .retryable("the sending queue of \(surroundings.settings.id) is full", after: seconds)
    }

    private func refuse(_ error: QueueStorageError) -> ConsumeError {
        let now = surroundings.uptime()
        let isFirst = state.withLock { state in
            state.diskTrouble = error.reason
            return state.diskTroubles.admit(now) != nil
        }
        if isFirst {
            logger.error("the queue cannot be written", metadata: ["reason": "\(error)"])
            counters.note("the queue cannot be written: \(error.reason)", at: surroundings.settings.now())
        }
        return .retryable("the sending queue cannot be written: \(error.reason)", after: 10)
    }

    private func kept(_ entries: [QueueEntry], _ fresh: Tally) {
        guard !entries.isEmpty else { return }
        // The task that sends sleeps without a term only when nothing waits.
        let wasEmpty = fresh.batches <= entries.count
        let wasFailing = state.withLock { state in
            defer { state.diskTrouble = nil }
            if wasEmpty, state.schedule.underWay == 0, state.schedule.returned.isEmpty {
                state.progress = surroundings.settings.now()
            }
            return state.diskTrouble != nil
        }
        if wasFailing { logger.notice("the queue can be written again") }
        counters.add(entries.reduce(0) { $0 + $1.records }, to: .accepted)
        counters.add(entries.reduce(0) { $0 + Tally($1).bytes }, to: .queuedBytes)
        let isEnough = fresh.bytes >= limits.minimum.bytes || fresh.records >= limits.minimum.records
        if wasEmpty || isEnough { bell.ring() }
    }

    /// Bytes have left the queue.
    func release(_ bytes: Int) {
        counters.add(-bytes, to: .queuedBytes)
        memory.unreserve(bytes)
    }

    /// What waits now.
    var status: (waiting: Tally, oldest: Timestamp?, stuckSince: Timestamp?) {
        let waiting = queue.waiting
        guard waiting.batches > 0 else { return (waiting, nil, nil) }
        let progress = state.withLock { $0.progress } ?? queue.oldest
        // Shorter than this is a breath, not a standstill.
        let border = surroundings.settings.now().nanoseconds - 10_000_000_000
        return (waiting, queue.oldest, progress.flatMap { $0.nanoseconds < border ? $0 : nil })
    }
}
