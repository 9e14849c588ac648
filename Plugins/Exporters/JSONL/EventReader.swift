// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Reads the events of a session from the lines that hold its records.
struct EventReader {
    private let session: String
    private var found: [Found] = []
    private var seen: Set<UInt64> = []
    /// The first line that could not be read although the store once did.
    private(set) var damage: StoreDamage.Place?

    private struct Found {
        var event: SessionEvent
        var hash: UInt64
    }

    init(session: String) {
        self.session = session
    }

    /// The first events in order of time; a record that was sent again is one event.
    mutating func read(_ lines: [LineRef], from files: [Int32: ReadableFile]) -> [SessionEvent] {
        let limit = SessionDetail.maximumCalls
        for (count, line) in lines.sorted(by: { $0.first < $1.first }).enumerated() {
            if count.isMultiple(of: 64) { trim(to: limit) }
            // Everything that follows is later than what is there.
            if found.count >= limit, let last = found.last, count.isMultiple(of: 64),
                last.event.time.nanoseconds < line.first
            {
                break
            }
            if let file = files[line.part] { read(line, file) }
        }
        trim(to: limit)
        return found.map(\.event)
    }

    private mutating func trim(to limit: Int) {
        found.sort {
            ($0.event.time, $0.event.name, $0.hash) < ($1.event.time, $1.event.name, $1.hash)
        }
        if found.count > limit { found.removeLast(found.count - limit) }
    }

    /// Finds the log records that a call of the session was made of.
    mutating func findLogs(
        _ search: inout CallRecordSearch,
        in lines: [LineRef],
        from files: [Int32: ReadableFile]
    ) {
        guard let span = search.logTimes else { return }
        for line in lines.sorted(by: { $0.first < $1.first }) where !search.isFull {
            // What begins later has no record of it.
            guard line.first <= span.upperBound.nanoseconds, let file = files[line.part] else { continue }
            forEachRecord(of: line, file) { record, batch in search.look(at: record, of: batch) }
        }
    }

    /// Finds the spans that a call was made of, in lines with spans.
    mutating func findSpans(
        _ search: inout CallRecordSearch,
        in lines: [LineRef],
        from files: [Int32: ReadableFile]
    ) {
        for line in lines where !search.hasSpans {
            guard let file = files[line.part], let (_, batch) = batch(of: line, file) else { continue }
            search.look(in: batch)
        }
    }

    private mutating func read(_ place: LineRef, _ file: ReadableFile) {
        var taken: [(Int, Batch)] = []
        forEachRecord(of: place, file) { taken.append(($0, $1)) }
        for (record, batch) in taken { take(record, of: batch) }
    }

    /// Hands over the session's records of a line.
    private mutating func forEachRecord(of place: LineRef, _ file: ReadableFile, _ use: (Int, Batch) -> Void) {
        guard let (line, batch) = batch(of: place, file) else { return }
        for note in line.sessions where note.update.id == session {
            for range in note.records {
                for record in Range(range).clamped(to: batch.otlp.records.indices) { use(record, batch) }
            }
        }
    }

    /// A line with its records; one that cannot be read is noted.
    private mutating func batch(of place: LineRef, _ file: ReadableFile) -> (UsageLine, Batch)? {
        var scanner = LineScanner(file, from: place.offset)
        guard case .line(let line, let found)? = scanner.next(), let batch = line.batch(found, file) else {
            damage = damage ?? StoreDamage.Place(path: file.path, offset: place.offset)
            return nil
        }
        return (line, batch)
    }

    private mutating func take(_ record: Int, of batch: Batch) {
        let name = batch.name(ofRecord: record)
        guard !name.isEmpty else { return }
        let hash = batch.hash(of: record)
        guard seen.insert(hash).inserted else { return }
        found.append(Found(event: SessionEvent(time: batch.time(ofRecord: record), name: name), hash: hash))
    }
}

extension Batch {
    /// Distinguishes records: two with everything alike, sender included, are one that was sent again.
    fileprivate func hash(of record: Int) -> UInt64 {
        let scope = otlp.records[record].scope
        var hash = StableHash(domain: "record")
        var writer = OTLPJSONWriter()
        writer.writeResource(otlp.scopes[scope].resource, of: otlp)
        writer.writeScope(scope, of: otlp)
        writer.writeRecord(record, of: otlp)
        hash.combine(bytes: writer.finish().span.bytes)
        return hash.value
    }
}
