// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// The text of a slice; invalid UTF-8 is repaired with U+FFFD.
    public func string(_ slice: Slice) -> String { String(decoding: bytes(of: slice), as: UTF8.self) }

    /// The bytes of a slice, of the batch or of its overlay; empty for a slice of another batch.
    public func bytes(of slice: Slice) -> ArraySlice<UInt8> {
        let range = slice.range
        if range.upperBound <= bytes.count { return bytes[range] }
        guard range.lowerBound >= bytes.count, range.upperBound - bytes.count <= overlay.arena.count else { return [] }
        return overlay.text(slice)
    }

    /// Whether a slice holds exactly this text, without making a `String` of it.
    public func equals(_ slice: Slice, _ text: StaticString) -> Bool {
        guard Int(slice.length) == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in bytes(of: slice).span.bytes.begins(with: text.span.bytes) }
    }

    /// Whether a slice holds exactly this text.
    public func equals(_ slice: Slice, _ text: String) -> Bool {
        guard Int(slice.length) == text.utf8.count else { return false }
        var text = text
        return text.withUTF8 { text in bytes(of: slice).span.bytes.begins(with: text.span.bytes) }
    }

    /// Whether a slice begins with this text.
    public func hasPrefix(_ slice: Slice, _ text: StaticString) -> Bool {
        guard Int(slice.length) >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in bytes(of: slice).span.bytes.begins(with: text.span.bytes) }
    }

    /// The value as a whole number: an integer, an integral double, or a string that spells one (`12`, `1.2e3`).
    public func number(of value: AttributeValue) -> Int64? {
        switch value {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let slice): DecimalNumber.integer(bytes(of: slice))
        case .empty, .bool, .bytes, .array, .keyValueList: nil
        }
    }

    /// The value as a finite number: an integer, a double, or a string that spells one.
    public func double(of value: AttributeValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        case .string(let slice): DecimalNumber.double(bytes(of: slice))
        case .empty, .bool, .bytes, .array, .keyValueList: nil
        }
    }

    /// The value as a person would read it.
    ///
    /// Strings as they are, numbers and booleans in digits and words, bytes as base64, arrays joined by commas, key-value
    /// lists as compact JSON; empty for an empty value.
    public func text(of value: AttributeValue) -> String {
        switch value {
        case .empty: ""
        case .string(let slice): string(slice)
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): number.description
        case .bytes, .array, .keyValueList: plainText(of: value)
        }
    }
}

extension RawSpan {
    /// Whether the first bytes are these, eight compared at a step.
    fileprivate func begins(with other: RawSpan) -> Bool {
        let count = other.byteCount
        guard byteCount >= count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            guard word(offset) == other.word(offset) else { return false }
            offset &+= 8
        }
        while offset < count {
            guard byte(offset) == other.byte(offset) else { return false }
            offset &+= 1
        }
        return true
    }
}
