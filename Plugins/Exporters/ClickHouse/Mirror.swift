// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Logging
import OTLP
import SendingQueue
import Synchronization
import Usage

/// Keeps a table in ClickHouse equal to the counted calls of a store.
///
/// It asks the store which blocks of calls changed, compares them with what was sent (``SentRows``), and sends the difference as one insert:
/// each call as it was with the sign -1, as it is with +1. The insert waits on the disk with its token before anything is sent, and what was
/// sent is noted before it is; so after any failure the same insert is sent again with the same token, which ClickHouse then knows. One
/// insert is under way at a time: while ClickHouse is away, the store itself is the queue, and changes of one call meanwhile are one.
final class Mirror: Sendable {
    private let config: ClickHouseConfig
    private let settings: ComponentSettings
    private let tables: Tables
    private let client: ClickHouseClient
    private let queue: SegmentLog
    private let sent: SentRows
    private let lockPath: String
    private let state = Mutex(State())

    private struct State {
        var lock: FileLock?
        var task: Task<Void, Never>?
        var trouble: String?
        var lastWord: Timestamp?
        /// Whether the tables were found or made since the last failure.
        var hasTables = false
    }

    /// Where the following of the store is; only the task has it.
    private struct Reading {
        var cursor: UsageCursor?
        /// The blocks that were handed over since the store was read from its beginning; nil when it was read to its end once.
        var seen: Set<Int64>? = []
        /// The version of the newest change.
        var latest: UInt64 = 0
        let begun = ContinuousClock.now
    }

    /// How many rows an insert gathers before it is sent; a page of changed blocks can have twice as many.
    private static let mostRows = 50_000
    /// How long the store may take to start.
    private static let startTime = Duration.seconds(30)

    init(_ config: ClickHouseConfig, _ settings: ComponentSettings, _ client: ClickHouseClient) {
        (self.config, self.settings, self.client) = (config, settings, client)
        tables = Tables(config)
        let folder = config.sendingQueue.folder(of: settings.id, home: settings.home)
        queue = SegmentLog(folder: "\(folder)/changes", storage: DiskStorage(), logger: settings.logger)
        sent = SentRows(folder: "\(folder)/sent")
        lockPath = "\(folder)/mirror.lock"
    }

    /// Why the mirror is behind; nil while all is well.
    var trouble: String? { state.withLock(\.trouble) }

    /// The inserts that wait.
    var waiting: QueueSize { queue.waiting }

    // MARK: - Running

    func start() throws(StartError) {
        do throws(FileError) {
            try sent.makeFolder()
            let lock = try FileLock(lockPath)
            try queue.open()
            state.withLock { $0.lock = lock }
        } catch {
            throw StartError(
                error.isPermission ? .permission : .inputOutput,
                error.isLocked
                    ? "\(settings.id): \(lockPath) is in use by another process; stop it or set sending_queue.directory"
                    : "\(settings.id): \(error)"
            )
        }
        let task = Task { await self.run() }
        state.withLock { $0.task = task }
    }

    /// Ends after the attempt under way; what was not sent is sent after the next start.
    func shutdown() async {
        let task = state.withLock { $0.task.take() }
        task?.cancel()
        await task?.value
        queue.close()
        state.withLock { $0.lock = nil }
    }

    private func run() async {
        var reading = Reading()
        var failures = 0
        while !Task.isCancelled {
            do {
                let hasMore = try await step(&reading)
                failures = 0
                noteSuccess()
                if !hasMore { try await Task.sleep(for: .nanoseconds(config.interval.nanoseconds)) }
            } catch is CancellationError {
                return
            } catch let error as ClickHouseError where error.isCancelled {
                return
            } catch {
                failures += 1
                note("\(error)")
                let asked = (error as? ClickHouseError)?.delay
                let delay = RetryDelay.wait(config.retryOnFailure, after: failures, asked: asked)
                guard (try? await Task.sleep(for: delay)) != nil else { return }
            }
        }
    }

    /// Sends what waits, else looks for more.
    ///
    /// - Returns: Whether there may be more right away.
    private func step(_ reading: inout Reading) async throws -> Bool {
        if try await makeTables() { reading = Reading() }
        if reading.latest == 0 { reading.latest = try sent.latest() }
        if try await sendWaiting(&reading) { return true }
        return try await readChanges(&reading)
    }

    // MARK: - Tables

    /// Finds or makes the tables.
    ///
    /// - Returns: Whether the table of calls is new: then everything that was sent before is forgotten.
    private func makeTables() async throws -> Bool {
        if state.withLock(\.hasTables) { return false }
        let engine: String
        do throws(ClickHouseError) {
            engine = try await client.run(tables.callsQuestion)
        } catch {
            guard error.isMissingTable else { throw error }
            engine = ""
        }
        let isMissing = engine.allSatisfy(\.isWhitespace)
        if isMissing {
            guard config.createSchema else {
                throw StoreError("the table \(tables.calls) is missing, and create_schema is false")
            }
            // Before it is made, so that a crash in between does not leave an empty table that is taken for full.
            try forget()
        } else if !engine.contains("Replicated"), !engine.contains("Shared"), !Self.knowsRepeats(engine) {
            throw StoreError(
                "a repeated insert would count twice in \(tables.calls): run ALTER TABLE \(tables.calls) MODIFY SETTING \(Tables.deduplication) = 1000"
            )
        }
        if config.createSchema { for statement in tables.statements { _ = try await client.run(statement) } }
        state.withLock { $0.hasTables = true }
        return isMissing
    }

    private static func knowsRepeats(_ engine: String) -> Bool {
        let parts = engine.split(separator: Tables.deduplication, maxSplits: 1)
        guard parts.count == 2 else { return false }
        return Int(parts[1].drop { $0 == " " || $0 == "=" }.prefix(while: \.isNumber)) ?? 0 > 0
    }

    private func forget() throws {
        while let range = try queue.take(SegmentLog.BatchLimit(bytes: 1)) { queue.acknowledge(range.place) }
        try sent.forget()
    }

    // MARK: - Sending

    /// Sends the oldest insert that waits.
    ///
    /// - Returns: Whether there was one.
    private func sendWaiting(_ reading: inout Reading) async throws -> Bool {
        guard let range = try queue.take(SegmentLog.BatchLimit(bytes: 1)) else { return false }
        for bytes in range.requests {
            guard let change = MirrorChange(encoded: bytes) else {
                throw StoreError(
                    "an insert that waits in \(config.sendingQueue.folder(of: settings.id, home: settings.home)) is damaged"
                )
            }
            reading.latest = max(reading.latest, change.version)
            try sent.note(change)
            if try await !send(change) { reading = Reading() }
        }
        queue.acknowledge(range.place)
        return true
    }

    /// Sends a change until ClickHouse has it.
    ///
    /// - Returns: False when the table of calls is a new one, so that everything begins again.
    private func send(_ change: MirrorChange) async throws -> Bool {
        let ttl = config.ttl.nanoseconds
        let border =
            ttl > 0 ? Timestamp(nanoseconds: max(0, settings.now().nanoseconds.saturatingSubtracting(ttl))) : nil
        var (body, rows) = change.body(since: border)
        var failures = 0
        while rows > 0 {
            do throws(ClickHouseError) {
                try await client.insert(body, into: tables.calls, columns: Tables.callsColumns, token: change.token)
                settings.counters.add(rows, to: .sent)
                noteSuccess()
                (body, rows) = ([], 0)
            } catch {
                if error.isCancelled { throw error }
                failures += 1
                note(error.description)
                let delay = RetryDelay.wait(config.retryOnFailure, after: failures, asked: error.delay)
                try await Task.sleep(for: delay)
                if error.isMissingTable, try await remakes() { return false }
            }
        }
        return true
    }

    /// Whether the table of calls was removed, and is made again: nothing that was sent before counts then.
    private func remakes() async throws -> Bool {
        state.withLock { $0.hasTables = false }
        return try await makeTables()
    }

    // MARK: - Reading

    /// Puts what changed in the store into the queue.
    ///
    /// - Returns: Whether there is something to send or more to read.
    private func readChanges(_ reading: inout Reading) async throws -> Bool {
        guard let store = ComponentID(config.store).flatMap(settings.store) else {
            // Exporters start one after the other.
            guard reading.begun.duration(to: .now) < Self.startTime else {
                throw StoreError("the store \"\(config.store)\" does not run")
            }
            try await Task.sleep(for: .milliseconds(50))
            return true
        }
        var next = reading
        var change = MirrorChange(version: nextVersion(after: reading.latest))
        var isComplete = false
        // Pages that belong together are one insert where they are small enough, so that a call that moved from one to another counts once.
        while !isComplete, change.rows.count < Self.mostRows {
            try Task.checkCancellation()
            let changes = try await store.changes(since: next.cursor)
            if changes.beginsAgain { next.seen = [] }
            for (block, calls) in changes.blocks.sorted(by: { $0.key < $1.key }) {
                next.seen?.insert(block)
                change.add(block: block, former: try sent.rows(of: block).rows, calls)
            }
            next.cursor = changes.next
            isComplete = changes.isComplete
        }
        if isComplete, let seen = next.seen {
            // Blocks that the store has no more.
            for block in try sent.blocks() where !seen.contains(block) {
                change.add(block: block, former: try sent.rows(of: block).rows, [])
            }
            next.seen = nil
        }
        if !change.isEmpty {
            let entry = QueueEntry(
                signal: .logs,
                records: change.rows.count,
                time: settings.now(),
                bytes: change.encoded
            )
            _ = try queue.append([entry])
            next.latest = change.version
        }
        reading = next
        return !change.isEmpty || !isComplete
    }

    private func nextVersion(after latest: UInt64) -> UInt64 {
        max(latest + 1, UInt64(clamping: settings.now().nanoseconds))
    }

    // MARK: - Condition

    private func noteSuccess() {
        let had = state.withLock { state in
            defer { state.trouble = nil }
            return state.trouble != nil
        }
        if had { settings.logger.notice("the mirror in ClickHouse is kept again") }
    }

    /// Notes why the mirror is behind; logged once a minute.
    private func note(_ reason: String) {
        let now = settings.now()
        settings.counters.note(reason, at: now)
        let isDue = state.withLock { state in
            state.trouble = reason
            if let last = state.lastWord, (0..<60_000_000_000).contains(now.nanoseconds - last.nanoseconds) {
                return false
            }
            state.lastWord = now
            return true
        }
        if isDue { settings.logger.error("the mirror in ClickHouse is behind", metadata: ["reason": "\(reason)"]) }
    }
}
