// SPDX-License-Identifier: Apache-2.0

/// The changes made to a batch after it arrived: dropped records, added and removed attributes.
///
/// The bytes of the batch stay as they are; ``OTLPBatch/encoded()`` splices the changes in. Indices are those of the
/// batch the overlay belongs to; an index outside it changes nothing. Replacing an attribute is removing it and adding another.
public struct Overlay: Sendable {
    /// How many records are dropped.
    public private(set) var droppedRecords = 0

    /// The size of the batch's bytes: offsets from here on address `arena`.
    let base: Int
    let recordCount: Int
    let resourceCount: Int
    let scopeCount: Int
    let attributeCount: Int

    /// The encoded KeyValue messages that were added, one after the other.
    private(set) var arena = ProtobufWriter()
    private(set) var additions: [Addition] = []
    /// First and last addition by leaf (records, then resources, then scopes), empty until something is added.
    private var chains: [Chain] = []
    private var dropped: [Bool] = []
    private var removed: [Bool] = []
    private(set) var removedAttributes: [UInt32] = []
    /// Fields inside records, no attributes of theirs, that are left out or exchanged, in the order of their bytes.
    private(set) var fieldChanges: [FieldChange] = []
    /// Fields around records, resources and scopes that are left out or exchanged, in the order of their bytes.
    private(set) var frameChanges: [FrameChange] = []

    /// Whether the batch is as it arrived.
    public var isEmpty: Bool {
        droppedRecords == 0 && additions.isEmpty && removedAttributes.isEmpty && fieldChanges.isEmpty
            && frameChanges.isEmpty
    }

    /// Takes a record out of the batch; a scope, metric or resource that loses its last record goes with it.
    public mutating func drop(record: Int) {
        guard record >= 0, record < recordCount, !isDropped(record: record) else { return }
        if dropped.isEmpty { dropped = Array(repeating: false, count: recordCount) }
        dropped[record] = true
        droppedRecords += 1
    }

    /// Whether a record was taken out.
    public func isDropped(record: Int) -> Bool { record < dropped.count && dropped[record] }

    /// Takes out an attribute, given as an index of ``OTLPBatch/attributes``.
    public mutating func remove(attribute: Int) {
        guard attribute >= 0, attribute < attributeCount, !isRemoved(attribute: attribute) else { return }
        if removed.isEmpty { removed = Array(repeating: false, count: attributeCount) }
        removed[attribute] = true
        removedAttributes.append(UInt32(truncatingIfNeeded: attribute))
    }

    /// Takes out what was added to a record, scope or resource under a key.
    mutating func removeAdditions(_ key: String, of owner: AttributeOwner) {
        guard !additions.isEmpty, let leaf = leaf(owner) else { return }
        var number = chain(leaf).first
        while number > 0 {
            let slice = additions[Int(number) - 1].entry.key
            if text(slice).elementsEqual(key.utf8) { additions[Int(number) - 1].isRemoved = true }
            number = additions[Int(number) - 1].next
        }
    }

    /// Whether an attribute was taken out.
    public func isRemoved(attribute: Int) -> Bool { attribute < removed.count && removed[attribute] }

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

    /// Whether anything was added to a record, scope or resource, even if it was taken out again.
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

    /// Leaves out a field of a record.
    mutating func remove(field: Slice) {
        let position = fieldChanges.partitioningIndex { $0.field.offset >= field.offset }
        if position < fieldChanges.count, fieldChanges[position].field.offset == field.offset {
            fieldChanges[position] = FieldChange(field: field)
        } else {
            fieldChanges.insert(FieldChange(field: field), at: position)
        }
    }

    /// Leaves out or exchanges many fields, given in any order; the last change to a field counts.
    mutating func change(_ changes: [FieldChange], frames: [FrameChange]) {
        if !changes.isEmpty { fieldChanges = Self.merged(fieldChanges + changes) { $0.field } }
        if !frames.isEmpty { frameChanges = Self.merged(frameChanges + frames) { $0.change.field } }
    }

    private static func merged<Change>(_ changes: [Change], _ field: (Change) -> Slice) -> [Change] {
        // The order of equal elements is kept.
        let ordered = changes.sorted { field($0).offset < field($1).offset }
        var merged: [Change] = []
        merged.reserveCapacity(ordered.count)
        for change in ordered {
            if let last = merged.last, field(last).offset == field(change).offset { merged.removeLast() }
            merged.append(change)
        }
        return merged
    }

    /// The change made to a field that lies directly in an envelope or in the request, if any.
    func change(atFrame field: Slice) -> FieldChange? {
        let position = frameChanges.partitioningIndex { $0.change.field.offset >= field.offset }
        guard position < frameChanges.count, frameChanges[position].change.field == field else { return nil }
        return frameChanges[position].change
    }

    /// The change made to a field, if any.
    func change(at field: Slice) -> FieldChange? {
        let position = fieldChanges.partitioningIndex { $0.field.offset >= field.offset }
        guard position < fieldChanges.count, fieldChanges[position].field == field else { return nil }
        return fieldChanges[position]
    }

    /// Keeps bytes where slices can address them; nil when there is no more room.
    mutating func store(_ bytes: [UInt8]) -> Slice? {
        guard base + arena.count + bytes.count <= Int(UInt32.max) else { return nil }
        let start = base + arena.count
        arena.append(bytes)
        return Slice(start..<start + bytes.count)
    }
}

/// What an attribute belongs to, by index in its batch.
public enum AttributeOwner: Sendable, Hashable {
    case record(Int), scope(Int), resource(Int)
}

extension Overlay {
    /// A field, tag included, and what is written in its place: a whole field in the arena, or nothing.
    struct FieldChange: Sendable {
        var field: Slice
        var replacement = Slice.none
    }

    /// A change to a field that lies directly in an envelope, given by its index; `.max` is the request.
    struct FrameChange: Sendable {
        var change: FieldChange
        var envelope: UInt32
    }

    /// An added attribute; its slices address the arena.
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

    /// The bytes behind a slice of an addition.
    func text(_ slice: Slice) -> ArraySlice<UInt8> {
        let start = Int(slice.offset) - base
        return arena.bytes[start..<start + Int(slice.length)]
    }

    func chain(_ leaf: Int) -> Chain { leaf < chains.count ? chains[leaf] : Chain() }

    /// Does nothing without an owner, and once slices could no longer address the arena.
    private mutating func append(key: String, id: AttributeKey, _ value: AttributeScalar, leaf: Int?) {
        guard let leaf else { return }
        let start = arena.count
        let entry = encode(key: key, id: id, value)
        guard base + arena.count <= Int(UInt32.max) else { return arena.truncate(to: start) }
        if chains.isEmpty { chains = Array(repeating: Chain(), count: recordCount + resourceCount + scopeCount) }
        additions.append(Addition(entry: entry, message: Slice(base + start..<base + arena.count)))
        let number = UInt32(truncatingIfNeeded: additions.count)
        if chains[leaf].last == 0 {
            chains[leaf].first = number
        } else {
            additions[Int(chains[leaf].last) - 1].next = number
        }
        chains[leaf].last = number
    }

    /// A string value is the last thing written, so its slice is counted from the end.
    private mutating func encode(key: String, id: AttributeKey, _ value: AttributeScalar) -> AttributeEntry {
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
