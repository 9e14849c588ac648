// SPDX-License-Identifier: Apache-2.0

/// Writes protobuf messages field by field; zero values of ordinary fields are left out, as proto3 does.
public struct ProtobufWriter: Sendable {
    /// What has been written.
    private(set) var bytes: [UInt8] = []

    /// Creates an empty writer.
    public init() {}

    /// How many bytes are written so far.
    public var count: Int { bytes.count }

    /// Makes room for so many bytes at once.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Takes back everything after a position.
    mutating func truncate(to count: Int) { bytes.removeLast(max(0, bytes.count - count)) }

    /// The finished bytes.
    public consuming func finish() -> [UInt8] { bytes }

    /// Writes an unsigned or enum field.
    public mutating func uint(_ field: UInt32, _ value: UInt64, always: Bool = false) {
        guard value != 0 || always else { return }
        varint(UInt64(field << 3 | Wire.varint))
        varint(value)
    }

    /// Writes a signed field in plain two's complement (int32, int64).
    public mutating func int(_ field: UInt32, _ value: Int64, always: Bool = false) {
        uint(field, UInt64(bitPattern: value), always: always)
    }

    /// Writes a boolean field.
    public mutating func bool(_ field: UInt32, _ value: Bool, always: Bool = false) {
        uint(field, value ? 1 : 0, always: always)
    }

    /// Writes a field of eight bytes (fixed64, sfixed64).
    public mutating func fixed64(_ field: UInt32, _ value: UInt64, always: Bool = false) {
        guard value != 0 || always else { return }
        varint(UInt64(field << 3 | Wire.fixed64))
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a double field.
    public mutating func double(_ field: UInt32, _ value: Double, always: Bool = false) {
        fixed64(field, value.bitPattern, always: always)
    }

    /// Writes a string field.
    public mutating func string(_ field: UInt32, _ value: String, always: Bool = false) {
        guard !value.isEmpty || always else { return }
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Writes a bytes field.
    public mutating func bytes(_ field: UInt32, _ value: [UInt8], always: Bool = false) {
        guard !value.isEmpty || always else { return }
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes fields that are encoded already.
    public mutating func append(_ encoded: [UInt8]) { bytes.append(contentsOf: encoded) }

    /// Copies fields that are encoded already.
    mutating func append(_ encoded: RawSpan) { encoded.withUnsafeBytes { bytes.append(contentsOf: $0) } }

    /// Writes a sub-message with what the closure writes; an empty one is written too.
    public mutating func message(_ field: UInt32, _ body: (inout ProtobufWriter) -> Void) {
        varint(UInt64(field << 3 | Wire.length))
        bytes.append(0)
        let start = bytes.count
        body(&self)
        let length = UInt64(bytes.count - start)
        bytes[start - 1] = UInt8(truncatingIfNeeded: length) & 0x7f | (length < 0x80 ? 0 : 0x80)
        guard length >= 0x80 else { return }
        makeRoom(Wire.varintLength(length) - 1, at: start)
        var (rest, place) = (length >> 7, start)
        while rest > 0 {
            bytes[place] = UInt8(truncatingIfNeeded: rest) & 0x7f | (rest < 0x80 ? 0 : 0x80)
            rest >>= 7
            place += 1
        }
    }

    /// Begins a sub-message of a known length.
    mutating func open(_ field: UInt32, length: Int) {
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(length))
    }

    /// How many bytes a sub-message of a length takes with its tag and length.
    static func size(ofMessage length: Int, _ field: UInt32) -> Int {
        Wire.varintLength(UInt64(field << 3 | Wire.length)) + Wire.varintLength(UInt64(length)) + length
    }

    /// Makes room for some bytes, all of which the closure writes.
    @inline(__always)
    mutating func extend(by count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        bytes.append(addingCapacity: count) { room in
            room.withUnsafeMutableBufferPointer { buffer, initialized in
                write(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
                initialized += count
            }
        }
    }

    /// Moves everything from a position on some bytes up.
    private mutating func makeRoom(_ count: Int, at start: Int) {
        let end = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        bytes.withUnsafeMutableBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: bytes[(start + count)...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        }
    }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        if value < 0x80 { return bytes.append(UInt8(truncatingIfNeeded: value)) }
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
