// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// Session files of real programs, compared with what the model's API answered.
struct RecordedTreesTests {
    /// Calls, uncached input, cache reads, cache writes, output.
    private static let truths: [(String, [Int64])] = [
        ("cc-2.1.330-two-models-fork", [4, 62, 43_049, 12_408, 2_562]),
        ("cc-2.1.330-subagent-protobuf", [8, 309, 67_478, 20_932, 4_038]),
        ("cc-2.1.330-errors-json", [3, 150, 10_193, 3_963, 1_865]),
        // This version writes most answers down before they are complete: 2,847 tokens were produced.
        ("cc-2.1.71-tools-json", [7, 309, 59_897, 19_074, 2_360]),
        ("codex-0.163.0-logs-binary", [8, 400, 80_007, 21_008, 4_384]),
        ("codex-0.163.0-errors-json", [1, 3_380, 0, 0, 343]),
        ("codex-0.46.0-sessions-only", [3, 8_651, 10_794, 0, 1_331]),
        ("codex-0.98.0-tools-json", [3, 8_443, 49_566, 0, 1_375]),
    ]

    @Test(arguments: truths)
    func `each call is counted once`(scenario: String, truth: [Int64]) async throws {
        let home = try TestHome()
        try home.unpack(scenario)
        let scene = try await Scene(home)
        let first = try await scene.scan()
        #expect(scene.books.figures == truth)
        #expect(Int64(first.ingested) == truth[0])
        #expect(first.problems.isEmpty && first.unknownLines.isEmpty)
        let second = try await scene.scan()
        #expect(second.scanned == 0 && second.ingested == 0 && second.skipped == first.scanned)
        await scene.shutdown()
        // Without its memory a receiver reads everything again, and the calls are known.
        try home.remove("hub")
        let again = try await Scene(home, books: scene.books)
        #expect(try await again.scan().scanned == first.scanned)
        #expect(scene.books.figures == truth)
        await again.shutdown()
    }

    @Test func `a fork's copies belong to the session that made the calls`() async throws {
        let home = try TestHome()
        try home.unpack("cc-2.1.330-two-models-fork")
        let (books, _) = try await scanned(home)
        let (first, fork) = ("01de2263-7eb5-485c-9248-eb914a38ce8d", "6d8aed90-b5f8-45cf-8712-8ba4dfbe67eb")
        #expect(books.calls.map(\.session) == [first, first, first, fork])
        #expect(books.sessions[fork]?.parent == first)
        #expect(books.sessions[first]?.parent == nil)
    }

    @Test func `the running cost of a session is the agent's newest word on it`() async throws {
        let home = try TestHome()
        try home.unpack("cc-2.1.330-two-models-fork")
        let (books, _) = try await scanned(home)
        let (first, fork) = ("01de2263-7eb5-485c-9248-eb914a38ce8d", "6d8aed90-b5f8-45cf-8712-8ba4dfbe67eb")
        // Two lines report $0.05839815 and then $0.06670965.
        #expect(books.sessions[first]?.reportedCost?.value == Money(nanodollars: 66_709_650))
        #expect(books.sessions[first]?.comparableCost == Money(nanodollars: 66_709_650))
        // The fork's figure has its parent's calls in it.
        #expect(books.sessions[fork]?.reportedCost?.value == Money(nanodollars: 94_593_900))
        #expect(books.sessions[fork]?.comparableCost == nil)
    }

    @Test func `what a transcript says of its session is told`() async throws {
        let home = try TestHome()
        try home.unpack("cc-2.1.330-subagent-protobuf")
        let (books, _) = try await scanned(home)
        let session = try #require(books.sessions["2d2a10e6-7080-4e09-8ab1-382308737103"])
        #expect(session.agent == "claude-code" && session.project == "/home/dev/app" && session.machine == "desk")
        #expect(session.branch?.value == "main" && session.agentVersion?.value == "2.1.330")
        #expect(session.firstSeen.iso8601 == "2026-11-22T08:00:20.396Z")
        let call = try #require(books.calls.first)
        #expect(call.sources == [.transcript] && call.knowsCacheLifetimes && call.provider == "anthropic")
        #expect(call.counts.cacheWrite1h == 943 && call.counts.cacheWrite5m == 1_886 && call.counts.reasoning == 13)
    }

    @Test func `a sub-agent's thread of Codex knows its parent`() async throws {
        let home = try TestHome()
        try home.unpack("codex-0.163.0-logs-binary")
        let (books, _) = try await scanned(home)
        let child = try #require(books.sessions["01a20246-3332-77d3-81b3-ec7ec18cd6e9"])
        #expect(child.parent == "01a20246-1eaa-7123-82c5-6ee8e42ea8d4" && child.name?.value == "count_files")
        #expect(books.calls.filter { $0.session == child.id }.count == 3)
        #expect(Set(books.calls.map(\.sources)) == [[.rollout]])
    }
}
