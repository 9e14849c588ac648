// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What a failure of the database means to senders, to questions, to the start and to the health of the store.
struct PostgresFault {
    /// What is wrong and what to do, in one sentence.
    var reason: String
    /// After how many seconds a sender may come again; nil where the same batch would always be refused.
    var retryAfter: Int? = 5
    /// Whether other batches of the same group may be kept.
    var isOfBatch = false
    /// Whether stored data is damaged, which no waiting mends.
    var isDamage = false
    /// Whether the connection is of no more use.
    var losesConnection = false
    /// Whether it ends the start: waiting does not help, somebody must change something.
    var preventsStart = false

    init(_ error: any Error) {
        switch error {
        case let error as PostgresError: self.init(error)
        case let error as StoreError: self.init(reason: error.description)
        case is CancellationError: self.init(reason: "the store is closing")
        default: self.init(reason: "the store cannot be read or written now")
        }
    }

    private init(reason: String) { self.reason = reason }

    /// Reads SQLSTATE (PostgreSQL's Appendix A).
    private init(_ error: PostgresError) {
        self.init(reason: "the database cannot be read or written now: \(error)")
        switch (error.state.prefix(2), error.state) {
        case ("08", _), (_, "57P01"), (_, "57P02"), (_, "57P03"), (_, "57P05"):
            reason = "the database cannot be reached: \(error)"
            losesConnection = true
        case (_, "25006"):
            // A standby that became reachable under the same name: the next connection may lead to the primary server.
            reason =
                "the server only reads: name the primary one, or add target_session_attrs=read-write to the datasource (\(error))"
            (losesConnection, preventsStart) = (true, true)
        case (_, "55P03"), (_, "40P01"), (_, "40001"), (_, "57014"), (_, "25P03"), (_, "25P04"):
            reason = "another writer holds the database: \(error)"
            (retryAfter, losesConnection) = (1, error.state.hasPrefix("25"))
        case ("53", _):
            reason = "the database server has no room: \(error)"
            retryAfter = 10
        case ("22", _), ("23", _):
            reason = "the database refuses the batch: \(error)"
            (retryAfter, isOfBatch) = (nil, true)
        case ("28", _), ("3D", _), ("3F", _), ("HV", _):
            reason = "the database does not let this collector in: \(error)"
            (retryAfter, preventsStart) = (30, true)
        case (_, "42501"):
            reason =
                "the database's user may not do that: \(error); grant it the rights that `hammurabi schema postgresql` names"
            (retryAfter, preventsStart) = (30, true)
        case ("42", _):
            reason =
                "the tables are not those of this program: \(error); apply `hammurabi schema postgresql`, or set create_schema: true"
            (retryAfter, preventsStart) = (30, true)
        case ("XX", _), (_, "58030"):
            reason = "the database is damaged: \(error); restore it, or name another schema"
            (retryAfter, isDamage) = (30, true)
        default: break
        }
    }
}

extension ConsumeError {
    /// What a failure of the database means to a sender.
    init(_ fault: PostgresFault) {
        if let seconds = fault.retryAfter {
            self = .retryable(fault.reason, after: seconds)
        } else {
            self = .permanent(fault.reason)
        }
    }
}
