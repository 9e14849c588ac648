// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import hammurabi

struct CommandLineTests {
    @Test(arguments: [
        ("sumary", "Error: There is no command 'sumary'; did you mean \"summary\"?\n"),
        (
            "configuration",
            "Error: There is no command 'configuration'; use run, validate, components, config, scan, summary, doctor, queue, help\n"
        ),
        (
            "\u{1B}c",
            "Error: There is no command ' c'; use run, validate, components, config, scan, summary, doctor, queue, help\n"
        ),
    ])
    func `a word that is no command is refused with the nearest one`(word: String, refusal: String) {
        #expect(Hammurabi.refusal(of: [word, "--json"]) == refusal)
    }

    @Test(arguments: [[], ["run"], ["help"], ["summary", "what"], ["--config", "x"], ["-h"]])
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
