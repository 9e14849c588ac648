// SPDX-License-Identifier: Apache-2.0

extension ProtobufWriter {
    /// Writes a KeyValue field.
    public mutating func attribute(_ field: UInt32, _ key: String, _ value: AttributeScalar) {
        message(field) { writer in
            writer.string(Field.KeyValue.key, key)
            writer.message(Field.KeyValue.value) { $0.scalar(value) }
        }
    }

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
