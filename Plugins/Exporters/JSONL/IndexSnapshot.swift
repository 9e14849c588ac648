// SPDX-License-Identifier: Apache-2.0

import Usage

/// Goes through everything in a book in steps, so that batches can be kept between two of them.
///
/// What is added meanwhile may be left out; it is in lines that are read afterwards.
struct IndexSnapshot {
    private let shelf: StoreState
    private var calls: [UInt64]
    private var session: Int32 = 0

    /// How many calls or sessions a step has.
    private static let step = 500

    init(_ shelf: StoreState) {
        self.shelf = shelf
        calls = shelf.withLock { Array($0.book.calls.keys) }
    }

    /// Some calls, and some that are only there to be recognised; nil when all were told.
    mutating func nextCalls() -> (calls: [KeptEntry], expired: [LedgerEntry])? {
        guard !calls.isEmpty else { return nil }
        let ids = Array(calls.suffix(Self.step))
        calls.removeLast(ids.count)
        return shelf.withLock { contents in
            var found: (calls: [KeptEntry], expired: [LedgerEntry]) = ([], [])
            for id in ids {
                guard let kept = contents.book.calls[id], let entry = contents.book.ledger.entries[kept.ref] else {
                    continue
                }
                if kept.isExpired {
                    found.expired.append(entry)
                } else {
                    found.calls.append(KeptEntry(entry: entry, price: kept.price))
                }
            }
            return found
        }
    }

    /// Some sessions with the places of their lines; nil when all were told.
    mutating func nextSessions() -> [SessionEntry]? {
        let first = session
        session += Int32(Self.step)
        return shelf.withLock { contents in
            let slots = contents.book.sessions.slots
            guard Int(first) < slots.count else { return nil }
            return slots[Int(first)..<min(slots.count, Int(first) + Self.step)].compactMap { slot in
                guard let slot, !slot.isHidden else { return nil }
                var note = SessionEntry(update: slot.update, isSighted: slot.isSighted)
                note.lines = slot.lines
                return note
            }
        }
    }
}
