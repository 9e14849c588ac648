// SPDX-License-Identifier: Apache-2.0

/// The changes to a batch after it was received: dropped records, added and removed attributes.
///
/// The bytes of the batch are not changed; ``OTLPBatch/encoded()`` applies the changes. Indices are those of the batch that the
/// overlay belongs to; an index outside it changes nothing. An attribute is replaced by removing it and adding another.
public struct Overlay: Sendable {
    /// The number of dropped records.
    public private(set) var droppedRecords = 0

    /// The size of the batch's bytes: offsets from here on refer to `arena`.
    let base: Int
    let recordCount: Int
    let resourceCount: Int
    let scopeCount: Int
    let attributeCount: Int

    /// The changes other than dropped records: none or one value.
    ///
    /// It is in an array, so that a copy of a batch retains one reference and not one for each list: a batch is copied some twenty
    /// times on its way, and most are never changed.
    private var changed: [Changes] = []

    private struct Changes: Sendable {
        /// The encoded KeyValue messages that were added, one after the other.
        var arena = ProtobufWriter()
        var additions: [Addition] = []
        /// First and last addition by leaf (records, then resources, then scopes), empty until something is added.
        var chains: [Chain] = []
        var dropped: [Bool] = []
        var removed: [Bool] = []
        var removedAttributes: [UInt32] = []
        var fieldChanges: [FieldChange] = []
        var frameChanges: [FrameChange] = []
    }

    /// The encoded KeyValue messages that were added, one after the other.
    var arena: ProtobufWriter { changed.first?.arena ?? ProtobufWriter() }
    var additions: [Addition] { changed.first?.additions ?? [] }
    var removedAttributes: [UInt32] { changed.first?.removedAttributes ?? [] }
    /// Fields inside records, other than their attributes, that are removed or replaced, in the order of their bytes.
    var fieldChanges: [FieldChange] { changed.first?.fieldChanges ?? [] }
    /// Fields around records, resources and scopes that are removed or replaced, in the order of their bytes.
    var frameChanges: [FrameChange] { changed.first?.frameChanges ?? [] }

    /// Changes in place; copies first when another batch shares them.
    @inline(__always)
    private mutating func edit<Result>(_ body: (inout Changes) -> Result) -> Result {
        if changed.isEmpty { changed.append(Changes()) }
        return body(&changed[0])
    }

    /// Whether there are no changes.
    public var isEmpty: Bool {
        guard droppedRecords == 0, !changed.isEmpty else { return droppedRecords == 0 }
        return changed[0].additions.isEmpty && changed[0].removedAttributes.isEmpty
            && changed[0].fieldChanges.isEmpty && changed[0].frameChanges.isEmpty
    }

    /// Drops a record; a scope, metric or resource without any record left is dropped with it.
    public mutating func drop(record: Int) {
        guard record >= 0, record < recordCount, !isDropped(record: record) else { return }
        let count = recordCount
        edit { changes in
            if changes.dropped.isEmpty { changes.dropped = Array(repeating: false, count: count) }
            changes.dropped[record] = true
        }
        droppedRecords += 1
    }

    /// Whether a record was dropped.
    public func isDropped(record: Int) -> Bool {
        !changed.isEmpty && record < changed[0].dropped.count && changed[0].dropped[record]
    }

    /// Removes an attribute, given as an index of ``OTLPBatch/attributes``.
    public mutating func remove(attribute: Int) {
        guard attribute >= 0, attribute < attributeCount, !isRemoved(attribute: attribute) else { return }
        let count = attributeCount
        edit { changes in
            if changes.removed.isEmpty { changes.removed = Array(repeating: false, count: count) }
            changes.removed[attribute] = true
            changes.removedAttributes.append(UInt32(truncatingIfNeeded: attribute))
        }
    }

    /// Removes attributes with a key that were added to a record, scope or resource.
    mutating func removeAdditions(_ key: String, of owner: AttributeOwner) {
        guard !additions.isEmpty, let leaf = leaf(owner) else { return }
        var number = chain(leaf).first
        while number > 0 {
            let slice = additions[Int(number) - 1].entry.key
            if text(slice).elementsEqual(key.utf8) { changed[0].additions[Int(number) - 1].isRemoved = true }
            number = additions[Int(number) - 1].next
        }
    }

    /// Whether an attribute was removed.
    public func isRemoved(attribute: Int) -> Bool {
        !changed.isEmpty && attribute < changed[0].removed.count && changed[0].removed[attribute]
    }

    /// Adds an attribute to a record.
    public mutating func append(_ key: AttributeKey, _ value: AttributeScalar, toRecord record: Int) {
        append(key: key.name, id: key, value, leaf: leaf(.record(record)))
    }

    /// Adds an attribute to a record under any key.
    public mutating func append(_ key: String, _ value: AttributeScalar, toRecord record: Int) {
        append(key: key, id: AttributeKey(name: key) ?? .unknown, value, leaf: leaf(.record(record)))
    }

    /// Adds an attribute to a record, scope or resource.
    public mutating func append(_ key: String, _ value: AttributeScalar, to owner: AttributeOwner) {
        append(key: key, id: AttributeKey(name: key) ?? .unknown, value, leaf: leaf(owner))
    }

    /// Whether anything was added to a record, scope or resource, even if it was removed again.
    public func hasAdditions(to owner: AttributeOwner) -> Bool {
        !additions.isEmpty && leaf(owner).map { chain($0).first > 0 } ?? false
    }

    /// Adds an attribute to a resource.
    public mutating func appendResource(_ key: String, _ value: AttributeScalar, resource: Int) {
        append(key, value, to: .resource(resource))
    }

    init(base: Int, records: Int, resources: Int, scopes: Int, attributes: Int) {
        self.base = base
        recordCount = records
        resourceCount = resources
        scopeCount = scopes
        attributeCount = attributes
    }

    /// Removes a field of a record.
    mutating func remove(field: Slice) {
        edit { changes in
            let position = changes.fieldChanges.partitioningIndex { $0.field.offset >= field.offset }
            if position < changes.fieldChanges.count, changes.fieldChanges[position].field.offset == field.offset {
                changes.fieldChanges[position] = FieldChange(field: field)
            } else {
                changes.fieldChanges.insert(FieldChange(field: field), at: position)
            }
        }
    }

    /// Removes or replaces many fields, given in any order; the last change to a field counts.
    mutating func change(_ fields: [FieldChange], frames: [FrameChange]) {
        if !fields.isEmpty { edit { $0.fieldChanges = Self.merged($0.fieldChanges + fields) { $0.field } } }
        if !frames.isEmpty { edit { $0.frameChanges = Self.merged($0.frameChanges + frames) { $0.change.field } } }
    }

    private static func merged<Change>(_ changes: [Change], _ field: (Change) -> Slice) -> [Change] {
        // Sorting is stable.
        let ordered = changes.sorted { field($0).offset < field($1).offset }
        var merged: [Change] = []
        merged.reserveCapacity(ordered.count)
        for change in ordered {
            if let last = merged.last, field(last).offset == field(change).offset { merged.removeLast() }
            merged.append(change)
        }
        return merged
    }

    /// The change of a field that is directly in an envelope or in the request, if any.
    func change(atFrame field: Slice) -> FieldChange? {
        let position = frameChanges.partitioningIndex { $0.change.field.offset >= field.offset }
        guard position < frameChanges.count, frameChanges[position].change.field == field else { return nil }
        return frameChanges[position].change
    }

    /// The change of a field, if any.
    func change(at field: Slice) -> FieldChange? {
        let position = fieldChanges.partitioningIndex { $0.field.offset >= field.offset }
        guard position < fieldChanges.count, fieldChanges[position].field == field else { return nil }
        return fieldChanges[position]
    }

    /// Stores bytes in the arena; nil when there is no more room.
    mutating func store(_ bytes: [UInt8]) -> Slice? {
        let start = base + arena.count
        guard start + bytes.count <= Int(UInt32.max) else { return nil }
        edit { $0.arena.append(bytes) }
        return Slice(start..<start + bytes.count)
    }
}

/// The owner of an attribute, by index in its batch.
public enum AttributeOwner: Sendable, Hashable {
    case record(Int), scope(Int), resource(Int)
}

extension Overlay {
    /// A field, including its tag, and its replacement: a whole field in the arena, or nothing.
    struct FieldChange: Sendable {
        var field: Slice
        var replacement = Slice.none
    }

    /// A change of a field that is directly in an envelope, given by its index; `.max` is the request.
    struct FrameChange: Sendable {
        var change: FieldChange
        var envelope: UInt32
    }

    /// An added attribute; its slices refer to the arena.
    struct Addition: Sendable {
        var entry: AttributeEntry
        /// The encoded KeyValue, without the tag and length that differ by owner.
        var message: Slice
        /// The next addition to the same owner plus one, or 0.
        var next: UInt32 = 0
        var isRemoved = false
    }

    /// First and last addition plus one; 0 when there is none.
    struct Chain: Sendable {
        var first: UInt32 = 0
        var last: UInt32 = 0
    }

    func leaf(_ owner: AttributeOwner) -> Int? {
        switch owner {
        case .record(let index): (0..<recordCount).contains(index) ? index : nil
        case .resource(let index): (0..<resourceCount).contains(index) ? recordCount + index : nil
        case .scope(let index): (0..<scopeCount).contains(index) ? recordCount + resourceCount + index : nil
        }
    }

    /// The bytes of a slice of an addition.
    func text(_ slice: Slice) -> ArraySlice<UInt8> {
        let start = Int(slice.offset) - base
        return arena.bytes[start..<start + Int(slice.length)]
    }

    func chain(_ leaf: Int) -> Chain {
        !changed.isEmpty && leaf < changed[0].chains.count ? changed[0].chains[leaf] : Chain()
    }

    /// Does nothing without an owner, and when the arena is full.
    private mutating func append(key: String, id: AttributeKey, _ value: AttributeScalar, leaf: Int?) {
        guard let leaf else { return }
        let (base, leaves) = (base, recordCount + resourceCount + scopeCount)
        edit { changes in
            let start = changes.arena.count
            let entry = Self.encode(key: key, id: id, value, into: &changes.arena, base: base)
            guard base + changes.arena.count <= Int(UInt32.max) else { return changes.arena.truncate(to: start) }
            if changes.chains.isEmpty { changes.chains = Array(repeating: Chain(), count: leaves) }
            let message = Slice(base + start..<base + changes.arena.count)
            changes.additions.append(Addition(entry: entry, message: message))
            let number = UInt32(truncatingIfNeeded: changes.additions.count)
            if changes.chains[leaf].last == 0 {
                changes.chains[leaf].first = number
            } else {
                changes.additions[Int(changes.chains[leaf].last) - 1].next = number
            }
            changes.chains[leaf].last = number
        }
    }

    /// A string value is written last, so its slice is counted from the end.
    private static func encode(
        key: String,
        id: AttributeKey,
        _ value: AttributeScalar,
        into arena: inout ProtobufWriter,
        base: Int
    ) -> AttributeEntry {
        let start = base + arena.count
        arena.string(Field.KeyValue.key, key)
        let keyEnd = base + arena.count
        arena.message(Field.KeyValue.value) { $0.scalar(value) }
        let end = base + arena.count
        let (kind, bits): (ValueKind, UInt64) =
            switch value {
            case .string(let text): (.string, Slice(end - text.utf8.count..<end).packed)
            case .int(let number): (.int, UInt64(bitPattern: number))
            case .double(let number): (.double, number.bitPattern)
            case .bool(let flag): (.bool, flag ? 1 : 0)
            }
        return AttributeEntry(
            key: Slice(keyEnd - key.utf8.count..<keyEnd),
            bits: bits,
            tagOffset: UInt32(truncatingIfNeeded: start),
            keyID: id,
            kind: kind,
            isPlain: true
        )
    }
}
