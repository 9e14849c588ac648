// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// The request with all changes applied; without changes, the bytes as they are.
    public func encoded() -> [UInt8] { overlay.isEmpty ? bytes : OverlaySplicer(self).encode() }

    func attributesTag(of record: RecordEntry) -> UInt8 {
        switch signal {
        case .traces: UInt8(Tag.Span.attributes)
        case .logs: UInt8(Tag.LogRecord.attributes)
        case .metrics: UInt8(metrics[Int(record.metricIndex)].kind.point.pointAttributesTag)
        }
    }
}
