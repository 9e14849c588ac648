// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import Usage

/// What questions about the quality of data have read before, by the revisions of the database.
///
/// Safe to use from many readers at once, also from readers that see different states of the database; the lock is held only for
/// moments, so that a long reading delays no commit.
package final class QualityMemory: Sendable {
    private let parts = Mutex(QualityParts())

    /// Creates a memory of nothing.
    package init() {}

    /// Notes the blocks of calls that the transaction which is open changed.
    package func note(_ blocks: Set<Int64>, in revision: Int64) { parts.withLock { $0.note(blocks, in: revision) } }

    /// Takes over what others changed up to a revision, for a database that keeps which blocks changed when.
    ///
    /// - Parameter changes: Reads the blocks that changed after a revision, each with its newest change.
    package func advance(to revision: Int64, _ changes: (_ known: Int64) throws -> [Int64: Int64]) rethrows {
        try parts.withLock { parts in
            guard let known = parts.latest else { return parts.note([:], upTo: revision) }
            if known < revision { parts.note(try changes(known), upTo: revision) }
        }
    }

    /// Forgets everything, after a transaction that failed.
    package func forget() { parts.withLock { $0.forget() } }

    /// The blocks that a reader of changes is given next, see ``QualityParts/page(after:at:lastCall:)``.
    package func page(after cursor: UsageCursor?, at present: Int64, lastCall: Int64)
        -> (blocks: [Int64], next: UsageCursor, beginsAgain: Bool)
    {
        parts.withLock { $0.page(after: cursor, at: present, lastCall: lastCall) }
    }

    /// Begins to answer a question from a state of the database.
    package func reading(of period: Period, at revision: Int64) -> QualityReading {
        parts.withLock { $0.reading(of: period, at: revision) }
    }

    /// Remembers what was read.
    package func keep(_ reading: QualityReading) { parts.withLock { $0.keep(reading) } }
}
