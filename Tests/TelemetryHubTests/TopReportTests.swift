// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
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
    private static let now = Timestamp(iso8601: "2026-11-22T12:00:00Z") ?? Timestamp(nanoseconds: 0)

    private static func sums(_ dollars: Double, tokens: Int64, unpriced: Int64 = 0) -> String {
        "{\(Documents.sums(calls: 1, tokens: tokens, cost: dollars, unpriced: unpriced))}"
    }

    private static let block = """
        {"id":"b","startTime":"2026-11-22T09:00:00.000Z","endTime":"2026-11-22T14:00:00.000Z","firstCallTime":null,
        "actualEndTime":null,"isActive":true,"isGap":false,"totalTokens":5,"models":[],
        \(Documents.sums(calls: 2, tokens: 5, cost: 3.1)),"projection":null,"tokenLimitStatus":null,
        "burnRate":{"tokensPerMinute":1,"uncachedTokensPerMinute":1,"costPerHour":1.2}}
        """

    private func line(
        session: String = "null",
        budget: String = "null",
        block: String = "null",
        limits: String = "[]",
        input: String = ""
    ) throws -> StatusLine {
        let today = Self.sums(8.3, tokens: 1_230_000)
        let text =
            "{\"session\":\(session),\"today\":\(today),\"budget\":\(budget),\"block\":\(block),\"limits\":\(limits)}"
        return StatusLine(document: try Documents.read(text), agent: AgentState(input), machine: "desk", now: Self.now)
    }

    @Test func `session, day, budget and tokens are on one line`() throws {
        #expect(try line().text(StatusLine.Part.usual, .plain) == "$8.30 today · 1.2M tok")
        let whole = try line(
            session: Self.sums(1.24, tokens: 41_999),
            budget: #"{"limit":200,"used":124,"fraction":0.62,"projected":130}"#
        )
        #expect(whole.text(StatusLine.Part.usual, .plain) == "$1.24 session · $8.30 today · 62% of $200 · 41k tok")
        let over = try line(
            session: Self.sums(0, tokens: 812, unpriced: 1),
            budget: #"{"limit":99.5,"used":124,"fraction":1.25,"projected":130}"#
        )
        #expect(over.text(StatusLine.Part.usual, .plain) == "– session · $8.30 today · 125% of $99.50! · 812 tok")
        #expect(over.text(StatusLine.Part.usual, Style(isTerminal: false, environment: [:])).contains(" | "))
    }

    /// Claude Code's standard input, and what is made of it.
    @Test(arguments: [
        (
            #"{"session_id":"s","model":{"id":"x","display_name":"Opus 4.5"},"cost":{"total_cost_usd":1.2},"context_window":{"#
                + #""context_window_size":200000,"used_percentage":41.4},"rate_limits":{"five_hour":{"used_percentage":38.2,"#
                + #""resets_at":1795354800},"seven_day":{"used_percentage":85,"resets_at":1795363200}}}"#,
            "$1.20 session · $8.30 today · $3.10 block, 2h 00m left · $1.20/h · 41% context · 5h 38% · 7d 85%, 4h 00m to reset! · 1.2M tok"
        ),
        (
            #"{"context_window":{"used_percentage":null},"rate_limits":{"five_hour":{"used_percentage":"much"},"seven_day":7}}"#,
            "$8.30 today · $3.10 block, 2h 00m left · $1.20/h · 1.2M tok"
        ),
        (
            #"{"context_window":{"used_percentage":1e300},"rate_limits":{"five_hour":{"used_percentage":99,"resets_at":1e300}}}"#,
            "$8.30 today · $3.10 block, 2h 00m left · $1.20/h · 5h 99%! · 1.2M tok"
        ), ("no JSON", "$8.30 today · $3.10 block, 2h 00m left · $1.20/h · 1.2M tok"),
    ])
    func `block, rate, context and limits`(input: String, expected: String) throws {
        #expect(try line(block: Self.block, input: input).text(StatusLine.Part.usual, .plain) == expected)
    }

    @Test func `parts and their order can be chosen`() throws {
        let line = try line(block: Self.block, input: #"{"model":{"display_name":"Opus 4.5"}}"#)
        #expect(line.text([.model, .burn], .plain) == "Opus 4.5 · $1.20/h")
        #expect(line.text([.limits], .plain) == "")
        let command = try StatusLineCommand.parse(["--show", "block,session"])
        #expect(command.show == [.block, .session])
        #expect(throws: (any Error).self) { try StatusLineCommand.parse(["--show", "block,weather"]) }
    }

    private static let limits = """
        [{"agent":"claude-code","account":null,"machine":"desk","plan":null,"name":"five_hour","label":"5h","windowMinutes":300,
        "usedPercent":38.5,"resetsAt":"2026-11-22T14:00:00.000Z","reportedAt":"2026-11-22T11:59:00.000Z","ageSeconds":60,
        "isCurrent":true,"projectedPercent":64,"fullAt":null,"source":"statusline"},
        {"agent":"codex","account":null,"machine":"desk","plan":"plus","name":"primary","label":"5h","windowMinutes":300,
        "usedPercent":91,"resetsAt":"2026-11-22T12:30:00.000Z","reportedAt":"2026-11-22T11:59:00.000Z","ageSeconds":60,
        "isCurrent":true,"projectedPercent":101,"fullAt":"2026-11-22T12:26:00.000Z","source":"rollout"}]
        """

    /// Limits that the hub knows: the agent's own figures are newer, and in an agent's line only its own limits are shown.
    @Test(arguments: [
        ("", "claude-code 5h 39% · codex 5h 91%, 30m to reset!"), (#"{"session_id":"s"}"#, "5h 39%"),
        (#"{"session_id":"s","rate_limits":{"five_hour":{"used_percentage":40}}}"#, "5h 40%"),
        (
            #"{"session_id":"s","rate_limits":{"seven_day_opus":{"used_percentage":3},"seven_day":{"used_percentage":2}}}"#,
            "7d 2% · 7d opus 3%"
        ),
    ])
    func `limits that the hub knows`(input: String, expected: String) throws {
        var line = try line(limits: Self.limits, input: input)
        #expect(line.text([.limits], .plain) == expected)
        line.machine = "laptop"
        if input.isEmpty { #expect(line.text([.limits], .plain) == "") }
    }

    @Test func `before the hub knows a session its cost is the agent's own`() throws {
        let input = #"{"session_id":"s","cost":{"total_cost_usd":1.239}}"#
        #expect(try line(input: input).text([.session], .plain) == "$1.24 session")
        let known = try line(session: Self.sums(2, tokens: 1), input: input)
        #expect(known.text([.session], .plain) == "$2.00 session")
        #expect(try line(input: #"{"cost":{"total_cost_usd":-1}}"#).text([.session], .plain) == "")
    }

    /// The flags of ccusage's status line (docs/guide/statusline.md) that have a meaning here.
    @Test func `the source of a session's cost, and the mark of a rate, can be chosen`() throws {
        let input = #"{"session_id":"s","cost":{"total_cost_usd":0.25},"context_window":{"used_percentage":70}}"#
        var line = try line(session: Self.sums(0.234, tokens: 1), block: Self.block, input: input)
        let costs: [(StatusLine.CostSource, String)] = [
            (.auto, "$0.23 session"), (.ccusage, "$0.23 session"), (.cc, "$0.25 session"),
            (.both, "($0.25 cc / $0.23) session"),
        ]
        for (source, expected) in costs {
            line.costSource = source
            #expect(line.text([.session], .plain) == expected)
        }
        line.burnMark = .emojiText
        #expect(line.text([.burn], .plain) == "$1.20/h 🟢 (Normal)")
        #expect(StatusLine.BurnMark.text.text(tokensPerMinute: 2_001) == " (Moderate)")
        #expect(StatusLine.BurnMark.emoji.text(tokensPerMinute: 5_001) == " 🚨")
        line.contextBorder = 60
        #expect(line.text([.context], .plain) == "70% context!")
        let words = CCUsageFlags.translated(
            "statusline --visual-burn-rate emoji --cost-source both --context-low-threshold 60 --context-medium-threshold 90 "
                .split(separator: " ").map(String.init) + ["--no-offline", "--cache", "--refresh-interval", "5"]
        )
        let command = try StatusLineCommand.parse(Array(words.dropFirst()))
        #expect((command.visualBurnRate, command.costSource) == (.emoji, .both))
        #expect(command.contextMediumThreshold == 90)
    }

    /// What Claude Code hands over (its documentation, and anthropics/claude-code#45133), and the body that the hub gets.
    @Test func `context, cost and limits are handed on as they came`() throws {
        let input =
            #"{"session_id":"abc12345","model":{"id":"claude-opus-4-6","display_name":"Opus 4.6"},"cost":{"#
            + #""total_cost_usd":2.41,"total_duration_ms":1320000,"total_lines_added":156},"context_window":{"#
            + #""total_input_tokens":15234,"context_window_size":200000,"used_percentage":7,"remaining_percentage":93},"#
            + #""exceeds_200k_tokens":false,"rate_limits":{"five_hour":{"used_percentage":105,"resets_at":1776441600},"#
            + #""seven_day":{"used_percentage":34,"resets_at":1776970800}}}"#
        let report: StatusLineReport = try Documents.read(
            try #require(AgentState(input).report(account: "acc", machine: "desk"))
        )
        #expect((report.session, report.contextPercent, report.contextWindow) == ("abc12345", 7, 200_000))
        #expect(report.cost?.amount == Money(dollars: 2.41))
        #expect(report.limits.map(\.usedPercent) == [105, 34])
        // Without a subscription there are no limits, and before the first answer nothing at all.
        let metered = #"{"session_id":"s","cost":{"total_cost_usd":0}}"#
        #expect(AgentState(metered).report(account: nil, machine: nil)?.contains(#""cost":0"#) == true)
        #expect(AgentState(#"{"session_id":"s"}"#).report(account: nil, machine: nil) == nil)
        #expect(AgentState(#"{"cost":{"total_cost_usd":1}}"#).report(account: nil, machine: nil) == nil)
    }

    /// A template and its line, where the block and the budget are not known.
    @Test(arguments: [
        ("{session} · {today}", "$1.24 session · $8.30 today"), ("{block} · {today}", "$8.30 today"),
        ("{today} · {block}", "$8.30 today"), ("{session}, {block} / {today}", "$1.24 session / $8.30 today"),
        ("[{block}]", "[]"), ("cost {today}!", "cost $8.30 today!"), ("{{{today}}}", "{$8.30 today}"),
        ("short", "$1.24 session"), ("full", "$1.24 session · $8.30 today · 41k tok"),
    ])
    func `a template`(template: String, expected: String) throws {
        let line = try line(session: Self.sums(1.24, tokens: 41_999))
        #expect(line.text(.template(try StatusLineTemplate(template)), .plain) == expected)
        #expect(try StatusLineCommand.parse(["--format", template]).format == (try StatusLineTemplate(template)))
    }

    @Test(arguments: [
        ("fancy", "\"fancy\" is no template; use full, short, limits, ccusage, or"),
        ("", "\"\" is no template"), ("{weather}", "there is no part \"weather\"; use session, today,"),
        ("{today", "a brace of the template is alone"), ("today}", "a brace of the template is alone"),
        ("{today}\n", "a template is one line"), ("{}", "there is no part \"\""),
        ("{today}" + String(repeating: "x", count: 1_024), "at most 1024 bytes"),
    ])
    func `what is no template is refused with the rule`(template: String, rule: String) {
        #expect { try StatusLineTemplate(template) } throws: { "\($0)".contains(rule) }
        #expect(throws: (any Error).self) { try StatusLineCommand.parse(["--format", template]) }
        #expect(throws: (any Error).self) { try StatusLineCommand.parse(["--format", "full", "--show", "today"]) }
    }
}
