// SPDX-License-Identifier: Apache-2.0

extension OverlaySplicer {
    func emit() -> [UInt8] {
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
            // Leaves of a dropped envelope are behind us already.
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

    func appendBody(_ leaf: Leaf, to sink: inout ByteSink) {
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

    func appendAdditions(_ first: UInt32, tag: UInt8, to sink: inout ByteSink) {
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

    func additionsSize(_ first: UInt32) -> Int {
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
    func size(at tagOffset: Int, length: Int) -> Int {
        tagEnd(tagOffset) - tagOffset + Wire.varintLength(UInt64(length)) + length
    }

    private func tagEnd(_ tagOffset: Int) -> Int {
        var end = tagOffset
        while batch.bytes[end] >= 0x80 { end += 1 }
        return end + 1
    }
}
