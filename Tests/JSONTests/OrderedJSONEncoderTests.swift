// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import Testing

struct OrderedJSONEncoderTests {
    @Test(arguments: [
        (Int64(0), "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (142_300_000_000, "142.3"),
        (-1_010_000_000, "-1.01"), (-1, "-0.000000001"),
        (100_000_000_000, "100"), (.max, "9223372036.854775807"), (.min, "-9223372036.854775808"),
    ])
    func `billionths are written exactly, and read as they were`(billionths: Int64, text: String) throws {
        let number = JSONNumber(billionths: billionths)
        #expect(try OrderedJSONEncoder.text(of: [number]) == "[\(text)]")
        #expect(try JSONDecoder().decode([JSONNumber].self, from: Data("[\(text)]".utf8)) == [number])
        #expect(String(decoding: try JSONEncoder().encode([number]), as: UTF8.self) == "[\(text)]")
    }

    private struct Everything: Encodable {
        var zulu: String? = "z"
        var alpha: [Int?] = [1, nil, -3]
        var mike: Double = 0.5
        var none: String?
        var nested = Nested()
        var list = [Nested(), Nested()]
        var empty: [Int] = []
        var flags = [true, false]
        var small: UInt8 = 200

        struct Nested: Encodable {
            var inner: [[String]] = [["a"], []]
        }
    }

    @Test func `members keep their order, and what is nil is null`() throws {
        #expect(
            try OrderedJSONEncoder.text(of: Everything())
                == #"{"zulu":"z","alpha":[1,null,-3],"mike":0.5,"none":null,"nested":{"inner":[["a"],[]]},"#
                + #""list":[{"inner":[["a"],[]]},{"inner":[["a"],[]]}],"empty":[],"flags":[true,false],"small":200}"#
        )
    }

    @Test func `any text comes back as it was`() throws {
        let text = String(String.UnicodeScalarView((0..<0x300).compactMap { Unicode.Scalar($0) })) + "\u{2028}😀"
        let bytes = try OrderedJSONEncoder.bytes(of: [text: text])
        #expect(try JSONDecoder().decode([String: String].self, from: Data(bytes)) == [text: text])
    }

    private struct Shared: Encodable {
        func encode(to encoder: any Encoder) throws {
            var first = encoder.container(keyedBy: MemberName.self)
            try first.encode(1, forKey: MemberName("a"))
            var list = first.nestedUnkeyedContainer(forKey: MemberName("b"))
            try list.encode(2)
            var deep = list.nestedContainer(keyedBy: MemberName.self)
            try deep.encodeNil(forKey: MemberName("c"))
            var second = encoder.container(keyedBy: MemberName.self)
            try second.encode([3], forKey: MemberName("d"))
        }
    }

    @Test func `containers of one encoder are one object`() throws {
        #expect(try OrderedJSONEncoder.text(of: [Shared()]) == #"[{"a":1,"b":[2,{"c":null}],"d":[3]}]"#)
    }

    private struct Disorderly: Encodable {
        func encode(to encoder: any Encoder) throws {
            var outer = encoder.container(keyedBy: MemberName.self)
            var inner = outer.nestedUnkeyedContainer(forKey: MemberName("a"))
            try outer.encode(1, forKey: MemberName("b"))
            try inner.encode(2)
        }
    }

    private struct Silent: Encodable {
        func encode(to encoder: any Encoder) throws {}
    }

    @Test func `what would be no JSON is an error`() {
        #expect(throws: EncodingError.self) { try OrderedJSONEncoder.bytes(of: [Disorderly()]) }
        #expect(throws: EncodingError.self) { try OrderedJSONEncoder.bytes(of: [Silent()]) }
        #expect(throws: EncodingError.self) { try OrderedJSONEncoder.bytes(of: [Double.nan]) }
        #expect(throws: EncodingError.self) { try OrderedJSONEncoder.bytes(of: ["a": Double.infinity]) }
    }
}
