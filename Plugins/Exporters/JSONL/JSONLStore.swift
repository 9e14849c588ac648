// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import Logging
import Synchronization
import Usage

/// A store that is open: what comes in goes through one thread, questions read the shelf.
final class JSONLStore: Sendable {
    let shelf: StoreState
    let names: PartNames
    /// The number by which it knows itself again.
    let identity: UInt64
    /// What of its files could not be read.
    let damage: StoreDamage
    private let storage: StorageCalls
    private let config: JSONLConfig
    private let settings: ComponentSettings
    /// Where everything that changes files or book happens; may block.
    private let commits = DispatchQueue(label: "jsonl.commits")
    /// Where long work beside it happens, one piece at a time.
    private let upkeep = DispatchQueue(label: "jsonl.upkeep", qos: .utility)
    private let state: Mutex<State>
    private let megabyte: Int64

    private struct State: ~Copyable {
        var committer: Committer
        /// Held until the store is closed.
        var lock: StoreLock?
        var isFailing = false
        var isFlushPending = false
        var checkpoint: CheckpointAge
    }

    init(_ config: JSONLConfig, _ settings: ComponentSettings, _ calls: StorageCalls) throws(FileError) {
        self.config = config
        self.settings = settings
        megabyte = calls.megabyte
        names = PartNames(config.path(home: settings.home))
        (storage, damage) = (calls, StoreDamage(settings.logger))
        let opened = try StoreOpening(names: names, calls: calls, logger: settings.logger, damage: damage).open()
        let (lock, shelf, part, checkpoint) = (opened.lock, opened.shelf, opened.part, opened.checkpoint)
        self.shelf = shelf
        identity = opened.identity
        let committer = Committer(
            opened.takeFile(),
            shelf: shelf,
            part: part,
            keepsRecords: config.records == .all,
            flushes: config.sync == .always
        )
        state = Mutex(State(committer: committer, lock: lock, checkpoint: checkpoint))
    }

    /// Where batches are handed in.
    func makeCommitQueue() -> CommitQueue { CommitQueue(on: commits) { self.keep($0) } }

    private func keep(_ batches: [Batch]) -> [Result<Delivery, ConsumeError>] {
        let result = state.withLock { state -> Result<[Delivery], ConsumeError> in
            guard state.lock != nil else { return .failure(.retryable("\(settings.id) is not running")) }
            do {
                let before = state.committer.size
                let (deliveries, refused) = try state.committer.commit(batches) { [lock = state.lock] in noteLoss(lock)
                }
                settings.note(expired: refused)
                state.checkpoint.added += max(0, state.committer.size - before)
                if state.isFailing { settings.logger.notice("the store can be written again") }
                state.isFailing = false
                tend(&state)
                return .success(deliveries)
            } catch {
                return .failure(refuse(error, &state))
            }
        }
        switch result {
        case .success(let deliveries): return deliveries.map { .success($0) }
        case .failure(let error): return batches.map { _ in .failure(error) }
        }
    }

    /// Others have taken the file away, and what it held with it.
    private func noteLoss(_ lock: StoreLock?) {
        lock?.forgetIdentity()
        settings.logger.error(
            "a new file is begun: the former was deleted, moved, replaced or cut",
            metadata: ["file": "\(names.path)"]
        )
    }

    private func refuse(_ error: any Error, _ state: inout State) -> ConsumeError {
        let reason = (error as? FileError)?.reason ?? "\(error)"
        settings.logger.error("the store cannot be written", metadata: ["reason": "\(reason)"])
        state.isFailing = true
        return .retryable("the store cannot be written: \(reason)", after: 10)
    }

    /// What is due after a commit: a new file, a flush, a checkpoint.
    private func tend(_ state: inout State) {
        if config.sync == .interval, !state.isFlushPending {
            state.isFlushPending = true
            commits.asyncAfter(deadline: .now() + 1) { self.flush() }
        }
        let limit = Int64(config.rotation.maxMegabytes) * megabyte
        if limit > 0, state.committer.size >= limit { rotate(&state) }
        if state.checkpoint.isDue {
            state.checkpoint.added = 0
            upkeep.async { self.writeCheckpoint() }
        }
    }

    /// Prices every call again, some at a time, so that batches come in between.
    func reprice(by pricing: Pricing) async throws -> Int {
        let ids = shelf.withLock { Array($0.book.calls.keys) }
        var repriced = 0
        for start in stride(from: 0, to: ids.count, by: 1_000) {
            let some = ids[start..<min(ids.count, start + 1_000)]
            let result: Result<Int, any Error> = await withCheckedContinuation { continuation in
                commits.async { continuation.resume(returning: Result { try self.repriceNow(some, by: pricing) }) }
            }
            repriced += try result.get()
        }
        return repriced
    }

    private func repriceNow(_ ids: ArraySlice<UInt64>, by pricing: Pricing) throws -> Int {
        try state.withLock { state in
            guard state.lock != nil else { throw StoreError("\(settings.id) is not running") }
            let before = state.committer.size
            let count = try state.committer.reprice(ids, by: pricing) { [lock = state.lock] in noteLoss(lock) }
            state.checkpoint.added += max(0, state.committer.size - before)
            tend(&state)
            return count
        }
    }

    private func flush() {
        state.withLock { state in
            state.isFlushPending = false
            guard state.lock != nil else { return }
            do { try state.committer.flush() } catch { _ = refuse(error, &state) }
        }
    }

    private func rotate(_ state: inout State) {
        do {
            _ = try state.committer.rotate(names, now: settings.now())
        } catch {
            settings.logger.error("no new file can be begun", metadata: ["reason": "\(error.reason)"])
        }
    }

    private func writeCheckpoint() {
        do {
            let size = try Checkpoint(names).write(shelf)
            state.withLock { $0.checkpoint.size = size }
        } catch {
            // A stop tries again.
            state.withLock { $0.checkpoint.size = 0 }
            settings.logger.warning("no checkpoint can be written", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// Removes what ended before an instant.
    func compact(before instant: Timestamp) async throws -> Int {
        let result: Result<Int, any Error> = await withCheckedContinuation { continuation in
            upkeep.async { continuation.resume(returning: Result { try self.compactNow(before: instant) }) }
        }
        return try result.get()
    }

    private func compactNow(before instant: Timestamp) throws -> Int {
        let border = shelf.withLock { $0.book.border }.after(CompactionBorder(before: instant), now: settings.now())
        // Before anything goes: what is removed must not come in again behind it.
        try commits.sync {
            try state.withLock { state in
                guard state.lock != nil else { throw StoreError("\(settings.id) is not running") }
                try state.committer.compacted(border) { [lock = state.lock] in noteLoss(lock) }
            }
        }
        var compaction = Compaction(names: names, shelf: shelf, border: border, storage: storage, damage: damage)
        let isCurrentOld = shelf.withLock { contents in
            guard let current = contents.parts.current, let part = contents.parts[current] else { return false }
            return border.isExpired(part.earliest)
        }
        if isCurrentOld {
            try commits.sync {
                try state.withLock { state in
                    guard state.lock != nil else { throw StoreError("\(settings.id) is not running") }
                    _ = try state.committer.rotate(names, now: settings.now())
                }
            }
        }
        try compaction.rewrite()
        commits.sync { compaction.forget() }
        writeCheckpoint()
        return compaction.removed
    }

    /// Puts everything on the disk, leaves a checkpoint and lets go of the files.
    func close() async {
        await withCheckedContinuation { continuation in
            upkeep.async {
                self.commits.sync { self.closeFiles() }
                continuation.resume()
            }
        }
    }

    private func closeFiles() {
        let checkpoint = state.withLock { state -> CheckpointAge? in
            guard state.lock != nil else { return nil }
            do { try state.committer.flush() } catch { _ = refuse(error, &state) }
            return state.checkpoint
        }
        guard let checkpoint else { return }
        if checkpoint.isDueAtStop { writeCheckpoint() }
        state.withLock { state in
            state.committer.close()
            state.lock = nil
        }
    }
}
