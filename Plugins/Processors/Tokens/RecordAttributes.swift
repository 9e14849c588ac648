// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The attributes of one record by key, without searching: a table that is filled again for each record.
struct RecordAttributes {
    private var entries = [AttributeEntry?](repeating: nil, count: 256)
    private var filled: [UInt8] = []
    /// Attributes under keys that the table does not know, for house rules.
    private(set) var others: [AttributeEntry] = []

    /// Fills the table; of several attributes with one key the last counts.
    mutating func load(_ owner: AttributeOwner, of batch: OTLPBatch, keepingOthers: Bool) {
        for key in filled { entries[Int(key)] = nil }
        filled.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
        if batch.overlay.isEmpty {
            for index in batch.range(of: owner) { add(batch.attributes[index], keepingOthers) }
        } else {
            for entry in batch.attributes(of: owner) { add(entry, keepingOthers) }
        }
    }

    private mutating func add(_ entry: AttributeEntry, _ keepingOthers: Bool) {
        guard entry.keyID != .unknown else {
            if keepingOthers { others.append(entry) }
            return
        }
        let key = entry.keyID.rawValue
        if entries[Int(key)] == nil { filled.append(key) }
        entries[Int(key)] = entry
    }

    subscript(key: AttributeKey) -> AttributeEntry? { entries[Int(key.rawValue)] }

    /// The first of several keys that has a whole number that is not negative.
    func number(_ keys: [AttributeKey], in batch: OTLPBatch) -> (value: Int64, key: AttributeKey)? {
        for key in keys {
            if let entry = self[key], let value = batch.number(of: entry.value), value >= 0 { return (value, key) }
        }
        return nil
    }

    /// The first of several keys that has a number.
    func double(_ keys: [AttributeKey], in batch: OTLPBatch) -> Double? {
        for key in keys {
            if let entry = self[key], let value = batch.double(of: entry.value) { return value }
        }
        return nil
    }

    /// The first of several keys that has a text that is not empty.
    func text(_ keys: [AttributeKey]) -> Slice? {
        for key in keys {
            if let entry = self[key], case .string(let slice) = entry.value, !slice.isEmpty { return slice }
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
    /// The attributes of a record, scope or resource as received.
    func range(of owner: AttributeOwner) -> Range<Int> {
        switch owner {
        case .record(let index): records[index].attributes
        case .scope(let index): scopes[index].attributes
        case .resource(let index): resources[index].attributes
        }
    }

    /// The hash of a text under a domain.
    func hash(_ slice: Slice, domain: StaticString) -> UInt64 {
        var hash = StableHash(domain: domain)
        bytes(of: slice).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        return hash.value
    }
}

/// Texts of a batch as strings, each made once: a batch has many records but few sessions, models and users.
struct TextInterner {
    private var texts: [UInt64: String] = [:]

    mutating func string(_ slice: Slice, in batch: OTLPBatch) -> String {
        let key = batch.hash(slice, domain: "text")
        if let known = texts[key] { return known }
        let text = batch.string(slice)
        texts[key] = text
        return text
    }
}
