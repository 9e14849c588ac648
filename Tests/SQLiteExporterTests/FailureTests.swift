// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Testing

@testable import SQLiteExporter

/// What a failure of the database means to a sender.
struct FailureTests {
    @Test(arguments: [
        (ResultCode.SQLITE_FULL, true), (.SQLITE_READONLY, true), (.SQLITE_CANTOPEN, true), (.SQLITE_BUSY, true),
        (.SQLITE_IOERR, true),
        (.SQLITE_IOERR_FSYNC, true), (.SQLITE_NOMEM, true), (.SQLITE_INTERRUPT, true), (.SQLITE_CONSTRAINT, false),
        (.SQLITE_TOOBIG, false),
        (.SQLITE_MISMATCH, false),
    ])
    func `what passes may come again, what does not may not`(code: ResultCode, isRetryable: Bool) {
        let error = ConsumeError(storing: DatabaseError(resultCode: code))
        #expect(error.isRetryable == isRetryable)
        #expect((error.retryAfter > 0) == isRetryable)
    }

    @Test func `what is no failure of the database passes`() {
        #expect(ConsumeError(storing: CancellationError()).isRetryable)
    }
}
