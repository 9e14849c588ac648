// SPDX-License-Identifier: Apache-2.0

/// Writes rows in ClickHouse's format `RowBinary`: values one after the other, little-endian, without names.
struct RowBinary {
    private(set) var bytes: [UInt8] = []

    init() {}

    mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// A length as a variable-length number.
    mutating func count(_ value: Int) {
        var rest = UInt64(max(0, value))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func text(_ value: String?) {
        var value = value ?? ""
        value.withUTF8 { text in
            count(text.count)
            bytes.append(contentsOf: text)
        }
    }

    mutating func text(_ value: some Collection<UInt8>) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    /// A value of a nullable column.
    mutating func optional(_ value: Int64?) {
        bytes.append(value == nil ? 1 : 0)
        if let value { number(value) }
    }

    mutating func list<Element>(_ elements: [Element], _ write: (inout RowBinary, Element) -> Void) {
        count(elements.count)
        for element in elements { write(&self, element) }
    }

    /// A value of a column of the type `Map(String, String)`.
    mutating func map(_ pairs: [(key: String, value: String)]) {
        list(pairs) { row, pair in
            row.text(pair.key)
            row.text(pair.value)
        }
    }

    mutating func append(_ row: [UInt8]) { bytes.append(contentsOf: row) }
}
