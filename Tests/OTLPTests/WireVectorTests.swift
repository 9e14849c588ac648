// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// The vectors of the OTLP notes: small enough to check by hand.
@Suite struct WireVectorTests {
    @Test func `full success is an empty message`() {
        for signal in Signal.allCases {
            #expect(ExportResponse.body(signal: signal, rejected: 0, message: "", json: false) == [])
            #expect(text(ExportResponse.body(signal: signal, rejected: 0, message: "", json: true)) == "{}")
        }
    }

    @Test func `partial success names what was rejected`() {
        let protobuf = ExportResponse.body(signal: .logs, rejected: 2, message: "x", json: false)
        #expect(protobuf == hex("0a 05 08 02 12 01 78"))
        let json = ExportResponse.body(signal: .logs, rejected: 2, message: "x", json: true)
        #expect(text(json) == #"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"x"}}"#)
    }

    @Test(arguments: [
        (Signal.traces, 1, "", #"{"partialSuccess":{"rejectedSpans":"1"}}"#),
        (.metrics, 3, "", #"{"partialSuccess":{"rejectedDataPoints":"3"}}"#),
        (.traces, 0, "a \"warning\"\n", #"{"partialSuccess":{"errorMessage":"a \"warning\"\n"}}"#),
    ])
    func `partial success leaves out what is not there`(
        _ signal: Signal,
        _ rejected: Int,
        _ message: String,
        _ expected: String
    ) {
        #expect(text(ExportResponse.body(signal: signal, rejected: rejected, message: message, json: true)) == expected)
    }

    @Test func `a status is written in both encodings`() {
        #expect(RPCStatus.body(code: 3, message: "bad", json: false) == hex("08 03 12 03 62 61 64"))
        #expect(text(RPCStatus.body(code: 3, message: "bad", json: true)) == #"{"code":3,"message":"bad"}"#)
    }

    @Test func `messages are cut to one kilobyte without splitting a character`() {
        let long = String(repeating: "a", count: 1023) + "éé"
        #expect(RPCStatus.body(code: 0, message: long, json: false).count == 3 + 1023)
        #expect(text(RPCStatus.body(code: 0, message: long, json: true)).hasSuffix(#"aaa"}"#))
    }

    @Test func `one log record with a body`() throws {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hi"}}]}]}]}"#
        let bytes = hex("0a 0a 12 08 12 06 2a 04 0a 02 68 69")
        let fromJSON = try batch(.logs, json)
        #expect(fromJSON.bytes == bytes)
        let fromProtobuf = try OTLPBatch(signal: .logs, protobuf: bytes)
        #expect(text(fromProtobuf.json()) == json)
        #expect(fromProtobuf.records.count == 1)
        #expect(fromProtobuf.text(of: fromProtobuf.records[0].body) == "hi")
    }

    @Test(arguments: Signal.allCases)
    func `an empty request is a batch without records`(_ signal: Signal) throws {
        #expect(try OTLPBatch(signal: signal, protobuf: []).recordCount == 0)
        #expect(try batch(signal, "{}").recordCount == 0)
        #expect(try batch(signal, " {}\n").bytes == [])
        #expect(throws: OTLPError.self) { try batch(signal, "") }
    }

    @Test(arguments: [0, 1, 100, 115, 116, 127, 128, 130, 16_200, 16_384, 20_000, 2_100_000])
    func `attributes written one by one are those of a draft, however long`(length: Int) throws {
        let text = String(repeating: "ü", count: length / 2) + String(repeating: "x", count: length % 2)
        var draft = LogRecordDraft(time: 5, eventName: "e")
        draft.append("text", .string(text))
        draft.append("number", .int(-1))
        draft.append("half", .double(0.5))
        var (gathered, streamed) = (
            LogBatchBuilder(resource: [], scopeName: "s"), LogBatchBuilder(resource: [], scopeName: "s")
        )
        for _ in 0..<2 {
            gathered.append(draft)
            streamed.append(time: 5, eventName: "e") { record in
                record.add("text", text)
                record.add("number", -1 as Int64)
                record.add("half", 0.5)
            }
        }
        #expect(streamed.recordCount == 2)
        let batch = try streamed.batch()
        #expect(try gathered.batch().bytes == batch.bytes)
        #expect(batch.attribute("text", of: .record(1)).map(batch.text) == text)
        #expect(batch.attribute("number", of: .record(1)) == .int(-1))
        #expect(try OTLPBatch(signal: .logs, json: batch.json()).bytes == batch.bytes)
    }

    @Test func `a batch of our own log records can be read back`() throws {
        var builder = LogBatchBuilder(
            resource: [.init("service.name", "hub"), .init("n", 7)],
            scopeName: "events",
            scopeVersion: "1"
        )
        var draft = LogRecordDraft(time: 5, observedTime: 6, severity: 9, eventName: "e", body: "b")
        draft.append(.model, "opus")
        draft.append("yes", true)
        draft.append("cost", 0.25)
        draft.append("zero", 0)
        builder.append(draft)
        builder.append(LogRecordDraft(time: 7))
        #expect(builder.recordCount == 2)
        let batch = try builder.batch()
        #expect(batch.recordCount == 2)
        #expect(batch.attribute(.serviceName, resource: 0).map(batch.text) == "hub")
        #expect(batch.attribute("n", of: .resource(0)) == .int(7))
        #expect(batch.string(batch.scopes[0].name) == "events")
        #expect(batch.string(batch.scopes[0].version) == "1")
        let record = batch.records[0]
        #expect((record.time, record.observedTime, record.severity) == (5, 6, 9))
        #expect(batch.string(record.name) == "e")
        #expect(batch.text(of: record.body) == "b")
        #expect(batch.attribute(.model, record: 0).map(batch.text) == "opus")
        #expect(batch.attribute("yes", of: .record(0)) == .bool(true))
        #expect(batch.attribute("cost", of: .record(0)) == .double(0.25))
        #expect(batch.attribute("zero", of: .record(0)) == .int(0))
        #expect(try OTLPBatch(signal: .logs, json: batch.json()).bytes == batch.bytes)
    }
}
