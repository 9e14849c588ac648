// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import GRDB
import Testing

@testable import SQLiteExporter
@testable import SQLiteUsage

/// What a failure of the database means to a sender.
struct FailureTests {
    @Test(arguments: [
        (ResultCode.SQLITE_FULL, true), (.SQLITE_READONLY, true), (.SQLITE_CANTOPEN, true), (.SQLITE_BUSY, true),
        (.SQLITE_IOERR, true),
        (.SQLITE_IOERR_FSYNC, true), (.SQLITE_NOMEM, true), (.SQLITE_INTERRUPT, true), (.SQLITE_CORRUPT, true),
        (.SQLITE_CONSTRAINT, true), (.SQLITE_ERROR, true), (.SQLITE_TOOBIG, false),
        (.SQLITE_MISMATCH, false),
    ])
    func `what passes may come again, what does not may not`(code: ResultCode, isRetryable: Bool) {
        let error = ConsumeError(StoreFault(DatabaseError(resultCode: code)))
        #expect(error.isRetryable == isRetryable)
        #expect((error.retryAfter > 0) == isRetryable)
    }

    @Test func `what is no failure of the database passes`() {
        #expect(ConsumeError(StoreFault(CancellationError())).isRetryable)
    }

    @Test func `a full disk is named only where it is full`() {
        let full = DatabaseError(resultCode: .SQLITE_FULL)
        #expect(StoreFault(full) { false }.reason == "the disk of the store is full; free some space")
        #expect(StoreFault(full) { true }.reason.contains("although its disk has room"))
        #expect(
            StoreFault.hasRoom(
                beside: FileManager.default.temporaryDirectory.path + "/\(UInt64.random(in: 0 ... .max))"
            )
        )
        #expect(!StoreFault.hasRoom(beside: "/dev/null/store.db"))
    }
}
