// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Testing
import Usage

@testable import HubExtension

/// The shapes of the contract, key by key.
@Suite struct ShapeTests {
    static let sessionText =
        #"{"sessionId":"s-1","name":"fix \"it\"\n","agent":"claude-code","model":"claude-sonnet-4-5-20250929","project":"hub","#
        + #""user":null,"machine":null,"status":"active","taskStatus":null,"startedAt":"2026-11-22T11:00:00.000Z","#
        + #""lastSeenAt":"2026-11-22T11:59:30.500Z","durationMs":3570500,"calls":2,"inputTokens":1,"outputTokens":5,"#
        + #""cacheReadTokens":2,"cacheWriteTokens":7,"reasoningTokens":6,"totalTokens":15,"cost":1.5,"unpricedCalls":1,"#
        + #""team":null,"agentKind":"main","branch":"main","agentVersion":"2.1.330","parentSessionId":null,"knowledge":"measured"}"#

    @Test func `a page of sessions`() async throws {
        let bench = try await Bench()
        let session = try makeSession()
        bench.store.prepare { $0.page = SessionPage(sessions: [session], total: 47, next: nil) }
        let answer = try await bench.get("/api/telemetry/sessions")
        #expect(answer.status == 200)
        #expect(answer.text == #"{"sessions":[\#(Self.sessionText)],"nextCursor":null,"total":47}"#)
        #expect(answer.fields[.contentType] == "application/json")
        #expect(answer.fields[.cacheControl] == "no-store")
    }

    @Test(arguments: [
        ("2026-11-22T12:00:30.000Z", "active"), ("2026-11-22T12:01:00.000Z", "idle"),
        ("2026-11-22T12:05:00.000Z", "stale"),
    ])
    func `a session's state is that of the present`(now: String, status: String) async throws {
        let bench = try await Bench()
        let session = try makeSession()
        bench.store.prepare { $0.page.sessions = [session] }
        try bench.clock.set(now)
        #expect(try await bench.get("/api/telemetry/sessions").text.contains("\"status\":\"\(status)\""))
    }

    @Test func `a session with its calls`() async throws {
        let bench = try await Bench()
        var call = Call(
            id: 0xAB,
            time: try instant("2026-11-22T11:30:00.123Z"),
            counts: try makeSession().totals.counts
        )
        (call.model, call.provider, call.error) = ("m", "anthropic", "overloaded")
        (call.reportedCost, call.duration, call.sources) = (
            Money(nanodollars: 10_000_000), 1_234_567_890, [.otlpLog, .transcript]
        )
        call.price = CallPrice(
            cost: Money(nanodollars: 12_345_678),
            isPriced: true,
            computed: Money(nanodollars: 12_345_678)
        )
        let unpriced = Call(id: 1, time: call.time, counts: TokenCounts())
        let event = SessionEvent(time: call.time, name: "api_error")
        let costs = ["m": Money(nanodollars: 5), "": Money(nanodollars: 2), "unknown": Money(nanodollars: 9)]
        let detail = SessionDetail(
            session: try makeSession(),
            calls: [call, unpriced],
            events: [event],
            costByModel: costs
        )
        bench.store.prepare { $0.details["s-1"] = detail }
        let answer = try await bench.get("/api/telemetry/sessions/s-1", ["id": "s-1"])
        let first =
            #"{"callId":"00000000000000ab","timestamp":"2026-11-22T11:30:00.123Z","model":"m","provider":"anthropic","inputTokens":1,"#
            + #""outputTokens":5,"cacheReadTokens":2,"cacheWriteTokens":7,"reasoningTokens":6,"cost":0.012345678,"reportedCost":0.01,"#
            + #""computedCost":0.012345678,"priced":true,"durationMs":1234,"sources":["otlp_log","transcript"],"error":"overloaded"}"#
        let second =
            #"{"callId":"0000000000000001","timestamp":"2026-11-22T11:30:00.123Z","model":null,"provider":null,"inputTokens":0,"#
            + #""outputTokens":0,"cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"cost":0,"reportedCost":null,"#
            + #""computedCost":null,"priced":false,"durationMs":null,"sources":[],"error":null}"#
        let events = #"[{"timestamp":"2026-11-22T11:30:00.123Z","name":"api_error"}]"#
        let costByModel = #"{"unknown":0.000000011,"m":0.000000005}"#
        #expect(
            answer.text
                == #"{"session":\#(Self.sessionText),"calls":[\#(first),\#(second)],"events":\#(events),"costByModel":\#(costByModel),"subagents":[]}"#
        )
    }

    @Test func `a summary of nothing`() async throws {
        let bench = try await Bench()
        let answer = try await bench.get("/api/telemetry/summary?from=2026-11-22&to=2026-11-22")
        let expected =
            #"{"period":"custom","from":"2026-11-22","to":"2026-11-22","timezone":"UTC","totalCost":0,"totalInputTokens":0,"#
            + #""totalOutputTokens":0,"totalCacheReadTokens":0,"totalCacheWriteTokens":0,"totalReasoningTokens":0,"totalTokens":0,"#
            + #""callCount":0,"sessionCount":0,"activeSessions":0,"unpricedCalls":0,"unpricedModels":[],"saturated":false,"byModel":{},"byAgent":{},"#
            + #""byProject":{},"byUser":{},"byMachine":{},"byTeam":{},"byBranch":{},"byAgentKind":{},"byHour":{},"byDay":[{"date":"2026-11-22","cost":0,"calls":0,"inputTokens":0,"outputTokens":0,"#
            + #""cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"unpricedCalls":0}],"sessions":[],"budget":null}"#
        #expect(answer.text == expected)
    }

    @Test func `the contract's example of a summary`() async throws {
        let bench = try await Bench { $0.budget.monthly = 200 }
        let session = try makeSession()
        bench.store.prepare { state in
            state.summary = { period in Self.example(period, session) }
        }
        let text = try await bench.get("/api/telemetry/summary?period=30d&timezone=UTC").text
        let head =
            #"{"period":"30d","from":"2026-10-24","to":"2026-11-22","timezone":"UTC","totalCost":142.3,"totalInputTokens":10,"#
            + #""totalOutputTokens":20,"totalCacheReadTokens":30,"totalCacheWriteTokens":90,"totalReasoningTokens":5,"totalTokens":150,"#
            + #""callCount":4,"sessionCount":47,"activeSessions":3,"unpricedCalls":2,"unpricedModels":["unknown","x-1"],"saturated":false,"#
        #expect(text.hasPrefix(head), "\(text)")
        let tokens =
            #""inputTokens":0,"outputTokens":0,"cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"unpricedCalls":0}"#
        let models =
            #""byModel":{"claude-sonnet-4-5-20250929":{"cost":98.5,"sessions":32,"calls":1,\#(tokens),"#
            + #""a":{"cost":1,"sessions":0,"calls":0,\#(tokens),"b":{"cost":1,"sessions":0,"calls":0,\#(tokens)},"#
        #expect(text.contains(models), "\(text)")
        let unknown =
            #"{"unknown":{"cost":3,"sessions":3,"calls":2,"inputTokens":1,"outputTokens":5,"cacheReadTokens":2,"cacheWriteTokens":7,"reasoningTokens":6,"unpricedCalls":2}}"#
        #expect(
            text.contains(
                #""byAgent":{},"byProject":\#(unknown),"byUser":{},"byMachine":{},"byTeam":{},"byBranch":{},"byAgentKind":{},"byHour":{},"byDay":[{"date":"2026-10-24","cost":0,"calls":0,"#
            )
        )
        #expect(
            text.contains(#"{"date":"2026-11-22","cost":1.5,"calls":0,\#(tokens)],"sessions":[\#(Self.sessionText)],"#),
            "\(text)"
        )
        #expect(
            text.contains(
                #""budget":{"limit":200,"used":142.3,"fraction":0.7115,"projected":198.558139535},"burnRate":{"#
            ),
            "\(text)"
        )
    }

    private static func example(_ period: Period, _ session: Session) -> UsageSummary {
        var summary = UsageSummary(period: period)
        summary.totals.cost = Money(nanodollars: 142_300_000_000)
        summary.totals.counts = TokenCounts(
            uncachedInput: 10,
            cacheRead: 30,
            cacheWrite5m: 40,
            cacheWrite1h: 50,
            output: 20,
            reasoning: 5
        )
        (summary.totals.calls, summary.totals.unpricedCalls) = (4, 2)
        (summary.sessionCount, summary.activeSessions) = (47, 3)
        summary.unpricedModels = ["", "x-1"]
        var share = UsageSummary.Share()
        share.totals.cost = Money(nanodollars: 1_000_000_000)
        (summary.byModel["b"], summary.byModel["a"]) = (share, share)
        share.totals.cost = Money(nanodollars: 98_500_000_000)
        (share.sessions, share.totals.calls) = (32, 1)
        summary.byModel["claude-sonnet-4-5-20250929"] = share
        var half = UsageSummary.Share()
        half.totals = session.totals
        (half.totals.calls, half.sessions) = (1, 1)
        summary.byProject[""] = half
        half.totals.counts = TokenCounts()
        half.sessions = 2
        summary.byProject["unknown"] = half
        if let day = summary.byDay.firstIndex(where: { $0.date == "2026-11-30" }) {
            // The question of the budget.
            summary.byDay[day - 8].totals.cost = summary.totals.cost
        } else {
            summary.byDay[summary.byDay.count - 1].totals.cost = Money(nanodollars: 1_500_000_000)
        }
        summary.sessions = [session]
        return summary
    }
}
