// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// A record's own attribute, changes included; of several with the same key the last one.
    public func attribute(_ key: AttributeKey, record: Int) -> AttributeValue? {
        attribute(key, range: records[record].attributes, owner: .record(record))
    }

    /// A scope's attribute, changes included.
    public func attribute(_ key: AttributeKey, scope: Int) -> AttributeValue? {
        attribute(key, range: scopes[scope].attributes, owner: .scope(scope))
    }

    /// A resource's attribute, changes included.
    public func attribute(_ key: AttributeKey, resource: Int) -> AttributeValue? {
        attribute(key, range: resources[resource].attributes, owner: .resource(resource))
    }

    /// An attribute looked for on the record, then its scope, then its resource.
    public func inheritedAttribute(_ key: AttributeKey, record: Int) -> AttributeValue? {
        let scope = records[record].scope
        return attribute(key, record: record) ?? attribute(key, scope: scope)
            ?? attribute(key, resource: scopes[scope].resource)
    }

    /// An attribute under any key; known keys are found faster by ``AttributeKey``.
    public func attribute(_ key: String, of owner: AttributeOwner) -> AttributeValue? {
        if let known = AttributeKey(name: key) {
            return attribute(known, range: attributeRange(of: owner), owner: owner)
        }
        var found: AttributeValue?
        for entry in attributes(of: owner) where entry.keyID == .unknown && equals(entry.key, key) {
            found = entry.value
        }
        return found
    }

    /// All attributes of an owner, changes included, in the order in which they are sent on.
    public func attributes(of owner: AttributeOwner) -> LiveAttributes { LiveAttributes(batch: self, owner: owner) }

    /// Gives a record an attribute and takes away any it had under that key.
    public mutating func set(_ key: String, to value: AttributeScalar, record: Int) {
        set(key, to: value, of: .record(record))
    }

    /// Gives a record, scope or resource an attribute and takes away any it had under that key.
    public mutating func set(_ key: String, to value: AttributeScalar, of owner: AttributeOwner) {
        removeAttributes(key, of: owner)
        overlay.append(key, value, to: owner)
    }

    /// Takes away a record's attributes with that key, received and added ones.
    public mutating func removeAttributes(_ key: String, record: Int) { removeAttributes(key, of: .record(record)) }

    /// Takes away the attributes of a record, scope or resource with that key, received and added ones.
    public mutating func removeAttributes(_ key: String, of owner: AttributeOwner) {
        overlay.removeAdditions(key, of: owner)
        let id = AttributeKey(name: key)
        for index in attributeRange(of: owner) {
            let entry = attributes[index]
            if id.map({ $0 == entry.keyID }) ?? equals(entry.key, key) { overlay.remove(attribute: index) }
        }
    }

    func attributeRange(of owner: AttributeOwner) -> Range<Int> {
        switch owner {
        case .record(let index): records[index].attributes
        case .scope(let index): scopes[index].attributes
        case .resource(let index): resources[index].attributes
        }
    }

    private func attribute(_ key: AttributeKey, range: Range<Int>, owner: AttributeOwner) -> AttributeValue? {
        if !overlay.isEmpty, let added = overlay.addition(key, of: owner) { return added.value }
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if attributes[index].keyID == key && !overlay.isRemoved(attribute: index) { return attributes[index].value }
        }
        return nil
    }
}

/// The attributes of one owner as a sequence that sees the overlay.
public struct LiveAttributes: Sequence, IteratorProtocol, Sendable {
    private let batch: OTLPBatch
    private var index: Int
    private let end: Int
    private var addition: UInt32

    init(batch: OTLPBatch, owner: AttributeOwner) {
        self.batch = batch
        let range = batch.attributeRange(of: owner)
        index = range.lowerBound
        end = range.upperBound
        addition = batch.overlay.leaf(owner).map { batch.overlay.chain($0).first } ?? 0
    }

    /// The next attribute that is still part of the batch.
    public mutating func next() -> AttributeEntry? {
        while index < end {
            index += 1
            if !batch.overlay.isRemoved(attribute: index - 1) { return batch.attributes[index - 1] }
        }
        while addition > 0 {
            let added = batch.overlay.additions[Int(addition) - 1]
            addition = added.next
            if !added.isRemoved { return added.entry }
        }
        return nil
    }
}

extension Overlay {
    func addition(_ key: AttributeKey, of owner: AttributeOwner) -> AttributeEntry? {
        guard let leaf = leaf(owner) else { return nil }
        var number = chain(leaf).first
        var found: AttributeEntry?
        while number > 0 {
            let addition = additions[Int(number) - 1]
            if addition.entry.keyID == key && !addition.isRemoved { found = addition.entry }
            number = addition.next
        }
        return found
    }
}
