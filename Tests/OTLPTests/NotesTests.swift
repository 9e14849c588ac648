// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// The deviations of a sender from OTLP that a batch reports.
@Suite struct NotesTests {
    @Test(arguments: Fixture.all)
    func `a recorded body needs no notes`(_ fixture: Fixture) throws {
        #expect(try fixture.batch().notes == OTLPNotes())
    }

    @Test(arguments: [
        #""attributes":[{"keyStrindex":1,"value":{"stringValueStrindex":2}}]"#,
        #""attributes":[{"key_strindex":1}],"body":{"string_value_strindex":2}"#,
        #""body":{"arrayValue":{"values":[{"stringValueStrindex":1},{"stringValueStrindex":null}]}}"#,
    ])
    func `73: references into a string table are ignored and counted in JSON`(_ members: String) throws {
        let batch = try log(members)
        #expect(batch.notes.stringIndexes == 2)
        #expect(!text(batch.json()).lowercased().contains("strindex"))
    }

    @Test func `73: references into a string table are ignored and counted in protobuf`() throws {
        let bytes = request { record in
            record.message(6) { attribute in
                attribute.string(1, "a")
                attribute.uint(3, 7)
                attribute.message(2) { $0.uint(8, 300) }
            }
            record.message(5) { body in body.message(5) { array in array.message(1) { $0.uint(8, 1) } } }
        }
        let batch = try OTLPBatch(signal: .logs, protobuf: bytes)
        #expect(batch.notes.stringIndexes == 3)
        #expect(batch.attribute("a", of: .record(0)) == .empty)
        #expect(batch.encoded() == bytes)
    }

    @Test func `counts of one request add up`() throws {
        var body = Array(#"{"resource_logs":[{"scope_logs":[{"log_records":[{"event_name":"X"}]}]}]}"#.utf8)
        body[try #require(body.firstIndex(of: UInt8(ascii: "X")))] = 0xff
        let notes = try OTLPBatch(signal: .logs, json: body).notes
        #expect((notes.snakeCaseNames, notes.invalidSequences, notes.stringIndexes) == (4, 1, 0))
        #expect(!notes.isEmpty)
    }
}
