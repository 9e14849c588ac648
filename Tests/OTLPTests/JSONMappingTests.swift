// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// Rows 52 to 75 of the conformance list.
@Suite struct JSONMappingTests {
    @Test func `52: camelCase and snake_case names are read, camelCase is written`() throws {
        let camel = try batch(
            .logs,
            #"{"resourceLogs":[{"schemaUrl":"u","scopeLogs":[{"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2"}]}]}]}"#
        )
        let snake = try batch(
            .logs,
            #"{"resource_logs":[{"schema_url":"u","scope_logs":[{"log_records":[{"time_unix_nano":"1","observed_time_unix_nano":"2"}]}]}]}"#
        )
        #expect(camel.bytes == snake.bytes)
        #expect(camel.records[0].time == 1)
        #expect(text(snake.json()).contains("observedTimeUnixNano"))
    }

    @Test(arguments: ["TimeUnixNano", "timeunixnano", "time_UnixNano", "timeUnixNanos", "TIME_UNIX_NANO"])
    func `53: names are case-sensitive`(_ name: String) throws {
        #expect(try log(#""\#(name)":"1""#).records[0].time == 0)
    }

    @Test(arguments: [
        "1", #""x""#, "null", "true", "[]", "{}", #"{"a":[1,{"b":"}]"}],"c":null}"#, #"[[["\"]"]]]"#, "-1.5e-3",
        #""\u0041""#,
    ])
    func `54: unknown fields of any value are skipped`(_ value: String) throws {
        let batch = try log(#""future":\#(value),"timeUnixNano":"1","another":\#(value)"#)
        #expect(batch.records[0].time == 1)
        #expect(batch.bytes == (try log(#""timeUnixNano":"1""#).bytes))
    }

    @Test func `55: ids are hexadecimal in any letter case, empty is absent`() throws {
        let batch = try log(#""traceId":"5B8EfFF798038103d269b633813fc60C","spanId":"EEE19b7ec3c1b174""#)
        #expect(batch.records[0].traceHigh == 0x5b8e_fff7_9803_8103)
        #expect(batch.records[0].spanID == 0xeee1_9b7e_c3c1_b174)
        #expect(text(batch.json()).contains("5b8efff798038103d269b633813fc60c"))
        #expect(try log(#""traceId":"","spanId":"""#).bytes == (try log("").bytes))
    }

    @Test(arguments: [
        "00", "5b8efff798038103d269b633813fc6", "W47/95gDgQPSabYzgT/GDA==", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "5b8",
    ])
    func `56: a bad id costs a log its id and a trace its span`(_ id: String) throws {
        let logs = try log(#""traceId":"\#(id)","spanId":"0102030405060708","severityNumber":9"#)
        #expect((logs.records[0].traceHigh, logs.records[0].spanID) == (0, 0x0102_0304_0506_0708))
        #expect(logs.rejected == 0)
        #expect(try logs.reread().encoded() == log(#""spanId":"0102030405060708","severityNumber":9"#).bytes)
        let spans = try batch(
            .traces,
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"\#(id)","name":"a"},{"name":"b"}]}]}]}"#
        )
        #expect((spans.rejected, spans.recordCount) == (1, 1))
        #expect(spans.rejectionReason == "a span's trace id is not of the right length")
        #expect(try spans.reread().names == ["b"])
    }

    @Test func `57: an id of zeros is absent`() throws {
        let batch = try log(#""traceId":"00000000000000000000000000000000","spanId":"0000000000000000""#)
        let record = batch.records[0]
        #expect((record.traceHigh, record.traceLow, record.spanID) == (0, 0, 0))
    }

    @Test(arguments: [
        (#""18446744073709551615""#, UInt64.max), ("18446744073709551615", .max),
        ("9007199254740993", 9_007_199_254_740_993),
        (#""0""#, 0), ("1.0", 1), ("1e3", 1000), (#""1e3""#, 1000), ("12.50e1", 125), ("0.0", 0), ("-0", 0),
        (#""1.7e18""#, 1_700_000_000_000_000_000),
    ])
    func `58, 60: 64-bit numbers are exact in every spelling`(_ number: String, _ expected: UInt64) throws {
        #expect(try log(#""timeUnixNano":\#(number)"#).records[0].time == expected)
    }

    @Test func `58: 64-bit numbers are written as strings, 32-bit ones are not`() throws {
        let json = text(try log(#""timeUnixNano":5,"flags":"7","droppedAttributesCount":1"#).json())
        #expect(json.contains(#""timeUnixNano":"5","flags":7,"droppedAttributesCount":1"#))
    }

    @Test(arguments: [
        #""timeUnixNano":-1"#, #""timeUnixNano":18446744073709551616"#, #""timeUnixNano":"""#, #""timeUnixNano":"x""#,
        #""timeUnixNano":1.5"#, #""timeUnixNano":"1.5""#, #""timeUnixNano":01"#, #""timeUnixNano":+1"#,
        #""timeUnixNano":.5"#,
        #""timeUnixNano":true"#, #""timeUnixNano":[]"#, #""timeUnixNano":1e30"#, #""flags":4294967296"#, #""flags":-1"#,
        #""severityNumber":2147483648"#, #""severityNumber":"LOUD""#, #""severityNumber":"SEVERITY_NUMBER_INFO9""#,
        #""severityText":1"#, #""body":"hi""#, #""attributes":{}"#, #""timeUnixNano":"1" 2"#, #""timeUnixNano":1e"#,
        #""body":{"intValue":"9223372036854775808"}"#, #""body":{"boolValue":"true"}"#, #""body":{"boolValue":1}"#,
        #""body":{"doubleValue":1e999}"#, #""body":{"doubleValue":"Inf"}"#, #""body":{"doubleValue":{"a":1}}"#,
        #""body":{"bytesValue":"a"}"#, #""body":{"bytesValue":"a!b="}"#, #""body":{"bytesValue":"ab=c"}"#,
        #""body":{"bytesValue":"abcd="}"#,
        #""body":{"stringValue":"\x"}"#, #""body":{"stringValue":"\u12"}"#, "\"body\":{\"stringValue\":\"a\nb\"}",
        #""body":{"stringValue":"a}"#, #""body":{,}"#, #""timeUnixNano":"1","#, #""timeUnixNano" "1""#,
        "timeUnixNano:1",
        #""timeUnixNano":nul"#, #""body":{"boolValue":tru}"#, #""attributes":[,]"#, #""attributes":[{}"#, #""x":[1,]"#,
        #""x":01"#,
    ])
    func `61 and the grammar: what is wrong is refused`(_ members: String) {
        #expect(throws: OTLPError.self) { try log(members) }
    }

    @Test(
        arguments: [
            ("9", 9), (#""9""#, 9), (#""SEVERITY_NUMBER_INFO""#, 9), (#""SEVERITY_NUMBER_FATAL4""#, 24), ("0", 0),
            ("99", 99),
        ] as [(String, UInt8)]
    )
    func `62: enums are numbers or names, unknown numbers are kept`(_ value: String, _ expected: UInt8) throws {
        let batch = try log(#""severityNumber":\#(value)"#)
        #expect(batch.records[0].severity == expected)
        #expect(text(batch.json()).contains("severityNumber") == (expected != 0))
    }

    @Test(arguments: [
        ("1.5", 1.5), (#""1.5""#, 1.5), ("2", 2), ("-0.0", -0.0), (#""NaN""#, .nan), (#""Infinity""#, .infinity),
        (#""-Infinity""#, -.infinity), ("1e22", 1e22), ("123456789.123456789e-5", 123456789.123456789e-5),
        ("5e-324", .leastNonzeroMagnitude),
    ])
    func `63, 67: doubles in every spelling stay doubles`(_ value: String, _ expected: Double) throws {
        let batch = try log(#""body":{"doubleValue":\#(value)}"#)
        guard case .double(let number) = batch.records[0].body else {
            Issue.record("not a double")
            return
        }
        #expect(number.bitPattern == expected.bitPattern || number.isNaN && expected.isNaN)
        #expect(try OTLPBatch(signal: .logs, json: batch.json()).bytes == batch.bytes)
    }

    @Test(arguments: ["+/+/AA==", "+/+/AA", "-_-_AA==", "-_-_AA", #"+\/+\/AA=="#])
    func `64: base64 is read in both alphabets, padded or not`(_ value: String) throws {
        let batch = try log(#""body":{"bytesValue":"\#(value)"}"#)
        guard case .bytes(let slice) = batch.records[0].body else {
            Issue.record("not bytes")
            return
        }
        #expect(Array(batch.bytes(of: slice)) == [0xfb, 0xff, 0xbf, 0x00])
        #expect(text(batch.json()).contains("+/+/AA=="))
    }

    @Test(arguments: [
        "timeUnixNano", "severityNumber", "severityText", "body", "attributes", "flags", "traceId", "eventName",
        "unknown",
    ])
    func `65: null is absent`(_ name: String) throws {
        #expect(try log(#""\#(name)":null"#).bytes == (try log("").bytes))
    }

    @Test func `65: null elements are skipped, in values they keep their place`() throws {
        #expect(try log(#""attributes":[null,{"key":"a","value":null},null]"#).attributes.count == 1)
        let array = try logValue(#"{"arrayValue":{"values":[null,{"intValue":1}]}}"#)
        let expected = try logValue(#"{"arrayValue":{"values":[{},{"intValue":1}]}}"#)
        #expect(array == expected)
        #expect(try batch(.logs, #"{"resourceLogs":[null,{"resource":null,"scopeLogs":null}]}"#).resources.count == 1)
    }

    @Test(
        arguments: [
            ("{}", .empty), (#"{"doubleValue":{}}"#, .empty), (#"{"intValue":{}}"#, .empty),
            (#"{"stringValue":null}"#, .empty),
            (#"{"intValue":1,"boolValue":true}"#, .bool(true)), (#"{"boolValue":true,"intValue":0}"#, .int(0)),
            (#"{"boolValue":false}"#, .bool(false)), (#"{"stringValueStrindex":5}"#, .empty),
        ] as [(String, AttributeValue)]
    )
    func `66, 73: a value may be empty, of several the last counts`(_ value: String, _ expected: AttributeValue) throws
    {
        #expect(try logValue(value) == expected)
    }

    @Test func `66: an empty string is a value, an absent one is not`() throws {
        let value = try logValue(#"{"stringValue":""}"#)
        #expect(value != .empty)
        #expect(text(try log(#""body":{"stringValue":""}"#).json()).contains(#"{"stringValue":""}"#))
    }

    @Test func `68: values nest up to the depth cap`() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: #"{"arrayValue":{"values":["#, count: levels) + #"{"intValue":1}"#
                + String(repeating: "]}}", count: levels)
        }
        let deep = try log(#""body":\#(nested(47))"#)
        #expect(try OTLPBatch(signal: .logs, json: deep.json()).bytes == deep.bytes)
        let error = #expect(throws: OTLPError.self) { try log(#""body":\#(nested(48))"#) }
        #expect(error?.reason == "messages are nested deeper than 100 levels")
        let unknown = String(repeating: "[", count: 5000)
        #expect(throws: OTLPError.self) { try log(#""x":\#(unknown)"#) }
    }

    @Test(arguments: [
        (#""flags":1,"flags":2"#, #""flags":2"#), (#""flags":1,"flags":0"#, ""), (#""flags":1,"flags":null"#, ""),
        (#""time_unix_nano":1,"timeUnixNano":2"#, #""timeUnixNano":2"#),
        (
            #""attributes":[{"key":"a"},{"key":"b"}],"flags":1,"attributes":[{"key":"c"}]"#,
            #""flags":1,"attributes":[{"key":"c"}]"#
        ),
        (#""body":{"stringValue":"a"},"body":{"intValue":1}"#, #""body":{"intValue":1}"#),
        (#""body":{"intValue":1,"intValue":2}"#, #""body":{"intValue":2}"#),
    ])
    func `69: of equal keys the last counts`(_ members: String, _ expected: String) throws {
        #expect(try log(members).bytes == (try log(expected).bytes))
    }

    @Test(arguments: ["{} {}", "{}x", "{},", "{}\u{0}", "[]", "1", "null", "\"{}\""])
    func `70: anything but one object is refused`(_ body: String) {
        #expect(throws: OTLPError.self) { try batch(.logs, body) }
        #expect(throws: Never.self) { try batch(.logs, "\u{feff} {} \r\n\t") }
    }

    @Test(arguments: [
        (#"a\n\t\"\\\/\b\f\r"#, "a\n\t\"\\/\u{8}\u{c}\r"), (#"\u00e9\u20AC"#, "é€"), (#"\ud83d\ude00"#, "😀"),
        (#"\ud83d"#, "\u{fffd}"),
        (#"\ud83d\u0041"#, "\u{fffd}A"), (#"\ude00x"#, "\u{fffd}x"), (#"\ud83d\ud83d\ude00"#, "\u{fffd}😀"),
        ("é😀", "é😀"), (#"\u0000"#, "\0"),
        ("12345678\\n12345678", "12345678\n12345678"),
    ])
    func `71: escapes and surrogates`(_ literal: String, _ expected: String) throws {
        let batch = try log(#""body":{"stringValue":"\#(literal)"}"#)
        #expect(batch.text(of: batch.records[0].body) == expected)
        #expect(try OTLPBatch(signal: .logs, json: batch.json()).bytes == batch.bytes)
    }

    @Test func `71: long strings with escapes do not disturb what is around them`() throws {
        for length in [120, 126, 127, 128, 200, 16_383, 16_384] {
            let long = String(repeating: "a", count: length)
            let batch = try log(#""body":{"stringValue":"\#(long)\n"},"eventName":"e\u0041""#)
            #expect(batch.text(of: batch.records[0].body) == long + "\n")
            #expect(batch.string(batch.records[0].name) == "eA")
        }
    }

    @Test func `71: invalid UTF-8 is repaired, escaped keys are read`() throws {
        var body = Array(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"aXb"}}]}]}]}"#.utf8)
        body[try #require(body.firstIndex(of: UInt8(ascii: "X")))] = 0xff
        let batch = try OTLPBatch(signal: .logs, json: body)
        #expect(batch.text(of: batch.records[0].body) == "a\u{fffd}b")
        #expect(try log(#""\u0066lags":3"#).bytes == (try log(#""flags":3"#).bytes))
    }

    @Test func `72: defaults are left out, optional values are not`() throws {
        let zero = try point("gauge", #""asInt":"0","flags":0,"timeUnixNano":"0""#)
        #expect(zero.records[0].body == .int(0))
        #expect(text(zero.json()).contains(#"{"asInt":"0"}"#))
        let histogram = try point("histogram", #""sum":0,"count":0,"bucketCounts":[],"explicitBounds":[0,1.5]"#)
        #expect(text(histogram.json()).contains(#"{"sum":0.0,"explicitBounds":[0.0,1.5]}"#))
        #expect(histogram.distribution(record: 0) == Distribution(count: 0, sum: 0))
    }

    @Test func `74, 75: all kinds of attributes are kept in order, the last of equal keys is found`() throws {
        let batch = try log(
            #""attributes":[{"key":"a"},{"key":"a","value":{"bytesValue":"AA=="}},{"key":"","value":{"kvlistValue":{}}},{"key":"a","value":{"intValue":3}}]"#
        )
        #expect(batch.attributes.map(\.kind) == [.empty, .bytes, .keyValueList, .int])
        #expect(batch.attribute("a", of: .record(0)) == .int(3))
        #expect(try OTLPBatch(signal: .logs, json: batch.json()).bytes == batch.bytes)
    }

    @Test func `numbers in arrays are packed whatever way they are written`() throws {
        let batch = try point(
            "exponentialHistogram",
            #""scale":-2,"positive":{"offset":-1,"bucketCounts":["1",2,"18446744073709551615"]},"zeroCount":1"#
        )
        #expect(
            text(batch.json()).contains(#""positive":{"offset":-1,"bucketCounts":["1","2","18446744073709551615"]}"#)
        )
        #expect(text(batch.json()).contains(#""scale":-2"#))
        #expect(try OTLPBatch(signal: .metrics, json: batch.json()).bytes == batch.bytes)
    }
}
