// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import SQLiteUsage
import Usage

/// Hands over what the store keeps: sessions and calls from the index, records in the order of their lines.
struct StoredLines {
    /// The open files.
    let parts: PartList
    let index: OpenDatabase
    /// Distinguishes openings: rows of an index have no meaning in another one, which begins the section again.
    let opening: Int64
    /// How much a page has at most.
    let limit: Int

    /// The page after a place; may block.
    func page(after cursor: StoreCursor?) throws -> StorePage {
        try StorePage.following(cursor) { section, place, page in
            if section == .records { return try addBatches(after: place, to: &page) }
            let last = place.count == 2 && place[0] == opening ? place[1] : 0
            let next = try index.readNow { db in
                let rows = Contents(db: db, limit: limit)
                return section == .sessions
                    ? try rows.addSessions(after: last, to: &page) : try rows.addCalls(after: last, to: &page)
            }
            return next.map { [opening, $0] }
        }
    }

    /// The place is the number in a file's name, the largest for the file that is appended to, and where a line begins in it.
    private func addBatches(after place: [Int64], to page: inout StorePage) throws -> [Int64]? {
        let (number, offset) = place.count == 2 ? (place[0], place[1]) : (Int64.min, 0)
        let files = parts.order.compactMap { parts[$0] }.sorted { Self.number($0) < Self.number($1) }
            .filter { Self.number($0) >= number }
        var (size, end) = (0, place)
        for part in files {
            guard let file = try ReadableFile.ifPresent(part.path) else { continue }
            let own = Self.number(part)
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
}
