// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct MergingTests {
    static let rows: [(base: String, override: String, merged: String)] = [
        ("a: 1\nb: 2\n", "b: 3\nc: 4\n", "a: 1\nb: 3\nc: 4\n"),
        ("a: {x: {y: 1, z: 2}}\n", "a: {x: {y: 3}}\n", "a:\n  x:\n    y: 3\n    z: 2\n"),
        ("a: [1, 2]\n", "a: [3]\n", "a:\n  - 3\n"),
        ("a: {b: 1}\n", "a:\n", "a:\n"),
        ("a: {b: 1}\n", "a: text\n", "a: text\n"),
        ("a:\n", "a: {b: 1}\n", "a:\n  b: 1\n"),
        ("a: 1\n", "", "a: 1\n"),
    ]

    @Test(arguments: rows)
    func `a later file is laid over an earlier one`(row: (base: String, override: String, merged: String)) {
        let merged = Parsed(row.base).node.flatMap { base in Parsed(row.override).node.map { base.merged(with: $0) } }
        #expect(merged?.rendered() == row.merged)
    }

    @Test func `every part keeps the mark of its file`() throws {
        var diagnostics = Diagnostics()
        let base = Node(parsing: SourceFile(name: "a.yaml", text: "x: {p: 1, q: 2}\n"), diagnostics: &diagnostics)
        let over = Node(parsing: SourceFile(name: "b.yaml", text: "\nx: {q: 3}\n"), diagnostics: &diagnostics)
        let merged = try #require(base).merged(with: try #require(over))
        #expect(merged["x"]?["p"]?.mark.description == "a.yaml:1:8")
        #expect(merged["x"]?["q"]?.mark.description == "b.yaml:2:8")
    }

    static let overrides: [(arguments: [String], rendered: String)] = [
        (["a.b=5"], "a:\n  b: 5\n  c: x\nl:\n  - 1\n  - 2\n"),
        (["a.d.e=[p, q]"], "a:\n  b: 1\n  c: x\n  d:\n    e:\n      - p\n      - q\nl:\n  - 1\n  - 2\n"),
        (["l.1=9"], "a:\n  b: 1\n  c: x\nl:\n  - 1\n  - 9\n"),
        (["a=", "l=[]"], "a:\nl: []\n"),
        (["a.b=x=y", "a.b.z=1"], "a:\n  b:\n    z: 1\n  c: x\nl:\n  - 1\n  - 2\n"),
        (["a::b=5", "a::x.y::z=1"], "a:\n  b: 5\n  c: x\n  x.y:\n    z: 1\nl:\n  - 1\n  - 2\n"),
        (["l::0=[3, {x: 4}]"], "a:\n  b: 1\n  c: x\nl:\n  - - 3\n    - x: 4\n  - 2\n"),
        (["a=null", "l=~"], "a:\nl:\n"),
        (["a.b=${env:X}"], "a:\n  b: ${env:X}\n  c: x\nl:\n  - 1\n  - 2\n"),
        (["new/1.x: y=z"], "a:\n  b: 1\n  c: x\nl:\n  - 1\n  - 2\nnew/1:\n  \"x: y\": z\n"),
    ]

    @Test(arguments: overrides)
    func `an argument sets one value`(row: (arguments: [String], rendered: String)) {
        var parsed = Parsed("a: {b: 1, c: x}\nl: [1, 2]\n")
        let node = parsed.node?.applying(overrides: row.arguments, diagnostics: &parsed.diagnostics)
        #expect(parsed.findings == [])
        #expect(node?.rendered() == row.rendered)
    }

    static let badOverrides: [(argument: String, finding: String)] = [
        ("novalue", "invalid-override 2:1"), ("=x", "invalid-override 2:1"), ("a..b=x", "invalid-override 2:1"),
        ("l.7=x", "invalid-override 2:3"), ("l.x=x", "invalid-override 2:3"), ("a.b=[", "syntax 2:6"),
        ("a.b={x: 1, x: 2}", "duplicate-key 2:12"), ("a::::b=x", "invalid-override 2:1"),
        ("l::7=x", "invalid-override 2:4"),
        (Array(repeating: "a", count: 100).joined(separator: ".") + "=1", "invalid-override 2:1"),
    ]

    @Test(arguments: badOverrides)
    func `a bad argument is shown like a line of a file`(row: (argument: String, finding: String)) {
        var parsed = Parsed("a: {b: 1}\nl: [1, 2]\n")
        _ = parsed.node?.applying(overrides: ["a.b=2", row.argument], diagnostics: &parsed.diagnostics)
        #expect(parsed.findings == [row.finding])
    }

    @Test func `a value of an argument is decoded with its place`() {
        var parsed = Parsed("")
        parsed.node = parsed.node?.applying(
            overrides: ["endpoint=a", "retry_on_failure.queue.enabled=no"],
            diagnostics: &parsed.diagnostics
        )
        _ = parsed.decode(over: GatewayConfig())
        #expect(
            parsed.diagnostics.rendered() == """
                --set:2:32: error[type-mismatch]: expected true or false, found the string "no"
                   2 | retry_on_failure.queue.enabled=no
                     |                                ^^
                   help: write false
                1 error

                """
        )
    }

    @Test func `same content is found whatever the form`() throws {
        func node(_ text: String) throws -> Node { try #require(Parsed(text).node) }
        #expect(try node("a: {b: 'x', c: [1]}").hasSameContent(as: node("a:\n  c:\n  - 1\n  b: \"x\"\n")))
        #expect(try !node("a: '1'").hasSameContent(as: node("a: 1")))
        #expect(try !node("a: [1, 2]").hasSameContent(as: node("a: [2, 1]")))
        #expect(try !node("a: 1").hasSameContent(as: node("a: 1\nb: 2")))
        #expect(try node("a: ~").hasSameContent(as: node("a:")))
    }
}
