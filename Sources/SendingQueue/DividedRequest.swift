// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// A request that can be divided between its records.
///
/// Records are counted in the order of their bytes, without those that were rejected on receipt, so that the same bytes are always
/// divided in the same way.
struct DividedRequest {
    private let bytes: [UInt8]
    private let batch: OTLPBatch?
    private let live: [Int]

    init(_ bytes: [UInt8], _ signal: Signal) {
        self.bytes = bytes
        batch = try? OTLPBatch(signal: signal, protobuf: bytes)
        live = batch.map { batch in batch.records.indices.filter { batch.isLive(record: $0) } } ?? []
    }

    /// All records.
    var all: Range<Int> { 0..<live.count }

    /// The request with only these records.
    func request(_ records: Range<Int>) -> [UInt8] {
        guard var part = batch, records != all else { return bytes }
        for (position, record) in live.enumerated() where !records.contains(position) {
            part.overlay.drop(record: record)
        }
        return part.encoded()
    }
}

extension Range<Int> {
    /// Two halves of at least one record; nil when the request cannot be divided.
    var halves: (Range<Int>, Range<Int>)? {
        guard count > 1 else { return nil }
        let middle = lowerBound + count / 2
        return (lowerBound..<middle, middle..<upperBound)
    }

    /// Ranges of this many records, the last one smaller.
    func pieces(of size: Int) -> [Range<Int>] {
        guard size > 0, count > size else { return [self] }
        return stride(from: lowerBound, to: upperBound, by: size).map { $0..<Swift.min($0 + size, upperBound) }
    }
}
