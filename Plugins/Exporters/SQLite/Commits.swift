// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import GRDB
import Logging
import Synchronization
import Usage

/// The transactions of a store, one after the other, and the database that they go to.
///
/// Before a commit and again before it is acknowledged the files are looked at (``StoreFiles``). Where others have deleted, moved, cut
/// or replaced them, a new database is begun under the path at once, and what was not acknowledged yet goes there, too; so nothing is
/// acknowledged into a file without a name. Where no new one can be begun, senders are asked to come again. Safe to use from any
/// thread.
final class Commits: Sendable {
    private let file: DatabaseFile
    private let id: ComponentID
    private let keepsRecords: Bool
    private let limits: Checkpoints.Limits
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let queue = DispatchQueue(label: "sqlite.commits")
    private let state: Mutex<State>

    private struct State {
        /// nil while no database can be opened, and when closed.
        var database: OpenDatabase?
        /// Why there is none; nil while there is.
        var trouble: String?
        /// Whether what was held was lost, so that what is opened next is another store whatever number it has.
        var mustBeNew = false
        var isClosed = false
        /// How often another database took the place of the former.
        var renewals: Int64 = 0
    }

    /// How often a group of batches is written at most, should its file be taken away each time.
    private static let attempts = 3

    /// Opens the database.
    init(
        _ file: DatabaseFile,
        keepsRecords: Bool,
        _ settings: ComponentSettings,
        _ limits: Checkpoints.Limits
    ) throws(StartError) {
        (self.file, self.keepsRecords, self.limits) = (file, keepsRecords, limits)
        (id, logger, now) = (settings.id, settings.logger, settings.now)
        state = Mutex(State())
        let opened = try file.open(id: id)
        let database = makeDatabase(opened)
        state.withLock { $0.database = database }
    }

    private func makeDatabase(_ opened: DatabaseFile.Opened) -> OpenDatabase {
        OpenDatabase(opened, file.path, keepsRecords: keepsRecords, limits, commits: queue, logger: logger)
    }

    /// Where batches are handed in.
    func makeQueue() -> CommitQueue { CommitQueue(on: queue) { self.keep($0) } }

    /// The number of the open store; nil while there is none.
    var identity: UInt64? { state.withLock { $0.database?.identity } }

    /// Why nothing can be kept; nil while something can.
    var trouble: String? { state.withLock { $0.trouble } }

    /// What is added to the numbers of states, so that one of a new database is not taken for one of the former.
    var revisionBase: Int64 { state.withLock { $0.renewals << 40 } }

    /// The database, for questions and upkeep; a new one when the former is gone.
    func database() async throws -> OpenDatabase {
        if let database = state.withLock({ $0.database }), database.files.look() == .present { return database }
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result { try self.present() }) }
        }
        return try result.get()
    }

    /// Waits for the commit under way and closes the database.
    func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                let database = self.state.withLock { state in
                    state.isClosed = true
                    return state.database.take()
                }
                if let database { database.close(isWhole: database.files.look() == .present) }
                continuation.resume()
            }
        }
    }

    // MARK: - Keeping

    /// Keeps a group of batches in one transaction; if that fails, each by itself, so that one cannot spoil the others.
    private func keep(_ batches: [Batch]) -> [Result<Void, ConsumeError>] {
        do {
            try write(batches).note()
            return batches.map { _ in .success(()) }
        } catch {
            let failure = ConsumeError(storing: error)
            guard batches.count > 1, !failure.isRetryable else { return batches.map { _ in .failure(failure) } }
            var results: [Result<Void, ConsumeError>] = []
            for batch in batches { results += keep([batch]) }
            return results
        }
    }

    private func write(_ batches: [Batch]) throws -> NewCalls {
        for _ in 0..<Self.attempts {
            let database = try present()
            let calls = try database.changeNow { db, writer in try writer.write(batches, to: db) }
            // What is in the log of a database that is there was saved, or is found again.
            if try isKept(by: database) { return calls }
        }
        throw StoreError("its file is taken away again and again")
    }

    /// The database if its files are there, else a new one.
    private func present() throws -> OpenDatabase {
        let database = try state.withLock { state throws(StoreError) in
            guard !state.isClosed else { throw StoreError("\(id) is not running") }
            return state.database
        }
        if let database { _ = try isKept(by: database) }
        return try state.withLock { $0.database } ?? renew()
    }

    /// Whether what was committed to a database will be found; if its files are not as they should be, it is given up.
    private func isKept(by database: OpenDatabase) throws -> Bool {
        switch database.files.look() {
        case .present: return true
        case .logGone:
            try database.saveLog()
            giveUp("its log was deleted or replaced", keepsContent: true)
            return true
        case .logTruncated:
            let aside = database.files.setAside(at: now().milliseconds)
            giveUp("its log was truncated; what is left of it is \(aside)-wal")
            database.files.putBack(aside)
        case .smaller:
            guard try database.isTruncated() else {
                database.files.acceptSize()
                return true
            }
            let aside = database.files.setAside(at: now().milliseconds)
            giveUp("it was truncated; what is left of it is \(aside)")
        case .gone, .replaced:
            // One that was only moved gets all that it was promised.
            try? database.saveLog()
            database.files.removeLog()
            giveUp("it was deleted, moved or replaced")
        case .unknown(let number): throw StoreError("its file cannot be looked at (error \(number))")
        }
        return false
    }

    private func giveUp(_ reason: String, keepsContent: Bool = false) {
        let former = state.withLock { state in
            if !keepsContent { state.mustBeNew = true }
            return state.database.take()
        }
        former?.close(isWhole: false)
        logger.error(
            keepsContent ? "the database is opened again: \(reason)" : "a new database is begun: \(reason)",
            metadata: ["file": "\(file.path)"]
        )
    }

    private func renew() throws -> OpenDatabase {
        let mustBeNew = state.withLock { $0.mustBeNew }
        do throws(StartError) {
            let opened = try file.open(id: id, makesFolder: false, mustBeNew: mustBeNew)
            let database = makeDatabase(opened)
            state.withLock { state in
                (state.database, state.trouble, state.mustBeNew) = (database, nil, false)
                state.renewals += 1
            }
            return database
        } catch {
            let reason = error.description
            state.withLock { $0.trouble = reason }
            throw StoreError(reason)
        }
    }
}
