// SPDX-License-Identifier: Apache-2.0

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

    /// Writes a KeyValue field with a text, as most of what our own records hold is, in room that is made once.
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

    /// Writes a key of less than 128 bytes, and tag and length of a value of less than 128.
    ///
    /// - Returns: The place of the value.
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

    /// Writes everything of a KeyValue field up to the member of its AnyValue, whose size is known: so nothing has to be moved up
    /// when a length turns out longer than its place.
    private mutating func openAttribute(_ field: UInt32, _ key: String, valueSize: Int) {
        let keySize = key.isEmpty ? 0 : Self.size(ofText: key.utf8.count)
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(keySize + Self.size(ofText: valueSize)))
        string(Field.KeyValue.key, key)
        varint(UInt64(Field.KeyValue.value << 3 | Wire.length))
        varint(UInt64(valueSize))
    }

    /// The size of a field of so many bytes with its tag and length.
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
