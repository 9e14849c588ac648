// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The redaction of one batch.
struct RedactionPass {
    let rules: RedactionRules
    /// The key of the hashes; without one, what should be hashed is dropped.
    let key: [UInt8]?
    /// A batch tells the same user many times.
    private var hashes: [String: String] = [:]

    /// More different values than this are hashed again each time.
    private static let mostHashes = 4_096

    init(rules: RedactionRules, key: [UInt8]?) {
        self.rules = rules
        self.key = key
    }

    /// Redacts the attributes of a record, scope or resource.
    ///
    /// - Returns: Whether any was dropped.
    mutating func redact(_ owner: AttributeOwner, of otlp: inout OTLPBatch) -> Bool {
        var hasDropped = otlp.overlay.hasAdditions(to: owner) ? redactAdditions(to: owner, of: &otlp) : false
        for index in Self.attributes(of: owner, in: otlp) where !otlp.overlay.isRemoved(attribute: index) {
            let entry = otlp.attributes[index]
            switch rules.fate(of: entry, in: otlp) {
            case .keep: continue
            case .drop: hasDropped = true
            case .hash:
                if let hash = hash(entry.value, in: otlp) {
                    otlp.overlay.append(otlp.string(entry.key), .string(hash), to: owner)
                }
            }
            otlp.overlay.remove(attribute: index)
        }
        return hasDropped
    }

    /// Redacts what other components added, before the received attributes are: hashes are added as well.
    private mutating func redactAdditions(to owner: AttributeOwner, of otlp: inout OTLPBatch) -> Bool {
        var hasDropped = false
        // Slices beyond the bytes address what was added.
        let added = otlp.attributes(of: owner).filter { $0.key.offset >= otlp.bytes.count }
        for entry in added {
            let name = otlp.string(entry.key)
            switch rules.fate(of: entry, in: otlp) {
            case .keep: continue
            case .drop:
                hasDropped = true
                otlp.removeAttributes(name, of: owner)
            case .hash:
                let hash = hash(entry.value, in: otlp)
                otlp.removeAttributes(name, of: owner)
                if let hash { otlp.overlay.append(name, .string(hash), to: owner) }
            }
        }
        return hasDropped
    }

    /// Redacts events and links of a span, exemplars of a data point.
    mutating func redactInterior(of record: Int, in otlp: inout OTLPBatch, droppingEvents: Bool) {
        let changes = interiorChanges(of: record, in: otlp, droppingEvents)
        if !changes.isEmpty { otlp.apply(changes) }
    }

    /// A function of its own, so that no copy of the batch is left when the changes are applied: it would be copied in earnest.
    private mutating func interiorChanges(of record: Int, in otlp: OTLPBatch, _ droppingEvents: Bool)
        -> InteriorChanges
    {
        let rules = rules
        return otlp.changes(
            insideRecord: record,
            dropsEvent: { droppingEvents && rules.isMessage(eventNamed: otlp.bytes(of: $0)) },
            attribute: { entry in
                switch rules.fate(of: entry, in: otlp) {
                case .keep: .keep
                case .drop: .remove
                case .hash: hash(entry.value, in: otlp).map { .replace(.string($0)) } ?? .remove
                }
            }
        )
    }

    /// 32 digits that are equal for equal values; nil without a key.
    private mutating func hash(_ value: AttributeValue, in otlp: OTLPBatch) -> String? {
        guard let key else { return nil }
        let text = otlp.text(of: value)
        if let known = hashes[text] { return known }
        let hash = SHA256.hex(SHA256.authenticationCode(Array(text.utf8), key: key).prefix(16))
        if hashes.count < Self.mostHashes { hashes[text] = hash }
        return hash
    }

    private static func attributes(of owner: AttributeOwner, in otlp: OTLPBatch) -> Range<Int> {
        switch owner {
        case .record(let index): otlp.records[index].attributes
        case .scope(let index): otlp.scopes[index].attributes
        case .resource(let index): otlp.resources[index].attributes
        }
    }
}
