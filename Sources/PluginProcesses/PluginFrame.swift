// SPDX-License-Identifier: Apache-2.0

/// One message between the collector and a plugin: sixteen bytes of header, little endian, and a payload.
///
/// ```
/// u32 length of the payload | u8 type | u8 flags | u16 zero | u64 id | payload
/// ```
struct PluginFrame: Sendable, Equatable {
    /// What a frame is; the raw value is on the wire.
    enum Kind: UInt8, Sendable {
        case hello = 1
        case open = 2
        case opened = 3
        case fault = 4
        case batch = 5
        case result = 6
        case emit = 7
        case credit = 8
        case ping = 9
        case pong = 10
        case drain = 11
        case bye = 12
    }

    /// The size of the header in bytes.
    static let headerSize = 16
    /// The flag of a frame that a side which does not know its type steps over.
    static let mayBeIgnored: UInt8 = 1

    var kind: Kind
    /// The batch that the frame is about; 0 where it is about none.
    var id: UInt64 = 0
    var payload: [UInt8] = []

    /// Sets the id of a frame that is encoded already.
    static func set(id: UInt64, in frame: inout [UInt8]) {
        for place in 0..<8 { frame[8 + place] = UInt8(truncatingIfNeeded: id >> UInt64(8 * place)) }
    }

    /// The frame as it is sent.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerSize + payload.count)
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: payload.count))
        bytes += [kind.rawValue, 0, 0, 0]
        bytes.append(littleEndian: id)
        bytes += payload
        return bytes
    }
}

/// Why the bytes or frames of a plugin cannot be used; the message is free of record content.
struct PluginFault: Error, Sendable, Equatable {
    let message: String
}

/// Cuts a stream of bytes into frames, with as much memory as one frame and one block take up.
struct PluginFrameReader: Sendable {
    private let largestPayload: Int
    private var bytes: [UInt8] = []
    private var start = 0

    /// Creates a reader that refuses frames with a larger payload by their header, before memory is taken for them.
    init(largestPayload: Int) { self.largestPayload = largestPayload }

    /// Whether a frame has begun and not ended.
    var isInsideFrame: Bool { start < bytes.count }

    /// Adds bytes that came in.
    mutating func append(_ block: some Collection<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            start = 0
        }
        bytes += block
    }

    /// The next whole frame; nil until more bytes have come.
    ///
    /// - Throws: ``PluginFault`` for a frame that is too large, or of an unknown type that may not be ignored.
    mutating func next() throws(PluginFault) -> PluginFrame? {
        while bytes.count - start >= PluginFrame.headerSize {
            let length = Int(bytes.littleEndian(UInt32.self, at: start))
            guard length <= largestPayload else {
                throw PluginFault(message: "a frame of \(length) bytes is larger than the \(largestPayload) allowed")
            }
            let end = start + PluginFrame.headerSize + length
            guard end <= bytes.count else { return nil }
            defer { start = end }
            guard let kind = PluginFrame.Kind(rawValue: bytes[start + 4]) else {
                if bytes[start + 5] & PluginFrame.mayBeIgnored != 0 { continue }
                throw PluginFault(message: "a frame has the unknown type \(bytes[start + 4])")
            }
            let payload = Array(bytes[(start + PluginFrame.headerSize)..<end])
            return PluginFrame(kind: kind, id: bytes.littleEndian(UInt64.self, at: start + 8), payload: payload)
        }
        return nil
    }
}

// MARK: - Numbers

extension [UInt8] {
    /// Appends a number, its lowest byte first.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}

extension Collection<UInt8> where Index == Int {
    /// The number at an index, its lowest byte first; all of its bytes must be there.
    func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type, at index: Int) -> Number {
        var number: Number = 0
        for place in stride(from: MemoryLayout<Number>.size - 1, through: 0, by: -1) {
            number = number << 8 | Number(truncatingIfNeeded: self[index + place])
        }
        return number
    }
}
