// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import CollectorKit
import OTLP
import Testing
import Usage

extension StoreFixture {
    /// Writes all files.
    func write(to home: TestHome) throws {
        for file in files { try home.write(file.bytes, to: file.path) }
    }

    /// A home with all files.
    func home() throws -> TestHome {
        let home = try TestHome()
        try write(to: home)
        return home
    }
}

/// A request with one log record, as an agent sends it.
func telemetry(
    service: String,
    event: String,
    time: String,
    _ attributes: [(String, AttributeScalar)]
) throws -> Batch {
    var builder = LogBatchBuilder(
        resource: [LogRecordDraft.Attribute("service.name", .string(service))],
        scopeName: service
    )
    var record = LogRecordDraft(
        time: UInt64(try #require(Timestamp(iso8601: time)).nanoseconds),
        eventName: event
    )
    for (key, value) in attributes { record.append(key, value) }
    builder.append(record)
    return Batch(try builder.batch(), receivedAt: Timestamp(nanoseconds: 1_800_000_000_000_000_000))
}

/// A request with one span, as a library sends it; attributes in JSON.
func span(service: String, name: String, end: String, _ attributes: [(String, String)]) throws -> Batch {
    let end = try #require(Timestamp(iso8601: end)).nanoseconds
    let list = attributes.map { #"{"key":"\#($0.0)","value":\#($0.1)}"# }.joined(separator: ",")
    let text =
        #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\#(service)"}}]},"#
        + #""scopeSpans":[{"scope":{"name":"ai"},"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","#
        + #""name":"\#(name)","startTimeUnixNano":"\#(end - 2_000_000_000)","endTimeUnixNano":"\#(end)","attributes":[\#(list)]}]}]}]}"#
    return Batch(
        try OTLPBatch(signal: .traces, json: Array(text.utf8)),
        receivedAt: Timestamp(nanoseconds: 1_800_000_000_000_000_000)
    )
}
