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

    /// The escapes of a text, resolved byte by byte.
    private static func plainly(_ text: [UInt8]) -> [UInt8] {
        let plain = Array("\"\\/bfnrt".utf8)
        let meant: [UInt8] = Array("\"\\/".utf8) + [8, 12, 10, 13, 9]
        var (result, index) = ([UInt8](), 0)
        while index < text.count {
            guard text[index] == 0x5C, index + 1 < text.count else {
                result.append(text[index])
                index += 1
                continue
            }
            let sign = text[index + 1]
            index += 2
            guard sign == UInt8(ascii: "u") else {
                result += plain.firstIndex(of: sign).map { [meant[$0]] } ?? Array("\u{FFFD}".utf8)
                continue
            }
            func unit(_ start: Int) -> UInt32? {
                guard start + 4 <= text.count else { return nil }
                let digits = text[start..<start + 4]
                guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
                return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
            }
            guard let high = unit(index) else {
                result += Array("\u{FFFD}".utf8)
                continue
            }
            index += 4
            if (0xD800..<0xDC00).contains(high), index + 1 < text.count, text[index] == 0x5C,
                text[index + 1] == UInt8(ascii: "u"), let low = unit(index + 2), (0xDC00..<0xE000).contains(low)
            {
                index += 6
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
                result += Array(String(Character(scalar ?? "\u{FFFD}")).utf8)
            } else {
                result += Array(String(Character(Unicode.Scalar(high) ?? "\u{FFFD}")).utf8)
            }
        }
        return result
    }

    @Test func `escapes anywhere in a text of any length are resolved as byte by byte`() {
        var generator = SystemRandomNumberGenerator()
        let parts = [
            #"\n"#, #"\""#, #"\\"#, #"\u00e9"#, #"\ud83d\ude00"#, #"\ud83d"#, #"\x"#, #"\u12"#, "a", "é", #"\"#,
        ]
        for _ in 0..<2_000 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                text += Array((parts.randomElement(using: &generator) ?? "").utf8)
                text += [UInt8](repeating: 0x62, count: Int.random(in: 0...40, using: &generator))
            }
            text.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                let resolved = JSONScanner.Text(bytes: LineBytes(base: base, count: buffer.count)).resolved
                #expect(resolved == Self.plainly(text), "\(String(decoding: text, as: UTF8.self))")
            }
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
