// SPDX-License-Identifier: Apache-2.0

/// Writes protobuf messages field by field; zero values of ordinary fields are left out, as proto3 does.
public struct ProtobufWriter: Sendable {
    private var sink: ByteSink

    /// Creates an empty writer.
    public init() { sink = ByteSink() }

    /// How many bytes are written so far.
    public var count: Int { sink.count }

    /// What has been written, for reading back.
    subscript(range: Range<Int>) -> ArraySlice<UInt8> { sink[range] }

    /// Takes back everything after a position.
    mutating func truncate(to count: Int) { sink.truncate(to: count) }

    /// The finished bytes.
    public consuming func finish() -> [UInt8] { sink.finish() }

    /// Writes an unsigned or enum field.
    public mutating func uint(_ field: UInt32, _ value: UInt64, always: Bool = false) {
        guard value != 0 || always else { return }
        sink.varint(UInt64(field << 3 | Wire.varint))
        sink.varint(value)
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
        sink.varint(UInt64(field << 3 | Wire.fixed64))
        sink.fixed64(value)
    }

    /// Writes a double field.
    public mutating func double(_ field: UInt32, _ value: Double, always: Bool = false) {
        fixed64(field, value.bitPattern, always: always)
    }

    /// Writes a string field.
    public mutating func string(_ field: UInt32, _ value: String, always: Bool = false) {
        guard !value.isEmpty || always else { return }
        sink.varint(UInt64(field << 3 | Wire.length))
        sink.varint(UInt64(value.utf8.count))
        sink.append(value)
    }

    /// Writes a bytes field.
    public mutating func bytes(_ field: UInt32, _ value: [UInt8], always: Bool = false) {
        guard !value.isEmpty || always else { return }
        sink.varint(UInt64(field << 3 | Wire.length))
        sink.varint(UInt64(value.count))
        sink.append(value[...])
    }

    /// Writes fields that are encoded already.
    public mutating func append(_ encoded: [UInt8]) { sink.append(encoded[...]) }

    /// Writes a sub-message with what the closure writes; an empty one is written too.
    public mutating func message(_ field: UInt32, _ body: (inout ProtobufWriter) -> Void) {
        sink.varint(UInt64(field << 3 | Wire.length))
        let start = sink.openLength()
        body(&self)
        sink.closeLength(from: start)
    }
}
