// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import YAML

@Suite struct RenderedDiagnosticTests {
    private func snippet(_ line: String, column: Int, length: Int = 1) -> [String] {
        let source = SourceFile(name: "f", text: line)
        let mark = Mark(file: "f", line: 1, column: column, length: length)
        return Snippet(of: SecretMask(source: source, keys: SecretKeys()), at: mark).map { [$0.text, $0.caret] } ?? []
    }

    @Test func `a diagnostic looks as promised`() {
        var diagnostics = Diagnostics()
        let text = String(repeating: "\n", count: 13) + "    otlpp:\n"
        diagnostics.add(SourceFile(name: "config.yaml", text: text))
        diagnostics.append(
            .error(
                "unknown-component",
                #"no receiver of type "otlpp""#,
                at: Mark(file: "config.yaml", line: 14, column: 5, length: 5),
                help: #"did you mean "otlp"?"#,
                notes: [.init("receivers available: agent_logs, http_ingest, otlp")]
            )
        )
        #expect(
            diagnostics.rendered() == """
                config.yaml:14:5: error[unknown-component]: no receiver of type "otlpp"
                   14 |     otlpp:
                      |     ^^^^^
                   help: did you mean "otlp"?
                   note: receivers available: agent_logs, http_ingest, otlp
                1 error

                """
        )
    }

    @Test func `both places of a duplicate key are named`() {
        #expect(
            Parsed("otlp:\n  a: 1\notlp: {}\n").diagnostics.rendered() == """
                config.yaml:3:1: error[duplicate-key]: the key "otlp" is already there
                   3 | otlp: {}
                     | ^^^^
                   help: remove or rename one of the two
                   note: config.yaml:1:1: first written here
                1 error

                """
        )
    }

    @Test func `a syntax error has help and context`() {
        #expect(
            Parsed("a:\n  b: [${env:X}]\n").diagnostics.rendered() == """
                config.yaml:2:8: error[syntax]: expected "," or "]"
                   2 |   b: [${env:X}]
                     |        ^
                   help: quote references inside [ ] and { }: "${env:NAME}"
                   note: config.yaml:2:6: the list begins here
                1 error

                """
        )
    }

    @Test func `findings are sorted, counted and not repeated`() {
        var diagnostics = Diagnostics()
        diagnostics.add(SourceFile(name: "b.yaml", text: ""))
        diagnostics.add(SourceFile(name: "a.yaml", text: ""))
        let late = Diagnostic.error("x", "late", at: Mark(file: "a.yaml", line: 1, column: 1))
        diagnostics.append(.warning("x", "nowhere"))
        diagnostics.append(late)
        diagnostics.append(.error("x", "second", at: Mark(file: "b.yaml", line: 10, column: 1)))
        diagnostics.append(.error("x", "first", at: Mark(file: "b.yaml", line: 9, column: 30)))
        diagnostics.append(late)
        #expect(diagnostics.items.map(\.message) == ["first", "second", "late", "nowhere"])
        #expect(diagnostics.summary == "3 errors, 1 warning")
        #expect(diagnostics.hasErrors)
    }

    @Test func `warnings alone are no errors`() {
        var diagnostics = Diagnostics()
        diagnostics.append(.warning("unused-component", "a"))
        diagnostics.append(.warning("unused-component", "b"))
        #expect(!diagnostics.hasErrors)
        #expect(diagnostics.summary == "2 warnings")
    }

    @Test func `tabs and wide characters keep the caret in place`() {
        #expect(snippet("a:\tb", column: 4) == ["a:    b", "      ^"])
        #expect(snippet("名前: x", column: 5) == ["名前: x", "      ^"])
        #expect(snippet("名前: x", column: 1, length: 2) == ["名前: x", "^^^^"])
        #expect(snippet("e\u{301}: x", column: 5) == ["e\u{301}: x", "   ^"])
    }

    @Test func `control characters never reach the terminal`() {
        #expect(snippet("a: \u{1B}[31mred\u{202E}", column: 4) == ["a: \u{FFFD}[31mred\u{FFFD}", "   ^"])
    }

    static let hostile = [
        // A size that is not a number, an unknown key and section, the shell's form of a default.
        #"retry_on_failure: { queue: { max_size: "5\a" } }"#, #""tls\e": 1"#, #"endpoint: "${X-\r}""#,
    ]

    @Test(arguments: hostile)
    func `the parts of a file in a message have no control characters`(text: String) {
        var parsed = Parsed(text + "\n")
        parsed.substitute([:])
        _ = parsed.decode(over: GatewayConfig())
        parsed.diagnostics.append(
            .error("x", "one\u{1B}\n", help: "two\u{7}", notes: [.init("three\u{9B}")])
        )
        #expect(parsed.diagnostics.items.count > 1)
        let controls = parsed.diagnostics.rendered().unicodeScalars.filter { $0.properties.generalCategory == .control }
        #expect(controls.allSatisfy { $0 == "\n" })
    }

    @Test func `a caret stays on the line`() {
        #expect(snippet("abc", column: 9, length: 5) == ["abc", "   ^"])
        #expect(snippet("abc", column: 2, length: 50) == ["abc", " ^^"])
        #expect(snippet("", column: 1) == ["", "^"])
    }

    @Test func `a long line is cut around the caret`() throws {
        let line = String(repeating: "a", count: 500) + "X" + String(repeating: "b", count: 500)
        let cut = snippet(line, column: 501)
        let text = try #require(cut.first)
        #expect(text.hasPrefix("…aaa") && text.hasSuffix("bbb…"))
        #expect(text.count == Snippet.widestLine + 2)
        #expect(Array(text).firstIndex(of: "X") == cut.last.map(Array.init)?.firstIndex(of: "^"))
        #expect(snippet(line, column: 1, length: 1001)[1] == String(repeating: "^", count: Snippet.widestLine))
    }

    @Test func `the JSON record has the place in fields`() {
        let mark = Mark(file: "c.yaml", line: 3, column: 7, length: 2)
        let record = DiagnosticRecord(
            .warning("unused", "m", at: mark, help: "h", notes: [.init("n"), .init("o", at: mark)])
        )
        #expect(record.severity == .warning)
        #expect((record.file, record.line, record.column) == ("c.yaml", 3, 7))
        #expect(record.notes.map(\.line) == [nil, 3])
    }

    static let suggestions: [(name: String, expected: String?)] = [
        ("otlpp", "otlp"), ("otpl", "otlp"), ("oltp", "otlp"), ("OTLP", "otlp"), ("tlp", "otlp"), ("xx", nil),
        ("protocls", "protocols"), ("prtocls", "protocols"), ("ptocls", nil), ("zzzzzzz", nil), ("", nil), ("a", nil),
    ]

    @Test(arguments: suggestions)
    func `a suggestion is at most two edits and a third away`(row: (name: String, expected: String?)) {
        #expect(suggestion(for: row.name, among: ["http", "otlp", "protocols"]) == row.expected)
    }
}
