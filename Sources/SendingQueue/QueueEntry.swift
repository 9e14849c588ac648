// SPDX-License-Identifier: Apache-2.0

import CollectorKit
public import OTLP
public import Usage

/// One batch in a queue: an OTLP request and what is said about it without looking inside.
public struct QueueEntry: Sendable, Hashable {
    /// What the records are.
    public var signal: Signal
    /// How many records there are.
    public var records: Int
    /// When it was taken in.
    public var time: Timestamp
    /// Through how many collectors it has come.
    public var hops: UInt8
    /// The request as protobuf.
    public var bytes: [UInt8]

    /// Creates an entry.
    public init(signal: Signal, records: Int, time: Timestamp, hops: UInt8 = 0, bytes: [UInt8]) {
        self.signal = signal
        self.records = records
        self.time = time
        self.hops = hops
        self.bytes = bytes
    }
}

/// What stands in front of an entry's bytes in a segment: 40 bytes, little-endian.
///
/// `magic` 4 · `length` 4 · `records` 4 · `signal` 1 · `hops` 1 · zero 2 · `time` 8 · sum of the bytes 8 · sum of all before 8
struct EntryHeader: Hashable {
    static let size = 40
    static let magic: UInt32 = 0x3151_6748

    var length: Int
    var records: Int
    var signal: Signal
    var time: Timestamp
    var hops: UInt8
    var sum: UInt64

    init(_ entry: QueueEntry, seed: UInt64) {
        length = entry.bytes.count
        records = entry.records
        signal = entry.signal
        time = entry.time
        hops = entry.hops
        sum = Checksum.of(entry.bytes, seed: seed)
    }

    /// Reads a header; nil when there is none or it is damaged.
    init?(_ bytes: UnsafeRawBufferPointer, seed: UInt64) {
        guard bytes.count >= Self.size else { return nil }
        func load<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
            Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
        guard load(0, UInt32.self) == Self.magic,
            Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[..<32]), seed: ~seed) == load(32, UInt64.self),
            let signal = Signal.allCases.first(where: { $0.number == bytes[12] })
        else { return nil }
        length = Int(load(4, UInt32.self))
        records = Int(load(8, UInt32.self))
        self.signal = signal
        hops = bytes[13]
        time = Timestamp(nanoseconds: load(16, Int64.self))
        sum = load(24, UInt64.self)
    }

    /// Adds the header to a buffer.
    func write(to buffer: inout [UInt8], seed: UInt64) {
        let start = buffer.count
        func put(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.littleEndian) { buffer.append(contentsOf: $0) }
        }
        put(Self.magic)
        put(UInt32(clamping: length))
        put(UInt32(clamping: records))
        buffer += [signal.number, hops, 0, 0]
        put(time.nanoseconds)
        put(sum)
        put(buffer.withUnsafeBytes { Checksum.of(UnsafeRawBufferPointer(rebasing: $0[start...]), seed: ~seed) })
    }

    /// Whether bytes are those the header speaks of.
    func matches(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> Bool {
        bytes.count == length && Checksum.of(bytes, seed: seed) == sum
    }
}

extension Signal {
    /// The number in files; never changed.
    fileprivate var number: UInt8 {
        switch self {
        case .traces: 1
        case .logs: 2
        case .metrics: 3
        }
    }
}
