// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct MonthReportTests {
    private static let plain = Style(isTerminal: false, environment: ["LANG": "en_US.UTF-8"])

    private static let quality = """
        {"period":"2026-11","from":"2026-11-01","to":"2026-11-30","timezone":"UTC","calls":9,"oneWitness":6,"severalWitnesses":3,
        "weaklyJoined":1,"unpriced":2,"rollUpsNotCounted":0,"sumsOfUnknownCalls":0,"sources":[],
        "costs":[{"model":"m","agreement":"other_price","calls":4,"reported":1.5,"computed":2},
        {"model":"n","agreement":"equal","calls":4,"reported":1,"computed":1}],
        "unreadableFiles":0,"skippedLines":0,"unexplainedTokens":0,"unknownLines":{},"problems":[]}
        """
    private static let budgets = """
        {"timezone":"UTC","budgets":[{"name":"monthly","period":"month","from":"2026-11-01","to":"2026-11-30","unit":"usd","for":{},
        "limit":10,"spent":12.5,"fraction":1.25,"evenPace":7,"forecast":{"low":12.5,"expected":13,"high":14},"thresholds":[50],
        "reached":50,"exceeded":true,"daysLeft":8,"days":[]}]}
        """

    private static let insights = """
        {"period":"2026-11","from":"2026-11-01","to":"2026-11-30","timezone":"UTC","totalCost":12,
        "month":{"month":"2026-11","from":"2026-11-01","to":"2026-11-30","spent":12,"unpricedCalls":0,"limit":null,"evenPace":null,
        "forecast":{"low":12,"expected":12,"high":12},"daysLeft":8,"days":[12]},"usual":[],"unusualDays":[{"date":"2026-11-18",
        "cost":8,"usual":2,"title":"2026-11-18 cost $8.00","detail":"4 times as much as usual","for":{}}],"previous":null,
        "costByKind":{"input":1,"output":7,"cacheWrite":0,"cacheRead":4,"other":0,"days":[]},"trends":{}}
        """

    private static func report(_ now: String = "2026-11-22T12:00:00Z", isEmpty: Bool = false) throws -> MonthReport {
        let models = [
            ("claude-opus-4-8", Documents.figures(calls: 4, tokens: 900, cost: 12)),
            ("<b>&\"x\"", Documents.figures(calls: 2, tokens: 100, unpriced: 2)),
        ]
        let rest = """
            ,"cacheSavings":3.25,"sessions":[\(Documents.session("s-1", name: "fix <it>"))],
            "previous":{"from":"2026-10-02","to":"2026-10-31","totalCost":10,"totalTokens":1,"callCount":1,"sessionCount":1}
            """
        return MonthReport(
            summary: isEmpty
                ? try Documents.summary()
                : try Documents.summary(models, calls: 6, tokens: 1_000, cost: 12, unpriced: 2, rest: rest),
            budgets: try Documents.read(budgets),
            quality: try Documents.read(quality),
            insights: try Documents.read(insights),
            now: try #require(Timestamp(iso8601: now))
        )
    }

    @Test func `the report of a month has its parts, what is over, and how well it is known`() throws {
        let text = try Self.report().text(width: 100, style: Self.plain)
        #expect(text.hasPrefix("Report of November 2026  2026-11-01 to 2026-11-30, days of UTC, not over yet\n"))
        for part in [
            "Cost      $12.00  +20% against 2026-10-02 to 2026-10-31 ($10.00)", "Caches    saved $3.25", "Models\n",
            "Cost by kind of token\n", "Output", "2026-11-18 cost $8.00: 4 times as much as usual",
            "Dearest sessions\n", "Budgets\n", "125% over", "2 calls have no price",
            "3 calls reported by several sources, each counted once.",
            "4 calls with another cost from the agent: $1.50 reported, $2.00 by the price table.",
        ] {
            #expect(text.contains(part), "\(part)\n\(text)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
        #expect(!(try Self.report("2026-12-01T00:00:00Z").text(width: 100, style: Self.plain)).contains("not over"))
    }

    @Test func `a month without calls says so`() throws {
        let report = try Self.report(isEmpty: true)
        #expect(report.text(width: 80, style: Self.plain).contains("No calls in this month."))
        #expect(MonthPage(report: report).html.contains("<p>No calls in this month.</p>"))
        #expect(report.parts.isEmpty)
    }

    @Test func `programs get one line a row, with the part in front`() throws {
        let rows = try Self.report().table
        #expect(rows.titles.prefix(4) == ["part", "name", "cost", "limit"])
        #expect(rows.rows.first?.prefix(3) == ["total", "2026-11", "12"])
        #expect(rows.rows.contains { $0.prefix(4) == ["budgets", "monthly", "12.5", "10"] })
        #expect(rows.rows.contains { $0.prefix(3) == ["cache_savings", "2026-11", "3.25"] })
        #expect(rows.rows.contains { $0.prefix(3) == ["kinds", "cacheRead", "4"] })
        #expect(rows.rows.allSatisfy { $0.count == rows.titles.count })
    }

    @Test func `the page holds all that it needs, and no name is markup`() throws {
        let html = try MonthPage(report: Self.report()).html
        #expect(html.contains("&lt;b&gt;&amp;&quot;x&quot;") && html.contains("fix &lt;it&gt;"))
        for foreign in ["<script", "http://", "https://", "@import", "url(", "src=", "<b>", "fix <it>"] {
            #expect(!html.contains(foreign), "\(foreign)")
        }
        #expect(html.contains("$12.00") && html.contains("November 2026") && html.contains("@media print"))
    }

    @Test(arguments: ["2026-13", "nov", "2026-1", "30d", "2026-11-01", ""])
    func `another text than a month is refused with how one is written`(text: String) {
        let error = #expect(throws: (any Error).self) { try ReportCommand.parse([text]) }
        #expect(ReportCommand.message(for: error!).contains("no month \"\(text)\": use YYYY-MM, such as 2026-11"))
    }

    @Test func `one form is asked for at a time`() throws {
        for flags in [["--json", "--csv"], ["--html", "--json"], ["--html", "--csv"]] {
            #expect(throws: (any Error).self) { try ReportCommand.parse(["2026-11"] + flags) }
        }
        #expect(try ReportCommand.parse(["2026-11", "--html"]).html)
    }
}
