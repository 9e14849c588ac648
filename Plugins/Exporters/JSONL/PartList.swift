// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import SQLiteUsage
import Synchronization
import Usage

/// The files of an open store, for those who read them while others are set aside or replaced: both hold the lock.
final class OpenParts: Sendable {
    private let list: Mutex<PartList>

    init(_ list: PartList) {
        self.list = Mutex(list)
    }

    func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout PartList) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try list.withLock { list throws(Failure) in try body(&list) }
    }
}

/// One file of the store.
struct Part: Sendable {
    var path: String
    /// The milliseconds in its name; nil for the file that is appended to.
    var number: Int64?
    /// The oldest of what would have to go from it one day.
    var earliest = Timestamp(nanoseconds: .max)
    /// How far it is in the index.
    var end: Int64 = 0
    /// The hash of the bytes before ``end`` (``tail(of:before:)``).
    var tail: UInt64 = 0
    /// How many of its lines could not be read.
    var broken = 0
    /// Where the first of them begins.
    var firstBroken: Int64 = 0

    /// Notes what a line contains.
    mutating func note(_ line: UsageLine) {
        let times =
            line.calls.map(\.entry.call.time) + line.sessions.map(\.update.lastSeen)
            + line.expired.map(\.forgottenAfter) + (line.extent.map { [$0.earliest] } ?? [])
        earliest = min(earliest, times.min() ?? earliest)
    }

    /// How many bytes before an offset are compared.
    static let tailSize = 1_024

    /// What shows that a file is still the one of which so many bytes are in the index; nil when it is shorter.
    static func tail(of bytes: (_ offset: Int64, _ count: Int) -> [UInt8], before offset: Int64) -> UInt64? {
        let count = Int(min(Int64(tailSize), max(0, offset)))
        let found = bytes(offset - Int64(count), count)
        guard found.count == count else { return nil }
        return Checksum.of(found, seed: UInt64(bitPattern: offset))
    }
}

/// The files of the store in their order, each with a number that stays its own in the index.
struct PartList: Sendable {
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

    /// A number that no file has or gets.
    mutating func takeNumber() -> Int32 {
        last += 1
        return last
    }

    mutating func append(_ part: Part) -> Int32 {
        let id = takeNumber()
        append(part, id)
        return id
    }

    /// Adds a file that has a number.
    mutating func append(_ part: Part, _ id: Int32) {
        last = max(last, id)
        parts[id] = part
        order.append(id)
    }

    /// Puts one file in the place of several at the front.
    mutating func replaceFirst(_ count: Int, with part: Part, _ id: Int32) {
        for former in order.prefix(count) { parts[former] = nil }
        parts[id] = part
        order.replaceSubrange(0..<count, with: [id])
    }

    mutating func remove(_ id: Int32) {
        parts[id] = nil
        order.removeAll { $0 == id }
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
    /// The database that questions are answered from.
    var index: String { path + ".index" }
    /// What versions before 0.2 had in its place.
    var checkpoint: String { path + ".checkpoint" }
    /// Where a compaction writes before it takes the place of what it replaces.
    var rewritten: String { path + ".compacting" }
}
