// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import Usage

/// The sums of blocks of calls that questions about the quality of data had to read from the calls, by the revisions of the database.
///
/// Bounded: blocks of at most ``mostEntries`` entries; what does not fit is read again at each question, until it is packed. Safe to use from
/// many readers at once, also from readers that see different states of the database; the lock is held only for moments, so that a long reading
/// delays no commit.
package final class QualityMemory: Sendable {
    private let state = Mutex(State())

    private struct State {
        var changes = QualityParts()
        var blocks: [Int64: (revision: Int64, sums: QualityBlock)] = [:]
        var entries = 0

        mutating func remove(_ block: Int64) { entries -= blocks.removeValue(forKey: block)?.sums.entries ?? 0 }
    }

    /// How many entries are remembered, each about 70 bytes.
    static let mostEntries = 50_000

    /// Creates a memory of nothing.
    package init() {}

    /// Notes the blocks of calls that the transaction which is open changed.
    package func note(_ blocks: Set<Int64>, in revision: Int64) {
        state.withLock { $0.changes.note(blocks, in: revision) }
    }

    /// Takes over what others changed up to a revision, for a database that keeps which blocks changed when.
    ///
    /// - Parameter changes: Reads the blocks that changed after a revision, each with its newest change.
    package func advance(to revision: Int64, _ changes: (_ known: Int64) throws -> [Int64: Int64]) rethrows {
        try state.withLock { state in
            guard let known = state.changes.latest else { return state.changes.note([:], upTo: revision) }
            if known < revision { state.changes.note(try changes(known), upTo: revision) }
        }
    }

    /// Forgets everything, after a transaction that failed.
    package func forget() {
        state.withLock { state in
            state.changes.forget()
            (state.blocks, state.entries) = ([:], 0)
        }
    }

    /// The blocks that a reader of changes is given next, see ``QualityParts/page(after:at:lastCall:)``.
    package func page(after cursor: UsageCursor?, at present: Int64, lastCall: Int64)
        -> (blocks: [Int64], next: UsageCursor, beginsAgain: Bool)
    {
        state.withLock { $0.changes.page(after: cursor, at: present, lastCall: lastCall) }
    }

    /// The sums of a block as a reader of a state sees it; nil when they are not known.
    func sums(of block: Int64, at revision: Int64) -> QualityBlock? {
        state.withLock { state in
            guard let known = state.blocks[block] else { return nil }
            return state.changes.isUnchanged(block, since: known.revision, at: revision) ? known.sums : nil
        }
    }

    /// Remembers the sums of a block that were read from a state.
    func keep(_ sums: QualityBlock, of block: Int64, at revision: Int64) {
        state.withLock { state in
            guard state.changes.isUnchanged(block, since: revision, at: revision) else { return }
            if let known = state.blocks[block], known.revision > revision { return }
            state.remove(block)
            if state.entries + sums.entries > Self.mostEntries {
                // What changed since is of no more use.
                for (other, known) in state.blocks
                where !state.changes.isUnchanged(other, since: known.revision, at: revision) {
                    state.remove(other)
                }
            }
            guard state.entries + sums.entries <= Self.mostEntries else { return }
            state.entries += sums.entries
            state.blocks[block] = (revision, sums)
        }
    }

    /// Forgets the sums of blocks that are packed now.
    package func forget(_ blocks: [Int64]) { state.withLock { state in for block in blocks { state.remove(block) } } }
}
