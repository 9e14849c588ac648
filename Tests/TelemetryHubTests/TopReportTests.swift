// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct TopReportTests {
    private func snapshot(second: Int64, accepted: Int64, uptime: Int64) throws -> TopSnapshot {
        let receiver = #""reason":null,"accepted":\#(accepted),"refused":1,"sent":0,"failed":0,"dropped":0"#
        let exporter =
            #""reason":"connection refused","accepted":\#(accepted),"refused":0,"sent":\#(accepted),"failed":2,"dropped":0,"#
            + #""queue":{"batches":1,"bytes":2048,"capacityBytes":4096}"#
        let components = [
            Documents.component("receiver", "otlp", state: "ok", receiver),
            Documents.component("exporter", "otlp_http", state: "degraded", exporter),
        ]
        return TopSnapshot(
            time: Timestamp(nanoseconds: 1_795_335_217_000_000_000 + second * 1_000_000_000),
            pipelines: try Documents.read(
                """
                {"startedAt":"2026-11-22T08:00:00.000Z","uptimeSeconds":\(uptime),"version":"0.1.0",
                "memory":{"usedBytes":3145728,"limitBytes":536870912},"pipelines":[],
                "components":[\(components.joined(separator: ","))]}
                """
            ),
            today: try Documents.summary(calls: 3, tokens: 41_000, cost: 8.3),
            sessions: []
        )
    }

    @Test func `a snapshot shows counts`() throws {
        let text = TopReport(now: try snapshot(second: 0, accepted: 100, uptime: 7_260), before: nil)
            .text(width: 100, height: nil, style: .plain)
        #expect(
            text == """
                hammurabi 0.1.0  up 2h 01m · 3 MiB of 512 MiB in flight · 08:13:37 UTC
                Today     $8.30 · 41,000 tokens · 3 calls
                Sessions  0 active · 1 today

                Component           State      In  Out  Accepted  Sent  Refused  Failed  Dropped  Queued
                ────────────────────────────────────────────────────────────────────────────────────────
                otlp receiver       ok        100    –       100     –        1       0        0       –
                otlp_http exporter  degraded  100  100       100   100        0       2        0   2 KiB
                exporter otlp_http: connection refused

                """
        )
    }

    @Test func `two snapshots show rates`() throws {
        let (first, second) = (
            try snapshot(second: 0, accepted: 100, uptime: 5), try snapshot(second: 2, accepted: 1_100, uptime: 7)
        )
        let text = TopReport(now: second, before: first).text(width: 80, height: 24, style: .plain)
        #expect(text.contains("Component           State     In/s  Out/s  Refused"))
        #expect(text.contains("otlp receiver       ok         500      –        1"))
        let restarted = TopReport(now: first, before: second).text(width: 80, height: 24, style: .plain)
        #expect(restarted.contains("otlp receiver       ok           0      –        1"))
        #expect(
            TopReport(now: second, before: first).text(width: 80, height: 4, style: .plain).split(separator: "\n").count
                == 3
        )
    }
}

struct StatusLineTests {
    private func totals(_ dollars: Double, tokens: Int64, unpriced: Int64 = 0) -> UsageTotals {
        var totals = UsageTotals()
        (totals.calls, totals.unpricedCalls) = (1, unpriced)
        totals.cost = Money(dollars: dollars) ?? .zero
        totals.counts = TokenCounts(uncachedInput: tokens)
        return totals
    }

    @Test func `session, day, budget and tokens are on one line`() throws {
        var line = StatusLine(today: totals(8.3, tokens: 1_230_000))
        #expect(line.text(.plain) == "$8.30 today · 1.2M tok")
        line.session = totals(1.24, tokens: 41_999)
        line.budget = (try #require(Money(dollars: 200)), try #require(Money(dollars: 124)))
        #expect(line.text(.plain) == "$1.24 session · $8.30 today · 62% of $200 · 41k tok")
        line.session = totals(0, tokens: 812, unpriced: 1)
        line.budget = (try #require(Money(dollars: 99.5)), try #require(Money(dollars: 124)))
        #expect(line.text(.plain) == "– session · $8.30 today · 125% of $99.50! · 812 tok")
        #expect(line.text(Style(isTerminal: false, environment: [:])).contains(" | "))
    }
}
