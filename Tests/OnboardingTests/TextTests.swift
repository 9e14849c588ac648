// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TOMLKit
import Testing
import Usage

@testable import Onboarding

/// Diffs, masks and the editors, with texts cut at any byte.
struct TextTests {
    private func diff(_ old: String?, _ new: String) -> String {
        let file = SettingsFile(path: "/x", target: "/x", content: old.map { Array($0.utf8) }, mode: nil)
        return Diff(FileChange(file, content: Array(new.utf8), holdsKey: false)).text
    }

    @Test func `a diff shows what changes with three lines around`() {
        let old = (1...12).map { "line \($0)\n" }.joined()
        let new = old.replacing("line 2\n", with: "line two\n").replacing("line 11\n", with: "line 11\nmore\n")
        #expect(
            diff(old, new) == """
                @@ -1,5 +1,5 @@
                 line 1
                -line 2
                +line two
                 line 3
                 line 4
                 line 5
                @@ -9,4 +9,5 @@
                 line 9
                 line 10
                 line 11
                +more
                 line 12

                """
        )
        #expect(diff(nil, "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b\n")
        #expect(diff("a\r\n", "a\r\nb\r\n") == "@@ -1,1 +1,2 @@\n a\n+b\n")
    }

    @Test func `a long line is shown where it changes, and there whole`() {
        let head = String(repeating: "x", count: 500)
        let change = String(repeating: "new ", count: 100)
        let shown = diff(head + "]" + head, head + change + "]" + head)
        #expect(shown.contains(change))
        #expect(shown.contains("+…") && shown.count < 1_000)
    }

    @Test(arguments: [
        (#"    "ANTHROPIC_API_KEY": "sk-1","#, #"    "ANTHROPIC_API_KEY": "***","#),
        (#"{"env":{"GITHUB_TOKEN":"a\"b","model":"opus"}}"#, #"{"env":{"GITHUB_TOKEN":"***","model":"opus"}}"#),
        (#""OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer x""#, #""OTEL_EXPORTER_OTLP_HEADERS": "***""#),
        (
            #"headers = { "x-team" = "blue", Authorization = "Bearer x" }"#,
            #"headers = { "x-team" = "blue", Authorization = "***" }"#
        ),
        (#"env = { "TOKEN" = "abc" } # its own"#, #"env = { "TOKEN" = "***" } # its own"#),
        (#"bearer_token_env_var = 'X'"#, #"bearer_token_env_var = '***'"#),
        (#""maxTokens": 5, "keybindings": "vim""#, #""maxTokens": 5, "keybindings": "vim""#),
        (#""apiKeyHelper": "/bin/x""#, #""apiKeyHelper": "***""#),
        (#""url": "https://me:pw@x/""#, #""url": "https://***@x/""#),
        (#""secret": "open"#, #""secret": "***""#),
    ])
    func `secrets are masked by the names of their keys`(line: String, masked: String) {
        #expect(SecretMask().masked(line) == masked)
    }

    /// Small files of the table, cut at any byte: nothing crashes, and what can still be parsed is changed correctly.
    @Test(arguments: ["claude-code", "codex", "opencode", "copilot"])
    func `a file that is cut anywhere is refused or changed rightly`(agent: String) throws {
        for name in Fixtures.names(in: agent) where !name.contains("huge") {
            let type = agent == "codex" ? "toml" : "json"
            let url = Fixtures.folder.appending(path: "\(agent)/\(name)/before.\(type)")
            guard let content = try? Data(contentsOf: url) else { continue }
            for count in stride(from: 0, through: content.count, by: 3) {
                let bytes = Array(content.prefix(count))
                if type == "toml" { try editTOML(bytes) } else { try editJSON(bytes) }
            }
        }
    }

    private func editJSON(_ bytes: [UInt8]) throws {
        guard var settings = try? JSONSettings(bytes, dialect: .withComments) else { return }
        let before = settings.root.content
        guard (try? settings.set(.string("v"), at: ["env", "NEW"])) != nil else { return }
        #expect(settings.root.node(at: ["env", "NEW"])?.scalar == .string("v"))
        try settings.remove(at: ["env", "NEW"])
        let after = settings.root.content
        #expect(after.filter { $0.key != ["env"] } == before.filter { $0.key != ["env"] })
    }

    private func editTOML(_ bytes: [UInt8]) throws {
        guard (try? TOMLCheck.content(of: bytes)) != nil else { return }
        var settings = try #require(try? TOMLSettings(bytes), "\(String(decoding: bytes, as: UTF8.self))")
        // The plan for Codex refuses these.
        guard !settings.hasTableArray(["otel"]) else { return }
        guard (try? settings.set("\"v\"", at: ["otel", "environment"])) != nil else { return }
        let text = String(decoding: settings.bytes.drop { TextShape.byteOrderMark.contains($0) }, as: UTF8.self)
        #expect(try TOMLTable(string: text)["otel"]?.table?["environment"]?.string == "v", "\(text)")
        try settings.remove(["otel"])
        let rest = String(decoding: settings.bytes.drop { TextShape.byteOrderMark.contains($0) }, as: UTF8.self)
        #expect(try TOMLTable(string: rest)["otel"] == nil, "\(rest)")
    }
}
