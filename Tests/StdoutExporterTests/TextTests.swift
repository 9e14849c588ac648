// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import StdoutExporter
import Testing
import Usage

@Suite struct TextTests {
    @Test func `basic is a line for each batch`() async throws {
        let bench = try await Bench()
        _ = try await bench.lines(batch(.logs, twoLogs))
        let lines = try await bench.lines(Self.batchWithCalls())
        #expect(
            lines == [
                "2026-11-22T09:00:00.000Z logs records=2 observations=0 calls=0 cost=$0.00",
                "2026-11-22T09:00:00.000Z logs records=2 observations=4 calls=2 cost=$1.250000001 unpriced=1",
            ]
        )
    }

    @Test func `normal is a line for each record and each call`() async throws {
        let lines = try await Bench(.text, .normal).lines(Self.batchWithCalls())
        #expect(
            lines == [
                "2026-11-22T08:13:37.999Z log api_request service=claude-code session=s1 body=\"two words\"",
                "2026-11-22T09:00:00.000Z log - service=claude-code body=second",
                "2026-11-22T08:00:01.000Z call agent=claude-code session=s1 model=priced"
                    + " input=3 cache_read=4 cache_write=11 output=7 reasoning=1 cost=$1.250000001",
                "2026-11-22T08:00:02.000Z call model=\"odd model\" input=0 cache_read=0 cache_write=0 output=1 reasoning=0"
                    + " error=overloaded unpriced",
            ]
        )
    }

    @Test func `detailed shows every attribute with its kind`() async throws {
        let lines = try await Bench(.text, .detailed).lines(batch(.logs, twoLogs))
        #expect(
            lines == [
                "resource",
                "     -> service.name: Str(claude-code)",
                "scope events 1.0",
                "2026-11-22T08:13:37.999Z log api_request service=claude-code body=\"two words\"",
                "     -> input_tokens: Int(12)",
                "     -> ok: Bool(true)",
                "2026-11-22T09:00:00.000Z log - service=claude-code body=second",
            ]
        )
    }

    @Test func `spans show their duration and whether they failed`() async throws {
        let json = """
            {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
            "name":"chat","startTimeUnixNano":"1795335216999000000","endTimeUnixNano":"1795335217999000000","status":{"code":2}}]}]}]}
            """
        let lines = try await Bench(.text, .normal).lines(batch(.traces, json))
        #expect(lines == ["2026-11-22T08:13:37.999Z span chat duration=1000ms status=error"])
    }

    @Test func `data points show their value or their sums`() async throws {
        let json = """
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"tokens","unit":"{token}","sum":{"dataPoints":[{"asInt":"12"}]}},
            {"name":"cost","gauge":{"dataPoints":[{"asDouble":0.5}]}},
            {"name":"time","histogram":{"dataPoints":[{"count":"2","sum":3.5}]}}]}]}]}
            """
        let lines = try await Bench(.text, .normal).lines(batch(.metrics, json))
        #expect(
            lines == [
                "2026-11-22T09:00:00.000Z point tokens value=12 unit={token}",
                "2026-11-22T09:00:00.000Z point cost value=0.5",
                "2026-11-22T09:00:00.000Z point time count=2 sum=3.5",
            ]
        )
    }

    @Test func `dropped records and what is empty without them are not shown`() async throws {
        var dropped = try batch(.logs, twoLogs)
        dropped.otlp.overlay.drop(record: 0)
        #expect(try await Bench(.text, .normal).lines(dropped).count == 1)
        dropped.otlp.overlay.drop(record: 1)
        #expect(try await Bench(.text, .detailed).lines(dropped).isEmpty)
    }

    @Test func `control characters never reach the terminal`() async throws {
        let json = #"""
            {"resourceLogs":[{"scopeLogs":[{"scope":{"name":"s\u001bc"},"logRecords":[{"timeUnixNano":"1795335217999000000",
            "eventName":"e\u0007","body":{"stringValue":"a\nb\u001b[31m\u202e \"q\""},
            "attributes":[{"key":"k\u0000","value":{"stringValue":"\u009b\t\r"}}]}]}]}]}
            """#
        let lines = try await Bench(.text, .detailed).lines(batch(.logs, json))
        #expect(
            lines == [
                "resource",
                #"scope s\u{1b}c"#,
                #"2026-11-22T08:13:37.999Z log e\u{7} body="a\nb\u{1b}[31m\u{202e} \"q\"""#,
                #"     -> k\u{0}: Str(\u{9b}\t\r)"#,
            ]
        )
    }

    /// Three observations of two calls, of which one has a price, and a span with their sum.
    private static func batchWithCalls() throws -> Batch {
        var batch = try batch(.logs, twoLogs)
        let start = try #require(Timestamp(iso8601: "2026-11-22T08:00:00.000Z"))
        func observation(_ id: UInt64, _ call: UInt64) -> Observation {
            let time = Timestamp(nanoseconds: start.nanoseconds + Int64(call) * 1_000_000_000)
            var observation = Observation(id: id, time: time, source: .otlpLog, emitter: id, priority: 1)
            observation.keys.request = call
            return observation
        }
        var first = observation(1, 1)
        (first.agent, first.session, first.model, first.reportedCost) = (
            "claude-code", "s1", "priced", Money(nanodollars: 1_250_000_001)
        )
        first.counts = TokenCounts(
            uncachedInput: 3,
            cacheRead: 4,
            cacheWrite5m: 5,
            cacheWrite1h: 6,
            output: 7,
            reasoning: 1
        )
        var second = observation(3, 2)
        (second.model, second.error) = ("odd model", "overloaded")
        second.counts = TokenCounts(output: 1)
        var again = first
        (again.id, again.emitter) = (2, 2)
        var rollUp = observation(4, 3)
        rollUp.trace.isRollUp = true
        batch.observations = [second, first, again, rollUp]
        batch.sessions.assign(record: 0, to: batch.sessions.append(SessionUpdate(id: "s1", time: start)))
        batch.pricing = Pricing(table: .empty, preference: .reported)
        return batch
    }
}
