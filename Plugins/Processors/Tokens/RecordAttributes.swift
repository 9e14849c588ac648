// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Usage

/// The attributes of one record by key, in a table that is refilled for each record.
struct RecordAttributes {
    /// The latest entry of each key; only those in ``present`` belong to this record.
    private var entries = [AttributeEntry?](repeating: nil, count: AttributeKey.limit)
    private(set) var present = KeySet()
    /// Attributes under keys that the table does not contain, for custom rules and our own records.
    private(set) var others: [AttributeEntry] = []
    /// Keys of figures whose value is something else than a whole number.
    private(set) var figuresNotInNumbers: [AttributeKey] = []
    private let figures = ExtractionTable.figures

    /// Fills the table; of duplicate keys the last one counts.
    mutating func load(_ owner: AttributeOwner, of batch: OTLPBatch, keepingOthers: Bool) {
        present = KeySet()
        others.removeAll(keepingCapacity: true)
        if !figuresNotInNumbers.isEmpty { figuresNotInNumbers.removeAll(keepingCapacity: true) }
        batch.forEachAttribute(of: owner) { add($0, keepingOthers) }
    }

    private mutating func add(_ entry: AttributeEntry, _ keepingOthers: Bool) {
        guard entry.keyID != .unknown else {
            if keepingOthers { others.append(entry) }
            return
        }
        present.insert(entry.keyID)
        entries[Int(entry.keyID.rawValue)] = entry
        if case .int = entry.value { return }
        if figures.contains(entry.keyID) { figuresNotInNumbers.append(entry.keyID) }
    }

    subscript(key: AttributeKey) -> AttributeEntry? { present.contains(key) ? entries[Int(key.rawValue)] : nil }

    /// The value under a key that the table does not know, if such were kept.
    func other(_ key: String, in batch: OTLPBatch) -> AttributeValue? {
        others.last { batch.equals($0.key, key) }?.value
    }

    /// The value of the first of several keys that has a non-negative whole number.
    func number(_ group: KeyGroup, in batch: OTLPBatch) -> (value: Int64, key: AttributeKey)? {
        guard present.intersects(group.set) else { return nil }
        for key in group.keys {
            if let value = number(key, in: batch) { return (value, key) }
        }
        return nil
    }

    /// The sum of the whole numbers under several keys; nil when there is none.
    func sum(_ group: KeyGroup, in batch: OTLPBatch) -> Int64? {
        guard present.intersects(group.set) else { return nil }
        let parts = group.keys.compactMap { number($0, in: batch) }
        // For implausible parts the largest is as good as the sum: neither makes a call.
        return parts.isEmpty ? nil : parts.reduce(0) { max($0, $1) > TokenCounts.limit ? max($0, $1) : $0 + $1 }
    }

    /// The whole number under one key, if it is not negative.
    func number(_ key: AttributeKey, in batch: OTLPBatch) -> Int64? {
        guard let entry = self[key], let value = batch.number(of: entry.value), value >= 0 else { return nil }
        return value
    }

    /// The value of the first of several keys that has a number.
    func double(_ group: KeyGroup, in batch: OTLPBatch) -> Double? {
        guard present.intersects(group.set) else { return nil }
        for key in group.keys {
            if let entry = self[key], let value = batch.double(of: entry.value) { return value }
        }
        return nil
    }

    /// The value of the first of several keys that has a non-empty text.
    func text(_ group: KeyGroup) -> Slice? {
        guard present.intersects(group.set) else { return nil }
        for key in group.keys {
            if let slice = text(key) { return slice }
        }
        return nil
    }

    /// The text under one key.
    func text(_ key: AttributeKey) -> Slice? {
        guard let entry = self[key], case .string(let slice) = entry.value, !slice.isEmpty else { return nil }
        return slice
    }
}

extension OTLPBatch {
    /// Whether a value says nothing.
    func isVoid(_ value: AttributeValue) -> Bool {
        switch value {
        case .empty: true
        case .string(let text): text.isEmpty
        case .bool, .int, .double, .bytes, .array, .keyValueList: false
        }
    }

    /// The hash of a text, after what a hash holds already.
    func hash(_ slice: Slice, after start: StableHash) -> UInt64 {
        var hash = start
        combine(slice, into: &hash)
        return hash.value
    }

    /// Adds a text to a hash.
    func combine(_ slice: Slice, into hash: inout StableHash) {
        let range = slice.range
        if range.upperBound <= bytes.count {
            hash.combine(bytes: bytes.span.bytes.extracting(range))
        } else {
            bytes(of: slice).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        }
    }

    /// The key of the project that a sender names; see ``ObservationReader/projectName(_:)``.
    func projectName(_ slice: Slice) -> String {
        // The end of a long path is the most specific part; a text longer than any path is treated as a plain name.
        let isPath = slice.length <= 16_384
        return isPath ? NameLimit.bounded(ObservationReader.projectName(string(slice))) : name(slice)
    }

    /// A text as a name, shortened to the limit of ``NameLimit``.
    func name(_ slice: Slice) -> String {
        guard slice.length > NameLimit.bytes else { return NameLimit.bounded(string(slice)) }
        return bytes(of: slice).withUnsafeBytes { NameLimit.bounded(utf8: $0) }
    }
}

/// How many names of a batch were longer than ``NameLimit`` allows, by kind.
struct LongNames {
    private(set) var counts: [String: Int] = [:]

    /// Counts a name if it is too long.
    mutating func note(_ slice: Slice, as field: String) {
        if slice.length > NameLimit.bytes { counts[field, default: 0] += 1 }
    }

    /// Adds the counts of another batch.
    mutating func add(_ other: LongNames) {
        if !other.counts.isEmpty { counts.merge(other.counts) { $0 + $1 } }
    }

    /// Reports the counts to the collector, which counts and logs them.
    func note(to settings: ComponentSettings, signal: Signal) {
        for (field, count) in counts {
            settings.intake.note(
                .longName,
                field,
                signal: signal,
                reason: "a name may have \(NameLimit.bytes) bytes",
                count: count,
                logger: settings.logger
            )
        }
    }
}

/// The names of a batch as strings, each created once: a batch has many records but few sessions, models and users.
///
/// Every name of a record or resource passes through this type or ``OTLPBatch/name(_:)`` and is limited by ``NameLimit``.
struct TextInterner {
    private var positions = HashTable(capacity: 32, absent: -1)
    private var texts: [String] = []
    private static let start = StableHash(domain: "text")

    mutating func string(_ slice: Slice, in batch: OTLPBatch) -> String {
        let key = batch.hash(slice, after: Self.start)
        let known = positions[key]
        if known >= 0 { return texts[Int(known)] }
        let text = batch.name(slice)
        positions[key] = Int32(truncatingIfNeeded: texts.count)
        texts.append(text)
        return text
    }
}
