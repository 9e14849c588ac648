// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import hammurabi

struct SummaryReportTests {
    private static let plain = Style(isTerminal: false, environment: ["LANG": "C.UTF-8"])

    @Test func `a report without calls says what to do`() throws {
        let report = SummaryReport(summary: try summary(), dimension: nil, endpoint: "localhost:9")
        let text = report.text(width: 120, style: Self.plain)
        #expect(text.hasPrefix("Cost Summary  $0.00 / 2026-11"))
        #expect(text.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:9\n"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test(arguments: [80, 100, 120, 200])
    func `no line is wider than the terminal`(width: Int) throws {
        var summary = try summary()
        let long = "some-provider/some-model-with-a-very-long-name-that-nobody-can-remember-2026-11-22-preview-latest"
        for model in [long, "claude-sonnet-4-5-20250929"] {
            summary.byModel[model] = share(calls: 1_234_567, tokens: 999_999_999)
        }
        summary.totals = share(calls: 2_469_134, tokens: 1_999_999_998).totals
        var session = Session(
            id: long,
            startedAt: Timestamp(nanoseconds: 0),
            lastSeenAt: Timestamp(nanoseconds: 100_000_000_000_000)
        )
        (session.agent, session.project, session.totals) = ("claude-code", long, summary.totals)
        summary.sessions = [session]
        for dimension in [nil, .model, .session] as [SummaryReport.Dimension?] {
            let text = SummaryReport(summary: summary, dimension: dimension).text(width: width, style: Self.plain)
            for line in text.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
        }
    }

    @Test func `models are listed dearest first with a total`() throws {
        var summary = try summary()
        summary.byModel = [
            "cheap": share(calls: 2, tokens: 10, cost: 1_000_000),
            "dear": share(calls: 1, tokens: 5, cost: 2_000_000_000),
        ]
        summary.totals = share(calls: 3, tokens: 15, cost: 2_001_000_000).totals
        let text = SummaryReport(summary: summary, dimension: .model).text(width: 80, style: Self.plain)
        #expect(
            text == """
                Model  Calls  Tokens     Cost
                ─────────────────────────────
                dear       1       5    $2.00
                cheap      2      10  $0.0010
                ─────────────────────────────
                Total      3      15    $2.00

                """
        )
    }

    @Test func `what has no price is no zero`() throws {
        var summary = try summary()
        var share = share(calls: 2, tokens: 10)
        share.totals.unpricedCalls = 2
        (summary.byModel, summary.totals, summary.unpricedModels) = (
            ["house-model": share], share.totals, ["house-model"]
        )
        let text = SummaryReport(summary: summary, dimension: .model).text(width: 80, style: Self.plain)
        #expect(text.contains("house-model      2      10     –\n"))
        #expect(text.contains("2 calls have no price and are not in the cost: house-model\n"))
        #expect(!text.contains("$0.00"))
    }

    @Test func `control characters of a name do not reach the terminal`() throws {
        var summary = try summary()
        summary.byModel = ["a\u{1B}[31m\nb\u{9B}2J\u{202E}": share(calls: 1, tokens: 1)]
        summary.totals = share(calls: 1, tokens: 1).totals
        for text in [
            SummaryReport(summary: summary, dimension: .model).text(width: 80, style: Self.plain),
            SummaryReport(summary: summary, dimension: .model).tabbed,
        ] {
            #expect(
                !text.unicodeScalars.contains { ["\u{1B}", "\u{9B}", "\u{202E}"].contains($0) },
                "\(text.debugDescription)"
            )
            #expect(text.split(separator: "\n").filter { $0.hasPrefix("a") }.count == 1)
        }
    }

    @Test func `comma-separated values are quoted and run no formula`() throws {
        var summary = try summary()
        summary.byProject = [
            "a,b \"c\"": share(calls: 1, tokens: 1, cost: 2_000_000_000),
            "=1+1": share(calls: 1, tokens: 1, cost: 1_000_000_000),
            "": share(calls: 1, tokens: 1),
        ]
        let lines = SummaryReport(summary: summary, dimension: .project).csv.split(separator: "\r\n")
        #expect(lines.count == 4)
        #expect(lines[1] == "\"a,b \"\"c\"\"\",1,1,0,0,0,0,2,0")
        #expect(lines[2] == "'=1+1,1,1,0,0,0,0,1,0")
        #expect(lines[3] == "unknown,1,1,0,0,0,0,0,0")
    }

    private func summary() throws -> UsageSummary {
        UsageSummary(
            period: try Period("2026-11", timezone: "UTC", now: Timestamp(nanoseconds: 1_795_335_217_999_000_000))
        )
    }

    private func share(calls: Int64, tokens: Int64, cost: Int64 = 0) -> UsageSummary.Share {
        var share = UsageSummary.Share()
        share.totals.calls = calls
        share.totals.counts = TokenCounts(uncachedInput: tokens)
        share.totals.cost = Money(nanodollars: cost)
        return share
    }
}
