// SPDX-License-Identifier: Apache-2.0

import Files
import Synchronization
import Usage

/// What questions are answered from: the book and the files its lines stand in, under one lock.
///
/// Changed on the thread of the commits only; the lock is for those who read meanwhile.
final class StoreState: Sendable {
    private let contents: Mutex<Contents>

    struct Contents {
        var book = UsageIndex()
        var parts = PartList()
    }

    init(_ contents: Contents) {
        self.contents = Mutex(contents)
    }

    func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout Contents) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try contents.withLock { contents throws(Failure) in try body(&contents) }
    }
}

/// One file of the store.
struct Part {
    var path: String
    /// The milliseconds in its name; nil for the file that is appended to.
    var number: Int64?
    /// The oldest of what would have to go from it one day.
    var earliest = Timestamp(nanoseconds: .max)
    /// How far it is known.
    var end: Int64 = 0

    var name: String { DurableFolder.lastName(path) }
}

/// The files of the store in their order, each with a number that stays its own in this run.
struct PartList {
    private(set) var order: [Int32] = []
    private var parts: [Int32: Part] = [:]
    private var last: Int32 = 0

    subscript(id: Int32) -> Part? {
        get { parts[id] }
        _modify { yield &parts[id] }
    }

    /// The file that is appended to.
    var current: Int32? { order.last { parts[$0]?.number == nil } }

    /// Whether no file holds anything.
    var isEmpty: Bool { parts.values.allSatisfy { $0.end == 0 } }

    /// The largest number that a file has in its name.
    var largestNumber: Int64 { parts.values.compactMap(\.number).max() ?? 0 }

    mutating func append(_ part: Part) -> Int32 {
        last += 1
        parts[last] = part
        order.append(last)
        return last
    }

    /// Puts one file in the place of several that stand together at the front.
    mutating func replaceFirst(_ count: Int, with part: Part) -> Int32 {
        for id in order.prefix(count) { parts[id] = nil }
        last += 1
        parts[last] = part
        order.replaceSubrange(0..<count, with: [last])
        return last
    }

    mutating func remove(_ id: Int32) {
        parts[id] = nil
        order.removeAll { $0 == id }
    }

    /// Notes what a line contains, and where it ends.
    mutating func note(_ line: UsageLine, in id: Int32, end: Int64) {
        let oldest =
            line.calls.map(\.entry.call.time) + line.sessions.map(\.update.lastSeen)
            + line.expired.map(\.forgottenAfter)
        let earliest = min(
            line.extent?.earliest ?? Timestamp(nanoseconds: .max),
            oldest.min() ?? Timestamp(nanoseconds: .max)
        )
        guard var part = parts[id] else { return }
        part.earliest = min(part.earliest, earliest)
        part.end = end
        parts[id] = part
    }
}

extension LedgerEntry {
    /// The border of a compaction after which nothing of an expired call needs to be kept (``CompactionBorder/isForgotten(_:)``).
    var forgottenAfter: Timestamp {
        let latest = observations.map(\.time.nanoseconds).max() ?? 0
        let (time, isOverflow) = latest.addingReportingOverflow(Ledger.traceWindow)
        return Timestamp(nanoseconds: isOverflow ? .max : time)
    }
}

/// How the files of a store are named: `telemetry.jsonl` is appended to, `telemetry-<UTC milliseconds>.jsonl` were before it.
struct PartNames {
    let path: String
    private let stem: String
    private let suffix: String

    init(_ path: String) {
        self.path = path
        let name = DurableFolder.lastName(path)
        let dot = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
        suffix = String(name[dot...])
        stem = String(path.dropLast(suffix.count))
    }

    func path(number: Int64) -> String { "\(stem)-\(number)\(suffix)" }

    /// The number in a file's name; nil for files that are none of the store's.
    func number(of name: String) -> Int64? {
        let head = DurableFolder.lastName(stem) + "-"
        guard name.hasPrefix(head), name.hasSuffix(suffix), name.utf8.count > head.utf8.count + suffix.utf8.count else {
            return nil
        }
        let digits = name.dropFirst(head.count).dropLast(suffix.count)
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int64(digits) else { return nil }
        return String(number) == digits ? number : nil
    }

    var lock: String { path + ".lock" }
    var torn: String { path + ".torn" }
    var checkpoint: String { path + ".checkpoint" }
    /// Where a compaction writes before it takes the place of what it replaces.
    var rewritten: String { path + ".compacting" }
}
