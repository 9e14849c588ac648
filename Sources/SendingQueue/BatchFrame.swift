// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// A whole batch as one OTLP request: what processors found is in a last field of a number that OTLP does not use.
///
/// So the queue of a store holds OTLP requests like that of every other exporter: they can be shown, joined, and put back from the dead
/// letters. The numbers of the records of observations are not kept, because no store uses them.
enum BatchFrame {
    /// The field 1,000, of a length that takes five bytes whatever it is.
    private static let tag: [UInt8] = [0xC2, 0x3E]
    private static let lengthSize = 5
    /// Ends the field, behind the size of what is before it.
    private static let magic: UInt32 = 0x3162_6648
    /// The time, the flags, and the sizes of three parts.
    private static let headSize = 8 + 1 + 3 * 4
    private static let trailerSize = 8

    /// The request.
    static func bytes(of batch: Batch) -> [UInt8] {
        let (observations, sessions) = (batch.observations.encoded, Array(batch.sessions).encoded)
        let positions = positions(of: batch)
        var bytes = batch.otlp.encoded()
        let size = headSize + observations.count + sessions.count + 4 * positions.count
        bytes.reserveCapacity(bytes.count + tag.count + lengthSize + size + trailerSize)
        bytes += tag
        var length = UInt64(size + trailerSize)
        for place in 0..<lengthSize {
            bytes.append(UInt8(truncatingIfNeeded: length & 0x7F) | (place < lengthSize - 1 ? 0x80 : 0))
            length >>= 7
        }
        put(batch.receivedAt.nanoseconds, &bytes)
        bytes.append(batch.pricing == nil ? 0 : 1)
        for count in [observations.count, sessions.count, positions.count] { put(UInt32(clamping: count), &bytes) }
        bytes += observations
        bytes += sessions
        for position in positions { put(position, &bytes) }
        put(UInt32(clamping: size), &bytes)
        put(magic, &bytes)
        return bytes
    }

    private static func put(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The session of each record that is kept, up to the last that has one; -1 for none.
    private static func positions(of batch: Batch) -> [Int32] {
        guard !batch.sessions.isEmpty else { return [] }
        var positions: [Int32] = []
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            positions.append(batch.sessions.position(ofRecord: record).map { Int32(clamping: $0) } ?? -1)
        }
        while positions.last == -1 { positions.removeLast() }
        return positions
    }

    /// Reads a request back.
    ///
    /// - Parameter prices: The prices in force, for a batch that had some.
    /// - Returns: nil when it is damaged, or was not made here.
    static func batch(_ request: ArraySlice<UInt8>, _ signal: Signal, hops: Int, prices: () -> Pricing?) -> Batch? {
        func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number {
            request.withUnsafeBytes { bytes in
                Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
            }
        }
        let least = tag.count + lengthSize + headSize + trailerSize
        guard request.count >= least, number(at: request.count - 4, UInt32.self) == magic else { return nil }
        let size = Int(number(at: request.count - trailerSize, UInt32.self))
        let head = request.count - trailerSize - size
        let end = head - lengthSize - tag.count
        guard size >= headSize, end >= 0, request[(request.startIndex + end)...].starts(with: tag) else { return nil }
        let counts = (0..<3).map { Int(number(at: head + 9 + 4 * $0, UInt32.self)) }
        guard size == headSize + counts[0] + counts[1] + 4 * counts[2] else { return nil }
        func part(_ offset: Int, _ count: Int) -> [UInt8] {
            let start = request.startIndex + head + headSize + offset
            return Array(request[start..<start + count])
        }
        guard let otlp = try? OTLPBatch(signal: signal, protobuf: Array(request.prefix(end))),
            let observations = [Observation](encoded: part(0, counts[0])),
            let sessions = [SessionUpdate](encoded: part(counts[0], counts[1]))
        else { return nil }
        var batch = Batch(otlp, receivedAt: Timestamp(nanoseconds: number(at: head, Int64.self)))
        batch.hops = hops
        batch.observations = observations
        for session in sessions { batch.sessions.append(session) }
        let first = head + headSize + counts[0] + counts[1]
        for record in 0..<counts[2] {
            let position = number(at: first + 4 * record, Int32.self)
            if position >= 0 { batch.sessions.assign(record: record, to: Int(position)) }
        }
        if number(at: head + 8, UInt8.self) != 0 { batch.pricing = prices() }
        return batch
    }
}

/// What a queue keeps of a batch.
enum QueuedForm: Sendable {
    /// Its records, for a destination that takes OTLP.
    case records
    /// All of it, for a store of this process.
    case batch

    /// Whether a batch has nothing of that.
    func isEmpty(_ batch: Batch) -> Bool {
        batch.otlp.recordCount == 0
            && (self == .records || batch.observations.isEmpty && batch.sessions.isEmpty)
    }

    /// The request that is kept.
    func bytes(of batch: Batch) -> [UInt8] {
        switch self {
        case .records: batch.otlp.encoded()
        case .batch: BatchFrame.bytes(of: batch)
        }
    }
}
