// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// Rows of the conformance list that apply to every message of every signal, tested on each by the schema table.
@Suite struct EveryMessageTests {
    @Test(arguments: MessagePath.all)
    func `52: snake_case names are read and counted, camelCase is written`(_ path: MessagePath) throws {
        for field in path.fields {
            let camel = try path.batch(json: #""\#(field.name)":\#(field.sample)"#)
            let snake = try path.batch(json: #""\#(field.snakeName)":\#(field.sample)"#)
            #expect(snake.bytes == camel.bytes)
            #expect(camel.notes.isEmpty)
            #expect(snake.notes.snakeCaseNames == (field.snakeName == field.name.description ? 0 : 1))
            #expect(text(snake.json()).contains(#""\#(field.name)":"#))
        }
    }

    @Test(arguments: MessagePath.all)
    func `53, 54: other spellings are unknown, and what is unknown is skipped`(_ path: MessagePath) throws {
        let empty = try path.batch(json: "").bytes
        for field in path.fields {
            let name = field.name.description
            for other in [name.uppercased(), name.prefix(1).uppercased() + name.dropFirst(), name + "s", "_" + name] {
                #expect(try path.batch(json: #""\#(other)":\#(field.sample)"#).bytes == empty)
            }
        }
        #expect(try path.batch(json: #""future":{"a":[1,{"b":"}]"},null,true,-1.5e-3]}"#).bytes == empty)
    }

    @Test(arguments: MessagePath.all)
    func `65: null is absent`(_ path: MessagePath) throws {
        let empty = try path.batch(json: "").bytes
        for field in path.fields {
            #expect(try path.batch(json: #""\#(field.name)": null"#).bytes == empty)
            #expect(try path.batch(json: #""\#(field.name)":\#(field.sample),"\#(field.name)":null"#).bytes == empty)
        }
    }

    @Test(arguments: MessagePath.all)
    func `69, 71, 72: names may be escaped, blanks may be anywhere, of equal keys the last counts`(
        _ path: MessagePath
    ) throws {
        for field in path.fields {
            let plain = try path.batch(json: #""\#(field.name)":\#(field.sample)"#)
            let first = try #require(field.name.description.unicodeScalars.first)
            let escaped = "\\u00" + String(first.value, radix: 16) + field.name.description.dropFirst()
            #expect(try path.batch(json: #""\#(escaped)" :\#n \#(field.sample) "#).bytes == plain.bytes)
            #expect(
                try path.batch(json: #""\#(field.name)":\#(field.sample),"\#(field.name)":\#(field.sample)"#).bytes
                    == plain.bytes
            )
            #expect(text(plain.json()) == text(try OTLPBatch(signal: path.signal, json: plain.json()).json()))
        }
    }

    @Test(arguments: MessagePath.all)
    func `70 and the grammar: a value of the wrong kind is refused with its place`(_ path: MessagePath) throws {
        for field in path.fields {
            for wrong in ["tru", "[", #"{"a""#, "'x'", "", "\u{1}"] {
                let error = #expect(throws: OTLPError.self) {
                    try path.batch(json: #""\#(field.name)":\#(wrong)"#)
                }
                #expect(error?.offset ?? 0 > 0)
                #expect(error?.path.contains(field.name.description) == true)
            }
        }
        let whole = path.json("")
        for end in ["}", "]", ",", "{}", "null", "\u{0}", "\u{feff}"] {
            #expect(throws: OTLPError.self) { try OTLPTests.batch(path.signal, whole + end) }
        }
        #expect(throws: Never.self) { try OTLPTests.batch(path.signal, "\u{feff}\n" + whole + " \t\r\n") }
    }

    @Test(arguments: MessagePath.all)
    func `76: unknown fields of any wire type are skipped and travel on`(_ path: MessagePath) throws {
        let empty = try path.batch(protobuf: [])
        for unknown in ["c83e05", "c93e0102030405060708", "ca3e026869", "cd3e01020304", "cb3e0801120161cb3ecc3ecc3e"] {
            let batch = try path.batch(protobuf: hex(unknown))
            #expect(batch.encoded() == path.protobuf(hex(unknown)))
            #expect(text(batch.json()) == text(empty.json()))
        }
    }

    @Test(arguments: MessagePath.all)
    func `79, 80: a wrong wire type and an early end are refused`(_ path: MessagePath) throws {
        for field in path.fields {
            for type in [0, 1, 2, 5] as [UInt32] where type != field.kind.wireType && !(field.isPacked && type == 2) {
                var writer = ProtobufWriter()
                switch type {
                case 0: writer.uint(field.number, 1)
                case 1: writer.fixed64(field.number, 1)
                case 2: writer.string(field.number, "\u{8}\u{1}")
                default: writer.append([UInt8(truncatingIfNeeded: field.number << 3 | 5), 1, 0, 0, 0])
                }
                #expect(throws: OTLPError.self) { try path.batch(protobuf: writer.finish()) }
            }
            #expect(throws: OTLPError.self) {
                try path.batch(protobuf: [UInt8(truncatingIfNeeded: field.tag), 0x80])
            }
        }
    }

    @Test(arguments: MessagePath.all)
    func `81: text that is no UTF-8 is shown repaired and counted, its bytes travel on`(_ path: MessagePath) throws {
        for field in path.fields where field.kind == .string {
            for (raw, shown, count) in Self.invalid {
                var writer = ProtobufWriter()
                writer.bytes(field.number, raw)
                let batch = try path.batch(protobuf: writer.finish())
                #expect(batch.notes.invalidSequences == count)
                #expect(batch.encoded() == path.protobuf(writer.finish()))
                #expect(text(batch.json()).contains(#""\#(shown)""#))
                let value = field.isRepeated ? #"["@"]"# : #""@""#
                let parts = path.json(#""\#(field.name)":\#(value)"#).split(separator: "@", maxSplits: 1)
                let json = try OTLPBatch(
                    signal: path.signal,
                    json: Array(parts[0].utf8) + raw + Array(parts[1].utf8)
                )
                #expect(json.notes.invalidSequences == count)
                #expect(text(json.json()) == text(batch.json()))
            }
        }
    }

    /// The sent bytes, the shown text, and the number of invalid sequences; a U+FFFD in the input is valid.
    private static let invalid: [([UInt8], String, Int)] = [
        (Array("a".utf8) + [0xff] + Array("b".utf8), "a\u{fffd}b", 1),
        (Array("plain text and ".utf8) + [0xc3] + Array("(".utf8), "plain text and \u{fffd}(", 1),
        (Array("\u{fffd}é".utf8), "\u{fffd}é", 0),
        (Array("\u{fffd} 12345678 ".utf8) + [0x80, 0x80], "\u{fffd} 12345678 \u{fffd}\u{fffd}", 2),
        (Array("12345678".utf8) + [0xf0, 0x9f, 0x98], "12345678\u{fffd}", 1),
    ]
}
