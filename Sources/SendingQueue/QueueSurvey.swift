// SPDX-License-Identifier: Apache-2.0

public import Files
import OTLP
public import Usage

/// The contents of a queue's folder, read without changing it; a collector may be running meanwhile.
public struct QueueSurvey: Sendable, Hashable {
    /// The size of the waiting batches.
    public private(set) var waiting = QueueSize()
    /// When the oldest of them was received.
    public private(set) var oldest: Timestamp?
    /// When the newest of them was received.
    public private(set) var newest: Timestamp?
    /// Damaged files that were renamed, and ranges that cannot be read.
    public private(set) var damagedFiles: [String] = []

    /// Reads a folder; a missing one is empty.
    public init(folder: String, storage: any QueueStorage) throws(FileError) {
        damagedFiles = try storage.names(in: folder).filter { $0.hasSuffix(".bad") }
        for part in try Self.parts(folder, storage) {
            var walk = SegmentWalk(part.file, seed: part.seed, end: part.file.size)
            var (waiting, oldest, newest) = (waiting, oldest, newest)
            let findings = try walk.entries(from: SegmentHeader.size, verifying: false) { header, offset in
                guard part.done.end(at: offset) == nil else { return }
                waiting += QueueSize(header)
                oldest = min(oldest ?? header.time, header.time)
                newest = max(newest ?? header.time, header.time)
            }
            (self.waiting, self.oldest, self.newest) = (waiting, oldest, newest)
            if !findings.damage.isEmpty { damagedFiles.append(part.name) }
        }
    }

    /// Passes every readable waiting batch to the closure, the oldest first, until it returns false.
    public static func entries(
        folder: String,
        storage: any QueueStorage,
        _ visit: (QueueEntry) -> Bool
    ) throws(FileError) {
        for part in try parts(folder, storage) {
            var walk = SegmentWalk(part.file, seed: part.seed, end: part.file.size)
            var position = SegmentHeader.size
            while position < walk.end {
                guard let header = try walk.header(at: position) else {
                    guard let next = try walk.nextEntry(after: position) else { break }
                    position = next
                    continue
                }
                let start = position + EntryHeader.size
                if part.done.end(at: position) == nil {
                    let bytes = try part.file.bytes(at: start, count: header.length)
                    let isWhole = bytes.withUnsafeBytes { header.matches($0, seed: part.seed) }
                    let entry = QueueEntry(
                        signal: header.signal,
                        records: header.records,
                        time: header.time,
                        bytes: bytes
                    )
                    if isWhole, !visit(entry) { return }
                }
                position = start + header.length
            }
        }
    }

    private struct Part {
        var name: String
        var file: any QueueFile
        var seed: UInt64
        var done: DoneRanges
    }

    /// The segments of a folder; one that disappears meanwhile was finished.
    private static func parts(_ folder: String, _ storage: any QueueStorage) throws(FileError) -> [Part] {
        var parts: [Part] = []
        for name in try storage.names(in: folder) {
            guard let (number, kind) = SegmentName.parse(name), kind == "segment",
                let file = try? storage.open("\(folder)/\(name)", creating: false),
                let header = SegmentHeader.read(try file.bytes(at: 0, count: SegmentHeader.size))
            else { continue }
            var part = Part(name: name, file: file, seed: header.seed, done: DoneRanges())
            if let note = try? storage.open("\(folder)/\(SegmentName.done(number))", creating: false) {
                part.done = DoneMark.ranges(try note.bytes(at: 0, count: note.size), seed: header.seed)
            }
            parts.append(part)
        }
        return parts
    }
}
