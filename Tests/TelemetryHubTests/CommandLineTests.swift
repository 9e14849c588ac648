// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing

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
            (["codex", "prices"], ["codex", "prices"]), (["summary", "usage"], ["summary", "usage"]), ([], []),
        ] as [([String], [String])]
    )
    func `words of other programs are translated`(typed: [String], meant: [String]) {
        #expect(OtherWords.translated(typed) == meant)
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
        ["budget", "--json"], ["help", "prices"],
    ])
    func `commands and flags are left to the parser`(arguments: [String]) {
        #expect(Hammurabi.refusal(of: arguments) == nil)
    }

    @Test(arguments: [
        ("", 10, []), ("one two three", 7, ["one two", "three"]), ("one two three", 100, ["one two three"]),
        ("incomprehensible words", 5, ["incomprehensible", "words"]), ("a b c", 1, ["a", "b", "c"]),
    ])
    func `text is wrapped between words`(text: String, width: Int, lines: [String]) {
        #expect(text.wrapped(to: width) == lines)
    }
}
