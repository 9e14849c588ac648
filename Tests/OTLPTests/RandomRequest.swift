// SPDX-License-Identifier: Apache-2.0

import CollectorTesting

@testable import OTLP

/// Writes random requests over the whole schema table, as a correct sender would: fields in order, no defaults.
struct RandomRequest {
    var random: SeededGenerator
    /// The probability of an unknown field before a known one.
    var unknownFields = 0.0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func request(_ signal: Signal) -> [UInt8] {
        var writer = ProtobufWriter()
        message(.request(signal), &writer, depth: 0)
        return writer.finish()
    }

    private mutating func message(_ id: MessageID, _ writer: inout ProtobufWriter, depth: Int) {
        let fields = Schema.otlp.fieldIndices(id).map { Schema.otlp.fields[$0] }
        let chosen = fields.filter { $0.form == .alternative }.randomElement(using: &random)
        for field in fields {
            if chance(unknownFields) { unknown(&writer) }
            if field.form == .alternative, field.number != chosen?.number { continue }
            // Nested values become rarer with the depth.
            let isRare = depth > 8 && field.kind == .message
            guard !field.isRepeated else {
                list(field, &writer, depth: depth, count: Int.random(in: 0...(isRare ? 0 : 3), using: &random))
                continue
            }
            if field.form != .alternative, chance(0.3) { continue }
            if field.kind == .message {
                if isRare, field.form == .alternative { continue }
                sub(field, &writer, depth: depth)
            } else {
                let value = value(field)
                if value.isDefault, !field.hasPresence { continue }
                writer.append(Self.tag(field.number << 3 | field.kind.wireType) + value.bytes)
            }
        }
    }

    private mutating func list(_ field: FieldSchema, _ writer: inout ProtobufWriter, depth: Int, count: Int) {
        if field.isPacked {
            let values = (0..<count).flatMap { _ in value(field).bytes }
            writer.bytes(field.number, values)
            return
        }
        for _ in 0..<count {
            if field.kind == .message {
                sub(field, &writer, depth: depth)
            } else {
                writer.append(Self.tag(field.tag) + value(field).bytes)
            }
        }
    }

    private mutating func sub(_ field: FieldSchema, _ writer: inout ProtobufWriter, depth: Int) {
        var inner = ProtobufWriter()
        message(field.message, &inner, depth: depth + 1)
        writer.bytes(field.number, inner.finish(), always: true)
    }

    private mutating func unknown(_ writer: inout ProtobufWriter) {
        let number = UInt32.random(in: 2000...3000, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: writer.uint(number, random.next() | 1)
        case 1: writer.fixed64(number, random.next() | 1)
        case 2: writer.string(number, "from the future")
        default: writer.append(Self.tag(number << 3 | 3) + [0x08, 0x01] + Self.tag(number << 3 | 4))
        }
    }

    private mutating func value(_ field: FieldSchema) -> (bytes: [UInt8], isDefault: Bool) {
        switch field.kind {
        case .traceID, .spanID: return text(bytes(field.kind == .traceID ? 16 : 8))
        case .bytes: return text(bytes(Int.random(in: 0...20, using: &random)))
        case .string, .message: return text(Array(Self.texts.randomElement(using: &random)?.utf8 ?? "".utf8))
        case .double:
            let listed = Self.doubles.randomElement(using: &random) ?? 0
            let bits = (chance(0.5) ? listed : random.double()).bitPattern
            return (fixed(bits, 8), bits == 0)
        case .fixed64, .sfixed64:
            let number = number()
            return (fixed(number, 8), number == 0)
        case .fixed32:
            let number = number() & 0xffff_ffff
            return (fixed(number, 4), number == 0)
        case .bool: return chance(0.5) ? ([1], false) : ([0], true)
        case .uint32, .sint32:
            let number = number() & 0xffff_ffff
            return (Self.varint(number), number == 0)
        case .int32, .enumeration:
            let number = Int64(Int32(truncatingIfNeeded: number()))
            return (Self.varint(UInt64(bitPattern: number)), number == 0)
        case .int64, .uint64:
            let number = number()
            return (Self.varint(number), number == 0)
        }
    }

    /// A number whose length is uniformly distributed.
    private mutating func number() -> UInt64 {
        let bits = UInt64.random(in: 0...64, using: &random)
        return bits == 0 ? 0 : random.next() >> (64 - bits)
    }

    private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random.next() & 0xff) | 1 } }

    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }

    private func text(_ bytes: [UInt8]) -> (bytes: [UInt8], isDefault: Bool) {
        (Self.varint(UInt64(bytes.count)) + bytes, bytes.isEmpty)
    }

    private func fixed(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    private static func tag(_ tag: UInt32) -> [UInt8] { varint(UInt64(tag)) }

    private static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
    }

    private static let texts = [
        "", "a", "model", "gen_ai.usage.input_tokens", "claude-sonnet-4-5-20250929", "quote \" and \\ and /",
        "tab\tnew\nline",
        "\u{0}\u{1f}\u{7f}", "é", "日本語のテキスト", "😀 at the end 😀", "1234567", "12345678", "123456789",
        String(repeating: "long ", count: 40), String(repeating: "ü\n", count: 100), "\u{2028}\u{fffd}\u{10ffff}",
    ]
    private static let doubles = [
        0, -0.0, 1, -1, 0.1, 1.5, 1e-4, 1e-5, 0.000123456789, 123456.789, 999_999.999_999_999, 1e6, 1e15, 1e16, 1e17,
        1e22,
        1e300, .leastNonzeroMagnitude, .pi, -2.5e-10, 0.1 + 0.2, .infinity, -.infinity, .nan, .greatestFiniteMagnitude,
    ]
}

extension SeededGenerator {
    /// A finite double of any size.
    mutating func double() -> Double {
        let value = Double(bitPattern: next())
        return value.isFinite ? value : 0.25
    }
}
