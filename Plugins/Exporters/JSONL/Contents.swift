// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// Hands over what the store keeps: calls and sessions by their numbers in this opening, records in the order of their lines.
struct Contents {
    let shelf: StoreState
    /// Distinguishes openings: numbers of calls and sessions have no meaning in another one, which begins the section again.
    let opening: Int64
    /// How much a page has at most.
    var limit = 0

    func page(after cursor: StoreCursor?) throws -> StorePage {
        try StorePage.following(cursor) { section, place, page in
            if section == .records { return try addBatches(after: place, to: &page) }
            let last = place.count == 2 && place[0] == opening ? place[1] : 0
            let next =
                section == .sessions ? addSessions(after: last, to: &page) : addCalls(after: last, to: &page)
            return next.map { [opening, $0] }
        }
    }

    private func addSessions(after last: Int64, to page: inout StorePage) -> Int64? {
        shelf.withLock { contents in
            let slots = contents.book.sessions.slots
            let end = min(slots.count, Int(last) + limit)
            guard Int(last) < end else { return nil }
            for case let slot? in slots[Int(last)..<end] where !slot.isHidden {
                var update = slot.update
                update.isImplied = !slot.isSighted
                page.sessions.append(update)
            }
            return end < slots.count ? Int64(end) : nil
        }
    }

    private func addCalls(after last: Int64, to page: inout StorePage) -> Int64? {
        shelf.withLock { contents in
            let newest = contents.book.ledger.lastNumber
            var number = last
            // Numbers of calls that are gone are passed over, so that a page is read in bounded time.
            let end = min(newest, last + 16_000)
            while number < end, page.calls.count < limit {
                number += 1
                guard let entry = contents.book.ledger.entries[number], let kept = contents.book.calls[entry.call.id]
                else { continue }
                page.calls.append(
                    StoredCall(observations: entry.observations, price: kept.price, isExpired: kept.isExpired)
                )
            }
            return number < newest ? number : nil
        }
    }

    /// The place is the number in a file's name, the largest for the file that is appended to, and where a line begins in it.
    private func addBatches(after place: [Int64], to page: inout StorePage) throws -> [Int64]? {
        let (number, offset) = place.count == 2 ? (place[0], place[1]) : (Int64.min, 0)
        let files = try shelf.withLock { contents in
            try contents.parts.order.compactMap { contents.parts[$0] }.sorted { Self.number($0) < Self.number($1) }
                .filter { Self.number($0) >= number }.map { (Self.number($0), try ReadableFile.ifPresent($0.path)) }
        }
        var (size, end) = (0, place)
        for case (let own, let file?) in files {
            var scanner = LineScanner(file, from: own == number ? offset : 0)
            while let item = scanner.next() {
                guard case .line(let line, let at) = item, line.records != nil else { continue }
                guard var batch = line.batch(at, file) else {
                    throw StoreError("a line with records in \(file.path) at byte \(at.offset) cannot be read")
                }
                for session in line.sessions {
                    batch.assign(session.records.joined(), toSession: session.update.id)
                }
                page.batches.append(batch)
                size += Int(clamping: at.length)
                end = [own, at.offset + at.length + 1]
                guard size < StorePage.largest, page.batches.count < limit else { return end }
            }
        }
        return page.batches.isEmpty ? nil : end
    }

    private static func number(_ part: Part) -> Int64 { part.number ?? .max }

    func inventory() -> StoreInventory {
        shelf.withLock { contents in
            let listed = contents.book.sessions.slots.count { $0.map { !$0.isHidden } ?? false }
            return StoreInventory(
                sessions: Int64(listed),
                calls: Int64(contents.book.calls.count),
                batches: 0,
                border: contents.book.border
            )
        }
    }
}
