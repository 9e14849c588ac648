// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import Synchronization

/// Counts how often a connection flushes its write-ahead log.
///
/// SQLite calls its files through a table of functions; the log of the connection gets a copy of it whose `xSync` counts before it
/// calls the original. The log must be open, and stays with the connection.
final class LogFlushes: Sendable {
    private let file: UInt

    private struct Watched {
        var original: @convention(c) (UnsafeMutablePointer<sqlite3_file>?, Int32) -> Int32
        var count = 0
    }

    /// By the address of the file.
    private static let watched = Mutex<[UInt: Watched]>([:])

    struct NoLog: Error {}

    init(_ db: Database) throws {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = withUnsafeMutablePointer(to: &file) {
            sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_JOURNAL_POINTER, $0)
        }
        guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods, let original = methods.pointee.xSync
        else {
            throw NoLog()
        }
        self.file = UInt(bitPattern: file)
        Self.watched.withLock { [key = self.file] in $0[key] = Watched(original: original) }
        // Lives as long as the file, whose end is not reported.
        let copy = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        copy.initialize(to: methods.pointee)
        copy.pointee.xSync = { file, flags in
            let original = LogFlushes.watched.withLock { watched in
                watched[UInt(bitPattern: file)]?.count += 1
                return watched[UInt(bitPattern: file)]?.original
            }
            return original?(file, flags) ?? SQLITE_IOERR
        }
        file.pointee.pMethods = UnsafePointer(copy)
    }

    /// How often the log was flushed since then.
    var count: Int { Self.watched.withLock { $0[file]?.count ?? 0 } }
}
