// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The command lines that ccusage's documentation names most, as its users would type them here.
struct CCUsageTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    private struct Event {
        var time: Date
        var session: String
        var project: String
        var model: String
        var cost: Double
        var agent = "claude-code"

        var timestamp: String { time.formatted(.iso8601) }
        var day: String { String(timestamp.prefix(10)) }
        var month: String { String(timestamp.prefix(7)) }

        var json: [String: Any] {
            [
                "sessionId": session, "event": "token_usage", "project": project, "model": model, "cost": cost,
                "agentName": agent, "timestamp": timestamp, "inputTokens": 100, "outputTokens": 50,
                "cacheReadTokens": 1_000, "cacheWriteTokens": 10,
            ]
        }
    }

    /// Two days before today, the day before, and now.
    private static func events() -> [Event] {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let noon = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400 + 43_200)
        let sonnet = "claude-sonnet-4-5-20250929"
        return [
            Event(time: noon - 2 * 86_400, session: "s-1", project: "hub", model: sonnet, cost: 0.5),
            Event(time: noon - 86_400, session: "s-1", project: "hub", model: "claude-opus-4-5", cost: 1),
            Event(time: noon - 86_400, session: "s-2", project: "web", model: sonnet, cost: 0.25),
            Event(time: now - 70, session: "s-2", project: "web", model: sonnet, cost: 0.25),
            Event(time: now - 10, session: "s-3", project: "web", model: "gpt-5", cost: 0.125, agent: "codex"),
        ]
    }

    /// Takes the events in and ends; the reports then read the store.
    private func collected(_ renamed: (String) -> String = { $0 }) async throws -> [Event] {
        let program = try await sandbox.collect()
        let events = Self.events()
        let text = String(decoding: try JSONSerialization.data(withJSONObject: events.map(\.json)), as: UTF8.self)
        #expect(try await program.post("/api/telemetry/ingest", Data(renamed(text).utf8)).status == 202)
        #expect(try await program.stop().exitCode == 0)
        return events
    }

    private func ccusage(_ line: String) async throws -> [String: Any] {
        let words = line.split(separator: " ").map(String.init)
        let outcome = try await sandbox.run(words + ["--json", "--format", "ccusage"] + Sandbox.anyPort)
        #expect(outcome.exitCode == 0, "\(line): \(outcome.errors)")
        return try #require(try outcome.json() as? [String: Any])
    }

    private func rows(_ document: [String: Any], _ list: String, _ name: String) throws -> [String: Double] {
        let rows = try #require(document[list] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: try rows.map {
                (try #require($0[name] as? String), try #require($0["totalCost"] as? NSNumber).doubleValue)
            }
        )
    }

    private func costs(_ events: [Event], by name: (Event) -> String) -> [String: Double] {
        Dictionary(grouping: events, by: name).mapValues { $0.reduce(0) { $0 + $1.cost } }
    }

    @Test func `the ten command lines of its documentation give the expected reports`() async throws {
        let events = try await collected()
        let (first, last) = (events[0].day.replacing("-", with: ""), events[1].day.replacing("-", with: ""))
        let early = Array(events.prefix(3))
        // Reports by day, week, month and session.
        #expect(try rows(try await ccusage("daily"), "daily", "date") == costs(events, by: \.day))
        #expect(
            try rows(try await ccusage("daily --since \(first) --until \(last)"), "daily", "date")
                == costs(early, by: \.day)
        )
        #expect(
            try rows(try await ccusage("session --until \(last)"), "sessions", "sessionId")
                == costs(early, by: \.session)
        )
        #expect(
            try rows(try await ccusage("monthly -s \(first) --offline"), "monthly", "month")
                == costs(events, by: \.month)
        )
        let week = try rows(try await ccusage("weekly --start-of-week monday -O"), "weekly", "week")
        #expect(week.values.reduce(0, +) == 2.125)
        #expect(week.keys.allSatisfy { Self.isMonday($0) })
        let sessions = try await ccusage("session --order desc")
        #expect(
            (sessions["sessions"] as? [[String: Any]])?.map { $0["sessionId"] as? String } == ["s-3", "s-2", "s-1"]
        )
        let web = try await ccusage("daily --instances --project web")
        let projects = try #require(web["projects"] as? [String: Any])
        #expect(Set(projects.keys) == ["web"])
        #expect(try rows(projects, "web", "date") == costs(events.filter { $0.project == "web" }, by: \.day))
        #expect(try rows(try await ccusage("codex daily"), "daily", "date") == costs([events[4]], by: \.day))
        // Blocks.
        let block = try #require(
            (try await ccusage("blocks --active --token-limit max")["blocks"] as? [[String: Any]])?.first
        )
        #expect(block["isActive"] as? Bool == true)
        #expect((block["costUSD"] as? NSNumber)?.doubleValue == 0.375)
        #expect((block["totalTokens"] as? NSNumber)?.intValue == 2_320)
        #expect((block["tokenLimitStatus"] as? [String: Any])?["limit"] as? Int == 2_320)
        let recent = try #require(try await ccusage("blocks --recent")["blocks"] as? [[String: Any]])
        #expect(recent.map { $0["isGap"] as? Bool } == [false, true, false, true, false])
        #expect(recent.map { $0["entries"] as? Int } == [1, 0, 2, 0, 2])
    }

    /// Lines of ccusage's documentation as they are there (docs/guide/cli-options.md), without the program's name, and what all their
    /// rows cost together; nil for one that is not about money alone.
    private static let documented: [(line: String, cost: Double?)] = [
        ("daily", 2.125), ("daily --json", 2.125), ("daily -j", 2.125), ("daily --breakdown", 2.125),
        ("daily -b", 2.125),
        ("daily --json --breakdown", 2.125), ("daily --order desc", 2.125), ("daily --order asc", 2.125),
        ("daily --offline", 2.125), ("daily -O", 2.125), ("daily --timezone UTC", 2.125),
        ("daily -z Asia/Tokyo", 2.125),
        ("daily --mode auto", 2.125), ("daily --since 20250101 --until 20250630", 0), ("daily --instances", 2.125),
        ("daily -i", 2.125), ("daily --project myproject", 0.625), ("daily -p myproject", 0.625),
        ("daily --instances --project myproject", 0.625), ("daily --instances --breakdown", 2.125),
        ("monthly --since 20250101", 2.125), ("monthly -z Europe/London", 2.125),
        ("weekly --start-of-week monday", 2.125),
        ("weekly --start-of-week sunday", 2.125), ("session --until 20250630", 0), ("session --id abc123-session", 0.5),
        ("session --project myproject", 0.625), ("blocks --active", 0.375), ("blocks -a", 0.375),
        ("blocks --recent", 2.125),
        ("blocks -r", 2.125), ("blocks --token-limit 500000", 2.125), ("blocks --token-limit max", 2.125),
        ("blocks --session-length 5", 2.125), ("statusline", nil),
        ("daily --mode calculate", 2.125), ("daily --locale en-US", 2.125), ("blocks --locale ja-JP", 2.125),
        ("session -l de-DE", 2.125), ("daily --debug", 2.125), ("daily --debug --debug-samples 10", 2.125),
        ("monthly --mode calculate --breakdown", 2.125), ("daily --timezone UTC --locale en-CA", 2.125),
        ("monthly --compact", 2.125), ("daily --all", 2.125), ("claude session --json", 2),
        ("codex daily --speed auto", 0.125),
        ("monthly --last 2", 2.125), ("statusline --offline", nil), ("statusline --cache", nil),
        ("statusline --no-offline", nil), ("statusline --refresh-interval 5", nil),
        ("statusline --visual-burn-rate emoji", nil), ("statusline --cost-source both", nil),
        ("statusline --context-low-threshold 60 --context-medium-threshold 90", nil),
    ]

    @Test func `lines of its documentation work as they are there`() async throws {
        _ = try await collected { $0.replacing("web", with: "myproject").replacing("s-2", with: "abc123-session") }
        for (line, cost) in Self.documented {
            let words = line.split(separator: " ").map(String.init)
            let outcome = try await sandbox.run(words + Sandbox.anyPort)
            #expect(outcome.exitCode == 0, "\(line): \(outcome.errors)")
            guard let cost else { continue }
            let json = words.contains("--json") || words.contains("-j") ? words : words + ["--json"]
            let document = try await sandbox.run(json + ["--format", "ccusage"] + Sandbox.anyPort).json()
            let blocks = document["blocks"] as? [[String: Any]]
            let entries = document["entries"] as? [[String: Any]]
            let sum =
                blocks?.reduce(0) { $0 + (($1["costUSD"] as? NSNumber)?.doubleValue ?? 0) }
                ?? ((document["totals"] as? [String: Any])?["totalCost"] as? NSNumber)?.doubleValue
                ?? (document["totalCost"] as? NSNumber)?.doubleValue
            #expect(sum == cost, "\(line): \(document) \(entries?.count ?? 0)")
        }
    }

    private static func isMonday(_ day: String) -> Bool {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return (try? Date(day + "T00:00:00Z", strategy: .iso8601)).map { calendar.component(.weekday, from: $0) } == 2
    }

    @Test func `a document has the members of ccusage's, in its order`() async throws {
        let events = try await collected()
        let words = ["daily", "-j", "--format", "ccusage", "--order", "asc", "-z", "UTC"]
        let text = try await sandbox.run(words + Sandbox.anyPort).output
        #expect(
            text.hasPrefix(
                #"{"daily":[{"date":"\#(events[0].day)","inputTokens":100,"outputTokens":50,"cacheCreationTokens":10,"#
                    + #""cacheReadTokens":1000,"totalTokens":1160,"totalCost":0.5,"modelsUsed":["claude-sonnet-4-5-20250929"],"#
                    + #""modelBreakdowns":[{"modelName":"claude-sonnet-4-5-20250929","inputTokens":100,"outputTokens":50,"#
                    + #""cacheCreationTokens":10,"cacheReadTokens":1000,"cost":0.5}]},"#
            ),
            "\(text)"
        )
        #expect(
            text.hasSuffix(
                #""totals":{"inputTokens":500,"outputTokens":250,"cacheCreationTokens":50,"cacheReadTokens":5000,"#
                    + #""totalTokens":5800,"totalCost":2.125}}"# + "\n"
            ),
            "\(text)"
        )
    }

    @Test func `tables are for people and lines for programs`() async throws {
        let events = try await collected()
        let lines = try await sandbox.run(["daily", "--breakdown", "--order", "desc"] + Sandbox.anyPort).output
            .split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        #expect(lines.last?.prefix(3) == [events[0].day, "claude-sonnet-4-5-20250929", "1"])
        let table = try await sandbox.run(["blocks", "--color", "always", "--active"] + Sandbox.anyPort).output
        #expect(table.contains("Burn rate"))
        #expect(table.contains("$0.38"))
        let usage = try await sandbox.run(["usage", "--period", "today", "--json"] + Sandbox.anyPort).json()
        #expect((usage["schema"] as? [String: Any])?["name"] as? String == "hammurabi.summary")
    }

    @Test func `words of the OpenTelemetry Collector and of other programs`() async throws {
        for word in ["version", "-v", "--version"] {
            #expect(try await sandbox.run([word]).output == "0.1.0\n")
        }
        let printed = try await sandbox.run(["print-config"])
        #expect(printed.exitCode == 0)
        #expect(printed.output == (try await sandbox.run(["config", "print"]).output))
        let refused = try await sandbox.run(["dashboard"])
        #expect(refused.exitCode == 64)
        #expect(refused.errors == "Error: There is no command 'dashboard'; did you mean \"open\"?\n")
        #expect(try await sandbox.run(["open"] + Sandbox.anyPort).exitCode == 69)
        #expect(try await sandbox.run(["daily", "--mode", "display"]).exitCode == 64)
        #expect(try await sandbox.run(["daily", "--format", "ccusage"]).exitCode == 64)
    }

    @Test func `the dashboard's address has the filters of a report`() async throws {
        let program = try await sandbox.collect()
        let flags = try program.flags()
        let address = try await sandbox.run(["open", "--period", "7d", "-p", "a b", "--page", "sessions"] + flags)
            .output
        #expect(address.hasPrefix("http://127.0.0.1:"))
        #expect(address.hasSuffix("/#/sessions?period=7d&project=a%20b\n"))
        #expect(try await sandbox.run(["open"] + flags).output.hasSuffix("/#/overview\n"))
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `what the same calls would cost at another model's prices`() async throws {
        _ = try await collected()
        let line = ["compare", "--with", "claude-haiku-4-5", "--period", "7d", "--json"]
        let document = try await sandbox.run(line + Sandbox.anyPort).json()
        #expect((document["calls"] as? NSNumber)?.intValue == 5)
        #expect((document["cost"] as? NSNumber)?.doubleValue == 2.125)
        // 100 at $1, 50 at $5, 1,000 at $0.10 and 10 at $1.25 a million, five times.
        #expect((document["comparedCost"] as? NSNumber)?.doubleValue == 0.0023125)
        let refused = try await sandbox.run(["compare", "--with", "claude-haiku-4-9"] + Sandbox.anyPort)
        #expect(refused.exitCode == 64)
        #expect(refused.errors.contains("no price is known for the model \"claude-haiku-4-9\""))
        #expect(try await sandbox.run(["compare"]).exitCode == 64)
    }

    @Test func `days are those of the machine unless a zone is named`() async throws {
        let program = try await sandbox.collect()
        let event: [String: Any] = [
            "sessionId": "s", "event": "token_usage", "inputTokens": 1, "model": "gpt-5",
            "timestamp": (Date() - 86_400).formatted(.iso8601),
        ]
        let body = try JSONSerialization.data(withJSONObject: [event])
        #expect(try await program.post("/api/telemetry/ingest", body).status == 202)
        #expect(try await program.stop().exitCode == 0)
        for (zone, expected) in [("Asia/Tokyo", "Asia/Tokyo"), ("UTC", "UTC"), ("Nowhere/None", "UTC")] {
            let line = ["summary", "--json"] + Sandbox.anyPort
            let document = try await sandbox.run(line, environment: ["TZ": zone]).json()
            #expect(document["timezone"] as? String == expected)
        }
        let line = ["summary", "--json", "-z", "Europe/Berlin"] + Sandbox.anyPort
        let document = try await sandbox.run(line, environment: ["TZ": "Asia/Tokyo"]).json()
        #expect(document["timezone"] as? String == "Europe/Berlin")
    }
}
