// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Testing

@testable import TelemetryHub

/// Commands and flags that pages and help texts name.
struct NamedCommandsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

    /// The pages for people, by their path.
    private static func pages() throws -> [String: String] {
        var pages: [String: String] = [:]
        for folder in ["README.md", ".github", "Sources", "Plugins", "Tests"] {
            let top = root.appending(path: folder)
            let files = FileManager.default.enumerator(atPath: top.path)?.compactMap { $0 as? String } ?? []
            for file in (files.isEmpty ? [""] : files) where (folder + file).hasSuffix(".md") {
                guard !file.contains(".build/"), !file.contains("Fixtures/") else { continue }
                pages["\(folder)/\(file)"] = try String(contentsOf: top.appending(path: file), encoding: .utf8)
            }
        }
        return pages
    }

    /// The help texts of all commands, by their path.
    private static func helpTexts(
        of command: any ParsableCommand.Type = Hammurabi.self,
        _ path: String = ""
    ) -> [String: String] {
        var texts = [path: Hammurabi.helpMessage(for: command, columns: 10_000)]
        for child in command.configuration.subcommands {
            texts.merge(helpTexts(of: child, "\(path) \(child._commandName)")) { first, _ in first }
        }
        return texts
    }

    /// The command lines that a text shows: behind the program's name as far as the end of the code or the comment.
    private static func lines(in text: String) -> [[String]] {
        text.matches(of: /\bhammurabi ((?:[a-z\[-])[^`#\n|"';)]*)/).map { match in
            let words = match.1.split { " []…,".contains($0) }.map(String.init)
            // Another program that runs this one as its user of the same name.
            return words.lastIndex(of: "hammurabi").map { Array(words[($0 + 1)...]) } ?? words
        }
    }

    /// What is wrong with a command line; nil for nothing.
    private static func fault(of words: [String], _ help: [String: String]) -> String? {
        var (path, rest) = ("", OtherWords.translated(words)[...])
        while let word = rest.first, help["\(path) \(word)"] != nil {
            path += " \(word)"
            rest.removeFirst()
        }
        if path.isEmpty, let word = rest.first, !word.hasPrefix("-"), word != "help" {
            return "there is no command \(word)"
        }
        let text = help[path] ?? ""
        for flag in rest where flag.hasPrefix("--") {
            let name = flag.prefix { $0 != "=" && $0 != "\\" && $0 != "." }
            let isKnown = [" ", ",", "/", "\n", "]"].contains { text.contains(name + $0) }
            guard isKnown || ["--", "--help", "--version"].contains(name) else {
                return "hammurabi\(path) has no flag \(name)"
            }
        }
        return nil
    }

    @Test func `every command and flag that a page or a help text names exists`() throws {
        let help = Self.helpTexts()
        #expect(help.count > 30)
        var seen = 0
        for (page, text) in try Self.pages().merging(help, uniquingKeysWith: { first, _ in first }) {
            for code in Self.code(in: text) {
                for words in Self.lines(in: code) {
                    seen += 1
                    let fault = Self.fault(of: words, help)
                    #expect(fault == nil, "\(page): \(words.joined(separator: " "))")
                }
            }
        }
        #expect(seen > 100)
    }

    /// The parts of a text in backticks or in a fence, where a word behind the program's name is a command.
    private static func code(in text: String) -> [String] {
        let fences = text.matches(of: /```(?:sh|console)?\n((?:.|\n)*?)\n```/).map { String($0.1) }
        let spans = text.matches(of: /`(hammurabi [^`\n]+)`/).map { String($0.1) }
        let examples = text.matches(of: /\n +(hammurabi [a-z][^\n]*)/).map { String($0.1) }
        return fences.filter { !$0.contains("ExecStart") && !$0.contains("FROM ") } + spans + examples
    }

    @Test func `a command or a flag that does not exist is found`() {
        let help = Self.helpTexts()
        #expect(Self.fault(of: ["sumary"], help) != nil)
        #expect(Self.fault(of: ["summary", "--perod", "30d"], help) != nil)
        #expect(Self.fault(of: ["summary", "--period", "30d"], help) == nil)
        #expect(Self.fault(of: ["prices", "list", "opus"], help) == nil)
        #expect(Self.fault(of: ["codex", "daily"], help) == nil)
    }
}
