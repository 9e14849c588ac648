// SPDX-License-Identifier: Apache-2.0

public import Usage

/// The sessions of a batch, and the session of each record.
///
/// A collection of session updates in the order in which they were found. A value.
public struct BatchSessions: Sendable, Equatable, RandomAccessCollection {
    private var updates: [SessionUpdate] = []
    /// For each record up to the last with a session, the position of its session; -1 for none.
    private var positions: [Int32] = []

    /// Creates an empty collection.
    public init() {}

    /// The first position.
    public var startIndex: Int { updates.startIndex }
    /// The position after the last.
    public var endIndex: Int { updates.endIndex }

    /// The update of a session; its id must not change.
    public subscript(position: Int) -> SessionUpdate {
        get { updates[position] }
        _modify { yield &updates[position] }
    }

    /// The position of a record's session; nil when it has none.
    public func position(ofRecord record: Int) -> Int? {
        guard record >= 0, record < positions.count, positions[record] >= 0 else { return nil }
        return Int(positions[record])
    }

    /// The session of a record; nil when it has none.
    public subscript(record record: Int) -> SessionUpdate? { position(ofRecord: record).map { updates[$0] } }

    /// Adds a session and returns its position; the caller must make sure that its id is new.
    @discardableResult public mutating func append(_ update: SessionUpdate) -> Int {
        updates.append(update)
        return updates.count - 1
    }

    /// Sets the session of a record by its position.
    public mutating func assign(record: Int, to position: Int) {
        guard record >= 0, updates.indices.contains(position) else { return }
        if positions.count <= record {
            positions += repeatElement(-1, count: record + 1 - positions.count)
        }
        positions[record] = Int32(position)
    }

    /// Reserves capacity for this many records.
    public mutating func reserve(records: Int) { positions.reserveCapacity(records) }

    /// Removes sessions; their records have none then.
    public mutating func removeAll(where isGone: (SessionUpdate) -> Bool) {
        let gone = updates.map(isGone)
        guard gone.contains(true) else { return }
        var kept: Int32 = 0
        let moved = gone.map { isGone -> Int32 in
            defer { if !isGone { kept += 1 } }
            return isGone ? -1 : kept
        }
        updates = zip(updates, gone).filter { !$1 }.map(\.0)
        for record in positions.indices where positions[record] >= 0 {
            positions[record] = moved[Int(positions[record])]
        }
        while positions.last == -1 { positions.removeLast() }
    }
}
