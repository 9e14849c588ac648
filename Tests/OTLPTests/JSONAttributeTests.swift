// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

@Suite struct JSONAttributeTests {
    /// The most frequent form of an attribute has its own reader; spaces force the general one.
    @Test(arguments: [
        #""stringValue":"claude""#, #""stringValue":"""#, #""stringValue":"é\n""#, #""intValue":"12""#,
        #""intValue":12"#,
        #""intValue":0"#, #""intValue":"-5""#, #""intValue":999999999999999999"#, #""intValue":"9223372036854775807""#,
        #""intValue":1e2"#, #""intValue":1.0"#, #""boolValue":true"#, #""doubleValue":0.5"#, #""stringValue":null"#,
        #""intValue":1,"intValue":2"#, #""stringValue":"a","intValue":2"#, #""bytesValue":"AA==""#,
    ])
    func `an attribute is the same with and without blanks`(_ member: String) throws {
        for key in [
            "", "k", "service.name", #"a\"b"#, "é", String(repeating: "k", count: 127),
            String(repeating: "k", count: 128),
        ] {
            let plain = try log(#""attributes":[{"key":"\#(key)","value":{\#(member)}},{"key":"z"}]"#)
            let blank = try log(#""attributes":[ { "key" : "\#(key)", "value" : { \#(member) } } , {"key":"z"}]"#)
            #expect(plain.bytes == blank.bytes)
            #expect(plain.attributes.count == 2)
        }
    }

    @Test(arguments: [
        0, 1, 100, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 125, 126, 127, 128, 129, 16_383, 16_384,
    ])
    func `an attribute of any length is the same with and without blanks`(_ length: Int) throws {
        let value = String(repeating: "v", count: length)
        let plain = try log(#""attributes":[{"key":"k","value":{"stringValue":"\#(value)"}}]"#)
        let blank = try log(#""attributes":[{"key":"k","value":{"stringValue": "\#(value)"}}]"#)
        #expect(plain.bytes == blank.bytes)
        #expect(plain.attribute("k", of: .record(0)).map(plain.text) == value)
    }

    @Test(arguments: [
        #"{"key":"k","value":{"intValue":01}}"#, #"{"key":"k","value":{"intValue":"1}}"#,
        #"{"key":"k","value":{"intValue":1"}}"#,
        #"{"key":"k","value":{"intValue":}}"#, #"{"key":"k","value":{"stringValue":"a}}"#,
        #"{"key":"k","value":{"stringValue":"a"}"#,
        "{\"key\":\"k\n\",\"value\":{\"intValue\":1}}",
    ])
    func `a broken attribute is refused`(_ attribute: String) {
        #expect(throws: OTLPError.self) { try log(#""attributes":[\#(attribute)]"#) }
    }
}
