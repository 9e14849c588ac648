// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The user's rules, by the figure whose attribute they name.
struct CustomRules: Sendable {
    private let names: [TokenRule.Field: [String]]

    init(_ rules: [TokenRule]) {
        names = Dictionary(grouping: rules, by: \.field).mapValues { $0.map(\.attribute) }
    }

    var isEmpty: Bool { names.isEmpty }

    /// The attribute of a record that holds a figure by these rules, if any.
    func entry(_ field: TokenRule.Field, in attributes: RecordAttributes, of batch: OTLPBatch) -> AttributeEntry? {
        for name in names[field] ?? [] {
            if let key = AttributeKey(name: name) {
                if let entry = attributes[key] { return entry }
            } else if let entry = attributes.others.last(where: { batch.equals($0.key, name) }) {
                return entry
            }
        }
        return nil
    }

    /// The attributes of a record that hold no number although a rule reads a figure from them.
    ///
    /// Attributes that everybody has under one name are noted with those of other clients.
    func unreadFigures(_ attributes: RecordAttributes, of batch: OTLPBatch) -> [String] {
        let fields: [TokenRule.Field] = [.input, .output, .cacheRead, .cacheWrite, .reasoning]
        return fields.compactMap { field in
            guard let entry = entry(field, in: attributes, of: batch), entry.keyID == .unknown,
                batch.number(of: entry.value).map({ $0 < 0 }) ?? !batch.isVoid(entry.value)
            else { return nil }
            return batch.string(entry.key)
        }
    }

    /// Whether a record has tokens by these rules.
    func hasUsage(_ record: Int, of batch: OTLPBatch) -> Bool { has([.input, .output], record, of: batch) }

    /// Whether a record names a session or a user by these rules.
    func hasNames(_ record: Int, of batch: OTLPBatch) -> Bool { has([.session, .user], record, of: batch) }

    private func has(_ fields: [TokenRule.Field], _ record: Int, of batch: OTLPBatch) -> Bool {
        for field in fields {
            for name in names[field] ?? [] where batch.attribute(name, of: .record(record)) != nil { return true }
        }
        return false
    }
}
