// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import HubExtension

@Suite struct JSONValueTests {
    @Test(arguments: [
        (Int64(0), "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (142_300_000_000, "142.3"),
        (-1_010_000_000, "-1.01"), (-1, "-0.000000001"),
        (100_000_000_000, "100"), (.max, "9223372036.854775807"), (.min, "-9223372036.854775808"),
    ])
    func `billionths are written exactly`(billionths: Int64, text: String) {
        #expect(String(decoding: JSONValue.billionths(billionths).bytes, as: UTF8.self) == text)
    }

    @Test func `keys keep their order`() {
        let value: JSONValue = ["b": 1, "a": [true, false, .null, "x"], "c": [:], "": []]
        #expect(String(decoding: value.bytes, as: UTF8.self) == #"{"b":1,"a":[true,false,null,"x"],"c":{},"":[]}"#)
    }

    @Test func `any text comes back as it was`() throws {
        let text = String(String.UnicodeScalarView((0..<0x300).compactMap { Unicode.Scalar($0) })) + "\u{2028}😀"
        let value = JSONValue.object([(key: text, value: .string(text))])
        #expect(try JSONDecoder().decode([String: String].self, from: Data(value.bytes)) == [text: text])
    }
}
