// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing
import Usage

@testable import TelemetryHub

struct CommandLineTests {
    @Test(arguments: [
        (["sumary", "--json"], "Error: There is no command 'sumary'; did you mean \"summary\"?\n"),
        (["today"], "Error: There is no command 'today'; did you mean \"summary --period today\"?\n"),
        (["blcks"], "Error: There is no command 'blcks'; did you mean \"blocks\"?\n"),
        (["prices", "lst"], "Error: There is no command 'prices lst'; did you mean \"list\"?\n"),
        (["budget", "everything"], "Error: There is no command 'budget everything'; use state, check\n"),
    ])
    func `a word that is no command is refused with the nearest one`(arguments: [String], refusal: String) {
        #expect(Hammurabi.refusal(of: arguments) == refusal)
    }

    @Test(
        arguments: [
            (["usage", "--json"], ["summary", "--json"]), (["version"], ["--version"]), (["-v"], ["--version"]),
            (["print-config", "--config", "a"], ["config", "print", "--config", "a"]),
            (["codex", "monthly", "-j"], ["monthly", "-j", "--agent", "codex"]),
            (["claude"], ["daily", "--agent", "claude-code"]),
            (["gemini", "-b"], ["daily", "-b", "--agent", "gemini-cli"]),
            (["kimi", "weekly"], ["weekly", "--agent", "kimi-code"]), (["claude", "statusline"], ["statusline"]),
            (["opencode", "daily"], ["daily", "--agent", "opencode", "--agent", "mimo-code"]),
            (["droid", "session"], ["session", "--agent", "droid"]),
            (["codex", "prices"], ["codex", "prices"]), (["summary", "usage"], ["summary", "usage"]), ([], []),
        ] as [([String], [String])]
    )
    func `words of other programs are translated`(typed: [String], meant: [String]) {
        #expect(OtherWords.translated(typed) == meant)
    }

    /// Flags of ccusage's documentation (docs/guide/cli-options.md), and the command lines that are run for them.
    @Test(arguments: [
        ("daily --locale en-US", "daily"), ("blocks --locale=ja-JP -a", "blocks -a"), ("session -l de-DE", "session"),
        ("daily --no-offline --all", "daily"), ("daily --debug", "daily --verbose"),
        ("daily --debug --debug-samples 10", "daily --verbose"), ("daily --color", "daily --color always"),
        ("daily --color never", "daily --color never"), ("daily --no-color -j", "daily --color never -j"),
        ("daily --speed auto", "daily"), ("daily --speed=auto -b", "daily -b"),
        ("statusline --offline --no-cache --debug", "statusline"),
        // Another command's flags are left to it.
        ("summary --all", "summary --all"),
    ])
    func `flags of ccusage that change nothing are accepted, others have their own name`(typed: String, meant: String) {
        let words = typed.split(separator: " ").map(String.init)
        #expect(CCUsageFlags.translated(words).joined(separator: " ") == meant)
        #expect(CCUsageFlags.refusal(of: words) == nil)
    }

    @Test(arguments: [
        ("daily --json --jq .data[]", "pipe the JSON into jq"), ("daily -q .daily", "pipe the JSON into jq"),
        ("blocks --live --refresh-interval 2", "hammurabi top"), ("daily --sections daily,monthly", "hammurabi daily"),
        ("daily --by-agent", "summary --by agent"), ("daily --speed fast", "service tier"),
        ("daily --custom-dirs ~/.claude-work", "claude_code.directories"),
        ("pi session --pi-path /x", "receivers.agent_sessions.pi.directories"), ("daily --no-cost", "--csv"),
    ])
    func `a flag of ccusage that cannot be had is explained`(typed: String, reason: String) throws {
        let words = OtherWords.translated(typed.split(separator: " ").map(String.init))
        let refusal = try #require(CCUsageFlags.refusal(of: words))
        #expect(refusal.contains(" of ccusage is not here; ") && refusal.contains(reason))
    }

    /// A number of periods, the first day of the first, where today is 2026-11-24, a Tuesday.
    @Test(arguments: [
        ("day", 1, "2026-11-24"), ("day", 3, "2026-11-22"), ("week", 1, "2026-11-22"), ("week", 2, "2026-11-15"),
        ("month", 1, "2026-11-01"), ("month", 11, "2026-01-01"), ("month", 12, "2025-12-01"),
        ("month", 120, "2016-12-01"),
    ])
    func `the last days, weeks and months end with today`(unit: String, count: Int, first: String) throws {
        let dimension = try #require(SummaryReport.Dimension(argument: unit))
        let sunday = WeekStart("sunday", timezone: "UTC")
        #expect(DatedOptions.first(ofLast: count, dimension, today: "2026-11-24", sunday) == first)
    }

    @Test func `a number of periods goes without days`() throws {
        _ = try DailyCommand.parse(["--last", "3"])
        for words in [["--last", "0"], ["--last", "121"], ["--last", "3", "--since", "20261101"]] {
            #expect(throws: (any Error).self) { try DailyCommand.parse(words) }
        }
    }

    @Test func `what a word most likely means is a command`() throws {
        let words = OtherWords.meanings.values.map { $0.split(separator: " ").map(String.init) }
        for line in words + Array(OtherWords.commands.values) {
            #expect(Hammurabi.refusal(of: line) == nil, "\(line)")
            if line != ["--version"] { _ = try Hammurabi.parseAsRoot(line) }
        }
    }

    @Test(arguments: ["configuration", "\u{1B}c"])
    func `a word like no command is refused with all of them`(word: String) throws {
        let refusal = try #require(Hammurabi.refusal(of: [word]))
        #expect(
            refusal.hasPrefix("Error: There is no command '\(word.printable)'; use run, scan, onboard, open, doctor, ")
        )
        #expect(refusal.hasSuffix(", help\n"))
    }

    @Test(arguments: [
        [], ["run"], ["help"], ["summary", "what"], ["--config", "x"], ["-h"], ["prices"], ["prices", "list", "opus"],
        ["budget", "--json"], ["help", "prices"], ["help", "topics"], ["help", "exit-codes"], ["help", "--version"],
    ])
    func `commands and flags are left to the parser`(arguments: [String]) {
        #expect(Hammurabi.refusal(of: arguments) == nil)
    }

    @Test func `help for a word that is neither command nor topic says so`() {
        let missing = "Error: There is no command or topic 'bananas'; hammurabi help topics lists the topics\n"
        #expect(Hammurabi.refusal(of: ["help", "bananas"]) == missing)
        #expect(Hammurabi.refusal(of: ["help", "reloda"])?.contains("did you mean \"reload\"?") == true)
    }

    @Test(arguments: [
        ("", 10, []), ("one two three", 7, ["one two", "three"]), ("one two three", 100, ["one two three"]),
        ("incomprehensible words", 5, ["incomprehensible", "words"]), ("a b c", 1, ["a", "b", "c"]),
    ])
    func `text is wrapped between words`(text: String, width: Int, lines: [String]) {
        #expect(text.wrapped(to: width) == lines)
    }
}
