// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import RetentionProcessor
import Testing
import TokensProcessor
import Usage

@Suite struct RetentionTests {
    /// An instant so many days before the arrival, in nanoseconds.
    private static func days(_ days: Int64) -> Int64 { arrival.nanoseconds - days * 86_400_000_000_000 }

    @Test func `it keeps the contract`() async throws {
        let folder = try TemporaryFolder()
        #expect(await ComponentConformance(.retention, home: folder.path).violations() == [])
    }

    @Test func `records older than the age are dropped`() throws {
        let kept = try processed(
            logs(
                #""timeUnixNano":"\#(Self.days(89))","eventName":"young""#,
                #""timeUnixNano":"\#(Self.days(91))","eventName":"old""#,
                #""timeUnixNano":"\#(Self.days(90))","eventName":"exactly""#,
                #""timeUnixNano":"\#(Self.days(-400))","eventName":"future""#
            )
        )
        #expect(names(kept) == ["young", "exactly", "future"])
    }

    @Test func `a log record without a time has that of its event or of its collection, or stays`() throws {
        let kept = try processed(
            logs(
                #""eventName":"none""#,
                #""eventName":"observed long ago","observedTimeUnixNano":"\#(Self.days(200))""#,
                #""eventName":"event long ago","observedTimeUnixNano":"\#(Self.days(1))","attributes":[\#(text("event.timestamp", "2020-01-01T00:00:00Z"))]"#,
                #""eventName":"event lately","observedTimeUnixNano":"\#(Self.days(200))","attributes":[\#(text("event.timestamp", "2026-11-22T08:00:00Z"))]"#,
                #""eventName":"no such time","attributes":[\#(text("event.timestamp", "yesterday"))]"#,
                #""eventName":"beyond all time","timeUnixNano":"18446744073709551615""#
            )
        )
        #expect(names(kept) == ["none", "event lately", "no such time", "beyond all time"])
    }

    @Test func `spans go by their end, data points by their time`() throws {
        let old = Self.days(100)
        let trace = try processed(
            spans(
                #""name":"long","startTimeUnixNano":"\#(old)","endTimeUnixNano":"\#(Self.days(1))""#,
                #""name":"over","startTimeUnixNano":"\#(old)","endTimeUnixNano":"\#(old + 1)""#,
                #""name":"open","startTimeUnixNano":"\#(old)""#
            )
        )
        #expect(names(trace) == ["long"])
        let points = try processed(
            metrics(#""name":"m","gauge":{"dataPoints":[{"timeUnixNano":"\#(old)","asInt":"1"},{"asInt":"2"}]}"#)
        )
        #expect(points.otlp.recordCount == 1)
        #expect(try points.otlp.sent().contains(#""asInt":"2""#))
    }

    @Test func `calls and sessions that are over go, and records still find theirs`() throws {
        let call = { (session: String, days: Int64) in
            """
            "timeUnixNano":"\(Self.days(days))","attributes":[\(text("event.name", "api_request")),\(text("session.id", session)),
            \(text("model", "m")),{"key":"input_tokens","value":{"intValue":"5"}}]
            """
        }
        var batch = try logs(
            call("gone", 120),
            call("spans the border", 95),
            call("spans the border", 3),
            call("new", 1),
            resource: text("service.name", "claude-code")
        )
        try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens")).process(&batch)
        #expect(batch.observations.count == 4)
        #expect(batch.sessions.count == 3)
        let kept = try processed(batch)
        #expect(kept.observations.map(\.session) == ["spans the border", "new"])
        #expect(kept.sessions.map(\.id) == ["spans the border", "new"])
        #expect((0..<4).map { kept.sessions.position(ofRecord: $0) } == [nil, 0, 0, 1])
        #expect(kept.otlp.records.indices.filter(kept.otlp.isLive) == [2, 3])
    }

    @Test(arguments: ["1ns", "106751d"])
    func `an extreme age does no harm`(age: String) throws {
        let (config, problems) = decoded(RetentionConfig.self, "max_age: \(age)")
        #expect(problems == [])
        var batch = try logs(#""timeUnixNano":"\#(arrival.nanoseconds)""#, #""timeUnixNano":"1""#)
        batch.receivedAt = Timestamp(nanoseconds: arrival.nanoseconds)
        try ComponentFactory.retention.makeProcessor(config, settings("retention")).process(&batch)
        #expect(batch.otlp.recordCount == (age == "1ns" ? 1 : 2))
    }

    @Test func `an age needs a unit and must leave something`() {
        #expect(decoded(RetentionConfig.self, "max_age: 30d").problems == [])
        #expect(decoded(RetentionConfig.self, "max_age: 90").problems == ["the duration \"90\" has no unit"])
        #expect(
            decoded(RetentionConfig.self, "max_age: 0s").problems
                == ["out-of-range at max_age: with an age of 0s nothing would be kept"]
        )
    }

    private func processed(_ batch: Batch) throws -> Batch {
        var batch = batch
        try ComponentFactory.retention.makeProcessor(RetentionConfig(), settings("retention")).process(&batch)
        return batch
    }

    private func names(_ batch: Batch) -> [String] {
        batch.otlp.records.indices.filter(batch.otlp.isLive).map { batch.otlp.string(batch.otlp.records[$0].name) }
    }
}
