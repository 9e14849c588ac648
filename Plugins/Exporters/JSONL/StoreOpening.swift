// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import FoundationEssentials
import Logging
import Usage

/// Opens a store: takes the lock, reads back what its files hold, and sets aside what is not whole.
struct StoreOpening {
    let names: PartNames
    let calls: StorageCalls
    let logger: Logger
    let damage: StoreDamage

    /// What a start makes.
    struct Opened: ~Copyable {
        var lock: StoreLock
        var shelf: StoreState
        var file: LineFile
        var part: Int32
        var identity: UInt64
        var checkpoint: CheckpointAge

        consuming func takeFile() -> LineFile { file }
    }

    func open() throws(FileError) -> Opened {
        try makeFolder()
        try refuseOthers()
        let lock = try StoreLock(names.lock)
        OwnFile.remove(names.rewritten)
        try cutTornEnd()
        var file = LineFile(path: names.path, calls: calls)
        try file.makeReady()
        var checkpoint = CheckpointAge()
        var contents = try readBack(&checkpoint)
        let part = contents.parts.current ?? contents.parts.append(Part(path: names.path))
        contents.parts[part]?.end = file.offset
        let identity = lock.identity(isNew: contents.parts.isEmpty)
        return Opened(
            lock: lock,
            shelf: StoreState(contents),
            file: file,
            part: part,
            identity: identity,
            checkpoint: checkpoint
        )
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
        let own = [names.lock, names.torn, names.checkpoint, names.checkpoint + ".new", names.rewritten]
        for path in try paths() + own { try OwnFile.refuseOthers(path) }
    }

    /// The files in their order, the one that is appended to last.
    private func paths() throws(FileError) -> [String] {
        let found = try DurableFolder.names(in: DurableFolder.containing(names.path))
        return found.compactMap(names.number).sorted().map(names.path(number:)) + [names.path]
    }

    // MARK: - Reading back

    private func readBack(_ checkpoint: inout CheckpointAge) throws(FileError) -> StoreState.Contents {
        let paths: [String]
        paths = try self.paths()
        let known = Checkpoint(names).read(paths)
        if let known { checkpoint.size = known.size }
        var contents = known?.contents ?? StoreState.Contents()
        for (position, path) in paths.enumerated() {
            let part = contents.parts.order.indices.contains(position) ? contents.parts.order[position] : nil
            let id = part ?? contents.parts.append(Part(path: path))
            contents.parts[id]?.number = names.number(of: DurableFolder.lastName(path))
            if let superseded = try read(id, &contents, &checkpoint) { removeObsolete(superseded, &contents) }
        }
        return contents
    }

    /// Reads a file from where it is not known yet.
    ///
    /// - Returns: The files before it, if it replaces them, too.
    private func read(
        _ id: Int32,
        _ contents: inout StoreState.Contents,
        _ checkpoint: inout CheckpointAge
    ) throws(FileError) -> [Int32]? {
        guard let part = contents.parts[id], let file = try ReadableFile.ifPresent(part.path), file.size > part.end
        else { return nil }
        checkpoint.added += file.size - part.end
        var scanner = LineScanner(file, from: part.end)
        var superseded: [Int32]?
        while let item = scanner.next() {
            switch item {
            case .line(let line, let place):
                if line.isSnapshot {
                    contents.book = UsageIndex()
                    superseded = Array(contents.parts.order.prefix { $0 != id })
                }
                contents.book.apply(line, part: id, offset: place.offset)
                contents.parts.note(line, in: id, end: place.offset + place.length + 1)
            case .broken(let place), .torn(let place):
                report(place, in: part)
                contents.parts[id]?.end = place.offset + place.length + 1
            }
        }
        // What a disk does not give back is not taken for the end of the file.
        try file.check()
        return superseded
    }

    private func report(_ place: LinePlace, in part: Part) {
        guard place.length > 0 else { return }
        damage.note(
            StoreDamage.Place(path: part.path, offset: place.offset),
            // After a checkpoint lines are not counted from the beginning.
            number: part.end > 0 ? nil : place.number,
            bytes: place.length
        )
    }

    /// Removes files that a compaction has replaced but, interrupted, not removed.
    private func removeObsolete(_ ids: [Int32], _ contents: inout StoreState.Contents) {
        for id in ids {
            if let path = contents.parts[id]?.path { OwnFile.remove(path) }
            contents.parts.remove(id)
        }
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
