// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

@Suite struct ValueTests {
    @Test(
        arguments: [
            (#"{"intValue":"12"}"#, 12), (#"{"intValue":-3}"#, -3), (#"{"doubleValue":7}"#, 7),
            (#"{"doubleValue":7.5}"#, nil),
            (#"{"doubleValue":"NaN"}"#, nil), (#"{"doubleValue":1e300}"#, nil), (#"{"stringValue":"42"}"#, 42),
            (#"{"stringValue":"1.2e3"}"#, 1200), (#"{"stringValue":"12.5"}"#, nil), (#"{"stringValue":"4x"}"#, nil),
            (#"{"stringValue":""}"#, nil), (#"{"stringValue":" 4"}"#, nil),
            (#"{"stringValue":"-9223372036854775808"}"#, Int64.min),
            (#"{"stringValue":"9223372036854775808"}"#, nil), (#"{"stringValue":"1e999999999999"}"#, nil),
            (#"{"boolValue":true}"#, nil), (#"{}"#, nil), (#"{"stringValue":"0e99"}"#, 0),
        ] as [(String, Int64?)]
    )
    func `whole numbers are found in every spelling`(_ value: String, _ expected: Int64?) throws {
        let batch = try log(#""attributes":[{"key":"k","value":\#(value)}]"#)
        #expect(batch.number(of: batch.attributes[0].value) == expected)
    }

    @Test(
        arguments: [
            (#"{"doubleValue":0.1}"#, 0.1), (#"{"stringValue":"0.0123"}"#, 0.0123), (#"{"intValue":"3"}"#, 3),
            (#"{"stringValue":"1e-7"}"#, 1e-7), (#"{"doubleValue":"Infinity"}"#, nil), (#"{"stringValue":"$3"}"#, nil),
            (#"{"stringValue":"1e999"}"#, nil),
            (#"{"stringValue":"123456789012345677877719597056"}"#, 123456789012345677877719597056),
            (#"{"stringValue":"2.2250738585072014e-308"}"#, 2.2250738585072014e-308),
        ] as [(String, Double?)]
    )
    func `decimal numbers are rounded to the nearest double`(_ value: String, _ expected: Double?) throws {
        let batch = try log(#""attributes":[{"key":"k","value":\#(value)}]"#)
        #expect(batch.double(of: batch.attributes[0].value) == expected)
    }

    @Test(arguments: [
        (#"{"stringValue":"a"}"#, "a"), (#"{"intValue":"-5"}"#, "-5"), (#"{"boolValue":false}"#, "false"), ("{}", ""),
        (#"{"doubleValue":0.5}"#, "0.5"), (#"{"bytesValue":"AAEC/w=="}"#, "AAEC/w=="),
        (#"{"bytesValue":"aGk"}"#, "aGk="),
        (#"{"arrayValue":{"values":[{"stringValue":"/a"},{"intValue":1},null]}}"#, "/a,1,"),
        (#"{"arrayValue":{}}"#, ""),
        (
            #"{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}},{"key":"b","value":{"arrayValue":{"values":[{"stringValue":"x\"y"},{"boolValue":true},{}]}}}]}}"#,
            #"{"a":1,"b":["x\"y",true,null]}"#
        ),
    ])
    func `values are shown as text`(_ value: String, _ expected: String) throws {
        let batch = try log(#""attributes":[{"key":"k","value":\#(value)}]"#)
        #expect(batch.text(of: batch.attributes[0].value) == expected)
    }

    @Test func `slices are compared without making strings`() throws {
        let batch = try log(#""body":{"stringValue":"claude_code.api_request"}"#)
        guard case .string(let slice) = batch.records[0].body else {
            Issue.record("the body is a string")
            return
        }
        #expect(batch.equals(slice, "claude_code.api_request" as StaticString))
        #expect(batch.equals(slice, "claude_code.api_request" as String))
        #expect(!batch.equals(slice, "claude_code.api_requesT" as StaticString))
        #expect(batch.hasPrefix(slice, "claude_code."))
        #expect(!batch.hasPrefix(slice, "codex."))
        #expect(!batch.hasPrefix(slice, "claude_code.api_request.more"))
        #expect(batch.bytes(of: Slice(offset: .max, length: 9)).isEmpty)
    }

    @Test func `array elements and list members can be walked`() throws {
        let value = try log(
            #""attributes":[{"key":"workspace.host_paths","value":{"arrayValue":{"values":[{"stringValue":"/a"},{"intValue":2}]}}}]"#
        )
        guard case .array(let slice) = value.attributes[0].value else {
            Issue.record("the value is an array")
            return
        }
        #expect(value.elements(of: slice).map(value.text) == ["/a", "2"])
        #expect(value.elements(of: slice).last == .int(2))
    }
}
