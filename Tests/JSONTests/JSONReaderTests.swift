// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Testing

/// The JSON reader and the escaper.
struct JSONReaderTests {
    private func value(_ text: String, dialect: JSONDialect = .strict) throws(JSONError) -> JSONValue {
        var reader = JSONReader(Array(text.utf8), dialect: dialect, takesMark: true)
        let value = try reader.value()
        try reader.finish()
        return value
    }

    private func fault(_ text: String, dialect: JSONDialect = .strict) -> JSONError? {
        do throws(JSONError) {
            var reader = JSONReader(Array(text.utf8), dialect: dialect)
            try reader.skip()
            try reader.finish()
            do throws(JSONError) {
                _ = try value(text, dialect: dialect)
                return nil
            } catch {
                Issue.record("\(text) can be stepped over and not be read: \(error.message)")
                return error
            }
        } catch {
            return error
        }
    }

    @Test func `values are read as they are written`() throws {
        #expect(
            try value(#"{"a":[1,-0.5e+3,true,false,null],"b":{"c":"\u00e9\n\"\/"},"a2":[],"o":{}}"#)
                == .object([
                    "a": .array([.number("1"), .number("-0.5e+3"), .bool(true), .bool(false), .null]),
                    "b": .object(["c": .string("é\n\"/")]), "a2": .array([]), "o": .object([:]),
                ])
        )
        #expect(try value("\u{FEFF} 7 ") == .number("7"))
        #expect(try value(#""\ud83d\ude00 \ud83d \ude00x \ud83d\u0041""#) == .string("😀 \u{FFFD} \u{FFFD}x \u{FFFD}A"))
    }

    @Test(
        arguments: [
            ("", .endsEarly, 0), ("[1,]", .commaBeforeEnd, 3), ("[,1]", .noValue, 1), ("{\"a\" 1}", .noColon, 5),
            ("{a:1}", .noKey, 1), ("{\"a\":1,}", .commaBeforeEnd, 7), ("[1 2]", .noComma, 3), ("\"a", .openString, 2),
            ("\"a\u{1}\"", .controlCharacter, 2), ("\"\\x\"", .unknownEscape, 2), ("\"\\u12g4\"", .noDigits, 3),
            ("1 2", .textBehind, 2),
            ("0x10", .noValue, 0), ("01", .noValue, 0), ("-", .noValue, 0), ("1.", .noValue, 0), (".5", .noValue, 0),
            ("1e", .noValue, 0),
            ("+1", .noValue, 0), ("tru", .noValue, 0), ("NaN", .noValue, 0), ("// a\n1", .comment, 0),
            ("[", .endsEarly, 1),
            ("[1", .endsEarly, 2),
        ] as [(String, JSONError.Reason, Int)]
    )
    func `invalid JSON is refused with its position`(text: String, reason: JSONError.Reason, offset: Int) {
        let error = fault(text)
        #expect(
            error?.reason == reason || text == "[" && error?.reason == .endsEarly,
            "\(text): \(error.debugDescription)"
        )
        #expect(error?.offset == offset, "\(text)")
    }

    @Test func `comments and last commas are taken where the dialect has them`() throws {
        let text = "// first\n{\"a\": [1, /* two */ 2,], }\n// last"
        #expect(try value(text, dialect: .withComments) == .object(["a": .array([.number("1"), .number("2")])]))
        #expect(fault("/* open", dialect: .withComments)?.reason == .openComment)
        #expect(fault("[,]", dialect: .withComments) != nil)
    }

    @Test func `depth is bounded, and what is stepped over needs no stack`() {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(fault(deep)?.reason == .tooDeep)
        var reader = JSONReader(Array(repeating: UInt8(ascii: "["), count: 1_000_000), deepest: .max)
        #expect(throws: JSONError.self) { try reader.skip() }
    }

    @Test func `any text is quoted so that it is read again, here and by others`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let scalars = (0..<Int.random(in: 0..<20)).map { _ in
                Unicode.Scalar(UInt32.random(in: 0..<(Bool.random() ? 0x80 : 0x11000), using: &random)) ?? "x"
            }
            let text = String(String.UnicodeScalarView(scalars))
            #expect(try value(text.jsonString) == .string(text))
            #expect(try JSONDecoder().decode([String].self, from: Data("[\(text.jsonString)]".utf8)) == [text])
        }
        #expect("a\"\\\n\t\r\u{0}\u{1f}\u{7f}é".jsonString == #""a\"\\\n\t\r\u0000\u001f\u007fé""#)
    }

    @Test func `the reader accepts and refuses the same texts as Foundation`() throws {
        let seeds = [#"{"a":[1,2.5e-3,{"b":"c\n"}],"d":null,"e":true}"#, #"["\u00e9",-0,12,"x\"y"]"#]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var bytes = Array((seeds.randomElement() ?? "").utf8)
            for _ in 0..<Int.random(in: 1...2) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let sign = Array(#"{}[]",:\0-1e.tn "#.utf8).randomElement(using: &random) ?? 0x20
                if Bool.random(using: &random) { bytes[place] = sign } else { bytes.insert(sign, at: place) }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let isTaken = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
            // Foundation accepts trailing commas, and refuses duplicate keys and unpaired surrogates.
            if fault(text) == nil, !isTaken { #expect(text.contains("\\"), "\(text)") }
            if isTaken, let error = fault(text) {
                #expect(error.reason == .commaBeforeEnd, "\(text): \(error.message)")
            }
        }
    }
}
