// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct ParsingTests {
    @Test func `keys and values have marks`() throws {
        let node = try #require(
            Parsed("receivers:\n  otlp:\n    protocols: {http: ~}\n    list:\n      - one\n      - \"two\"\n").node
        )
        let otlp = try #require(node["receivers"]?.mapping?.entry("otlp"))
        #expect(otlp.key.mark == Mark(file: "config.yaml", line: 2, column: 3, length: 4))
        #expect(otlp.value.mark.description == "config.yaml:3:5")
        let http = try #require(otlp.value["protocols"]?.mapping?.entry("http"))
        #expect(http.key.mark == Mark(file: "config.yaml", line: 3, column: 17, length: 4))
        #expect(http.value.isNull)
        let list = try #require(otlp.value["list"]?.sequence?.elements)
        #expect(
            list.map(\.mark) == [
                Mark(file: "config.yaml", line: 5, column: 9, length: 3),
                Mark(file: "config.yaml", line: 6, column: 9, length: 5),
            ]
        )
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "~\n", "\u{FEFF}"])
    func `an empty document is an empty mapping`(text: String) throws {
        let parsed = Parsed(text)
        #expect(try #require(parsed.node?.mapping).entries.isEmpty)
        #expect(parsed.findings == [])
    }

    @Test func `a byte order mark and CR LF do not shift marks`() {
        let parsed = Parsed("\u{FEFF}a: 1\r\nb: 2\r\n")
        #expect(parsed.node?["a"]?.mark == Mark(file: "config.yaml", line: 1, column: 4))
        #expect(parsed.node?["b"]?.mark == Mark(file: "config.yaml", line: 2, column: 4))
    }

    @Test func `an alias is a copy of what its anchor holds`() {
        let parsed = Parsed("a: &x {k: [1, 2]}\nb: *x\nc: &y text\n*y : as a key\n")
        #expect(parsed.findings == [])
        #expect(parsed.node?["b"]?["k"]?.sequence?.elements.count == 2)
        #expect(parsed.node?.mapping?.entry("text")?.key.mark.line == 4)
    }

    @Test(arguments: [
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n", "l: 3\nk: 1\n"), ("b: {l: 3, <<: {k: 1, l: 2}}\n", "l: 3\nk: 1\n"),
        ("b: {<<: [{k: 1}, {k: 2, m: 4}]}\n", "k: 1\nm: 4\n"), ("a: &x {<<: {k: 1}}\nb: {<<: *x}\n", "k: 1\n"),
        ("b: {\"<<\": 1}\n", "\"<<\": 1\n"),
    ])
    func `a merge key brings keys that the mapping has not itself`(text: String, rendered: String) {
        let parsed = Parsed(text)
        #expect(parsed.findings == [])
        #expect(parsed.node?["b"]?.rendered() == rendered)
    }

    static let problems: [(text: String, findings: [String])] = [
        ("a: 1\nb: 2\na: 3\n", ["duplicate-key 3:1"]),
        ("{a: 1, 'a': 2}", ["duplicate-key 1:8"]),
        ("a: 1\na: 2\na: 3\n", ["duplicate-key 2:1", "duplicate-key 3:1"]),
        ("a: &x text\nb:\n  <<: *x\n", ["merge-key 3:3"]), ("b: {<<: [{a: 1}, 2]}\n", ["merge-key 1:5"]),
        ("a: *nowhere\n", ["unknown-alias 1:4"]),
        ("a: &x [*x]\n", ["unknown-alias 1:8"]),
        ("a: !thing 1\n", ["unknown-tag 1:4"]),
        ("a: !!set {b}\n", ["unknown-tag 1:4"]),
        ("a: !!int abc\n", ["tag-mismatch 1:4"]),
        ("a: !!seq {}\n", ["tag-mismatch 1:4"]),
        ("a: !!map text\n", ["tag-mismatch 1:4"]),
        ("? [a]\n: 1\n", ["invalid-key 1:3"]),
        ("{a: 1}: 2\n", ["invalid-key 1:1"]),
        ("a: 1\n---\nb: 2\n", ["several-documents 2:1"]),
    ]

    @Test(arguments: problems)
    func `unsupported content of a configuration is an error at its position`(row: (text: String, findings: [String])) {
        let parsed = Parsed(row.text)
        #expect(parsed.findings == row.findings)
        #expect(parsed.node != nil, "the rest can still be checked")
    }

    static let syntaxErrors: [(text: String, finding: String)] = [
        ("a: \"unclosed\nb: 1\n", "syntax 1:4"),
        ("a: 'unclosed", "syntax 1:4"),
        ("a: [1, 2\nb: 3\n", "syntax 2:2"),
        ("a:\n\t- b\n", "syntax 2:1"),
        ("a: b: c\n", "syntax 1:5"),
        ("key:value\nother: 1\n", "syntax 2:6"),
        ("a: @b\n", "syntax 1:4"),
        ("a: 1\n  b: 2\n", "syntax 2:4"),
        ("a: \"\\q\"\n", "syntax 1:5"),
        ("a: x\u{0}y\n", "syntax 1:5"),
        ("a: \u{1B}[31m\n", "syntax 1:4"),
        ("}", "syntax 1:1"),
    ]

    @Test(arguments: syntaxErrors)
    func `a syntax error has its place`(row: (text: String, finding: String)) {
        let parsed = Parsed(row.text)
        #expect(parsed.findings == [row.finding])
        #expect(parsed.node == nil)
    }

    @Test func `problems before a syntax error are reported too`() {
        #expect(Parsed("a: 1\na: 2\nb: ]\n").findings == ["duplicate-key 2:1", "syntax 3:4"])
    }

    @Test func `a NUL can be written as an escape`() {
        #expect(Parsed(#"a: "x\0y""#).node?["a"]?.scalar?.text == "x\u{0}y")
    }
}
