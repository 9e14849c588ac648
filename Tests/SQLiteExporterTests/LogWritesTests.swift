// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import GRDB
import GRDBSQLite
import Glibc
import StoreFixtures
import Synchronization
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage

/// Frames of the log are gathered into few writes, and what SQLite promises stays true.
struct LogWritesTests {
    @Test func `the pages of a commit are written together`() async throws {
        let bench = try await Bench(idle: 3_600, packing: 3_600)
        let writes = try LogWrites(bench.path + "-wal")
        let before = try logSize(bench)
        try await bench.consume([Batch((1...400).map { Observation($0) })])
        let pages = (try logSize(bench) - before) / (8_192 + 24)
        #expect(pages >= 15)
        #expect(writes.count > 0)
        // One write for up to 15 pages, in place of two for each.
        #expect(writes.count <= pages / 15 + 2)
        await bench.exporter.shutdown()
    }

    @Test(arguments: ["NORMAL", "FULL"])
    func `a commit is in the file before anyone sees it`(synchronous: String) async throws {
        let bench = try await Bench()
        let connection = try connection(bench, synchronous)
        for round in 1...20 {
            try await insert(round * 7, into: connection)
            let copy = try await Bench(start: false)
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: bench.path + suffix, toPath: copy.path + suffix)
            }
            let count = try copy.rows("SELECT count(*) FROM own")
            #expect(try bench.rows("SELECT count(*) FROM own") == count)
            #expect(count == ["\((1...round).reduce(0) { $0 + $1 * 7 })"])
        }
        await bench.exporter.shutdown()
    }

    @Test(arguments: ["NORMAL", "FULL"])
    func `pages of a transaction that was taken back never replace those of another`(synchronous: String) async throws {
        let bench = try await Bench()
        let (one, other) = (try connection(bench, synchronous), try connection(bench, synchronous))
        var kept = 0
        for round in 1...10 {
            // More than its memory holds, so that pages are written before the end.
            try await insert(1_000 * round % 3_000 + 500, into: one, ending: "ROLLBACK")
            try await insert(round, into: other)
            try await insert(300, into: one, savepoint: 700)
            kept += round + 300
            #expect(try bench.rows("SELECT count(*) FROM own") == ["\(kept)"])
            #expect(try bench.rows("PRAGMA integrity_check") == ["\"ok\""])
        }
        let copy = try await Bench(start: false)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: bench.path + suffix, toPath: copy.path + suffix)
        }
        #expect(try copy.rows("PRAGMA integrity_check") == ["\"ok\""])
        #expect(try copy.rows("SELECT count(*) FROM own") == ["\(kept)"])
        await bench.exporter.shutdown()
    }

    @Test func `every connection of the store writes that way`() async throws {
        let bench = try await Bench()
        let pool = try await #require(bench.exporter as? SQLiteExporter).commits().database().pool
        let name = try await pool.writeWithoutTransaction { db in
            var name: UnsafeMutablePointer<CChar>?
            _ = withUnsafeMutablePointer(to: &name) {
                sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_VFSNAME, $0)
            }
            defer { sqlite3_free(name) }
            return name.map { String(cString: $0) } ?? ""
        }
        #expect(name == "hammurabi/unix")
        await bench.exporter.shutdown()
    }

    private func logSize(_ bench: Bench) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: bench.path + "-wal")[.size] as? Int ?? -1
    }

    /// One more connection with little memory, and a table of its own.
    private func connection(_ bench: Bench, _ synchronous: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = \(synchronous); PRAGMA cache_size = 20")
        }
        let connection = try DatabaseQueue(path: bench.path, configuration: configuration)
        try connection.write { try $0.execute(sql: "CREATE TABLE IF NOT EXISTS own (bytes BLOB)") }
        return connection
    }

    /// - Parameter savepoint: How many rows are inserted, and taken back, before the others.
    private func insert(
        _ count: Int,
        into connection: DatabaseQueue,
        savepoint: Int = 0,
        ending: String = "COMMIT"
    ) async throws {
        try await connection.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            if savepoint > 0 {
                try db.execute(sql: "SAVEPOINT taken_back")
                for _ in 0..<savepoint { try db.execute(sql: "INSERT INTO own VALUES (randomblob(900))") }
                try db.execute(sql: "ROLLBACK TO taken_back")
            }
            for _ in 0..<count { try db.execute(sql: "INSERT INTO own VALUES (randomblob(900))") }
            try db.execute(sql: ending)
        }
    }
}

/// Counts how often SQLite calls the system to write to a file.
///
/// SQLite's access to files lets tests replace its calls of the system (`xSetSystemCall`); this one is replaced once for the process.
private final class LogWrites: Sendable {
    private let path: String

    private static let counts = Mutex<[String: Int]>([:])

    struct NoSystemCall: Error {}

    private typealias Write = @convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int

    private static let isCounting: Bool = {
        let counting: Write = { file, bytes, count, offset in
            LogWrites.note(file)
            return pwrite(file, bytes, count, offset)
        }
        guard let system = sqlite3_vfs_find("unix") else { return false }
        var isReplaced = false
        for name in ["pwrite", "pwrite64"] where system.pointee.xGetSystemCall?(system, name) != nil {
            let call = unsafeBitCast(counting, to: sqlite3_syscall_ptr.self)
            isReplaced = system.pointee.xSetSystemCall?(system, name, call) == SQLITE_OK || isReplaced
        }
        return isReplaced
    }()

    private static func note(_ file: Int32) {
        var name = [CChar](repeating: 0, count: 4_096)
        let length = readlink("/proc/self/fd/\(file)", &name, name.count - 1)
        guard length > 0 else { return }
        let path = String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        counts.withLock { if $0[path] != nil { $0[path, default: 0] += 1 } }
    }

    init(_ path: String) throws {
        self.path = path
        guard Self.isCounting else { throw NoSystemCall() }
        Self.counts.withLock { $0[path] = 0 }
    }

    var count: Int { Self.counts.withLock { $0[path] ?? 0 } }
}
