// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct SummaryReportTests {
    @Test func `a report without calls says what to do`() throws {
        let report = SummaryReport(document: try Documents.summary(), endpoint: "localhost:9")
        let text = report.text(width: 120, style: .plain)
        #expect(text.hasPrefix("Cost Summary  $0.00 / 2026-11"))
        #expect(text.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:9\n"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func `the first screen shows cost with budget, sessions, and each session's tokens, cost and duration`()
        throws
    {
        let document = try Documents.summary(
            [("claude-opus-4-8", Documents.figures(calls: 3, tokens: 45_230, cost: 142.3))],
            calls: 3,
            tokens: 45_230,
            cost: 142.3,
            rest: """
                ,"budget":{"limit":200,"used":142.3,"fraction":0.7115,"projected":171.2},"cacheSavings":12.5,
                "sessions":[\(Documents.session("s-1", name: "fix-bug"))]
                """
        )
        let lines = SummaryReport(document: document).text(width: 100, style: .plain).split(separator: "\n")
        #expect(
            lines.prefix(6) == [
                "Cost Summary  $142.30 / 2026-11  45,230 tokens · 3 calls",
                "              █████████████████░░░░░░░  71% of $200.00 this month · ≈ $171.20 at its end",
                "Sessions      1 total · 0 active", "Session Details",
                "Session  Agent        Project  Tokens   Cost  Duration",
                "──────────────────────────────────────────────────────",
            ]
        )
        #expect(lines[6] == "fix-bug  claude-code  app      45,230  $2.14       12m")
        #expect(lines.contains("Costs are those of the vendors' APIs; ≈ is the forecast for the month."))
        #expect(lines.last == "Reads from caches saved $12.50 at list prices.")
    }

    @Test(arguments: [60, 80, 100, 120, 200])
    func `no line is wider than the terminal`(width: Int) throws {
        let long = "some-provider/some-model-with-a-very-long-name-that-nobody-can-remember-2026-11-22-preview-latest"
        let figures = Documents.figures(calls: 1_234_567, tokens: 999_999_999)
        let document = try Documents.summary(
            [(long, figures), ("claude-sonnet-4-5-20250929", figures)],
            calls: 2_469_134,
            tokens: 1_999_999_998,
            rest: """
                ,"budget":{"limit":200000,"used":1,"fraction":1.7115,"projected":171000.2},
                "sessions":[\(Documents.session(long, name: long + "x"))]
                """
        )
        for dimension in [nil, .model, .session] as [SummaryReport.Dimension?] {
            let text = SummaryReport(document: document, dimension: dimension).text(width: width, style: .plain)
            for line in text.split(separator: "\n") { #expect(line.count <= max(width, 71), "\(line)") }
        }
    }

    @Test func `models are listed dearest first with a total`() throws {
        let document = try Documents.summary(
            [
                ("cheap", Documents.figures(calls: 2, tokens: 10, cost: 0.001)),
                ("dear", Documents.figures(calls: 1, tokens: 5, cost: 2)),
            ],
            calls: 3,
            tokens: 15,
            cost: 2.001
        )
        let text = SummaryReport(document: document, dimension: .model).text(width: 80, style: .plain)
        #expect(
            text == """
                Model  Calls  Tokens    Cost
                ────────────────────────────
                dear       1       5   $2.00
                cheap      2      10  <$0.01
                ────────────────────────────
                Total      3      15   $2.00

                """
        )
        let first = SummaryReport(document: document, dimension: .model, sort: .calls, limit: 1)
        #expect(
            first.text(width: 80, style: .plain) == """
                Model   Calls  Tokens    Cost
                ─────────────────────────────
                cheap       2      10  <$0.01
                others      1       5   $2.00
                ─────────────────────────────
                Total       3      15   $2.00

                """
        )
        #expect(first.table.tabbed(header: true).split(separator: "\n").count == 2)
    }

    @Test(arguments: [
        (SummaryReport.Order.cost, ["b", "a", "c"]), (.tokens, ["c", "a", "b"]), (.calls, ["a", "c", "b"]),
        (.name, ["a", "b", "c"]),
    ])
    func `rows are sorted by what was asked for`(order: SummaryReport.Order, names: [String]) throws {
        let document = try Documents.summary([
            ("a", Documents.figures(calls: 9, tokens: 5, cost: 2)),
            ("b", Documents.figures(calls: 1, tokens: 4, cost: 3)),
            ("c", Documents.figures(calls: 2, tokens: 6, cost: 1)),
        ])
        #expect(SummaryReport(document: document, dimension: .model, sort: order).rows.map(\.name) == names)
    }

    @Test func `a missing price is not zero`() throws {
        let document = try Documents.summary(
            [("house-model", Documents.figures(calls: 2, tokens: 10, unpriced: 2))],
            calls: 2,
            tokens: 10,
            unpriced: 2
        )
        let text = SummaryReport(document: document, dimension: .model).text(width: 80, style: .plain)
        #expect(text.contains("house-model      2      10     –\n"))
        #expect(text.contains("2 calls have no price and are not in the cost: house-model\n"))
        #expect(!text.contains("$0.00"))
    }

    @Test func `control characters of a name do not reach the terminal`() throws {
        let document = try Documents.summary([
            ("a\u{1B}[31m\nb\u{9B}2J\u{202E}", Documents.figures(calls: 1, tokens: 1))
        ])
        let report = SummaryReport(document: document, dimension: .model)
        for text in [report.text(width: 80, style: .plain), report.table.tabbed(header: false)] {
            #expect(
                !text.unicodeScalars.contains { ["\u{1B}", "\u{9B}", "\u{202E}"].contains($0) },
                "\(text.debugDescription)"
            )
            #expect(text.split(separator: "\n").filter { $0.hasPrefix("a") }.count == 1)
        }
    }

    @Test func `comma-separated values are quoted and run no formula`() throws {
        let document = try Documents.summary([
            ("a,b \"c\"", Documents.figures(calls: 1, tokens: 1, cost: 2)),
            ("=1+1", Documents.figures(calls: 1, tokens: 1, cost: 1)),
            ("unknown", Documents.figures(calls: 1, tokens: 1)),
        ])
        let lines = SummaryReport(document: document, dimension: .usage(.project)).table.csv(isTerminal: false).split(
            separator: "\r\n"
        )
        #expect(lines.count == 4)
        #expect(lines[1] == "\"a,b \"\"c\"\"\",1,1,0,0,0,0,2,0")
        #expect(lines[2] == "'=1+1,1,1,0,0,0,0,1,0")
        #expect(lines[3] == "unknown,1,1,0,0,0,0,0,0")
    }

    @Test func `days make weeks and months, without empty ones at the ends, and are split by model`() throws {
        func day(_ date: String, _ calls: Int) -> String {
            Documents.day(date, calls: Int64(calls), tokens: Int64(calls), cost: Double(calls))
        }
        let days = [("2026-10-30", 0), ("2026-10-31", 1), ("2026-11-01", 2), ("2026-11-02", 4), ("2026-11-03", 0)]
        let json = days.map { day($0.0, $0.1) }.joined(separator: ",")
        var document = try Documents.summary(calls: 7, tokens: 7, cost: 7)
        document.byDay = try Documents.read("[\(json)]")
        func rows(_ dimension: SummaryReport.Dimension) -> [String] {
            SummaryReport(document: document, dimension: dimension).rows.map { "\($0.name) \($0.figures.calls)" }
        }
        #expect(rows(.day) == ["2026-10-31 1", "2026-11-01 2", "2026-11-02 4"])
        #expect(rows(.week) == ["2026-W44 3", "2026-W45 4"])
        #expect(rows(.month) == ["2026-10 1", "2026-11 6"])
        let series: SummaryDocument.Series = try Documents.read(
            """
            {"dimension":"model","days":[{"date":"2026-10-31","values":{"m":{\(Documents.sums(calls: 1, tokens: 1, cost: 1))}}},
            {"date":"2026-11-01","values":{"m":{\(Documents.sums(calls: 1, tokens: 1, cost: 1.5))},
            "n":{\(Documents.sums(calls: 1, tokens: 0, cost: 0.5))}}}]}
            """
        )
        var report = SummaryReport(document: document, dimension: .week)
        report.breakdown = SummaryReport.breakdown(series, by: .week)
        #expect(
            report.text(width: 80, style: .plain) == """
                Week      Calls  Tokens   Cost
                ──────────────────────────────
                2026-W44      3       3  $3.00
                └ m           2       2  $2.50
                └ n           1       0  $0.50
                2026-W45      4       4  $4.00
                ──────────────────────────────
                Total         7       7  $7.00

                """
        )
        #expect(
            report.table.tabbed(header: false)
                == "2026-W44\tm\t2\t2\t0\t0\t0\t0\t2.5\t0\n2026-W44\tn\t1\t0\t0\t0\t0\t0\t0.5\t0\n"
        )
    }

    @Test func `the JSON document has what every report has and all that the API said`() throws {
        let api = #"{"period":"2026-11","totalCost":2.5,"byModel":{"m":1}}"#
        let document = try Documents.summary(
            [("m", Documents.figures(calls: 2, tokens: 10, cost: 2.5, unpriced: 1))],
            calls: 2,
            tokens: 10,
            cost: 2.5,
            unpriced: 1
        )
        let text = SummaryReport(document: document).json(generatedAt: "2026-11-22T00:00:00.000Z", api: api)
        #expect(
            text == """
                {"by":"model","coverage":{"calls":2,"priced_calls":1,"unpriced_calls":1,"unpriced_models":["m"]},"currency":"USD",\
                "generated_at":"2026-11-22T00:00:00.000Z","rows":[{"cache_read_tokens":0,"cache_write_tokens":0,"calls":2,\
                "cost":2.5,"input_tokens":10,"name":"m","output_tokens":0,"reasoning_tokens":0,"sessions":1,"total_tokens":10,\
                "unpriced_calls":1}],"schema":{"name":"hammurabi.summary","version":1},"totals":{"cache_read_tokens":0,\
                "cache_write_tokens":0,"calls":2,"cost":2.5,"input_tokens":10,"output_tokens":0,"reasoning_tokens":0,\
                "sessions":1,"total_tokens":10,"unpriced_calls":1},"warnings":[{"code":"unpriced",\
                "message":"1 call has no price and is not in the cost: m"}],"period":"2026-11","totalCost":2.5,"byModel":{"m":1}}

                """
        )
    }
}
