// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import Foundation
import Testing

/// What `scan --explain` shows of a file.
struct ExplanationTests {
    private func explained(_ fixture: StoreFixture, agent: String, file: Int) throws -> [String] {
        let home = try fixture.home()
        let path = home.path + "/" + fixture.files[file].path
        return try SessionFileExplanation(agent: agent, path: path, environment: ["HOME": home.path]).lines
    }

    @Test func `each line with a call is shown, and what repeats one`() throws {
        let lines = try explained(GeminiFixtures.fixtures[0], agent: "gemini", file: 1)
        #expect(lines.first == "line 3: not counted: message m1: it has no tokens yet")
        #expect(
            lines[1]
                == "line 4: 2026-11-02T10:00:05.000Z, gemini-3.1-pro-preview, input 3000, cache read 9000, cache write 0, output 500, "
                + "of it reasoning 200, session 5f0c, known by gemini:5f0c:m1"
        )
        #expect(lines.contains { $0.hasPrefix("line 7: ") && $0.hasSuffix("(the call of a line above)") })
        #expect(lines.last == "2 calls, 3 repeated lines of them, 1 not counted")
    }

    @Test func `rows and documents are explained, too`() throws {
        let home = try TestHome()
        let database = try OpenCodeFixtures.fixtures[0].files[0]
        try home.write(database.bytes, to: database.path)
        let path = home.path + "/" + database.path
        let rows = try SessionFileExplanation(agent: "opencode", path: path, environment: ["HOME": home.path]).lines
        #expect(rows.contains { $0.contains("an aborted or repeated attempt without tokens") })
        #expect(rows.contains { $0.contains("copied by a fork") && $0.contains("reported cost $0.010125") })
        let kimi = try explained(KimiFixtures.fixtures[0], agent: "kimi", file: 1)
        #expect(kimi.filter { $0.contains("repeats the end of the step before it") }.count == 2)
        let cline = try explained(ClineFixtures.fixtures[0], agent: "cline", file: 1)
        #expect(cline.contains { $0.contains("it has no figures, or not yet") })
    }

    @Test func `a sum of calls is named as one`() throws {
        let fixture = try #require(try CopilotFixtures.fixtures.first { $0.name == "copilot-spans" })
        let spans = try explained(fixture, agent: "copilot", file: 0)
        #expect(spans.last == "2 calls, 0 repeated lines of them, 0 not counted")
        let events = try explained(fixture, agent: "copilot", file: 1)
        #expect(events.count == 2 && events[0].contains("a sum of calls, which counts where none of them is known"))
    }

    @Test func `a transcript is explained without its texts`() throws {
        let home = try TestHome()
        let file = ".claude/projects/-p/s1.jsonl"
        try home.write(
            answer("msg_1") + answer("msg_1") + answer("msg_2", request: "req_2", model: "<synthetic>") + "{\"half\n",
            to: file
        )
        let lines = try SessionFileExplanation(
            agent: "claude-code",
            path: home.path + "/" + file,
            environment: ["HOME": home.path]
        ).lines
        #expect(lines.count == 5 && !lines.contains { $0.contains("say ") })
        #expect(lines[1].hasSuffix("(the call of a line above)"))
        #expect(lines[2] == "line 3: not counted: an error or an answer that the program made up itself")
        #expect(lines[3] == "line 4: not counted: the line is cut off or is no JSON object")
    }

    @Test(arguments: [("nobody", "x.jsonl"), ("gemini", "x.jsonl"), ("codex", "none.jsonl")])
    func `what cannot be explained is said`(agent: String, file: String) throws {
        let home = try TestHome()
        try home.write("{}", to: "x.jsonl")
        #expect(throws: SessionFileExplanation.Failure.self) {
            try SessionFileExplanation(agent: agent, path: home.path + "/" + file, environment: [:])
        }
    }
}
