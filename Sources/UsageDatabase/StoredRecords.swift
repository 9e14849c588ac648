// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import OTLP
package import Usage

/// A batch of records that a store kept as the bytes of an OTLP request.
package struct StoredBatch {
    /// The batch, without what was extracted from it.
    package let batch: Batch

    /// Reads what was stored; nil when it is damaged.
    ///
    /// - Parameters:
    ///   - signal: The name of the signal.
    ///   - size: The size of the body before ``BodyCompressor`` made it smaller.
    package init?(signal: String?, receivedAt: Timestamp, size: Int64, body: [UInt8]) {
        guard let signal = signal.flatMap(Signal.init(rawValue:)), let body = BodyCompressor.inflated(body, to: size),
            let otlp = try? OTLPBatch(signal: signal, protobuf: body)
        else { return nil }
        batch = Batch(otlp, receivedAt: receivedAt)
    }

    /// Reads a row that has signal, time of arrival, size and body in its first columns; nil when it is damaged.
    package init?(row: some SQLRow) throws {
        self.init(signal: row.text(0), receivedAt: try row.time(1), size: row.int(2), body: row.blob(3))
    }

    /// The batch without the records before an instant, and the new position of each record that stays.
    package func records(from border: Timestamp) -> (rest: Batch, moved: [Int: Int]) {
        var rest = batch
        var moved: [Int: Int] = [:]
        for record in batch.otlp.records.indices {
            if batch.time(ofRecord: record) < border {
                rest.otlp.overlay.drop(record: record)
            } else {
                moved[record] = moved.count
            }
        }
        return (rest, moved)
    }
}

extension Batch {
    /// The first and the last instant of its records.
    package var timeSpan: ClosedRange<Timestamp> {
        var range: ClosedRange<Timestamp>?
        for record in otlp.records.indices where otlp.isLive(record: record) {
            let time = time(ofRecord: record)
            range = min(range?.lowerBound ?? time, time)...max(range?.upperBound ?? time, time)
        }
        return range ?? receivedAt...receivedAt
    }
}

/// The named records of a session, collected from the batches that hold some.
package struct SessionEvents {
    private var records: Set<SessionRecord> = []

    /// Collects none yet.
    package init() {}

    /// Whether so many were found that more would not be listed.
    package var isFull: Bool { records.count >= 4 * SessionDetail.maximumCalls }

    /// Adds records of a batch.
    package mutating func add(_ positions: RecordPositions, of stored: StoredBatch) {
        for position in positions where stored.batch.otlp.records.indices.contains(position) {
            let record = SessionRecord(position, of: stored.batch)
            if !record.name.isEmpty { records.insert(record) }
        }
    }

    /// The records in order of time, at most ``SessionDetail/maximumCalls``.
    package var all: [SessionEvent] {
        records.sorted { ($0.time, $0.hash) < ($1.time, $1.hash) }.prefix(SessionDetail.maximumCalls).map {
            SessionEvent(time: $0.time, name: $0.name)
        }
    }
}

/// A record of a session; equal to another with the same bytes, so that what is sent again in another batch is listed once.
private struct SessionRecord: Hashable {
    let time: Timestamp
    let name: String
    let hash: UInt64

    init(_ record: Int, of batch: Batch) {
        time = batch.time(ofRecord: record)
        name = batch.name(ofRecord: record)
        var hash = StableHash(domain: "record")
        batch.otlp.bytes(of: batch.otlp.records[record].message).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        self.hash = hash.value
    }
}

/// Positions of records in a batch, in rising order: the distances between them in bytes of seven bits.
package struct RecordPositions: Sequence {
    /// The bytes as they are stored.
    package private(set) var bytes: [UInt8] = []
    private var next = 0

    /// No positions.
    package init() {}

    /// Reads what was stored.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Adds a position behind all others.
    package mutating func append(_ position: Int) {
        var distance = UInt64(Swift.max(0, position - next))
        next = position + 1
        while distance >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: distance) | 0x80)
            distance >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: distance))
    }

    /// Reads them one after the other; what is damaged ends them.
    package func makeIterator() -> AnyIterator<Int> {
        var offset = 0
        var next = 0
        return AnyIterator {
            var distance = 0
            var shift = 0
            while offset < bytes.count, shift <= 28 {
                let byte = bytes[offset]
                offset += 1
                distance |= Int(byte & 0x7F) << shift
                shift += 7
                guard byte < 0x80 else { continue }
                defer { next += distance + 1 }
                return next + distance
            }
            return nil
        }
    }

    /// The positions of the records of each session of a batch, among the records that are kept.
    package static func ofSessions(of batch: Batch) -> [RecordPositions] {
        var positions = [RecordPositions](repeating: RecordPositions(), count: batch.sessions.count)
        var position = 0
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            if let session = batch.sessions.position(ofRecord: record) { positions[session].append(position) }
            position += 1
        }
        return positions
    }

    /// Where these records are after others were removed; those that were removed have no place.
    package func moved(_ places: [Int: Int]) -> RecordPositions {
        var next = RecordPositions()
        for position in self { places[position].map { next.append($0) } }
        return next
    }
}
