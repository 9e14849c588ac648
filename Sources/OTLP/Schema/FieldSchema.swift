// SPDX-License-Identifier: Apache-2.0

/// One row of the schema table: everything that reading, writing and transcoding need to know about a field.
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
    /// The field as one bit among those of its message.
    var bit: UInt32 = 0
    /// The fields of the message that exclude it: itself and, in a oneof, all others.
    var excluded: UInt32 = 0
    let enumeration: EnumID
    let name: StaticString
    /// The tag to write: packed, if possible.
    let tag: UInt32
    /// The lowerCamelCase name of OTLP/JSON, and the original name, which is accepted.
    let camelCase: FieldName
    let snakeCase: FieldName
    /// `,"name":` as written before a value in JSON.
    let label: JSONLabel

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
        label = JSONLabel(camel)
        snakeCase = FieldName(camel.flatMap { $0 < UInt8(ascii: "a") ? [UInt8(ascii: "_"), $0 | 0x20] : [$0] })
    }
}

/// A field name with its comma, quotes and colon, in four words that are stored at once.
struct JSONLabel: Sendable {
    let words: SIMD4<UInt64>
    /// All bits of the bytes after the comma.
    private let mask: SIMD4<UInt64>
    let length: Int

    init(_ name: [UInt8]) {
        let text = Array(",\"".utf8) + name + Array("\":".utf8)
        var words = SIMD4<UInt64>.zero
        for (index, byte) in text.enumerated() {
            words[index / 8] |= (UInt64(byte) << UInt64(index % 8 * 8)).littleEndian
        }
        self.words = words
        length = text.count
        var mask = SIMD4<UInt64>.zero
        for index in 1..<text.count { mask[index / 8] |= (UInt64(0xff) << UInt64(index % 8 * 8)).littleEndian }
        self.mask = mask
    }

    /// Whether this name, without spaces, follows the byte at an offset; `false` close to the end, too.
    @inline(__always)
    func follows(_ offset: Int, in bytes: RawSpan) -> Bool {
        guard offset >= 0, offset &+ 32 <= bytes.byteCount else { return false }
        if (bytes.word(offset) ^ words[0]) & mask[0] != 0 { return false }
        let rest =
            (bytes.word(offset &+ 8) ^ words[1]) & mask[1] | (bytes.word(offset &+ 16) ^ words[2]) & mask[2]
            | (bytes.word(offset &+ 24) ^ words[3]) & mask[3]
        return rest == 0
    }
}

/// A field name of up to 24 bytes as three words, so that comparing takes three instructions and no loop.
struct FieldName: Sendable, Equatable {
    private let head: UInt64
    private let middle: UInt64
    private let tail: UInt64
    private let length: UInt8

    static let longest = 24

    /// The fields that refer to a string table, which OTLP has only for profiles.
    static let stringIndexes = ["keyStrindex", "stringValueStrindex", "key_strindex", "string_value_strindex"].map {
        FieldName(Array($0.utf8))
    }

    /// Names longer than the longest one equal none of the table.
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
