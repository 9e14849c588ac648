// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import CSQLiteLog
package import CollectorKit
import Files
import FoundationEssentials
import GRDB

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The database file: made when it is missing, opened for one writer and a few readers, brought to the newest schema.
package struct DatabaseFile: Sendable {
    package let path: String
    private let durability: Durability
    private let owner: Tables?
    /// What makes a connection as durable as it should be, and leaves the log to ``Checkpoints``.
    private let terms: String

    /// What a power cut may take.
    package enum Durability: Int, Sendable {
        /// The newest commits: the log is flushed before it is copied into the database, which stays whole.
        case checkpoints = 1
        /// Nothing that was committed.
        case commits

        fileprivate var moment: String { self == .commits ? "commit" : "checkpoint" }

        fileprivate var terms: String { "PRAGMA synchronous = \(rawValue); PRAGMA wal_autocheckpoint = 0;" }
    }

    /// Tables that a store has beside those of this module.
    package struct Tables: Sendable {
        let name: String
        let sql: String

        /// - Parameter name: Another one for each layout.
        package init(name: String, sql: String) { (self.name, self.sql) = (name, sql) }
    }

    /// An open database and the number by which it is known again.
    package struct Opened {
        var pool: DatabasePool
        var identity: UInt64
        var files: StoreFiles
        var pageSize: Int64
    }

    /// A database that others can be made from: it is not brought from an older layout to the present one.
    package struct OtherLayout: Error {}

    /// Describes a file.
    ///
    /// - Parameter tables: Those of a store that can make its database again; one of another layout is then not opened.
    package init(path: String, durability: Durability = .commits, tables: Tables? = nil) {
        self.init(path: path, terms: durability.terms, durability: durability, tables: tables)
    }

    /// The same with other terms.
    init(path: String, terms: String, durability: Durability = .commits, tables: Tables? = nil) {
        (self.path, self.terms, self.durability, owner) = (path, terms, durability, tables)
    }

    /// Opens the database.
    ///
    /// - Parameters:
    ///   - makesFolder: Whether a folder that is missing is made; while the collector runs it is not, because a disk that is not
    ///     mounted any more must not be replaced by a folder of its name.
    ///   - mustBeNew: Whether it becomes another store even if it holds one: some of what it held is lost.
    /// - Throws: ``StartError`` when it cannot be used, or does not do what the configuration says.
    package func open(id: ComponentID, makesFolder: Bool = true, mustBeNew: Bool = false) throws(StartError) -> Opened {
        try makeFolder(id, mayMake: makesFolder)
        do {
            return try open(mustBeNew: mustBeNew)
        } catch {
            throw startError(error, id)
        }
    }

    /// Opens the database in a folder that is there.
    package func open(mustBeNew: Bool = false) throws -> Opened {
        // SQLite gives its log the rights of the database, so they are set before there is one.
        try makeFile()
        _ = Self.joinsLogWrites
        let pool = try DatabasePool(path: path, configuration: Self.configuration)
        // The pool's own set-up of the log asks for NORMAL, which flushes nothing at a commit: this must come after it.
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: terms)
            if let fault = try Self.durabilityFault(db, durability) { throw DatabaseError(message: fault) }
        }
        let migrator = migrator
        if owner != nil {
            let isForeign = try pool.read { db in
                try !migrator.appliedMigrations(db).isEmpty && !migrator.hasCompletedMigrations(db)
                    || migrator.hasBeenSuperseded(db)
            }
            if isForeign { throw OtherLayout() }
        }
        try migrator.migrate(pool)
        let identity = try Self.identity(pool, mustBeNew: mustBeNew)
        // Also of one that was there: its name may be as new, after a rename or where its maker was killed.
        try DurableFolder.flush(DurableFolder.containing(path))
        let pageSize = try pool.read { try Int64.fetchOne($0, sql: "PRAGMA page_size") ?? 0 }
        return Opened(pool: pool, identity: identity, files: try StoreFiles(path), pageSize: pageSize)
    }

    /// Removes the database with its log; none is no error.
    package func remove() {
        for name in names { OwnFile.remove(name) }
    }

    /// The files of the database.
    package var names: [String] { ["", "-wal", "-shm", "-journal"].map { path + $0 } }

    /// Makes the database's file if it is missing; refuses what is no regular file where SQLite would open its files.
    private func makeFile() throws(FileError) {
        for name in names { try OwnFile.refuseOthers(name) }
        guard access(path, F_OK) != 0 else { return }
        // Where it cannot be made, SQLite says why.
        if let made = try? OwnFile.open(path, .making) { close(made) }
    }

    /// Why a connection is not as durable as it should be; nil when it is.
    static func durabilityFault(_ db: Database, _ durability: Durability = .commits) throws -> String? {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "unknown"
        guard mode == "wal" else { return "the database keeps no write-ahead log (journal_mode is \(mode))" }
        let level = try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
        guard level >= durability.rawValue else {
            return
                "the database does not flush its log at every \(durability.moment) (synchronous is \(level), not \(durability.rawValue))"
        }
        return nil
    }

    /// One more connection that may write, for work beside the writer; it waits for nothing.
    func connection() throws -> DatabaseQueue {
        _ = Self.joinsLogWrites
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { [terms, durability] db in
            try db.execute(sql: "\(terms) PRAGMA cache_size = -200")
            if let fault = try Self.durabilityFault(db, durability) { throw DatabaseError(message: fault) }
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Whether commits write their pages together; looked at before a connection is opened, after which it holds for all.
    private static let joinsLogWrites = hammurabi_join_log_writes() == 0

    /// SQLite's number for files that give pages back when they are told to.
    private static let incremental = 2

    /// The number by which the database knows itself again; given to it when it is made.
    private static func identity(_ pool: DatabasePool, mustBeNew: Bool) throws -> UInt64 {
        let known = try pool.read { try Int64.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard known == 0 || mustBeNew else { return UInt64(bitPattern: known) }
        var new = Int32.random(in: 1 ... .max)
        while Int64(new) == known { new = .random(in: 1 ... .max) }
        try pool.write { [new] in try $0.execute(sql: "PRAGMA user_version = \(new)") }
        return UInt64(new)
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 2
        configuration.busyMode = .timeout(5)
        // The one writer keeps references whole; checking each of them again costs a fifth of an insert.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // Before the first table there is a choice: compaction can then give pages back without writing the whole file again. Later it
            // would be written once more at every start, which a full disk would refuse.
            // Records of batches fill whole pages: larger ones halve the calls of the system and cost single calls little.
            if !db.configuration.readonly, try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") != Self.incremental {
                try db.execute(sql: "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL")
            }
            let cacheSize = db.configuration.readonly ? readerCacheSize : writerCacheSize
            try db.execute(sql: "PRAGMA cache_size = -\(cacheSize); PRAGMA temp_store = MEMORY")
        }
        return configuration
    }

    /// How many kibibytes of pages a connection that reads keeps: few, because the system keeps the file.
    private static let readerCacheSize = 2_000
    /// How many the writer keeps: what a transaction of several large requests changes.
    ///
    /// What does not fit is written to the log before the commit and read, summed up and written again when it changes once more.
    private static let writerCacheSize = 8_000

    private var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            let bytes = UnsafeBufferPointer(start: hammurabi_schema_1(), count: hammurabi_schema_1_length())
            try db.execute(sql: String(decoding: bytes, as: UTF8.self))
        }
        // What an agent says that a session cost, and when it said so.
        migrator.registerMigration("reported cost of sessions") { db in
            try db.execute(sql: "ALTER TABLE sessions ADD COLUMN reported_cost INTEGER")
            try db.execute(sql: "ALTER TABLE sessions ADD COLUMN reported_cost_at INTEGER")
        }
        migrator.registerMigration("links in slices", migrate: LinkIndex.migrate)
        // Up to where the database was compacted. Calls before it that are kept only to be recognised have the session 0.
        migrator.registerMigration("compaction border") { db in
            try db.execute(sql: "ALTER TABLE revision ADD COLUMN compacted_before INTEGER NOT NULL DEFAULT 0")
        }
        // One bit in each word of a line, and of the links of a cell only the cell.
        migrator.registerMigration("filters of eight words", migrate: LinkRun.remakeFilters)
        // How all calls of a model are priced; zero where that is not known.
        migrator.registerMigration("pricing of models") { db in
            try db.execute(sql: "ALTER TABLE models ADD COLUMN priced_by INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("team of sessions") { db in
            try db.execute(sql: "ALTER TABLE sessions ADD COLUMN team TEXT")
        }
        // What blocks of calls add up to for the quality of data; made by steps beside the commits.
        migrator.registerMigration("quality of blocks") { try $0.execute(sql: QualityTables.schema) }
        if let owner {
            migrator.registerMigration(owner.name) { try $0.execute(sql: owner.sql) }
        }
        return migrator
    }

    private func makeFolder(_ id: ComponentID, mayMake: Bool) throws(StartError) {
        let folder = DurableFolder.containing(path)
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        guard mayMake else {
            throw StartError(.inputOutput, "\(id): the folder \(folder) of the database is missing; make it again")
        }
        do throws(FileError) {
            try DurableFolder.make(folder)
        } catch {
            throw StartError(
                .permission,
                "\(id): the folder \(folder) cannot be made; make it, or name another path that you may write"
            )
        }
    }

    private func startError(_ error: any Error, _ id: ComponentID) -> StartError {
        switch error {
        case let error as DatabaseError: startError(error, id)
        case let error as FileError: StartError(error.isPermission ? .permission : .inputOutput, "\(id): \(error)")
        default: StartError(.inputOutput, "\(id): the database \(path) cannot be opened: \(error)")
        }
    }

    private func startError(_ error: DatabaseError, _ id: ComponentID) -> StartError {
        switch error.resultCode {
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            StartError(
                .permission,
                "\(id): the database \(path) cannot be written; check the rights of the file and its folder, or name another path"
            )
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            StartError(.inputOutput, "\(id): \(path) is no database or is damaged; move it away or name another path")
        case .SQLITE_FULL where StoreFault.hasRoom(beside: path):
            StartError(
                .inputOutput,
                "\(id): the database \(path) says that it is full although its disk has room; it is damaged: move it away or name another path"
            )
        case .SQLITE_FULL:
            StartError(.inputOutput, "\(id): the disk has no room for the database \(path); free some space")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            StartError(
                .inputOutput,
                "\(id): the database \(path) is in use by another program; stop it or name another path"
            )
        default:
            StartError(
                .inputOutput,
                "\(id): the database \(path) cannot be opened (\(error.resultCode): \(error.message ?? "no reason given"))"
            )
        }
    }
}
