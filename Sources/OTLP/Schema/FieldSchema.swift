// SPDX-License-Identifier: Apache-2.0

/// One row of the OTLP wire table: everything reading, writing and transcoding need to know of a field.
struct FieldSchema: Sendable {
    enum Form: UInt8 {
        /// At most one value, left out when zero.
        case single
        /// At most one value, written even when zero (`optional`).
        case optional
        /// One of several alternatives, written even when zero.
        case alternative
        case repeated
    }

    let number: UInt32
    let kind: FieldKind
    let form: Form
    let message: MessageID
    /// The fields of that message as indices of the table.
    var members = 0..<0
    let enumeration: EnumID
    let name: StaticString
    /// The field as it is written: packed, where that is possible.
    let tag: UInt32
    /// lowerCamelCase, which OTLP/JSON uses, and the original name, which is accepted.
    let camelCase: FieldName
    let snakeCase: FieldName

    var isRepeated: Bool { form == .repeated }
    var isPacked: Bool { form == .repeated && kind.isPackable }
    var hasPresence: Bool { form == .optional || form == .alternative }

    init(
        _ number: UInt32,
        _ name: StaticString,
        _ kind: FieldKind,
        _ form: Form = .single,
        of enumeration: EnumID = .none
    ) {
        self.init(number, name, kind, form, .anyValue, enumeration)
    }

    init(_ number: UInt32, _ name: StaticString, _ message: MessageID, _ form: Form = .single) {
        self.init(number, name, .message, form, message, .none)
    }

    private init(
        _ number: UInt32,
        _ name: StaticString,
        _ kind: FieldKind,
        _ form: Form,
        _ message: MessageID,
        _ enumeration: EnumID
    ) {
        self.number = number
        self.kind = kind
        self.form = form
        self.message = message
        self.enumeration = enumeration
        self.name = name
        tag = number << 3 | (form == .repeated && kind.isPackable ? Wire.length : kind.wireType)
        let camel = name.withUTF8Buffer { Array($0) }
        camelCase = FieldName(camel)
        snakeCase = FieldName(camel.flatMap { $0 < UInt8(ascii: "a") ? [UInt8(ascii: "_"), $0 | 0x20] : [$0] })
    }
}

/// A field name of up to 24 bytes as three words, so that comparing takes three instructions and no loop.
struct FieldName: Sendable, Equatable {
    private let head: UInt64
    private let middle: UInt64
    private let tail: UInt64
    private let length: UInt8

    static let longest = 24

    /// Names beyond the longest one equal none of the table's.
    @inline(__always)
    init(_ bytes: RawSpan, _ range: Range<Int>) {
        let count = range.count
        length = UInt8(truncatingIfNeeded: min(count, Self.longest &+ 1))
        head = Self.word(bytes, range.lowerBound, count)
        middle = count > 8 ? Self.word(bytes, range.lowerBound &+ 8, count &- 8) : 0
        tail = count > 16 ? Self.word(bytes, range.lowerBound &+ 16, count &- 16) : 0
    }

    init(_ bytes: [UInt8]) { self.init(bytes.span.bytes, 0..<bytes.count) }

    @inline(__always)
    private static func word(_ bytes: RawSpan, _ offset: Int, _ count: Int) -> UInt64 {
        if offset &+ 8 <= bytes.byteCount {
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return count >= 8 ? word : word & ((1 << UInt64(count &* 8)) &- 1)
        }
        var word: UInt64 = 0
        for index in 0..<min(count, 8) {
            word |= UInt64(bytes.unsafeLoad(fromByteOffset: offset &+ index, as: UInt8.self)) << UInt64(index &* 8)
        }
        return word
    }
}
