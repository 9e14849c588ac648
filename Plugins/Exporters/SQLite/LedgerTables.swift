// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Usage

/// The stored calls as the ledger asks for them, in one transaction.
struct LedgerTables: LedgerIndex {
    let db: Database
    let links: LinkIndex
    let recent: RecentEntries

    func mayHold(_ link: LedgerLink) -> Bool { links.mayHold(link) }

    func kinds(in cell: ResemblanceCell) -> UInt8 { links.kinds(in: cell) }

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
            if !isHeld, let witnesses = recent[ref] { isHeld = witnesses.contains(where: isWanted) }
        }
        return isHeld
    }

    private func entry(_ ref: Int64) throws -> LedgerEntry? {
        if let witnesses = recent[ref] { return LedgerEntry(ref: ref, witnesses: witnesses) }
        var statement = try SQLiteStatement("SELECT witnesses FROM calls WHERE ref = ?", db)
        statement.bind(ref)
        guard let bytes = try statement.first({ $0.blob(0) }) else { return nil }
        guard let witnesses = [Observation](encoded: bytes), let entry = LedgerEntry(ref: ref, witnesses: witnesses)
        else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the witnesses of call \(ref) are damaged")
        }
        recent.insert(entry)
        return entry
    }
}

extension LedgerEntry {
    fileprivate func carries(_ link: LedgerLink) -> Bool {
        var isFound = false
        forEachLink { isFound = isFound || $0 == link }
        return isFound
    }
}

/// The witnesses of calls that were written or read lately: a second witness nearly always comes soon.
///
/// Two generations, so that forgetting costs nothing: what is asked for moves to the young one.
final class RecentEntries: Sendable {
    private let generations = Mutex(Generations())

    private struct Generations {
        var young: [Int64: [Observation]] = [:]
        var old: [Int64: [Observation]] = [:]

        mutating func insert(_ witnesses: [Observation], _ ref: Int64) {
            if young.count >= RecentEntries.capacity {
                swap(&young, &old)
                young.removeAll(keepingCapacity: true)
            }
            young[ref] = witnesses
        }
    }

    /// How many calls a generation holds: about two megabytes.
    private static let capacity = 2_048

    subscript(ref: Int64) -> [Observation]? {
        generations.withLock { generations in
            if let witnesses = generations.young[ref] { return witnesses }
            guard let witnesses = generations.old[ref] else { return nil }
            generations.insert(witnesses, ref)
            return witnesses
        }
    }

    func insert(_ entry: LedgerEntry) {
        generations.withLock { $0.insert(entry.witnesses, entry.ref) }
    }

    func remove(_ ref: Int64) {
        generations.withLock { generations in
            generations.young[ref] = nil
            generations.old[ref] = nil
        }
    }
}
