// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    /// The text of bytes, arrays and key-value lists.
    func plainText(of value: AttributeValue) -> String {
        var sink = ByteSink()
        switch value {
        case .bytes(let slice): Base64.encode(bytes(of: slice).span.bytes, into: &sink)
        case .array(let slice):
            for (index, element) in elements(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                sink.append(string: text(of: element))
            }
        default: plainJSON(value, into: &sink, depth: 0)
        }
        return String(decoding: sink.finish(), as: UTF8.self)
    }

    /// The elements of an array value.
    public func elements(of array: Slice) -> [AttributeValue] {
        values(in: array) { cursor, tag, bytes, values in
            guard tag == Tag.ArrayValue.values, let range = try? cursor.lengthDelimited(bytes) else { return false }
            values.append(AttributeValue(anyValue: range, bytes))
            return true
        }
    }

    /// The keys and values of a key-value list.
    public func members(of list: Slice) -> [(key: Slice, value: AttributeValue)] {
        values(in: list) { cursor, tag, bytes, values in
            guard tag == Tag.ArrayValue.values, let range = try? cursor.lengthDelimited(bytes) else { return false }
            values.append(Self.member(range, bytes))
            return true
        }
    }

    /// Nested values are only ever part of the received bytes.
    private func values<Value>(
        in message: Slice,
        _ read: (inout WireCursor, UInt32, RawSpan, inout [Value]) -> Bool
    ) -> [Value] {
        var values: [Value] = []
        guard message.range.upperBound <= bytes.count else { return values }
        var cursor = WireCursor(message.range)
        let bytes = bytes.span.bytes
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            if read(&cursor, tag, bytes, &values) { continue }
            guard (try? cursor.skip(tag, bytes)) != nil else { break }
        }
        return values
    }

    private static func member(_ body: Range<Int>, _ bytes: RawSpan) -> (key: Slice, value: AttributeValue) {
        var member = (key: Slice.none, value: AttributeValue.empty)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            switch tag {
            case Tag.KeyValue.key: member.key = (try? cursor.slice(bytes)) ?? .none
            case Tag.KeyValue.value:
                guard let range = try? cursor.lengthDelimited(bytes) else { return member }
                member.value = AttributeValue(anyValue: range, bytes)
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return member }
            }
        }
        return member
    }

    private func plainJSON(_ value: AttributeValue, into sink: inout ByteSink, depth: Int) {
        guard depth < Wire.maximumDepth else { return sink.append("null") }
        switch value {
        case .empty: sink.append("null")
        case .string(let slice): sink.quoted(bytes(of: slice))
        case .bool(let flag): sink.append(flag ? "true" : "false")
        case .int(let number): sink.decimal(number)
        case .double(let number): sink.double(number)
        case .bytes: sink.quoted(plainText(of: value))
        case .array(let slice):
            sink.append(UInt8(ascii: "["))
            for (index, element) in elements(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                plainJSON(element, into: &sink, depth: depth + 1)
            }
            sink.append(UInt8(ascii: "]"))
        case .keyValueList(let slice):
            sink.append(UInt8(ascii: "{"))
            for (index, member) in members(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                sink.quoted(bytes(of: member.key))
                sink.append(UInt8(ascii: ":"))
                plainJSON(member.value, into: &sink, depth: depth + 1)
            }
            sink.append(UInt8(ascii: "}"))
        }
    }
}

extension AttributeValue {
    /// Reads a checked AnyValue message; of several members the last one counts.
    init(anyValue body: Range<Int>, _ bytes: RawSpan) {
        self = .empty
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { return }
            switch tag {
            case Tag.AnyValue.bool, Tag.AnyValue.int:
                guard let number = try? cursor.varint(bytes) else { return }
                self = tag == Tag.AnyValue.bool ? .bool(number != 0) : .int(Int64(bitPattern: number))
            case Tag.AnyValue.double:
                guard let bits = try? cursor.fixed64(bytes) else { return }
                self = .double(Double(bitPattern: bits))
            case Tag.AnyValue.string, Tag.AnyValue.array, Tag.AnyValue.keyValueList, Tag.AnyValue.bytes:
                guard let slice = try? cursor.slice(bytes), let kind = ValueKind(lengthDelimitedTag: tag) else {
                    return
                }
                self.init(kind: kind, bits: slice.packed)
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return }
            }
        }
    }
}

extension ValueKind {
    fileprivate init?(lengthDelimitedTag tag: UInt32) {
        switch tag {
        case Tag.AnyValue.string: self = .string
        case Tag.AnyValue.array: self = .array
        case Tag.AnyValue.keyValueList: self = .keyValueList
        case Tag.AnyValue.bytes: self = .bytes
        default: return nil
        }
    }
}
