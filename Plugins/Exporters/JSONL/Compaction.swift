// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Rewrites files without what ended before an instant, while batches go on coming in.
///
/// One new file replaces all files up to the last that holds anything old: first what the index knows, then the records that stay.
/// It takes the place of the last of them by a rename. Its first line says that what is before it is void, so that a crash before
/// the others are removed changes nothing.
struct Compaction {
    private let border: CompactionBorder
    /// How many records and calls have gone.
    private(set) var removed = 0
    private let names: PartNames
    private let storage: StorageCalls
    private let damage: StoreDamage
    private let shelf: StoreState
    /// The calls that were there when it began; what changes later is newer than the border says.
    private let calls: [UInt64]

    init(names: PartNames, shelf: StoreState, border: CompactionBorder, storage: StorageCalls, damage: StoreDamage) {
        (self.storage, self.damage) = (storage, damage)
        self.names = names
        self.shelf = shelf
        self.border = border
        calls = shelf.withLock { Array($0.book.calls.keys) }
    }

    // MARK: - Files

    /// Writes the new file and puts it in the place of the old ones.
    mutating func rewrite() throws(FileError) {
        let (border, shelf) = (border, shelf)
        let old = shelf.withLock { contents -> [Part] in
            let closed = contents.parts.order.compactMap { contents.parts[$0] }.filter { $0.number != nil }
            guard let last = closed.lastIndex(where: { border.isExpired($0.earliest) }) else { return [] }
            return Array(closed[...last])
        }
        guard let last = old.last else { return }
        let (torn, calls, damage) = (names.torn, storage, damage)
        var output = Rewriting(try FileReplacement(of: last.path, draft: names.rewritten), path: last.path) {
            source,
            range throws(FileError) in
            guard !range.isEmpty else { return }
            guard SetAside(path: torn, calls: calls).keep(source, range) else {
                throw FileError(number: EIO, path: source.path)
            }
            damage.note(StoreDamage.Place(path: source.path, offset: range.lowerBound), keptIn: torn)
        }
        try output.snapshot(shelf, border)
        for part in old { removed += try output.copy(part, border: border.instant) }
        let rewritten = try output.finish()
        let moved = try shelf.withLock { contents throws(FileError) -> [String] in
            try output.commit()
            let former = Set(contents.parts.order.prefix(old.count))
            var part = Part(path: last.path, number: last.number)
            (part.earliest, part.end) = (rewritten.earliest, rewritten.size)
            let id = contents.parts.replaceFirst(old.count, with: part)
            contents.book.move(from: former, to: id, rewritten.lines)
            return old.dropLast().map(\.path)
        }
        for path in moved { OwnFile.remove(path) }
        try DurableFolder.flush(DurableFolder.containing(names.path))
    }

    // MARK: - The book

    /// Takes out of the book what is too old, in steps.
    mutating func forget() {
        for start in stride(from: 0, to: calls.count, by: 1_000) {
            let ids = calls[start..<min(calls.count, start + 1_000)]
            let border = border
            removed += shelf.withLock { contents in
                ids.count { id in
                    guard let entry = contents.book.entry(id), border.isExpired(entry.call.time) else { return false }
                    if border.isForgotten(entry.observations) { return contents.book.remove(id) }
                    return contents.book.expire(id)
                }
            }
        }
        let border = border.instant
        shelf.withLock { contents in
            for number in contents.book.sessions.slots.indices {
                contents.book.removeSession(Int32(clamping: number), before: border)
            }
        }
    }
}

extension UsageIndex {
    /// Says where lines stand after their files were rewritten as one.
    fileprivate mutating func move(from former: Set<Int32>, to part: Int32, _ lines: [String: [LineRef]]) {
        for number in sessions.slots.indices {
            guard let id = sessions.slots[number]?.update.id, sessions.slots[number]?.isHidden == false else {
                continue
            }
            let moved = (lines[id] ?? []).map { LineRef(part: part, offset: $0.offset, first: $0.first) }
            move(Int32(clamping: number), from: former, to: moved)
        }
    }
}
