// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct SessionReportTests {
    private static let now = Timestamp(iso8601: "2026-11-22T09:12:00Z") ?? Timestamp(nanoseconds: 0)
    private static let call = """
        {"callId":"c-1","timestamp":"2026-11-22T08:01:02.345Z","model":"claude-opus-4-8","provider":"anthropic","inputTokens":10,
        "outputTokens":5,"cacheReadTokens":7,"cacheWriteTokens":3,"reasoningTokens":2,"cost":0.125,"reportedCost":null,
        "computedCost":0.125,"priced":true,"durationMs":1850,"sources":["otlp_log","transcript"],"error":null}
        """

    @Test func `sessions are listed with their state and when they were seen`() throws {
        let first = Documents.session("220b5ae6-99f8-46e4-9a5b-59c81d7c9bdf")
        let second = Documents.session("s-2", name: "fix-bug", tokens: 812, cost: 0.5)
        let document: SessionsDocument = try Documents.read(
            #"{"sessions":[\#(first),\#(second)],"nextCursor":"c2","total":1045}"#
        )
        let report = SessionsReport(document: document, now: Self.now)
        #expect(
            report.text(width: 80, style: .plain) == """
                Session    Cost  Project  Model            State    Seen  Tokens  Duration
                ──────────────────────────────────────────────────────────────────────────
                220b5ae6  $2.14  app      claude-opus-4-8  ended  1h ago  45,230       12m
                fix-bug   $0.50  app      claude-opus-4-8  ended  1h ago     812       12m
                1,043 more: --limit, or a filter such as --agent

                """
        )
        let rows = report.table.tabbed(header: false).split(separator: "\n")
        #expect(
            rows.last
                == "s-2\tfix-bug\tstale\tclaude-code\tclaude-opus-4-8\tapp\t\t\t2026-11-22T08:00:00.000Z\t2026-11-22T08:12:00.000Z\t720000\t3\t812\t0\t0\t0\t0\t0.5\t0\t\t\tmain"
        )
        #expect(report.table.titles.count == report.table.rows[0].count)
    }

    /// What the agent said of the session, and its line.
    @Test(arguments: [
        (
            #"{"contextUsedPercent":41.4,"contextWindow":200000,"cost":10.07,"reportedAt":"2026-11-22T09:10:00.000Z"}"#,
            "It says   $10.07 · context 41% of 200,000 tokens · 2m ago"
        ),
        (
            #"{"contextUsedPercent":null,"contextWindow":null,"cost":1,"reportedAt":"2026-11-22T09:12:00.000Z"}"#,
            "It says   $1.00 · just now"
        ),
    ])
    func `what the agent says of a session is shown beside what is counted`(reported: String, line: String) throws {
        let document: SessionDetailDocument = try Documents.read(
            """
            {"session":\(Documents.session("s-2")),"calls":[],"events":[],"costByModel":{},"subagents":[],
            "reported":\(reported)}
            """
        )
        let report = SessionReport(document: document, now: Self.now)
        #expect(report.text(width: 80, style: .plain).split(separator: "\n").contains(line[...]))
    }

    @Test func `the user comes first where one is known, and what has no room is left out behind it`() throws {
        let session = Documents.session("s-2", name: "fix-bug").replacing("\"user\":null", with: "\"user\":\"ada\"")
        let document: SessionsDocument = try Documents.read(#"{"sessions":[\#(session)],"nextCursor":null,"total":1}"#)
        let report = SessionsReport(document: document, now: Self.now)
        let wide = report.text(width: 140, style: .plain).split(separator: "\n")[0].split(separator: " ")
        #expect(
            wide == [
                "Session", "User", "Cost", "Project", "Model", "State", "Agent", "Seen", "Calls", "Tokens", "Duration",
            ]
        )
        let narrow = report.text(width: 48, style: .plain).split(separator: "\n")[0].split(separator: " ")
        #expect(narrow == ["Session", "User", "Cost", "Seen", "Tokens", "Duration"])
    }

    @Test func `one session is shown with every call`() throws {
        let child = #"{"session":\#(Documents.session("child", tokens: 5, cost: 0.01)),"calls":[]}"#
        let document: SessionDetailDocument = try Documents.read(
            """
            {"session":\(Documents.session("s-2", name: "fix-bug")),"calls":[\(Self.call)],"events":[],
            "costByModel":{"claude-opus-4-8":0.125},"subagents":[\(child)]}
            """
        )
        let report = SessionReport(document: document, now: Self.now)
        let lines = report.text(width: 80, style: .plain).split(separator: "\n")
        #expect(
            lines == [
                "Session   fix-bug", "Id        s-2", "State     ended", "Cost      $2.14  45,230 tokens · 3 calls",
                "Agent     claude-code", "Project   app", "Time      2026-11-22 08:00:00 UTC · 12m",
                "Time            Model            Tokens     Cost  Took",
                "──────────────────────────────────────────────────────",
                "11-22 08:01:02  claude-opus-4-8      25  $0.1250  1.8s",
                "──────────────────────────────────────────────────────",
                "Total                            45,230    $2.14", "Sub-agents",
                "Session  State  Calls  Tokens   Cost  Duration", "──────────────────────────────────────────────",
                "child    ended      3       5  $0.01       12m",
            ]
        )
        #expect(
            report.table.tabbed(header: false)
                == "2026-11-22T08:01:02.345Z\tc-1\tclaude-opus-4-8\tanthropic\t10\t7\t3\t5\t2\t0.125\ttrue\t1850\totlp_log+transcript\t\n"
        )
        #expect(report.json(api: "{\"session\":1}").contains(#""schema":{"name":"hammurabi.session","version":1}"#))
    }
}

struct PriceReportTests {
    private let report: PriceReport

    init() throws {
        let document: PricesDocument = try Documents.read(
            """
            {"models":[{"model":"claude-opus-4-8","provider":"anthropic","inputPerMillion":5,"outputPerMillion":25.5,
            "cacheReadPerMillion":0.075,"cacheWrite5mPerMillion":6.25,"cacheWrite1hPerMillion":10,"from":"2026-01-01"},
            {"model":"gpt-5","provider":null,"inputPerMillion":1.25,"outputPerMillion":null,"cacheReadPerMillion":null,
            "cacheWrite5mPerMillion":null,"cacheWrite1hPerMillion":null,"from":null}],
            "unpriced":[{"model":"gtp-5","calls":12,"lastSeenAt":"2026-11-22T08:12:00.000Z"}],
            "aliases":[{"name":"o-*-thinking","model":"o-*","from":null,"until":null,"source":"a/b#1"}],
            "unmatchedOverrides":[{"model":"gpd-5","nearest":"gpt-5"},{"model":"q","nearest":null}]}
            """
        )
        report = PriceReport(
            document: document,
            search: nil,
            now: Timestamp(iso8601: "2026-11-22T09:12:00Z") ?? .init(nanoseconds: 0)
        )
    }

    @Test func `prices are listed in dollars for a million tokens`() {
        #expect(
            report.text(width: 80, style: .plain) == """
                Model            Provider   Input  Output  Cache read
                ─────────────────────────────────────────────────────
                gpt-5            –          $1.25       –           –
                claude-opus-4-8  anthropic  $5.00  $25.50      $0.075
                2 models, dollars for a million tokens

                Alias         Billed as  From  Source
                ─────────────────────────────────────
                o-*-thinking  o-*        –     a/b#1
                an alias holds only where the table has no row for the name; * is any text

                """
        )
        #expect(report.prices.rows[1] == ["gpt-5", "", "1.25", "", "", "", "", "", ""])
        #expect(report.prices.rows.last == ["o-*-thinking", "", "", "", "", "", "", "", "o-*"])
        let searches = ["o-3-thinking", "o--thinking", "o-3", "THINK"]
        let found = searches.map {
            PriceReport(document: report.document, search: $0, now: report.now).prices.rows.count
        }
        #expect(found == [1, 0, 0, 1])
        #expect(report.pricesJSON.contains(#""cache_write_5m_per_million":6.25"#))
        #expect(report.pricesJSON.contains(#""aliases":[{"model":"o-*","name":"o-*-thinking","source":"a/b#1"}]"#))
        #expect(!report.unpricedJSON.contains("aliases"))
        #expect(
            report.document.notes == [
                "no stored call has the model \"gpd-5\" of pricing.overrides; the nearest is \"gpt-5\"",
                "no stored call has the model \"q\" of pricing.overrides",
            ]
        )
    }

    @Test func `people see models in use first, then their vendors' lists, and clouds on request`() throws {
        func row(_ model: String, _ provider: String?) -> String {
            let name = provider.map { "\"\($0)\"" } ?? "null"
            return
                #"{"model":"\#(model)","provider":\#(name),"inputPerMillion":1,"outputPerMillion":2,"cacheReadPerMillion":null,"#
                + #""cacheWrite5mPerMillion":null,"cacheWrite1hPerMillion":null,"from":null}"#
        }
        let rows = [
            row("anthropic.claude-opus-4-8-v1:0", "bedrock"), row("claude-haiku-4-5", "anthropic"),
            row("claude-opus-4-8", "anthropic"), row("claude-opus-4-8", "vertex_ai"), row("own-opus", nil),
        ]
        let document: PricesDocument = try Documents.read(
            #"{"models":[\#(rows.joined(separator: ","))],"unpriced":[],"aliases":[],"unmatchedOverrides":[]}"#
        )
        func models(_ search: String?, all: Bool, called: Set<String> = ["claude-opus-4-8-20260101"]) -> [String] {
            var report = PriceReport(document: document, search: search, now: Timestamp(nanoseconds: 0))
            (report.called, report.showsAll) = (called, all)
            let lines = report.text(width: 80, style: .plain).split(separator: "\n").dropFirst(2)
            return lines.map { String($0.prefix { $0 != " " }) }
        }
        #expect(models(nil, all: false) == ["claude-opus-4-8", "own-opus", "2"])
        #expect(models("opus", all: false) == ["claude-opus-4-8", "own-opus", "2"])
        #expect(models("claude", all: false) == ["claude-opus-4-8", "claude-haiku-4-5", "2"])
        #expect(models("bedrock", all: false) == ["anthropic.claude-opus-4-8-v1:0", "1"])
        #expect(models(nil, all: true).count == 6)
        // A model in use that its vendor has no list for has the price of a cloud.
        let rented: PricesDocument = try Documents.read(
            #"{"models":[\#((rows + [row("gemini-3-pro", "vertex_ai")]).joined(separator: ","))],"unpriced":[],"aliases":[],"#
                + #""unmatchedOverrides":[]}"#
        )
        var report = PriceReport(document: rented, search: nil, now: Timestamp(nanoseconds: 0))
        (report.called, report.showsAll) = (["claude-opus-4-8", "gemini-3-pro"], false)
        let text = report.text(width: 80, style: .plain)
        #expect(text.contains("gemini-3-pro ") && !text.contains("bedrock") && text.contains("3 models"))
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("claude-opus-4-8 ") }.count == 1)
    }

    @Test func `names that begin alike lose their middle`() {
        var table = TextTable(columns: [.init(title: "Model", cutsMiddle: true), .init(title: "Cost", isNumber: true)])
        table.rows = ["global.anthropic.claude-opus-4-8", "global.anthropic.claude-opus-4-5"].map {
            .init(cells: [$0, "$1.00"])
        }
        let lines = table.text(width: 30, style: .plain).split(separator: "\n").dropFirst(2)
        #expect(lines.allSatisfy { String($0).columns <= 30 && $0.contains("…") })
        #expect(lines.map { $0.contains("opus-4-8") } == [true, false])
    }

    @Test func `a model is found by a part of its name, and one that is misspelt by a similar one`() {
        let found = PriceReport(document: report.document, search: "OPUS-4", now: report.now)
        #expect(found.prices.rows.map(\.first) == ["claude-opus-4-8"])
        let missed = PriceReport(document: report.document, search: "gtp-5", now: report.now)
        #expect(
            missed.text(width: 80, style: .plain) == "No model of the table has this name; did you mean \"gpt-5\"?\n"
        )
    }

    @Test func `a model without a price is listed with one that is like it`() {
        let lines = report.unpricedText(width: 80, style: .plain).split(separator: "\n")
        #expect(lines[2] == "gtp-5     12  1h ago  gpt-5")
        #expect(report.unpriced.rows == [["gtp-5", "12", "2026-11-22T08:12:00.000Z"]])
    }
}
