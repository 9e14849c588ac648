// SPDX-License-Identifier: Apache-2.0

/// Writes protobuf messages field by field; zero values of ordinary fields are left out, as proto3 does.
public struct ProtobufWriter: Sendable {
    /// The bytes written so far.
    private(set) var bytes: [UInt8] = []

    /// Creates an empty writer.
    public init() {}

    /// The number of bytes written so far.
    public var count: Int { bytes.count }

    /// Reserves room for bytes.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Removes everything after a position.
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

    /// The size of a sub-message of a length with its tag and length prefix.
    static func size(ofMessage length: Int, _ field: UInt32) -> Int {
        Wire.varintLength(UInt64(field << 3 | Wire.length)) + Wire.varintLength(UInt64(length)) + length
    }

    /// Reserves room for bytes, all of which the closure must write.
    @inline(__always)
    mutating func extend(by count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        bytes.append(addingCapacity: count) { room in
            room.withUnsafeMutableBufferPointer { buffer, initialized in
                write(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
                initialized += count
            }
        }
    }

    /// Moves everything from a position on by some bytes.
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

// MARK: - Attributes

extension ProtobufWriter {
    /// Writes a KeyValue field.
    public mutating func attribute(_ field: UInt32, _ key: String, _ value: AttributeScalar) {
        switch value {
        case .string(let text): attribute(field, key, text)
        case .int(let number): attribute(field, key, number: number)
        case .bool(let flag):
            openAttribute(field, key, valueSize: 2)
            bool(Field.AnyValue.bool, flag, always: true)
        case .double(let number):
            openAttribute(field, key, valueSize: 9)
            double(Field.AnyValue.double, number, always: true)
        }
    }

    /// Writes a KeyValue field with a text, the most frequent type in our own records, in room that is reserved once.
    mutating func attribute(_ field: UInt32, _ key: String, _ text: String) {
        let (keyCount, textCount) = (key.utf8.count, text.utf8.count)
        guard field < 16, keyCount > 0, keyCount < 0x80, textCount < 0x70 else {
            openAttribute(field, key, valueSize: Self.size(ofText: textCount))
            return string(Field.AnyValue.string, text, always: true)
        }
        // All lengths but the outermost take one byte.
        openPlain(field, size: keyCount + textCount + 6)
        extend(by: keyCount + textCount + 6) { room in
            let value = Self.put(key, valueSize: textCount + 2, to: room)
            room[value] = UInt8(Field.AnyValue.string << 3 | Wire.length)
            room[value + 1] = UInt8(textCount)
            Self.copy(text, to: room, at: value + 2)
        }
    }

    /// Writes a KeyValue field with a whole number.
    mutating func attribute(_ field: UInt32, _ key: String, number: Int64) {
        let (keyCount, size) = (key.utf8.count, 1 + Wire.varintLength(UInt64(bitPattern: number)))
        guard field < 16, keyCount > 0, keyCount < 0x80 else {
            openAttribute(field, key, valueSize: size)
            return int(Field.AnyValue.int, number, always: true)
        }
        openPlain(field, size: keyCount + size + 4)
        extend(by: keyCount + size + 4) { room in
            var place = Self.put(key, valueSize: size, to: room)
            room[place] = UInt8(Field.AnyValue.int << 3 | Wire.varint)
            var rest = UInt64(bitPattern: number)
            while rest >= 0x80 {
                place += 1
                room[place] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest >>= 7
            }
            room[place + 1] = UInt8(truncatingIfNeeded: rest)
        }
    }

    /// Writes tag and length of a KeyValue field.
    @inline(__always)
    private mutating func openPlain(_ field: UInt32, size: Int) {
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(size))
    }

    /// Writes a key of less than 128 bytes, and tag and length of a value of less than 128 bytes.
    ///
    /// - Returns: The position of the value.
    @inline(__always)
    private static func put(_ key: String, valueSize: Int, to room: UnsafeMutableRawBufferPointer) -> Int {
        let count = key.utf8.count
        room[0] = UInt8(Field.KeyValue.key << 3 | Wire.length)
        room[1] = UInt8(count)
        copy(key, to: room, at: 2)
        room[count + 2] = UInt8(Field.KeyValue.value << 3 | Wire.length)
        room[count + 3] = UInt8(valueSize)
        return count + 4
    }

    @inline(__always)
    private static func copy(_ text: String, to room: UnsafeMutableRawBufferPointer, at place: Int) {
        var text = text
        text.withUTF8 {
            UnsafeMutableRawBufferPointer(rebasing: room[place...]).copyMemory(from: UnsafeRawBufferPointer($0))
        }
    }

    /// Writes a KeyValue field up to the member of its AnyValue, whose size is known, so that nothing has to be moved when a length
    /// takes more bytes than expected.
    private mutating func openAttribute(_ field: UInt32, _ key: String, valueSize: Int) {
        let keySize = key.isEmpty ? 0 : Self.size(ofText: key.utf8.count)
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(keySize + Self.size(ofText: valueSize)))
        string(Field.KeyValue.key, key)
        varint(UInt64(Field.KeyValue.value << 3 | Wire.length))
        varint(UInt64(valueSize))
    }

    /// The size of a field of this many bytes with its tag and length prefix.
    private static func size(ofText count: Int) -> Int { 1 + Wire.varintLength(UInt64(count)) + count }

    /// Writes the member of an AnyValue.
    mutating func scalar(_ value: AttributeScalar) {
        switch value {
        case .string(let text): string(Field.AnyValue.string, text, always: true)
        case .bool(let flag): bool(Field.AnyValue.bool, flag, always: true)
        case .int(let number): int(Field.AnyValue.int, number, always: true)
        case .double(let number): double(Field.AnyValue.double, number, always: true)
        }
    }
}
