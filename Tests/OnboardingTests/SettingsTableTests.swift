// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TOMLKit
import Testing
import Usage

@testable import Onboarding

/// Typical settings and the change of each, byte for byte.
///
/// A folder under Fixtures holds `before` (none: there is no file) and either `after` or `refused.txt`. Its name has the flags: `-key`
/// for a collector that requires one, `-force` for replacing settings that send elsewhere. `RECORD_FIXTURES=1` writes the results again.
struct SettingsTableTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let agent: Agent
        let name: String

        var testDescription: String { "\(agent.rawValue)/\(name)" }
        var flags: Set<Substring> { Set(name.split(separator: "-").suffix(2)) }
        var folder: URL { Fixtures.folder.appending(path: testDescription) }
        var fileType: String { agent == .codex ? "toml" : "json" }
    }

    static let cases: [Case] = Agent.allCases.flatMap { agent in
        Fixtures.names(in: agent.rawValue).map { Case(agent: agent, name: $0) }
    }

    @Test func `there are cases for every agent that has settings`() {
        for agent in Agent.allCases where agent.sendsTelemetry {
            #expect(Self.cases.count { $0.agent == agent } > 4, "\(agent)")
        }
    }

    @Test(arguments: cases)
    func `settings become what they should, and again what they were`(example: Case) throws {
        let home = try TemporaryHome()
        let path = try home.place(of: example.agent)
        let before = try? Data(contentsOf: example.folder.appending(path: "before.\(example.fileType)"))
        if let before { try home.write(before, to: path, mode: 0o640) }
        let destination = home.destination(key: example.flags.contains("key") ? "hub_0123456789abcdef" : nil)
        let overriding = example.flags.contains("force")
        let plan = AgentPlan.make(
            for: example.agent,
            to: destination,
            of: home.account,
            in: home.files,
            overriding: overriding
        )
        if plan.fault != nil || (!plan.conflicts.isEmpty && !overriding) {
            try expectRefusal(plan, example, home)
            #expect(home.content(path) == before)
            return
        }
        let changeLog = ChangeLog(home: home.account.programHome, files: home.files)
        for change in plan.changes { try changeLog.apply(change, subject: example.agent.rawValue, now: home.now) }
        let after = try #require(home.content(path))
        try expect(after, example)
        try Self.parse(after, example.fileType, dialect: example.agent == .claudeCode ? .strict : .withComments)
        if !plan.changes.isEmpty {
            let holdsKey = destination.key.map { String(decoding: after, as: UTF8.self).contains($0) } ?? false
            #expect(home.mode(path) == (holdsKey ? 0o600 : before == nil ? 0o644 : 0o640))
        }
        let again = AgentPlan.make(for: example.agent, to: destination, of: home.account, in: home.files)
        #expect(again.changes.isEmpty && again.conflicts.isEmpty && again.fault == nil, "not idempotent: \(again)")
        let undone = try changeLog.undo(now: home.now)
        #expect(undone.map(\.result) == plan.changes.map { $0.file.content == nil ? .removed : .restored })
        #expect(home.content(path) == before)
        if before != nil { #expect(home.mode(path) == 0o640) }
        #expect(try changeLog.records().isEmpty)
    }

    private func expect(_ after: Data, _ example: Case) throws {
        let url = example.folder.appending(path: "after.\(example.fileType)")
        if Fixtures.isRecording { try after.write(to: url) }
        let expected = try Data(contentsOf: url)
        #expect(after == expected, "\(String(decoding: after, as: UTF8.self))")
    }

    private func expectRefusal(_ plan: AgentPlan, _ example: Case, _ home: TemporaryHome) throws {
        #expect(plan.changes.isEmpty)
        let conflicts = plan.conflicts.map { "\($0.path): \($0.key) = \($0.value)\n" }.joined()
        let text = (plan.fault.map { "\($0.kind): \($0)\n" } ?? conflicts).replacing(home.path, with: "~")
        let url = example.folder.appending(path: "refused.txt")
        if Fixtures.isRecording { try Data(text.utf8).write(to: url) }
        #expect(text == (try String(contentsOf: url, encoding: .utf8)))
    }

    /// Parsers other than ours must understand the result.
    private static func parse(_ content: Data, _ type: String, dialect: JSONDialect) throws {
        let text = String(decoding: content, as: UTF8.self).replacing(/^\u{FEFF}/, with: "")
        if type == "toml" {
            let table = try TOMLTable(string: text)
            #expect(table["otel"]?.table?["exporter"] != nil)
        } else if dialect == .strict {
            _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
        } else {
            _ = try JSONSerialization.jsonObject(with: Data(withoutComments(text).utf8))
        }
    }

    /// JSON without comments and trailing commas, as editors read it.
    private static func withoutComments(_ text: String) -> String {
        let pattern = /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*(?s:.*?)\*\//
        let bare = text.replacing(pattern) { $0.output.1 ?? "" }
        return bare.replacing(/("(?:[^"\\]|\\.)*")|,(\s*[}\]])/) { $0.output.1 ?? $0.output.2 ?? "" }
    }
}

/// The expected files of these tests.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let isRecording = ProcessInfo.processInfo.environment["RECORD_FIXTURES"] == "1"

    static func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path)) ?? []).sorted()
    }
}
