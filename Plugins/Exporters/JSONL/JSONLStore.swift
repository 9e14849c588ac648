// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import GRDB
import Logging
import SQLiteUsage
import Synchronization
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A store that is open: what comes in goes through one thread, questions are answered from the index.
final class JSONLStore: Sendable {
    /// The number by which it knows itself again.
    let identity: UInt64
    private let opening: StoreOpening
    private let parts: OpenParts
    private let config: JSONLConfig
    /// Where everything that changes lines or index happens; may block.
    private let commits: DispatchQueue
    /// Where long work beside it happens, one piece at a time.
    private let upkeep = DispatchQueue(label: "jsonl.upkeep", qos: .utility)
    private let index: Mutex<Index>
    private let state: Mutex<State>

    private var names: PartNames { opening.names }
    private var settings: ComponentSettings { opening.settings }
    private var logger: Logger { opening.settings.logger }

    private struct State: ~Copyable {
        var committer: Committer
        /// Held until the store is closed.
        var lock: StoreLock?
        var isFailing = false
        var isFlushPending = false
    }

    private struct Index {
        /// nil while it is made again, and when closed.
        var database: OpenDatabase?
        /// Why there is none.
        var trouble: String?
        /// How often another index took the place of the former.
        var renewals: Int64 = 0
        /// Not made again, nor looked at, before.
        var nextRenewal = DispatchTime(uptimeNanoseconds: 0)
        var nextLook = DispatchTime(uptimeNanoseconds: 0)
        var isRenewing = false
    }

    /// How many seconds after an index was made again it may be made again once more.
    private static let pause = 60.0

    init(_ config: JSONLConfig, _ settings: ComponentSettings, _ calls: StorageCalls) throws {
        self.config = config
        commits = DispatchQueue(label: "jsonl.commits")
        opening = StoreOpening(
            names: PartNames(config.path(home: settings.home)),
            calls: calls,
            damage: StoreDamage(settings.logger),
            settings: settings,
            commits: commits
        )
        let opened = try opening.open()
        let (lock, path) = (opened.lock, opening.names.path)
        identity = opened.identity
        parts = OpenParts(opened.parts)
        index = Mutex(Index(database: opened.index))
        let committer = Committer(opened.takeFile(), parts, config, opening.damage, settings) { [weak lock] in
            lock?.forgetIdentity()
            settings.logger.error(
                "a new file is begun: the former was deleted, moved, replaced or cut",
                metadata: ["file": "\(path)"]
            )
        }
        state = Mutex(State(committer: committer, lock: lock))
    }

    /// What is wrong with the files; nil while all is well.
    var trouble: String? { index.withLock { $0.trouble } ?? opening.damage.trouble }

    // MARK: - Keeping

    /// Where batches are handed in.
    func makeCommitQueue() -> CommitQueue { CommitQueue(on: commits) { self.keep($0) } }

    private func keep(_ batches: [Batch]) -> [Result<Delivery, ConsumeError>] {
        do {
            let deliveries = try change { state, database in
                let (deliveries, refused) = try state.committer.commit(batches, to: database)
                settings.note(expired: refused)
                if state.isFailing { logger.notice("the store can be written again") }
                state.isFailing = false
                tend(&state, database)
                return deliveries
            }
            return deliveries.map { .success($0) }
        } catch {
            let refusal = refuse(error)
            return batches.map { _ in .failure(refusal) }
        }
    }

    /// Changes lines and index.
    private func change<Value: Sendable>(_ body: (inout State, OpenDatabase) throws -> Value) throws -> Value {
        let database = try database()
        do {
            return try state.withLock { state in
                guard state.lock != nil else { throw StoreError("\(settings.id) is not running") }
                return try body(&state, database)
            }
        } catch {
            noteDamage(error)
            throw error
        }
    }

    private func refuse(_ error: any Error) -> ConsumeError {
        // A disk is full for lines and index alike, and is reported once: the lines were taken back, so that there is a little room again.
        let isFull = (error as? DatabaseError)?.resultCode == .SQLITE_FULL
        let failure = isFull ? FileError(number: ENOSPC, path: names.index) : error as? FileError
        let reason = failure?.reason ?? StoreFault(error).reason
        let isRunning = state.withLock { state in
            state.isFailing = true
            return state.lock != nil
        }
        guard isRunning else { return .retryable("\(settings.id) is not running") }
        logger.error("the store cannot be written", metadata: ["reason": "\(reason)"])
        return .retryable("the store cannot be written: \(reason)", after: 10)
    }

    /// What is due after a commit: a new file, a flush, a look at the index.
    private func tend(_ state: inout State, _ database: OpenDatabase) {
        if config.sync == .interval, !state.isFlushPending {
            state.isFlushPending = true
            commits.asyncAfter(deadline: .now() + 1) { self.flush() }
        }
        let limit = Int64(config.rotation.maxMegabytes) * opening.calls.megabyte
        if limit > 0, state.committer.size >= limit { rotate(&state, database) }
        let isLookDue = index.withLock { index in
            guard DispatchTime.now() >= index.nextLook else { return false }
            index.nextLook = .now() + Self.pause
            return true
        }
        if isLookDue, database.files.look() != .present { renew(because: "its files were deleted, moved or replaced") }
    }

    private func flush() {
        let failure = state.withLock { state -> FileError? in
            state.isFlushPending = false
            guard state.lock != nil else { return nil }
            do throws(FileError) {
                try state.committer.flush()
                return nil
            } catch {
                return error
            }
        }
        if let failure { _ = refuse(failure) }
    }

    private func rotate(_ state: inout State, _ database: OpenDatabase) {
        do {
            try state.committer.rotate(names, in: database)
        } catch {
            logger.error(
                "no new file can be begun",
                metadata: ["reason": "\((error as? FileError)?.reason ?? "\(error)")"]
            )
        }
    }

    // MARK: - The index

    /// Answers a question.
    ///
    /// - Throws: ``StoreError`` with the reason when the index fails; one that is damaged is made again.
    func answer<Answer: Sendable>(_ ask: (OpenDatabase) async throws -> Answer) async throws -> Answer {
        do {
            return try await ask(try database())
        } catch let error as StoreError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            noteDamage(error)
            throw StoreError(StoreFault(error).isDamage ? Self.renewing : StoreFault(error).reason)
        }
    }

    private static let renewing = "the index of the store is made again from its lines; ask again later"

    /// What is added to the numbers of states, so that one of a new index is not taken for one of the former.
    var revisionBase: Int64 { index.withLock { $0.renewals << 40 } }

    private func database() throws -> OpenDatabase {
        let (database, trouble) = index.withLock { ($0.database, $0.trouble) }
        if let database { return database }
        if let trouble { renew(because: trouble) }
        throw StoreError(trouble ?? Self.renewing)
    }

    private func noteDamage(_ error: any Error) {
        guard error is DatabaseError || error is RowDecodingError, StoreFault(error).isDamage else { return }
        renew(because: "\(error)")
    }

    /// Has the index made again, soon and not too often.
    private func renew(because reason: String) {
        let isDue = index.withLock { index in
            guard !index.isRenewing, DispatchTime.now() >= index.nextRenewal else { return false }
            index.nextRenewal = .now() + Self.pause
            index.isRenewing = true
            return true
        }
        guard isDue else { return }
        logger.error("the index is made again from the lines", metadata: ["reason": "\(reason)"])
        commits.async { self.renewNow() }
    }

    private func renewNow() {
        let former = index.withLock { index in
            index.trouble = Self.renewing
            return index.database.take()
        }
        former?.close(isWhole: false)
        state.withLock { state in
            var trouble: String?
            if state.lock != nil {
                do {
                    opening.removeIndex()
                    let (database, list) = try opening.openIndex()
                    parts.withLock { $0 = list }
                    index.withLock { index in
                        index.database = database
                        index.renewals += 1
                    }
                } catch {
                    trouble =
                        "the index of the store cannot be made: \((error as? FileError)?.reason ?? StoreFault(error).reason)"
                }
            }
            index.withLock { index in
                (index.trouble, index.isRenewing) = (trouble, false)
                index.nextLook = .now() + Self.pause
            }
        }
    }

    // MARK: - Records

    /// The events of a session from the lines that hold its records.
    func events(of session: String, _ database: OpenDatabase) async throws -> [SessionEvent] {
        try await readLines(of: session, database, { try $0.lines(of: session) }) { $0.read($1, from: $2) }
    }

    /// The records that a call of a session was made of.
    func records(for evidence: CallEvidence, of session: String, _ database: OpenDatabase) async throws -> [CallRecord]
    {
        var search = CallRecordSearch(for: evidence)
        if search.logTimes != nil {
            search = try await readLines(of: session, database, { try $0.lines(of: session) }) { [search] in
                var next = search
                $0.findLogs(&next, in: $1, from: $2)
                return next
            }
        }
        for time in search.spanTimes where !search.hasSpans {
            search = try await readLines(of: session, database, { try $0.spanLines(at: time) }) { [search] in
                var next = search
                $0.findSpans(&next, in: $1, from: $2)
                return next
            }
        }
        return search.records
    }

    /// Reads lines on a thread that may block; a damaged line is noted and refused.
    private func readLines<Found: Sendable>(
        of session: String,
        _ database: OpenDatabase,
        _ find: @escaping @Sendable (LineTables) throws -> [LineRef],
        _ read: @escaping @Sendable (inout EventReader, [LineRef], [Int32: ReadableFile]) -> Found
    ) async throws -> Found {
        let result: Result<Found, any Error> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: Result { try self.readLinesNow(of: session, database, find, read) })
            }
        }
        return try result.get()
    }

    private func readLinesNow<Found>(
        of session: String,
        _ database: OpenDatabase,
        _ find: @Sendable (LineTables) throws -> [LineRef],
        _ read: (inout EventReader, [LineRef], [Int32: ReadableFile]) -> Found
    ) throws -> Found {
        let (lines, files) = try parts.withLock { list in
            let lines = try database.readNow { try find(LineTables(db: $0)) }
            var files: [Int32: ReadableFile] = [:]
            // Opened here, so that a compaction cannot take them away before they are read.
            for part in Set(lines.map(\.part)) {
                files[part] = try list[part].flatMap { try ReadableFile.ifPresent($0.path) }
            }
            return (lines, files)
        }
        var reader = EventReader(session: session)
        let found = read(&reader, lines, files)
        guard let damage = reader.damage else { return found }
        opening.damage.note(damage)
        throw StoreError("a line with records of the session cannot be read; see the log for its file")
    }

    /// A page of what the store keeps.
    ///
    /// - Parameter opening: Distinguishes openings of the store.
    func contents(after cursor: StoreCursor?, limit: Int, opening: Int64, _ database: OpenDatabase) async throws
        -> StorePage
    {
        let result: Result<StorePage, any Error> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let lines = StoredLines(
                    parts: self.parts.withLock { $0 },
                    index: database,
                    opening: opening,
                    limit: limit
                )
                continuation.resume(returning: Result { try lines.page(after: cursor) })
            }
        }
        return try result.get()
    }

    // MARK: - Upkeep

    /// Prices every call again, some at a time, so that batches come in between.
    func reprice(by pricing: Pricing) async throws -> Int {
        var repricing = Repricing(by: pricing)
        while !repricing.isDone {
            try Task.checkCancellation()
            repricing = try await onCommits { [repricing] in
                var next = repricing
                try self.change { state, database in
                    try state.committer.reprice(&next, in: database)
                    self.tend(&state, database)
                }
                return next
            }
        }
        return repricing.repriced
    }

    private func onCommits<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            commits.async { continuation.resume(returning: Result { try work() }) }
        }
        return try result.get()
    }

    /// Removes what ended before an instant.
    func compact(before instant: Timestamp) async throws -> Int {
        let result: Result<Int, any Error> = await withCheckedContinuation { continuation in
            upkeep.async { continuation.resume(returning: Result { try self.compactNow(before: instant) }) }
        }
        return try result.get()
    }

    private func compactNow(before instant: Timestamp) throws -> Int {
        // Before anything goes: what is removed must not come in again behind it.
        try commits.sync { try change { try $0.committer.compact(before: instant, in: $1) } }
        var removed = SQLiteUsage.Compaction(before: instant, now: settings.now())
        while !removed.isDone {
            try commits.sync { try change { _, database in try database.changeNow { try removed.step($0, &$1) } } }
        }
        let border = try database().readNow(Revision.border)
        let isCurrentOld = parts.withLock { list in
            list.current.flatMap { list[$0] }.map { border.isExpired($0.earliest) } ?? false
        }
        if isCurrentOld { try commits.sync { try change { try $0.committer.rotate(names, in: $1) } } }
        let old = parts.withLock { list -> [Part] in
            let closed = list.order.compactMap { list[$0] }.filter { $0.number != nil }
            return Array(closed.prefix((closed.lastIndex { border.isExpired($0.earliest) } ?? -1) + 1))
        }
        guard let last = old.last else { return removed.removed }
        return try removed.removed + rewrite(old, last, border)
    }

    /// Puts one file in the place of several.
    ///
    /// - Returns: How many records have gone.
    private func rewrite(_ old: [Part], _ last: Part, _ border: CompactionBorder) throws -> Int {
        let id = parts.withLock { $0.takeNumber() }
        func inIndex(_ body: (Database) throws -> Void) throws {
            try commits.sync {
                try change { _, database in
                    try database.changeNow { db, _ in
                        _ = try Revision.next(db)
                        try body(db)
                    }
                }
            }
        }
        do {
            var compaction = try FileCompaction(old, last, id: id, opening)
            try compaction.write(border, try database(), inIndex)
            try commits.sync { try change { _, database in try compaction.finish(parts, database) } }
            return compaction.removed
        } catch {
            try? inIndex { try LineTables(db: $0).removeLines(of: id) }
            throw error
        }
    }

    /// Puts everything on the disk and lets go of the files.
    func close() async {
        await withCheckedContinuation { continuation in
            upkeep.async {
                self.commits.sync { self.closeFiles() }
                continuation.resume()
            }
        }
    }

    private func closeFiles() {
        flush()
        let database = index.withLock { $0.database }
        state.withLock { state in
            // Should it fail, the next start reads what the index was not told.
            if let database { try? state.committer.settle(database) }
            state.committer.close()
            state.lock = nil
        }
        guard let database = index.withLock({ $0.database.take() }) else { return }
        let isWhole = database.files.look() == .present
        database.close(isWhole: isWhole)
        if !isWhole { opening.removeIndex() }
    }
}
