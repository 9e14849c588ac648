// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import CollectorKit
import FoundationEssentials
import GRDB

/// The database file: made when it is missing, opened for one writer and a few readers, brought to the newest schema.
struct DatabaseFile {
    let path: String

    func open(id: ComponentID) throws(StartError) -> (DatabasePool, identity: UInt64) {
        try makeFolder(id)
        // SQLite gives its log the rights of the database, so they are set before there is one.
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        do {
            let pool = try DatabasePool(path: path, configuration: Self.configuration)
            try Self.migrator.migrate(pool)
            return (pool, try Self.identity(pool))
        } catch let error as DatabaseError {
            throw startError(error, id)
        } catch {
            throw StartError(.inputOutput, "\(id): the database \(path) cannot be opened: \(error)")
        }
    }

    /// SQLite's number for files that give pages back when they are told to.
    private static let incremental = 2

    /// The number by which the database knows itself again; given to it when it is made.
    private static func identity(_ pool: DatabasePool) throws -> UInt64 {
        let known = try pool.read { try Int64.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard known == 0 else { return UInt64(bitPattern: known) }
        let new = Int32.random(in: 1 ... .max)
        try pool.write { try $0.execute(sql: "PRAGMA user_version = \(new)") }
        return UInt64(new)
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 2
        configuration.busyMode = .timeout(5)
        // The one writer keeps references whole; checking each of them again costs a fifth of an insert.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // Before the first table there is a choice: compaction can then give pages back without writing the file anew. Later it
            // would be written once more at every start, which a full disk would refuse.
            // Records of batches fill whole pages: larger ones halve the calls of the system and cost single calls little.
            if !db.configuration.readonly, try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") != Self.incremental {
                try db.execute(sql: "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL")
            }
            // WAL is set by the pool. FULL flushes the log at every commit: that is what an acknowledgement promises.
            try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA cache_size = -\(cacheSize)")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        return configuration
    }

    /// How many kibibytes of pages a connection keeps: those that every transaction changes, and no more, because the system keeps
    /// the file.
    private static let cacheSize = 2_000

    private static var migrator: DatabaseMigrator {
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
        return migrator
    }

    private func makeFolder(_ id: ComponentID) throws(StartError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StartError(
                .permission,
                "\(id): the folder \(folder) cannot be made; make it, or name another path that you may write"
            )
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
