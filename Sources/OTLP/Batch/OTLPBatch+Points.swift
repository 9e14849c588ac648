// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// Count and sum of a histogram, exponential histogram or summary point; `nil` for any other record.
    public func distribution(record: Int) -> Distribution? {
        guard let metric = records[record].metric else { return nil }
        switch metrics[metric].kind {
        case .histogram, .exponentialHistogram, .summary: break
        case .none, .gauge, .sum: return nil
        }
        var found = Distribution(count: 0, sum: metrics[metric].kind == .summary ? 0 : nil)
        let bytes = bytes.span.bytes
        var cursor = WireCursor(records[record].message.range)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            switch tag {
            case Tag.Point.count: found.count = (try? cursor.fixed64(bytes)) ?? 0
            case Tag.Point.sum: found.sum = (try? cursor.fixed64(bytes)).map(Double.init(bitPattern:))
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return found }
            }
        }
        return found
    }
}
