// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Usage
import UsageDatabase

/// The stored calls as the ledger asks for them, in one transaction.
struct LedgerTables: LedgerIndex {
    let db: Database
    let links: LinkIndex
    let recent: RecentEntries

    func mayHold(_ link: LedgerLink) throws -> Bool { try links.holds(link, db) }

    func held(among links: [LedgerLink]) throws -> Set<LedgerLink> { try self.links.held(among: links, db) }

    func kinds(in cell: MatchBucket) throws -> UInt8 { try links.kinds(in: cell, db) }

    func kinds(in cells: [MatchBucket]) throws -> [MatchBucket: UInt8] { try links.kinds(in: cells, db) }

    func isKnownOverfull(_ cell: MatchBucket) -> Bool { recent.isOverfull(cell) }

    func noteOverfull(_ cell: MatchBucket) { recent.noteOverfull(cell) }

    func entries(linkedBy link: LedgerLink, limit: Int) throws -> [LedgerEntry] {
        try links.refs(link, limit: limit, db).compactMap { ref in
            // A posting may be older than the call's present state.
            guard let entry = try entry(ref), entry.carries(link) else { return nil }
            return entry
        }
    }

    func holds(_ link: LedgerLink, where isWanted: (Observation) -> Bool) throws -> Bool {
        var isHeld = false
        // Only among the calls of late: what is sent again is sent again soon, and what is not found is looked for properly.
        links.forEachNew(link) { ref in
            if !isHeld { isHeld = recent.holds(ref, where: isWanted) }
        }
        return isHeld
    }

    private func entry(_ ref: Int64) throws -> LedgerEntry? {
        if let observations = recent[ref] { return LedgerEntry(ref: ref, observations: observations) }
        var statement = try SQLiteStatement("SELECT witnesses FROM calls WHERE ref = ?", db)
        statement.bind(ref)
        guard let bytes = try statement.first({ $0.blob(0) }) else { return nil }
        guard let observations = [Observation](stored: bytes),
            let entry = LedgerEntry(ref: ref, observations: observations)
        else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the observations of call \(ref) are damaged")
        }
        recent.insert(observations, ref)
        return entry
    }
}

/// The observations of calls that were written or read lately: a second observation nearly always comes soon.
///
/// Each call has one place, by its number; calls are numbered one after the other, so the newest drive out the oldest.
final class RecentEntries: Sendable {
    private let slots = Mutex([Slot]())
    /// Cells that hold too many observations to tell them apart: to count them again would cost hundreds of rows.
    private let overfull = Mutex(Set<MatchBucket>())

    private struct Slot {
        var ref: Int64 = 0
        var observations: [Observation] = []
    }

    /// How many calls are remembered: about a megabyte.
    private static let capacity = 2_048
    private static let cellCapacity = 4_096

    private static func place(of ref: Int64) -> Int { Int(truncatingIfNeeded: ref) & (capacity - 1) }

    /// The observations of a call; nil when they are not remembered.
    subscript(ref: Int64) -> [Observation]? {
        slots.withLock { slots in
            guard !slots.isEmpty, slots[Self.place(of: ref)].ref == ref else { return nil }
            return slots[Self.place(of: ref)].observations
        }
    }

    /// Whether an observation of a call that is remembered is one that is looked for.
    func holds(_ ref: Int64, where isWanted: (Observation) -> Bool) -> Bool {
        slots.withLock { slots in
            guard !slots.isEmpty, slots[Self.place(of: ref)].ref == ref else { return false }
            let observations = slots[Self.place(of: ref)].observations
            return observations.indices.contains { isWanted(observations[$0]) }
        }
    }

    func isOverfull(_ cell: MatchBucket) -> Bool { overfull.withLock { $0.contains(cell) } }

    func noteOverfull(_ cell: MatchBucket) {
        overfull.withLock { cells in
            if cells.count >= Self.cellCapacity { cells.removeAll() }
            cells.insert(cell)
        }
    }

    func insert(_ observations: [Observation], _ ref: Int64) {
        slots.withLock { slots in
            if slots.isEmpty { slots = Array(repeating: Slot(), count: Self.capacity) }
            slots[Self.place(of: ref)] = Slot(ref: ref, observations: observations)
        }
    }

    func remove(_ ref: Int64) {
        slots.withLock { slots in
            guard !slots.isEmpty, slots[Self.place(of: ref)].ref == ref else { return }
            slots[Self.place(of: ref)] = Slot()
        }
    }
}
