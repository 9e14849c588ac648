// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Files
import GRDB
import Logging
import OTLP
import SQLiteUsage
import Usage

/// Reads lines into the index that it does not have yet, some at a time.
///
/// With each group the index also gets up to where it is true, so that a reading that is interrupted goes on there.
struct LineReading {
    private let index: OpenDatabase
    private let damage: StoreDamage
    private let logger: Logger
    /// How many bytes are to be read, and how many were.
    private let total: Int64
    private var done: Int64 = 0
    private var nextReport = DispatchTime.now() + 10

    /// Lines that go into the index in one transaction.
    private struct Group {
        var lines: [(line: UsageLine, offset: Int64)] = []
        /// How many calls and sessions they have, and lines.
        var weight = 0
        var part: Part
    }

    /// How much a transaction takes in: so little that it needs no memory, so much that its end costs nothing.
    private static let heaviest = 2_000

    /// Prepares a reading.
    ///
    /// - Parameter total: How many bytes are to be read in all, for the log.
    init(into index: OpenDatabase, total: Int64, _ damage: StoreDamage, _ logger: Logger) {
        (self.index, self.total, self.damage, self.logger) = (index, total, damage, logger)
    }

    /// Reads a file from where it is in the index.
    ///
    /// - Returns: The files before it, if it replaces them.
    mutating func read(_ id: Int32, of parts: inout PartList) throws -> [Part] {
        guard let part = parts[id], let file = try ReadableFile.ifPresent(part.path), file.size > part.end else {
            return []
        }
        var scanner = LineScanner(file, from: part.end)
        var superseded: [Part] = []
        var group = Group(part: part)
        while let item = scanner.next() {
            switch item {
            case .line(let line, let place):
                if line.isSnapshot {
                    superseded += try beginAgain(id, &parts)
                    group.lines = []
                    (group.part.earliest, group.part.broken) = (Timestamp(nanoseconds: .max), 0)
                }
                add(line, place, to: &group)
            case .broken(let place): note(place, end: place.offset + place.length + 1, in: &group.part)
            case .torn(let place): note(place, end: place.offset + place.length, in: &group.part)
            }
            if group.weight >= Self.heaviest { try write(&group, id, &parts, file) }
        }
        try write(&group, id, &parts, file)
        return superseded
    }

    private func add(_ line: UsageLine, _ place: LinePlace, to group: inout Group) {
        group.lines.append((line, place.offset))
        group.weight += 1 + line.calls.count + line.expired.count + line.sessions.count
        group.part.note(line)
        group.part.end = place.offset + place.length + 1
    }

    private func note(_ place: LinePlace, end: Int64, in part: inout Part) {
        part.end = end
        guard place.length > 0 else { return }
        if part.broken == 0 { part.firstBroken = place.offset }
        part.broken += 1
        damage.note(StoreDamage.Place(path: part.path, offset: place.offset), bytes: place.length)
    }

    private mutating func write(_ group: inout Group, _ id: Int32, _ parts: inout PartList, _ file: ReadableFile) throws
    {
        // What a disk does not give back is not taken for the end of the file.
        try file.check()
        group.part.tail = Part.tail(of: file.bytes, before: group.part.end) ?? 0
        let (lines, part) = (group.lines, group.part)
        try index.changeNow { db, writer in
            let rows = try writer.restore(lines.map(\.line.change), to: db)
            let tables = LineTables(db: db)
            for ((line, offset), rows) in zip(lines, rows) {
                for (session, row) in zip(line.sessions, rows) where !session.records.isEmpty {
                    try tables.add(session: row, first: session.update.firstSeen, part: id, offset: offset)
                }
                if let extent = line.extent, line.records?.signal == .traces {
                    try tables.add(spans: extent, part: id, offset: offset)
                }
                if let border = line.compacted { try Revision.note(border, db) }
            }
            try tables.write(part, id)
        }
        report(part.end - (parts[id]?.end ?? 0))
        parts[id] = part
        (group.lines, group.weight) = ([], 0)
    }

    /// Forgets all that was read: the line that follows is the first of a file that replaces those before it.
    ///
    /// - Returns: Those files.
    private func beginAgain(_ id: Int32, _ parts: inout PartList) throws -> [Part] {
        try index.changeNow { db, writer in
            _ = try Revision.next(db)
            try writer.removeAll(db)
            try LineTables(db: db).removeAll()
        }
        let former = parts.order.prefix { $0 != id }
        defer { for former in former { parts.remove(former) } }
        return former.compactMap { parts[$0] }
    }

    private mutating func report(_ bytes: Int64) {
        done += bytes
        guard total > 0, DispatchTime.now() >= nextReport else { return }
        nextReport = .now() + 10
        logger.notice(
            "the index is made from the lines",
            metadata: ["percent": "\(Int(Double(done) / Double(total) * 100))", "megabytes": "\(total / 1_000_000)"]
        )
    }
}
