// SPDX-License-Identifier: Apache-2.0

import Foundation
import TOMLKit
import Testing

@testable import Onboarding

/// What TOML texts say, against the standard and against another parser.
struct TOMLContentTests {
    private func values(_ text: String) throws -> [String: String] {
        let values = try TOMLContent(Array(text.utf8)).values.filter { !$0.key.isEmpty }
        return Dictionary(uniqueKeysWithValues: values.map { ($0.key.joined(separator: "/"), $0.value) })
    }

    private func isTOML(_ text: String) -> Bool { (try? TOMLContent(Array(text.utf8))) != nil }

    @Test func `tables and keys of every spelling lead to the same paths`() throws {
        let expected = ["a": "{}", "a/b": "{}", "a/b/c": "integer 1", "a/b/d": "string \"x\""]
        for text in [
            "[a.b]\nc = 1\nd = 'x'", "a.b.c = 1\na.b.d = \"x\"", "a = { b = { c = 1, d = 'x' } }", "a.b = {c=1,d='x'}",
            "[a]\nb.c = 1\nb.d = '''x'''", "[ a . \"b\" ]\r\n'c' = 0x1 # one\r\nd = \"\"\"\nx\"\"\"\r\n",
            "[a.b]\nc=0b1\nd=\"\\u0078\"\n[a]", "\u{FEFF}[a.b]\nc=+1\nd='x'",
        ] { #expect(try values(text) == expected, "\(text)") }
    }

    @Test func `values are texts that are equal when the values are`() throws {
        let values = try values(
            """
            i = [1_000, -17, 0xDEAD_beef, 0o755, +0]
            f = [1.5, 6.626e-34, -inf, 1e06, 3_0.1_4]
            t = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.5-07:30, 1979-05-27, 07:32:00]
            b = true
            s = ["tab\\t \\"q\\"", 'c:\\n', \"\"\"one \\
                two\"\"\", \"\"\"a\"b\"\"c\"\"\"\"\"]
            [[p]]
            n = 1
            [p.q]
            [[p]]
            """
        )
        #expect(
            values == [
                "i": "[integer 1000, integer -17, integer 3735928559, integer 493, integer 0]",
                "f": "[float 1.5, float 6.626e-34, float -inf, float 1000000.0, float 30.14]",
                "t": "[time 1979-05-27T07:32:00Z, time 1979-05-27 07:32:00.5-07:30, time 1979-05-27, time 07:32:00]",
                "b": "boolean true",
                "s": #"[string "tab\t \"q\"", string "c:\\n", string "one two", string "a\"b\"\"c\"\""]"#,
                "p": #"[{"n" = integer 1, "q" = {}}, {}]"#,
            ]
        )
    }

    /// Examples of the standard's text and of its test suite (https://github.com/toml-lang/toml-test), each with one error.
    @Test(arguments: [
        "a", "a =", "= 1", "a = 1 b = 2", "a = 1\na = 2", "[a]\n[a]", "a.b = 1\n[a]", "[a.b]\n[a]\nb = 1",
        "a = 1\na.b = 2",
        "[a.b.c]\nz=9\n[a]\nb.c.t = 1", "a = {}\na.b = 1", "a = {}\n[a.b]", "a = { b = 1, }", "a = { b = 1\n}",
        "a = []\n[[a]]",
        "[[a]]\n[a]", "[a]\n[[a]]", "[a", "[a]]", "[[a]", "[a] b = 1", "[]", "a = 01", "a = +0x1", "a = 1__0", "a = _1",
        "a = 1_",
        "a = .5", "a = 5.", "a = 1.e2", "a = 03.14", "a = 0x", "a = 9223372036854775808", "a = 1979-02-29",
        "a = 1979-05-27T25:00:00",
        "a = 12:60:00", "a = 1979-05-27T", "a = 1979-5-27", "a = 07:32", "a = 1979-05-27T07:32:00+25:00", "a = True",
        "a = nil",
        "a = \"x", "a = \"\\x\"", "a = \"\\uD800\"", "a = \"\\U00110000\"", "a = \"\\u00\"", "a = 'x\ny'", "a = '''x''",
        "a = [1 2]",
        "a = [1", "a = [,]", "a = \"\u{1}\"", "# \u{7F}", "a = 1 # \u{1}", "a = 1\rb = 2", "\"\"\"a\"\"\" = 1",
        "a b = 1", "a..b = 1",
        "ä = 1", "a = \"\"\"\\ x\"\"\"",
    ])
    func `what is no TOML is refused`(text: String) {
        #expect(!isTOML(text), "\(text)")
    }

    @Test func `an error has its place`() {
        let error = #expect(throws: SyntaxError.self) { try TOMLContent(Array("a = 1\nb = [1,\n  oops]\n".utf8)) }
        #expect(
            error?.fault(in: "f", Array("a = 1\nb = [1,\n  oops]\n".utf8)).description.hasPrefix(
                "f:3:3: oops is no value"
            ) == true
        )
    }

    @Test func `nesting and long keys are bounded`() {
        for (open, close) in [("[", "]"), ("{a=", "}"), ("{a.b.c=", "}")] {
            let deep = String(repeating: open, count: 100_000)
            #expect(!isTOML("a = " + deep + "1" + String(repeating: close, count: 100_000)))
        }
        #expect(!isTOML("[" + String(repeating: "a.", count: 100_000) + "a]"))
        #expect(isTOML("a = " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)))
    }

    /// The other parser is asked only about what is taken: it ends the program on some texts that are no TOML.
    @Test func `files of agents mean what another parser reads in them`() throws {
        var count = 0
        for name in Fixtures.names(in: "codex") where !name.contains("huge") {
            let url = Fixtures.folder.appending(path: "codex/\(name)/before.toml")
            guard let content = try? Array(Data(contentsOf: url)), let own = try? TOMLContent(content).values else {
                continue
            }
            let text = String(decoding: content.dropFirst(TextShape(content).mark.count), as: UTF8.self)
            let table = try TOMLTable(string: text)
            #expect(Set(own.keys.compactMap(\.first)) == Set(table.keys), "\(text)")
            #expect(own[["model"]] == table["model"]?.string.map { "string \"\($0)\"" }, "\(text)")
            count += 1
        }
        #expect(count > 5)
    }

    @Test func `with any byte of a file changed it is refused, or its outline has the same tables`() throws {
        var random = SystemRandomNumberGenerator()
        let signs = Array("[]{}=.,#\"'\\\n\r\t 0_-+eTZ:xa\u{1}".utf8)
        var (taken, refused) = (0, 0)
        for name in Fixtures.names(in: "codex") where !name.contains("huge") {
            let url = Fixtures.folder.appending(path: "codex/\(name)/before.toml")
            guard let content = try? Array(Data(contentsOf: url)), !content.isEmpty else { continue }
            for round in 0..<300 {
                var bytes = content
                let place = Int.random(in: bytes.indices, using: &random)
                let sign = signs.randomElement(using: &random) ?? 0
                switch round % 3 {
                case 0: bytes[place] = sign
                case 1: bytes.insert(sign, at: place)
                default: bytes.remove(at: place)
                }
                guard let values = try? TOMLContent(bytes).values else {
                    refused += 1
                    continue
                }
                taken += 1
                let text = String(decoding: bytes, as: UTF8.self)
                let outline = try #require(TOMLOutline(bytes), "\(text)")
                let named = outline.headers.map(\.path) + outline.entries.map(\.path)
                #expect(Set(values.keys.compactMap(\.first)) == Set(named.compactMap(\.first)), "\(text)")
            }
        }
        #expect(taken > 500 && refused > 500)
    }
}
