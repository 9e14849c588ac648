// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import FoundationEssentials
import GRDB
import Logging
import SQLiteUsage
import Usage

/// Opens a store: takes the lock, sets aside what is not whole, and brings the index to where the lines are.
struct StoreOpening: Sendable {
    let names: PartNames
    let calls: StorageCalls
    let damage: StoreDamage
    let settings: ComponentSettings
    /// Where what changes the index happens.
    let commits: DispatchQueue

    private var logger: Logger { settings.logger }
    private var index: DatabaseFile {
        // The lines are flushed; an index that is older after a power cut is brought to where they are.
        DatabaseFile(path: names.index, durability: .checkpoints, tables: LineTables.tables)
    }

    /// An index that does not fit the files, with what is wrong.
    private struct Misfit: Error {
        var reason: String
    }

    /// What a start makes.
    struct Opened: ~Copyable {
        var lock: StoreLock
        var index: OpenDatabase
        var parts: PartList
        var file: LineFile
        var identity: UInt64

        consuming func takeFile() -> LineFile { file }
    }

    func open() throws -> Opened {
        try makeFolder()
        try refuseOthers()
        let lock = try StoreLock(names.lock)
        try cutTornEnd()
        var file = LineFile(path: names.path, calls: calls)
        try file.makeReady()
        let (index, parts) = try openIndex()
        let identity = lock.identity(isNew: parts.isEmpty)
        return Opened(lock: lock, index: index, parts: parts, file: file, identity: identity)
    }

    private func makeFolder() throws(FileError) {
        let folder = DurableFolder.containing(names.path)
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        do throws(FileError) {
            try DurableFolder.make(folder)
        } catch {
            throw FileError(number: error.number, path: folder)
        }
    }

    /// Refuses what is no regular file where the store has its files, before any of them is read, replaced or removed.
    private func refuseOthers() throws(FileError) {
        let own = [names.lock, names.torn, names.checkpoint, names.rewritten] + index.names
        for path in try paths() + own { try OwnFile.refuseOthers(path) }
    }

    /// The files in their order, the one that is appended to last.
    private func paths() throws(FileError) -> [String] {
        let found = try DurableFolder.names(in: DurableFolder.containing(names.path))
        return found.compactMap(names.number).sorted().map(names.path(number:)) + [names.path]
    }

    // MARK: - The index

    /// Opens the index and reads into it what it lacks; one that is missing, damaged, of another layout or of other lines is made again.
    func openIndex() throws -> (OpenDatabase, PartList) {
        let isNew = !FileManager.default.fileExists(atPath: index.path)
        do {
            return try openIndex(isNew: isNew)
        } catch let error where !isNew && Self.isUseless(error) {
            let reason = (error as? Misfit)?.reason ?? "\(error)"
            logger.notice("the index is made again from the lines", metadata: ["reason": "\(reason)"])
            index.remove()
            return try openIndex(isNew: true)
        }
    }

    private static func isUseless(_ error: any Error) -> Bool {
        error is Misfit || error is DatabaseFile.OtherLayout || StoreFault(error).isDamage
    }

    /// Removes the index; the next opening makes it again.
    func removeIndex() { index.remove() }

    private func openIndex(isNew: Bool) throws -> (OpenDatabase, PartList) {
        let opened = try index.open()
        let database = OpenDatabase(opened, index, Checkpoints.Limits(), commits: commits, logger: logger)
        do {
            var parts = try match(try database.readNow { try LineTables(db: $0).parts() })
            try removeLeftovers(database)
            try readBack(database, &parts)
            if isNew { try compact(database) }
            if parts.current == nil { _ = parts.append(Part(path: names.path)) }
            return (database, parts)
        } catch {
            database.close(isWhole: false)
            throw error
        }
    }

    /// Finds the files of the index again, also the one that has got another name since.
    private func match(_ known: [(id: Int32, part: Part)]) throws -> PartList {
        let paths = try paths()
        guard known.count <= paths.count else { throw Misfit(reason: "a file of the store is gone") }
        var parts = PartList()
        for (position, (id, part)) in known.enumerated() {
            let path = paths[position]
            let file = try ReadableFile.ifPresent(path)
            let size = file?.size ?? 0
            guard size >= part.end,
                Part.tail(of: { file?.bytes(at: $0, count: $1) ?? [] }, before: part.end) == part.tail
            else { throw Misfit(reason: "\(DurableFolder.lastName(path)) is another file") }
            guard size == part.end || position == known.count - 1 else {
                throw Misfit(reason: "\(DurableFolder.lastName(path)) has more lines")
            }
            var found = part
            (found.path, found.number) = (path, names.number(of: DurableFolder.lastName(path)))
            parts.append(found, id)
            guard part.broken > 0 else { continue }
            damage.note(StoreDamage.Place(path: path, offset: part.firstBroken), lines: part.broken)
        }
        for path in paths[known.count...] {
            _ = parts.append(Part(path: path, number: names.number(of: DurableFolder.lastName(path))))
        }
        return parts
    }

    /// Removes what an interrupted compaction or an older version left behind.
    private func removeLeftovers(_ database: OpenDatabase) throws {
        OwnFile.remove(names.checkpoint)
        guard FileManager.default.fileExists(atPath: names.rewritten) else { return }
        OwnFile.remove(names.rewritten)
        try database.changeNow { db, _ in
            _ = try Revision.next(db)
            try LineTables(db: db).removeStrayLines()
        }
    }

    private func readBack(_ database: OpenDatabase, _ parts: inout PartList) throws {
        let found = parts.order.compactMap { id in parts[id].map { (id, $0) } }
        let sizes = try found.map { max(0, (try ReadableFile.ifPresent($1.path)?.size ?? 0) - $1.end) }
        var reading = LineReading(into: database, total: sizes.reduce(0, +), damage, logger)
        for (id, _) in found {
            // Files that a compaction has replaced but, interrupted, not removed.
            for part in try reading.read(id, of: &parts) { OwnFile.remove(part.path) }
        }
    }

    /// Takes out of the index what a compaction had removed from it but, interrupted, not from the lines.
    private func compact(_ database: OpenDatabase) throws {
        let border = try database.readNow(Revision.border)
        guard border != .none, border.instant <= settings.now() else { return }
        var compaction = SQLiteUsage.Compaction(before: border.instant, now: settings.now())
        while !compaction.isDone { try database.changeNow { try compaction.step($0, &$1) } }
    }

    // MARK: - The torn end

    /// Cuts a last line without an end, which was not acknowledged, and keeps its bytes beside the file.
    private func cutTornEnd() throws(FileError) {
        guard let file = try ReadableFile.ifPresent(names.path) else { return }
        let size = file.size
        let whole = Self.wholeLines(file, size)
        try file.check()
        guard whole < size else { return }
        // A full disk, which may have torn it, is no reason not to start.
        let isKept = SetAside(path: names.torn, calls: calls).keep(file, whole..<size)
        try OwnFile.cut(names.path, to: whole)
        logger.warning(
            isKept
                ? "the last line was not whole; its bytes are set aside"
                : "the last line was not whole and is cut; there is no room to set its bytes aside",
            metadata: ["file": "\(isKept ? names.torn : names.path)", "bytes": "\(size - whole)"]
        )
    }

    /// The size of the whole lines, found from the end.
    private static func wholeLines(_ file: ReadableFile, _ size: Int64) -> Int64 {
        var end = size
        while end > 0 {
            let start = max(0, end - 65_536)
            let bytes = file.bytes(at: start, count: Int(end - start))
            if let feed = bytes.lastIndex(of: 0x0A) { return start + Int64(feed) + 1 }
            end = start
        }
        return 0
    }
}
