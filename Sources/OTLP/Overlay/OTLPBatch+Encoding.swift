// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// The request with all changes applied; without changes, the bytes as they are.
    public func encoded() -> [UInt8] { overlay.isEmpty ? bytes : OverlaySplicer(self).encode() }

    /// Whether a record is other than it was received.
    func hasChanges(record index: Int) -> Bool {
        if overlay.isEmpty { return false }
        if overlay.chain(index).first > 0 { return true }
        if !overlay.removedAttributes.isEmpty, records[index].attributes.contains(where: overlay.isRemoved) {
            return true
        }
        let message = records[index].message.range
        let first = overlay.fieldChanges.partitioningIndex { $0.field.range.lowerBound >= message.lowerBound }
        guard first < overlay.fieldChanges.count else { return false }
        return overlay.fieldChanges[first].field.range.lowerBound < message.upperBound
    }

    func attributesTag(of record: RecordEntry) -> UInt8 {
        switch signal {
        case .traces: UInt8(Tag.Span.attributes)
        case .logs: UInt8(Tag.LogRecord.attributes)
        case .metrics: UInt8(metrics[Int(record.metricIndex)].kind.point.pointAttributesTag)
        }
    }
}
