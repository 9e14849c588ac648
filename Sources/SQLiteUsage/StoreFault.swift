// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import GRDB

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a failure of the database means to senders, to questions and to the health of the store.
package struct StoreFault {
    /// What is wrong and what to do, in one sentence without the folder of the file.
    package private(set) var reason: String
    /// Whether the file is damaged, which no waiting mends.
    package private(set) var isDamage = false
    /// Whether other batches may be kept.
    package private(set) var isOfBatch = false
    /// After how many seconds a sender may come again; nil where the same batch would always be refused.
    package private(set) var retryAfter: Int? = 5

    /// Reads an error.
    ///
    /// - Parameter hasRoom: Whether the disk has room; asked only when the database says that it has none, which a damaged number of a
    ///   row or a damaged count of pages makes it say, too.
    package init(_ error: any Error, hasRoom: () -> Bool = { false }) {
        switch error {
        case let error as StoreError: self.init(reason: error.description)
        case is CancellationError: self.init(reason: "the store is closing")
        case let error as DatabaseError: self.init(error, hasRoom)
        // A value of another type than its column's.
        case is RowDecodingError: self = .damage
        default: self.init(reason: "the store cannot be read or written now")
        }
    }

    private init(reason: String, retryAfter: Int? = 5) {
        (self.reason, self.retryAfter) = (reason, retryAfter)
    }

    private init(_ error: DatabaseError, _ hasRoom: () -> Bool) {
        switch error.resultCode {
        case .SQLITE_FULL where hasRoom():
            self.init(
                reason:
                    "the database says that it is full although its disk has room; it is damaged or as large as it may be",
                retryAfter: 30
            )
        case .SQLITE_FULL: self.init(reason: "the disk of the store is full; free some space", retryAfter: 10)
        // This program never breaks a constraint or misses a table: only a damaged page does, for some rows.
        case .SQLITE_CONSTRAINT:
            self = .damage
            isOfBatch = true
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR: self = .damage
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            self.init(
                reason: "the store cannot be written; check the rights of its file and folder",
                retryAfter: 10
            )
        case .SQLITE_TOOBIG, .SQLITE_MISMATCH:
            self.init(reason: "the store refuses the batch (\(error.resultCode))", retryAfter: nil)
            isOfBatch = true
        default: self.init(reason: "the store cannot be read or written now (\(error.resultCode))")
        }
    }

    private static let damage: StoreFault = {
        var fault = StoreFault(
            reason: "the file of the store is damaged; stop the collector and move it away, or restore a copy of it",
            retryAfter: 30
        )
        fault.isDamage = true
        return fault
    }()

    /// Puts the name of the file before the reason, for readers who do not see the log.
    package mutating func name(_ path: String) { reason = "\(path.split(separator: "/").last ?? ""): \(reason)" }

    /// Whether a file can grow in the folder of a path, which only trying shows: quotas and limits are no part of the free space.
    package static func hasRoom(beside path: String) -> Bool {
        let probe = path + ".room"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer {
            close(descriptor)
            unlink(probe)
        }
        let bytes = [UInt8](repeating: 1, count: 65_536)
        return write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    }
}

extension DatabaseError {
    /// A row that another one names is missing: only damage takes it away, for what is named is never removed first.
    static func missing(_ kind: String, _ ref: Int64, namedBy referrer: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(kind) \(ref), which \(referrer) name, is missing")
    }
}

extension ConsumeError {
    /// What a failure of the database means to a sender.
    package init(_ fault: StoreFault) {
        if let seconds = fault.retryAfter {
            self = .retryable(fault.reason, after: seconds)
        } else {
            self = .permanent(fault.reason)
        }
    }
}
