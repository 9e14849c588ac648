// SPDX-License-Identifier: Apache-2.0

/// Positions of records in a batch, in rising order: the distances between them in bytes of seven bits.
struct RecordPositions: Sequence {
    private(set) var bytes: [UInt8] = []
    private var next = 0

    init() {}

    /// Reads what was stored.
    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Adds a position behind all others.
    mutating func append(_ position: Int) {
        var distance = UInt64(Swift.max(0, position - next))
        next = position + 1
        while distance >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: distance) | 0x80)
            distance >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: distance))
    }

    func makeIterator() -> AnyIterator<Int> {
        var offset = 0
        var next = 0
        return AnyIterator {
            var distance = 0
            var shift = 0
            while offset < bytes.count, shift <= 28 {
                let byte = bytes[offset]
                offset += 1
                distance |= Int(byte & 0x7F) << shift
                shift += 7
                guard byte < 0x80 else { continue }
                defer { next += distance + 1 }
                return next + distance
            }
            return nil
        }
    }
}
