// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system says of a file.
struct FileFacts: Equatable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    /// When its content last changed, in nanoseconds.
    var modified: Int64

    /// The file under a path.
    ///
    /// - Throws: The system's number of the error; `ENOENT` and `ENOTDIR` mean that there is none.
    static func of(_ path: String) throws(ErrorNumber) -> FileFacts {
        var facts = stat()
        // Not what a link leads to: a link is another file than the one that was opened.
        guard lstat(path, &facts) == 0 else { throw ErrorNumber(rawValue: errno) }
        #if canImport(Darwin)
        let time = facts.st_mtimespec
        #else
        let time = facts.st_mtim
        #endif
        return FileFacts(
            device: UInt64(truncatingIfNeeded: facts.st_dev),
            inode: UInt64(truncatingIfNeeded: facts.st_ino),
            size: Int64(facts.st_size),
            modified: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
        )
    }

    func isSameFile(as other: FileFacts) -> Bool { device == other.device && inode == other.inode }

    /// The system's number of an error.
    struct ErrorNumber: Error, RawRepresentable {
        var rawValue: Int32

        /// Whether it says that there is no such file.
        var isMissing: Bool { rawValue == ENOENT || rawValue == ENOTDIR }
    }
}

/// The three files of an open database, so that it is noticed when others delete, move, truncate or replace one of them.
///
/// SQLite itself does not notice: it goes on in files that have no name any more, and what it commits there is gone with the process
/// ("Unlinking or renaming a database file while in use", sqlite.org/howtocorrupt.html; the same was reported of other collectors:
/// opentelemetry-collector-contrib#33987, vector#12823). To look costs three `stat`. Files are never opened here: to close any
/// descriptor of a file would take away SQLite's locks on it. Safe to use from any thread.
package final class StoreFiles: Sendable {
    private let path: String
    private let known: Mutex<Known>

    private struct Known {
        var main: FileFacts
        var log: FileFacts
        var index: FileFacts
        /// How large the log must be so that it holds what is not in the database yet.
        var logFloor: Int64 = 0
        /// How many of our own checkpoints are under way.
        var checkpoints = 0
    }

    /// What a look finds.
    package enum Finding: Equatable {
        /// All files are as they were left.
        case present
        /// The database is there, its log or the index of the log is not: what is in them can still be saved.
        case logGone
        /// The database is there, its log was cut: what was in it is gone.
        case logTruncated
        /// The database is smaller than it was; SQLite says whether that is right.
        case smaller
        /// Nothing is under the path any more.
        case gone
        /// Another file is under the path.
        case replaced
        /// The system does not say, with the number of its error.
        case unknown(Int32)
    }

    /// The files of a database that was just opened.
    init(_ path: String) throws(FileFacts.ErrorNumber) {
        self.path = path
        known = Mutex(
            Known(
                main: try FileFacts.of(path),
                log: try FileFacts.of(path + "-wal"),
                index: try FileFacts.of(path + "-shm")
            )
        )
    }

    /// Compares what is under the path with what was opened.
    package func look() -> Finding {
        known.withLock { known in
            do throws(FileFacts.ErrorNumber) {
                let main: FileFacts
                do throws(FileFacts.ErrorNumber) {
                    main = try FileFacts.of(path)
                } catch  where error.isMissing {
                    return .gone
                }
                guard main.isSameFile(as: known.main) else { return .replaced }
                let log = try FileFacts.of(path + "-wal")
                guard log.isSameFile(as: known.log) else { return .logGone }
                let index = try FileFacts.of(path + "-shm")
                guard index.isSameFile(as: known.index) else { return .logGone }
                if index.size < known.index.size {
                    // SQLite has it mapped, and to touch what is not there would end the process. Zeros it takes for no index,
                    // and makes another from the log.
                    truncate(path + "-shm", off_t(known.index.size))
                } else {
                    known.index.size = index.size
                }
                guard known.checkpoints == 0 else { return .present }
                if main.size < known.main.size { return .smaller }
                if main.modified != known.main.modified {
                    // Another process has moved the log into the database, and perhaps cut the log afterwards.
                    (known.main, known.logFloor) = (main, 0)
                }
                return log.size < known.logFloor ? .logTruncated : .present
            } catch {
                return error.isMissing ? .logGone : .unknown(error.rawValue)
            }
        }
    }

    /// The size of the file under the path.
    func size() throws(FileFacts.ErrorNumber) -> Int64 { try FileFacts.of(path).size }

    /// Notes a commit: the log holds this many bytes that are not all in the database.
    func committed(logSize: Int64) { known.withLock { $0.logFloor = logSize } }

    /// Notes that the database is as small as it is for a good reason.
    package func acceptSize() {
        known.withLock { known in
            if let main = try? FileFacts.of(path), main.isSameFile(as: known.main) { known.main = main }
        }
    }

    /// Runs a checkpoint of our own, which changes the files; `body` says whether the database has everything then.
    func duringCheckpoint(_ body: () throws -> Bool) rethrows {
        known.withLock { $0.checkpoints += 1 }
        var isComplete = false
        defer {
            known.withLock { known in
                known.checkpoints -= 1
                if isComplete { known.logFloor = 0 }
                if let main = try? FileFacts.of(path), main.isSameFile(as: known.main) {
                    // A size that has shrunk is left to be asked about.
                    known.main.size = max(known.main.size, main.size)
                    known.main.modified = main.modified
                }
            }
        }
        isComplete = try body()
    }

    // MARK: - Out of the way

    /// Removes the log and its index where they are ours: a database that takes the place of ours must not get our log.
    package func removeLog() {
        known.withLock { known in
            for (name, facts) in [(path + "-wal", known.log), (path + "-shm", known.index)]
            where (try? FileFacts.of(name).isSameFile(as: facts)) == true { unlink(name) }
        }
    }

    /// Gives the database and its log other names, under which people may still look into them.
    ///
    /// The names are on the disk when the next database is open (``DatabaseFile``), before anything is acknowledged into it.
    ///
    /// - Returns: The new name of the database.
    package func setAside(at milliseconds: Int64) -> String {
        let aside = "\(path).damaged-\(milliseconds)"
        rename(path, aside)
        rename(path + "-wal", aside + "-wal")
        unlink(path + "-shm")
        return aside
    }

    /// Gives the database that was set aside its name back, without its log; on the disk as above.
    package func putBack(_ aside: String) { rename(aside, path) }
}
