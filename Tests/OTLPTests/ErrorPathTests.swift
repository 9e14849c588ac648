// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

@Suite struct ErrorPathTests {
    @Test func `a JSON error names the field and the offset`() {
        let body =
            #"{"resourceSpans":[{"scopeSpans":[{},{"spans":[{"name":"a"},{"name":"b","startTimeUnixNano":"x"}]}]}]}"#
        let error = #expect(throws: OTLPError.self) { try batch(.traces, body) }
        #expect(error?.path == "resourceSpans[0].scopeSpans[1].spans[1].startTimeUnixNano")
        #expect(error?.reason == "expected a whole number")
        #expect(error.map { body.utf8.dropFirst($0.offset).first } == UInt8(ascii: "\""))
        #expect(
            error?.description
                == "resourceSpans[0].scopeSpans[1].spans[1].startTimeUnixNano: expected a whole number (byte 91)"
        )
    }

    @Test func `a protobuf error names the message`() throws {
        var writer = ProtobufWriter()
        writer.message(1) { _ in }
        writer.message(1) { resource in
            resource.message(2) { scope in
                scope.message(2) { $0.string(5, "a") }
                scope.message(2) { $0.append(hex("39 01")) }
            }
        }
        let bytes = writer.finish()
        let error = #expect(throws: OTLPError.self) { try OTLPBatch(signal: .traces, protobuf: bytes) }
        #expect(error?.path == "resourceSpans[1].scopeSpans[0].spans[1].startTimeUnixNano")
        #expect(error?.reason == "the message ends in the middle of a field")
    }

    @Test(arguments: [
        ("", "expected an object (byte 0)"), ("{}}", "something follows the end of the request (byte 2)"),
    ])
    func `an error at the top has no path`(_ body: String, _ expected: String) {
        let error = #expect(throws: OTLPError.self) { try batch(.logs, body) }
        #expect(error?.description == expected)
    }

    @Test func `long keys of a sender do not make long messages`() {
        let key = String(repeating: "k", count: 100_000)
        let error = #expect(throws: OTLPError.self) { try batch(.logs, #"{"\#(key)":{"\#(key)":[1,2,x]}}"#) }
        #expect((error?.description.utf8.count ?? 0) < 1024)
        #expect(error?.path.hasSuffix("[2]") == true)
    }
}
