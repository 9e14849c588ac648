// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import GRDB
import Logging
import SQLiteUsage
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
    private let packing: Double
    private let logger: Logger
    private let settings: ComponentSettings
    private let now: @Sendable () -> Timestamp
    private let queue = DispatchQueue(label: "sqlite.commits")
    private let state: Mutex<State>

    private struct State {
        /// nil while no database can be opened, and when closed.
        var database: OpenDatabase?
        /// Why there is none; nil while there is.
        var trouble: String?
        /// What is damaged in the open database; stays until another takes its place.
        var damage: String?
        /// Why the last question could not be answered.
        var readFailure: String?
        /// No failure of a question is logged before.
        var silenceEnd = DispatchTime(uptimeNanoseconds: 0)
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
        _ limits: Checkpoints.Limits,
        _ packing: Double
    ) throws(StartError) {
        (self.file, self.keepsRecords, self.limits, self.packing) = (file, keepsRecords, limits, packing)
        self.settings = settings
        (id, logger, now) = (settings.id, settings.logger, settings.now)
        state = Mutex(State())
        let opened = try file.open(id: id)
        let database = makeDatabase(opened)
        state.withLock { $0.database = database }
    }

    private func makeDatabase(_ opened: DatabaseFile.Opened) -> OpenDatabase {
        OpenDatabase(opened, file, limits, commits: queue, logger: logger, packing: packing)
    }

    /// Where batches are handed in.
    func makeQueue() -> CommitQueue { CommitQueue(on: queue) { self.keep($0) } }

    /// The number of the open store; nil while there is none.
    var identity: UInt64? { state.withLock { $0.database?.identity } }

    /// Why nothing can be kept, or not everything be read; nil while all is well.
    var trouble: String? { state.withLock { $0.trouble ?? $0.damage ?? $0.readFailure } }

    /// Answers a question or does some upkeep.
    ///
    /// - Throws: ``StoreError`` with the reason when the database fails, which then is the trouble of the store, too.
    func answer<Answer: Sendable>(_ ask: (OpenDatabase) async throws -> Answer) async throws -> Answer {
        do {
            let answer = try await ask(try await database())
            state.withLock { $0.readFailure = nil }
            return answer
        } catch let error as StoreError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let fault = note(error)
            let mustLog = state.withLock { state in
                guard !fault.isDamage else { return false }
                state.readFailure = fault.reason
                guard DispatchTime.now() >= state.silenceEnd else { return false }
                state.silenceEnd = .now() + 60
                return true
            }
            if mustLog { log("the store cannot answer", fault, error) }
            throw StoreError(fault.reason)
        }
    }

    /// Says once what is damaged, and remembers it.
    private func note(_ error: any Error) -> StoreFault {
        var fault = StoreFault(error) { StoreFault.hasRoom(beside: file.path) }
        if fault.isDamage { fault.name(file.path) }
        let isNew = state.withLock { state in
            guard fault.isDamage, state.damage == nil, !state.isClosed else { return false }
            state.damage = fault.reason
            return true
        }
        if isNew { log("the store is damaged", fault, error) }
        return fault
    }

    private func log(_ what: Logger.Message, _ fault: StoreFault, _ error: any Error) {
        var metadata: Logger.Metadata = ["file": "\(file.path)", "reason": "\(fault.reason)"]
        if let message = (error as? DatabaseError)?.message { metadata["found"] = "\(message)" }
        logger.error(what, metadata: metadata)
    }

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
    private func keep(_ batches: [Batch]) -> [Result<Delivery, ConsumeError>] {
        do {
            return try write(batches).map { .success($0) }
        } catch {
            let fault = note(error)
            guard batches.count > 1, fault.isOfBatch else { return batches.map { _ in .failure(ConsumeError(fault)) } }
            var results: [Result<Delivery, ConsumeError>] = []
            for batch in batches { results += keep([batch]) }
            return results
        }
    }

    private func write(_ batches: [Batch]) throws -> [Delivery] {
        for _ in 0..<Self.attempts {
            let database = try present()
            let (deliveries, refused) = try database.changeNow { db, writer in
                let learned = try writer.write(batches, keepsRecords: keepsRecords, to: db)
                return (learned.deliveries, learned.refused)
            }
            // What is in the log of a database that is there was saved, or is found again.
            guard try isKept(by: database) else { continue }
            settings.note(expired: refused)
            return deliveries
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
                (state.damage, state.readFailure) = (nil, nil)
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
