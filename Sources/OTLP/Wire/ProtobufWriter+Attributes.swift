// SPDX-License-Identifier: Apache-2.0

extension ProtobufWriter {
    /// Writes a KeyValue field.
    public mutating func attribute(_ field: UInt32, _ key: String, _ value: AttributeScalar) {
        switch value {
        case .string(let text): attribute(field, key, text)
        case .int(let number):
            let size = 1 + Wire.varintLength(UInt64(bitPattern: number))
            openAttribute(field, key, valueSize: size)
            int(Field.AnyValue.int, number, always: true)
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
        let size = keyCount + textCount + 6
        varint(UInt64(field << 3 | Wire.length))
        varint(UInt64(size))
        extend(by: size) { room in
            room[0] = UInt8(Field.KeyValue.key << 3 | Wire.length)
            room[1] = UInt8(keyCount)
            Self.copy(key, to: room[2...])
            room[keyCount + 2] = UInt8(Field.KeyValue.value << 3 | Wire.length)
            room[keyCount + 3] = UInt8(textCount + 2)
            room[keyCount + 4] = UInt8(Field.AnyValue.string << 3 | Wire.length)
            room[keyCount + 5] = UInt8(textCount)
            Self.copy(text, to: room[(keyCount + 6)...])
        }
    }

    private static func copy(_ text: String, to room: Swift.Slice<UnsafeMutableRawBufferPointer>) {
        var text = text
        text.withUTF8 { UnsafeMutableRawBufferPointer(rebasing: room).copyMemory(from: UnsafeRawBufferPointer($0)) }
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
