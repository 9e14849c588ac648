// SPDX-License-Identifier: Apache-2.0

/// Encodes a batch with its overlay applied.
///
/// Only the length prefixes of messages around a change are rewritten; all bytes between two changes are copied. Each changed
/// message knows by how much it grows or shrinks, and adds that to its enclosing message.
struct OverlaySplicer {
    private let batch: OTLPBatch
    /// Fields to remove or replace, in order of their bytes.
    private let cuts: [Cut]
    private(set) var leaves: [Leaf] = []
    private(set) var envelopes: [EnvelopeChange]
    private(set) var growth = 0

    init(_ batch: OTLPBatch) {
        self.batch = batch
        let attributes = batch.overlay.removedAttributes.compactMap { batch.field(ofAttribute: Int($0)) }
        let cuts = attributes.map { Cut(range: $0) } + batch.overlay.fieldChanges.map(Cut.init)
        self.cuts = cuts.sorted { $0.range.lowerBound < $1.range.lowerBound }
        envelopes = Array(repeating: EnvelopeChange(), count: batch.envelopes.count)
    }

    consuming func encode() -> [UInt8] {
        collectRecords()
        collectFrames()
        collectAttributeMessages()
        sumUp()
        return emit()
    }

    /// The body of one record with its changes applied; costs nothing for changes elsewhere in the batch.
    static func body(ofRecord index: Int, in batch: OTLPBatch) -> [UInt8] {
        let splicer = OverlaySplicer(batch, record: batch.records[index])
        var sink = ByteSink()
        splicer.appendBody(splicer.leaf(ofRecord: index), to: &sink)
        return sink.finish()
    }

    private init(_ batch: OTLPBatch, record: RecordEntry) {
        self.batch = batch
        envelopes = []
        let message = record.message.range
        let changes = batch.overlay.fieldChanges
        let first = changes.partitioningIndex { Int($0.field.offset) >= message.lowerBound }
        var cuts = changes[first...].prefix { Int($0.field.offset) < message.upperBound }.map(Cut.init)
        for attribute in record.attributes where batch.overlay.isRemoved(attribute: attribute) {
            if let field = batch.field(ofAttribute: attribute) { cuts.append(Cut(range: field)) }
        }
        self.cuts = cuts.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }
}

extension OverlaySplicer {
    /// A field that is removed, or replaced by another in the arena.
    struct Cut {
        var range: Range<Int>
        var replacement = Slice.none

        init(range: Range<Int>) {
            self.range = range
        }

        init(_ change: Overlay.FieldChange) {
            range = change.field.range
            replacement = change.replacement
        }

        /// By how many bytes the enclosing message shrinks.
        var shrinkage: Int { range.count - Int(replacement.length) }
    }

    /// A record, Resource or scope message that is changed or removed.
    struct Leaf {
        var tagOffset: Int
        var message: Range<Int>
        var envelope: UInt32
        /// Where additions are inserted: after the last attribute, so that the values of the field stay adjacent.
        var insertion: Int
        /// The first addition plus one, or 0.
        var additions: UInt32 = 0
        var attributesTag: UInt8
        var cuts: Range<Int> = 0..<0
        var isDropped = false
        var newLength = 0
        /// The replacement of a dropped field: a whole field in the arena, or nothing.
        var replacement = Slice.none
    }

    struct EnvelopeChange {
        var growth = 0
        var droppedRecords: UInt32 = 0
        var isTouched = false
        var isDropped = false
        var newLength = 0
        /// A missing message that additions require, as a field written at the start of the body.
        var insertion: [UInt8] = []
    }

    private func cuts(in message: Range<Int>) -> Range<Int> {
        if cuts.isEmpty { return 0..<0 }
        let first = cuts.partitioningIndex { $0.range.lowerBound >= message.lowerBound }
        let last = cuts.partitioningIndex { $0.range.lowerBound >= message.upperBound }
        return first..<last
    }

    private mutating func collectRecords() {
        let overlay = batch.overlay
        for index in batch.records.indices {
            let isDropped = overlay.isDropped(record: index)
            if !isDropped && cuts.isEmpty && overlay.chain(index).first == 0 { continue }
            var leaf = leaf(ofRecord: index)
            leaf.isDropped = isDropped
            if isDropped { envelopes[Int(leaf.envelope)].droppedRecords += 1 }
            add(leaf)
        }
    }

    private func leaf(ofRecord index: Int) -> Leaf {
        let record = batch.records[index]
        return Leaf(
            tagOffset: Int(record.tagOffset),
            message: record.message.range,
            envelope: record.envelope,
            insertion: insertion(of: record),
            additions: batch.overlay.chain(index).first,
            attributesTag: batch.attributesTag(of: record),
            cuts: cuts(in: record.message.range)
        )
    }

    private func insertion(of record: RecordEntry) -> Int {
        guard let last = record.attributes.last, let field = batch.field(ofAttribute: last) else {
            return record.message.range.upperBound
        }
        return field.upperBound
    }

    /// Collects fields around records, resources and scopes: each is a leaf that is removed or replaced.
    private mutating func collectFrames() {
        for frame in batch.overlay.frameChanges {
            let range = frame.change.field.range
            leaves.append(
                Leaf(
                    tagOffset: range.lowerBound,
                    message: range,
                    envelope: frame.envelope,
                    insertion: range.upperBound,
                    attributesTag: 0,
                    isDropped: true,
                    replacement: frame.change.replacement
                )
            )
            let difference = Int(frame.change.replacement.length) - range.count
            guard frame.envelope != .max else {
                growth += difference
                continue
            }
            envelopes[Int(frame.envelope)].growth += difference
            envelopes[Int(frame.envelope)].isTouched = true
        }
    }

    private mutating func collectAttributeMessages() {
        let overlay = batch.overlay
        let before = leaves.count
        var additions = Array(repeating: UInt32(0), count: batch.attributeMessages.count)
        for (index, entry) in batch.resources.enumerated() {
            let first = overlay.leaf(.resource(index)).map { overlay.chain($0).first } ?? 0
            place(first, entry.attributeMessage, entry.envelope, UInt8(Tag.Resource.attributes), &additions)
        }
        for (index, entry) in batch.scopes.enumerated() {
            let first = overlay.leaf(.scope(index)).map { overlay.chain($0).first } ?? 0
            place(first, entry.attributeMessage, entry.envelope, UInt8(Tag.Scope.attributes), &additions)
        }
        for (index, entry) in batch.attributeMessages.enumerated() {
            let isResource = batch.envelopes[Int(entry.envelope)].parent == .max
            add(
                Leaf(
                    tagOffset: Int(entry.tagOffset),
                    message: entry.message.range,
                    envelope: entry.envelope,
                    insertion: entry.message.range.upperBound,
                    additions: additions[index],
                    attributesTag: UInt8(isResource ? Tag.Resource.attributes : Tag.Scope.attributes),
                    cuts: cuts(in: entry.message.range)
                )
            )
        }
        if leaves.count > before || !overlay.frameChanges.isEmpty { leaves.sort { $0.tagOffset < $1.tagOffset } }
    }

    private mutating func place(
        _ first: UInt32,
        _ attributeMessage: UInt32,
        _ envelope: UInt32,
        _ tag: UInt8,
        _ additions: inout [UInt32]
    ) {
        guard first > 0 else { return }
        guard attributeMessage == .max else {
            additions[Int(attributeMessage)] = first
            return
        }
        var sink = ByteSink()
        sink.append(UInt8(Tag.Level.resource))
        let start = sink.openLength()
        appendAdditions(first, tag: tag, to: &sink)
        sink.closeLength(from: start)
        let insertion = sink.finish()
        envelopes[Int(envelope)].growth += insertion.count
        envelopes[Int(envelope)].isTouched = true
        envelopes[Int(envelope)].insertion = insertion
    }

    /// Adds a leaf and its effect on the enclosing message; ignores an unchanged one.
    private mutating func add(_ leaf: Leaf) {
        guard leaf.isDropped || leaf.additions > 0 || !leaf.cuts.isEmpty else { return }
        var leaf = leaf
        let envelope = Int(leaf.envelope)
        let oldSize = leaf.message.upperBound - leaf.tagOffset
        envelopes[envelope].isTouched = true
        if leaf.isDropped {
            envelopes[envelope].growth -= oldSize
        } else {
            leaf.newLength =
                leaf.message.count + additionsSize(leaf.additions) - cuts[leaf.cuts].reduce(0) { $0 + $1.shrinkage }
            envelopes[envelope].growth += size(at: leaf.tagOffset, length: leaf.newLength) - oldSize
        }
        leaves.append(leaf)
    }

    /// Propagates growth from the inside out; children come after their parents.
    private mutating func sumUp() {
        for index in envelopes.indices.reversed() where envelopes[index].isTouched {
            let envelope = batch.envelopes[index]
            var change = envelopes[index]
            let message = envelope.message.range
            let oldSize = message.upperBound - Int(envelope.tagOffset)
            change.isDropped = change.droppedRecords > 0 && change.droppedRecords == envelope.records
            change.newLength = message.count + change.growth
            envelopes[index] = change
            let newSize = change.isDropped ? 0 : size(at: Int(envelope.tagOffset), length: change.newLength)
            guard envelope.parent != .max else {
                growth += newSize - oldSize
                continue
            }
            let parent = Int(envelope.parent)
            envelopes[parent].growth += newSize - oldSize
            envelopes[parent].droppedRecords += change.droppedRecords
            envelopes[parent].isTouched = true
        }
    }
}

extension Array {
    /// The first index whose element passes a test that all earlier elements fail and all later ones pass.
    func partitioningIndex(_ test: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if test(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension OTLPBatch {
    /// The field of an attribute, including its tag.
    fileprivate func field(ofAttribute index: Int) -> Range<Int>? {
        let start = Int(attributes[index].tagOffset)
        let bytes = bytes.span.bytes
        var cursor = WireCursor(start..<self.bytes.count)
        guard let tag = try? cursor.tag(bytes), (try? cursor.skip(tag, bytes)) != nil else { return nil }
        return start..<cursor.position
    }
}

// MARK: - Emit

extension OverlaySplicer {
    private func emit() -> [UInt8] {
        var sink = ByteSink(capacity: batch.bytes.count + growth)
        var copied = 0
        var next = 0
        for index in envelopes.indices where envelopes[index].isTouched {
            let envelope = batch.envelopes[index]
            emitLeaves(before: Int(envelope.tagOffset), &next, &copied, &sink)
            guard Int(envelope.tagOffset) >= copied else { continue }
            let change = envelopes[index]
            if change.isDropped {
                copy(copied..<Int(envelope.tagOffset), to: &sink)
                copied = envelope.message.range.upperBound
            } else {
                copy(copied..<tagEnd(Int(envelope.tagOffset)), to: &sink)
                sink.varint(UInt64(change.newLength))
                sink.append(change.insertion[...])
                copied = envelope.message.range.lowerBound
            }
        }
        emitLeaves(before: .max, &next, &copied, &sink)
        copy(copied..<batch.bytes.count, to: &sink)
        return sink.finish()
    }

    private func emitLeaves(before limit: Int, _ next: inout Int, _ copied: inout Int, _ sink: inout ByteSink) {
        while next < leaves.count, leaves[next].tagOffset < limit {
            let leaf = leaves[next]
            next += 1
            // Leaves of a dropped envelope have been passed already.
            guard leaf.tagOffset >= copied else { continue }
            if leaf.isDropped {
                copy(copied..<leaf.tagOffset, to: &sink)
                if !leaf.replacement.isEmpty { sink.append(batch.overlay.text(leaf.replacement)) }
            } else {
                copy(copied..<tagEnd(leaf.tagOffset), to: &sink)
                sink.varint(UInt64(leaf.newLength))
                appendBody(leaf, to: &sink)
            }
            copied = leaf.message.upperBound
        }
    }

    private func appendBody(_ leaf: Leaf, to sink: inout ByteSink) {
        var position = leaf.message.lowerBound
        var isInserted = leaf.additions == 0
        for cut in cuts[leaf.cuts] {
            if !isInserted, cut.range.lowerBound >= leaf.insertion {
                copy(position..<leaf.insertion, to: &sink)
                position = leaf.insertion
                appendAdditions(leaf.additions, tag: leaf.attributesTag, to: &sink)
                isInserted = true
            }
            copy(position..<cut.range.lowerBound, to: &sink)
            if !cut.replacement.isEmpty { sink.append(batch.overlay.text(cut.replacement)) }
            position = cut.range.upperBound
        }
        if !isInserted {
            copy(position..<leaf.insertion, to: &sink)
            position = leaf.insertion
            appendAdditions(leaf.additions, tag: leaf.attributesTag, to: &sink)
        }
        copy(position..<leaf.message.upperBound, to: &sink)
    }

    private func appendAdditions(_ first: UInt32, tag: UInt8, to sink: inout ByteSink) {
        var number = first
        while number > 0 {
            let addition = batch.overlay.additions[Int(number) - 1]
            number = addition.next
            if addition.isRemoved { continue }
            sink.append(tag)
            sink.varint(UInt64(addition.message.length))
            sink.append(batch.overlay.text(addition.message))
        }
    }

    private func additionsSize(_ first: UInt32) -> Int {
        var number = first
        var size = 0
        while number > 0 {
            let addition = batch.overlay.additions[Int(number) - 1]
            number = addition.next
            let length = Int(addition.message.length)
            if !addition.isRemoved { size += 1 + Wire.varintLength(UInt64(length)) + length }
        }
        return size
    }

    private func copy(_ range: Range<Int>, to sink: inout ByteSink) {
        sink.append(batch.bytes.span.bytes, range)
    }

    /// The size of a field: its tag as it was written, a minimal length, the body.
    private func size(at tagOffset: Int, length: Int) -> Int {
        tagEnd(tagOffset) - tagOffset + Wire.varintLength(UInt64(length)) + length
    }

    private func tagEnd(_ tagOffset: Int) -> Int {
        var end = tagOffset
        while batch.bytes[end] >= 0x80 { end += 1 }
        return end + 1
    }
}
