// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Entries that were just added to a queue and nobody has taken yet, so that sending them needs no reading: a few mebibytes at most.
///
/// They are on the disk as well. When there is no more room the newest ones are left out: the oldest are taken first.
struct RecentEntries: Sendable {
    private struct Item {
        var segment: UInt64
        var start: Int
        var entry: QueueEntry

        var end: Int { start + QueueSize(entry).bytes }
    }

    private var items: [Item] = []
    /// Where what nobody has taken begins; what lies before is empty.
    private var first = 0
    private var bytes = 0

    /// As many bytes as are kept.
    private static let room = 4 << 20
    /// What an entry takes beside its bytes.
    private static let overhead = 128

    /// Keeps entries that lie one behind the other in a segment, as far as there is room.
    mutating func add(_ entries: [QueueEntry], segment: UInt64, start: Int) {
        var start = start
        for entry in entries {
            let size = entry.bytes.count + Self.overhead
            guard bytes + size <= Self.room else { return }
            items.append(Item(segment: segment, start: start, entry: entry))
            bytes += size
            start = items[items.count - 1].end
        }
    }

    /// Takes the entries that follow each other from a position on, as many as a portion holds and at least one; none when
    /// the first of them is not here.
    ///
    /// - Returns: The entries, and when the one after them was taken in, if that is here, too.
    mutating func take(segment: UInt64, from position: Int, _ portion: SegmentLog.BatchLimit) -> (
        [QueueEntry], Timestamp?
    ) {
        while first < items.count, (items[first].segment, items[first].start) < (segment, position) { dropFirst() }
        var entries: [QueueEntry] = []
        var tally = QueueSize()
        var end = position
        while first < items.count, items[first].segment == segment, items[first].start == end {
            let entry = items[first].entry
            let sum = tally + QueueSize(entry)
            guard entries.isEmpty || (sum.bytes <= portion.bytes && sum.records <= portion.records) else { break }
            entries.append(entry)
            tally = sum
            end = items[first].end
            dropFirst()
        }
        guard first < items.count, (items[first].segment, items[first].start) == (segment, end) else {
            return (entries, nil)
        }
        return (entries, items[first].entry.time)
    }

    private mutating func dropFirst() {
        bytes -= items[first].entry.bytes.count + Self.overhead
        items[first].entry.bytes = []
        first += 1
        guard first == items.count || first > 256 else { return }
        items.removeSubrange(..<first)
        first = 0
    }
}
