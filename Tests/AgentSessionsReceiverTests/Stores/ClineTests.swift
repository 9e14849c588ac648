// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Tasks and sessions of Cline, Roo Code and Kilo Code.
struct ClineTests {
    @Test func `the model of a request is that of its message, else of the task`() async throws {
        let (books, _) = try await scanned(try ClineFixtures.fixtures[0].home())
        #expect(books.calls.map(\.model) == ["claude-sonnet-4-5", "claude-sonnet-4-5", "grok-4"])
        #expect(books.calls.map(\.provider) == ["anthropic", "anthropic", "x_ai"])
        #expect(books.calls.map(\.agent) == ["cline", "cline", "cline"] && books.calls[0].session == "1")
        #expect(books.calls[0].reportedCost == Money(nanodollars: 15_600_000))
    }

    @Test func `Roo names its model in what it tells the model`() async throws {
        let home = try ClineFixtures.fixtures[1].home()
        let folder = ClineFixtures.editor + "rooveterinaryinc.roo-cline/tasks/r1/"
        func told(_ model: String, _ time: Int) -> String {
            #"{"role":"user","ts":\#(time),"content":[{"type":"text","text":"<slug>code</slug>\n<model>\#(model)</model>"}]}"#
        }
        try home.write(
            ClineFixtures.array([told("claude-opus-4", ClineFixtures.early), told("gpt-5", ClineFixtures.late)]),
            to: folder + "api_conversation_history.json"
        )
        try home.write(#"{"id":"r1","workspace":"/gone/shop","tokensIn":99}"#, to: folder + "history_item.json")
        let (books, _) = try await scanned(home)
        #expect(books.calls.map(\.model) == ["claude-opus-4", "claude-opus-4", "gpt-5", "gpt-5"])
        #expect(books.calls.allSatisfy { $0.agent == "roo-code" && $0.project == "/gone/shop" })
    }

    @Test func `a long prompt before the figures does not hide them`() async throws {
        let home = try TestHome()
        let prompt = String(repeating: "long ", count: 20_000)
        let filler = #"{"ts":5,"type":"say","say":"text","text":"\#(String(repeating: "x", count: 4 << 20))"}"#
        let long = ClineFixtures.request(ClineFixtures.late, [10, 5, 0, 0]).replacing("say ", with: prompt)
        try home.write(
            ClineFixtures.array(Array(repeating: filler, count: 10) + [long]),
            to: ClineFixtures.editor + "saoudrizwan.claude-dev/tasks/1/ui_messages.json"
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures == [1, 10, 0, 0, 5] && report.problems.isEmpty)
    }

    @Test func `the folder of sessions can be named by a variable or the configuration`() async throws {
        let home = try TestHome()
        try home.write(ClineFixtures.array(ClineFixtures.messages), to: "elsewhere/c1/c1.messages.json")
        try home.write(ClineFixtures.array(ClineFixtures.messages), to: "other/sessions/c2/c2.messages.json")
        let scene = try await Scene(home, environment: ["CLINE_SESSION_DATA_DIR": home.path + "/elsewhere"])
        try await scene.scan()
        #expect(scene.books.calls.map(\.session) == ["c1"])
        await scene.shutdown()
        try home.remove("hub")
        let named = try await Scene(home) { $0.cline.directories = [ConfigPath(home.path + "/other")] }
        try await named.scan()
        #expect(named.books.calls.map(\.session) == ["c2"])
        await named.shutdown()
    }

    /// A message of another kind.
    private static func message(_ time: Int, _ say: String, _ text: String = "x") -> String {
        #"{"ts":\#(time),"type":"say","say":"\#(say)","text":"\#(text)"}"#
    }

    private static func sum(_ time: Int, _ say: String, _ figures: [Int]) -> String {
        ClineFixtures.request(time, figures).replacing("api_req_started", with: say)
    }

    /// A task whose user went back to a checkpoint, before and after; the sum is that of the two requests behind it.
    private static var restored: (before: String, after: String) {
        let start = ClineFixtures.late
        let kept = [
            message(start, "task"), ClineFixtures.request(start + 1, [100, 10, 0, 0]), message(start + 2, "text"),
            message(start + 3, "tool"), message(start + 4, "checkpoint_created"),
        ]
        let removed = [
            ClineFixtures.request(start + 5, [200, 20, 0, 0]), message(start + 6, "text"),
            ClineFixtures.request(start + 7, [300, 30, 0, 0]),
        ]
        let added = [
            sum(start + 8, "deleted_api_reqs", [500, 50, 0, 0]), ClineFixtures.request(start + 9, [7, 7, 0, 0]),
        ]
        return (ClineFixtures.array(kept + removed), ClineFixtures.array(kept + added))
    }

    @Test(arguments: [true, false])
    func `requests that a user removed count once, whether they were read before or not`(isRead: Bool) async throws {
        let home = try TestHome()
        let file = ClineFixtures.editor + "saoudrizwan.claude-dev/tasks/1/ui_messages.json"
        let books = try Books()
        for text in isRead ? [Self.restored.before, Self.restored.after] : [Self.restored.after] {
            try home.write(text, to: file)
            // The memory may be lost in between.
            try? home.remove("hub")
            let scene = try await Scene(home, books: books)
            try await scene.scan()
            await scene.shutdown()
        }
        // The request before the checkpoint, the two removed ones or their sum, the one that was made instead.
        #expect(books.figures == [isRead ? 4 : 3, 607, 0, 0, 67])
    }

    @Test func `the requests of sub-agents are in their sum alone`() async throws {
        let home = try TestHome()
        let start = ClineFixtures.late
        try home.write(
            ClineFixtures.array([
                Self.message(start, "task"), ClineFixtures.request(start + 1, [100, 10, 0, 0]),
                Self.message(start + 2, "use_subagents"), Self.sum(start + 3, "subagent_usage", [40, 4, 0, 0]),
            ]),
            to: ClineFixtures.editor + "saoudrizwan.claude-dev/tasks/1/ui_messages.json"
        )
        #expect(try await scanned(home).books.figures == [2, 140, 0, 0, 14])
    }
}
