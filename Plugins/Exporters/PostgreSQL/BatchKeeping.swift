// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import Logging
import SendingQueue
import Synchronization
import Usage

/// Hands batches to the database while it is open, and notes how that goes.
///
/// Safe to use from many tasks.
final class BatchKeeping: Sendable {
    private let settings: ComponentSettings
    private let state = Mutex<State?>(nil)
    let condition = StoreCondition()
    let collectors = CollectorList()

    /// What there is while the exporter runs.
    private struct State {
        var database: SharedDatabase
        var queue: CommitQueue
        var identity: IdentityFile?
    }

    init(_ settings: ComponentSettings) { self.settings = settings }

    func start(_ database: SharedDatabase, _ identity: IdentityFile?) {
        state.withLock { $0 = State(database: database, queue: database.makeQueue(), identity: identity) }
        database.trouble.map { reason in
            if condition.noteFailure(of: .writing, reason) {
                settings.logger.error(
                    "the database is away; batches wait in the queue",
                    metadata: ["reason": "\(reason)"]
                )
            }
        }
    }

    /// Notes the number of the store beside the queue, whose folder is there by now.
    func noteIdentity() {
        guard let running = state.withLock({ $0 }), let number = running.database.identity else { return }
        running.identity?.note(number)
    }

    /// Waits for what is under way, and closes the database.
    func stop() async {
        let running = state.withLock { $0.take() }
        await collectors.stop()
        await running?.database.close()
    }

    var database: SharedDatabase? { state.withLock { $0?.database } }

    /// The number by which the store is known again; while the database is away that of its last visit.
    var identity: UInt64? {
        guard let running = state.withLock({ $0 }) else { return nil }
        return running.database.identity ?? running.identity?.number
    }

    /// Keeps batches that waited in the queue; each is tried once.
    func keepAll(_ batches: [Batch]) async -> [Result<Void, ConsumeError>] {
        await withTaskGroup(of: (Int, Result<Void, ConsumeError>).self) { group in
            for (place, batch) in batches.enumerated() {
                group.addTask {
                    do throws(ConsumeError) {
                        _ = try await self.keep(batch)
                        return (place, .success(()))
                    } catch {
                        self.note(error)
                        return (place, .failure(error))
                    }
                }
            }
            var results = [Result<Void, ConsumeError>](repeating: .success(()), count: batches.count)
            for await (place, result) in group { results[place] = result }
            return results
        }
    }

    /// Keeps a batch while its sender waits; tries again as configured.
    func keepNow(_ batch: Batch, _ retry: RetryConfig) async throws(ConsumeError) -> Delivery {
        let configured = retry.maxElapsedTime.nanoseconds
        let end =
            DispatchTime.now() + .nanoseconds(Int(clamping: configured > 0 ? configured : PostgreSQLConfig.longestWait))
        var delay = max(1_000_000, retry.initialInterval.nanoseconds)
        while true {
            do throws(ConsumeError) {
                return try await keep(batch)
            } catch {
                // So that collectors that failed together do not come again together.
                let spread = Double.random(in: -1...1) * retry.randomizationFactor
                let wait = Int64(Double(delay) * (1 + spread))
                guard error.isRetryable, retry.enabled, database != nil,
                    DispatchTime.now() + .nanoseconds(Int(clamping: wait)) < end,
                    (try? await Task.sleep(for: .nanoseconds(wait))) != nil
                else {
                    note(error)
                    throw error
                }
                delay = min(Int64(Double(delay) * retry.multiplier), max(delay, retry.maxInterval.nanoseconds))
            }
        }
    }

    private func keep(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        guard let running = state.withLock({ $0 }) else { throw .retryable("\(settings.id) is not running") }
        let delivery = try await running.queue.submit(batch)
        if condition.noteWritten() {
            settings.logger.notice("the store can be written again")
            noteIdentity()
        }
        return delivery
    }

    private func note(_ error: ConsumeError) {
        // While it is closed by a reload nothing is wrong; and a batch that is refused says nothing about the next.
        guard state.withLock({ $0 != nil }) else { return }
        guard condition.noteFailure(of: .writing, error.message) else { return }
        settings.logger.error("the store cannot be written", metadata: ["reason": "\(error.message)"])
    }
}

/// The number of the store behind a queue, in a file beside it: receivers that remember what they sent to a store ask for it also while
/// the database is away.
struct IdentityFile: Sendable {
    private let path: String?
    private let logger: Logger

    init(_ config: PostgreSQLConfig, _ settings: ComponentSettings) {
        logger = settings.logger
        let queue = try? ForwardingQueue(id: "\(settings.id)", config: config.sendingQueue, home: settings.home)
        path = queue.map { "\($0.folder)/store" }
    }

    /// The number that was noted last; nil for none.
    var number: UInt64? {
        guard let path, let bytes = try? OwnFile.content(path, largest: 64) else { return nil }
        return UInt64(String(decoding: bytes, as: UTF8.self))
    }

    /// Notes the number.
    func note(_ identity: UInt64) {
        guard let path, number != identity else { return }
        do {
            try FileReplacement.replace(path, with: Array("\(identity)".utf8))
        } catch {
            logger.warning(
                "the number of the store cannot be noted",
                metadata: ["path": "\(path)", "reason": "\(error)"]
            )
        }
    }
}

/// What is wrong with a store; each sort of failure is logged at most once a minute.
///
/// Safe to use from any thread.
final class StoreCondition: Sendable {
    private let state = Mutex(State())

    enum Work { case writing, reading, data }

    private struct State {
        var failures: [Work: String] = [:]
        var silenceEnds: [Work: DispatchTime] = [:]
    }

    /// The gravest failure; nil while all is well.
    var trouble: String? {
        state.withLock { $0.failures[.writing] ?? $0.failures[.data] ?? $0.failures[.reading] }
    }

    /// Notes a failure.
    ///
    /// - Returns: Whether it is to be logged.
    func noteFailure(of work: Work, _ reason: String) -> Bool {
        state.withLock { state in
            state.failures[work] = reason
            guard state.silenceEnds[work].map({ DispatchTime.now() >= $0 }) ?? true else { return false }
            state.silenceEnds[work] = .now() + 60
            return true
        }
    }

    /// Notes that a batch was kept.
    ///
    /// - Returns: Whether the one before was not.
    func noteWritten() -> Bool { state.withLock { $0.failures.removeValue(forKey: .writing) != nil } }

    /// Notes that a question was answered.
    func noteRead() { state.withLock { $0.failures[.reading] = nil } }
}
