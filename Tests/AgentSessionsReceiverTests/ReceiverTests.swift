// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import CollectorKit
import CollectorTesting
import Foundation
import Testing
import Usage

/// The receiver between its files and its pipeline.
struct ReceiverTests {
    private let home: TestHome
    private let transcript = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    private func answers(_ range: ClosedRange<Int>) -> String {
        range.map { answer("msg_\($0)", request: "req_\($0)") }.joined()
    }

    @Test func `it keeps the contract of a component`() async throws {
        let suite = ComponentConformance(.agentSessions(environment: ["HOME": home.path]), home: home.path)
        #expect(await suite.violations() == [])
    }

    @Test func `requests are bounded`() async throws {
        try home.write(answers(1...2_500), to: transcript)
        let (books, report) = try await scanned(home)
        #expect(report.ingested == 2_500 && books.figures[0] == 2_500)
        #expect(books.batchSizes.count >= 3 && books.batchSizes.allSatisfy { $0 <= 1_002 })
    }

    @Test func `what the pipeline does not take is read again`() async throws {
        try home.write(answers(1...1_500), to: transcript)
        let scene = try await Scene(home)
        scene.books.refuse(.retryable("the disk is full"))
        await #expect(throws: ConsumeError.retryable("the disk is full")) { try await scene.scan() }
        #expect(scene.books.figures[0] == 0)
        scene.books.refuse(nil)
        try await scene.scan()
        #expect(scene.books.figures[0] == 1_500)
        await scene.shutdown()
    }

    @Test func `what the pipeline refuses for good does not hold up the rest`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home)
        scene.books.refuse(.permanent("no"))
        try await scene.scan()
        scene.books.refuse(nil)
        try home.append(answers(3...3), to: transcript)
        try await scene.scan()
        #expect(scene.books.figures[0] == 1)
        await scene.shutdown()
    }

    @Test func `starting at the end leaves out what was there`() async throws {
        try home.write(answers(1...2) + #"{"half"#, to: transcript)
        let scene = try await Scene(home) { $0.startAt = .end }
        #expect(try await scene.scan().scanned == 0)
        try home.append("\":1}\n" + answers(3...3), to: transcript)
        try home.write(answers(4...5), to: ".claude/projects/-gone-app/s2.jsonl")
        let report = try await scene.scan()
        #expect(report.ingested == 3 && report.problems.isEmpty && scene.books.figures[0] == 3)
        await scene.shutdown()
    }

    @Test func `scans that are asked for at once are one`() async throws {
        try home.write(answers(1...500), to: transcript)
        let scene = try await Scene(home)
        let reports = try await withThrowingTaskGroup(of: ScanReport.self) { group in
            for _ in 0..<4 { group.addTask { try await scene.scan() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(scene.books.figures[0] == 500)
        #expect(scene.books.batchSizes.count == 1)
        #expect(reports.allSatisfy { $0.scanned + $0.skipped == 1 })
        await scene.shutdown()
    }

    @Test func `it polls by itself`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home) { $0.pollInterval = ConfigDuration(seconds: 3_600) }
        while scene.books.figures[0] < 2 { try await Task.sleep(for: .milliseconds(5)) }
        await scene.shutdown()
    }

    @Test func `after its shutdown it says that it does not run`() async throws {
        let scene = try await Scene(home)
        await scene.shutdown()
        await #expect(throws: ConsumeError.self) { try await scene.scan() }
    }

    @Test func `a damaged checkpoint only costs another reading`() async throws {
        try home.write(answers(1...2), to: transcript)
        let books = try await scanned(home).books
        let path = "hub/agent_sessions.checkpoint"
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: home.path + "/" + path)))
        bytes[bytes.count / 2] ^= 1
        try home.write(bytes, to: path)
        let scene = try await Scene(home, books: books)
        #expect(try await scene.scan().scanned == 1)
        #expect(books.figures[0] == 2)
        await scene.shutdown()
    }

    @Test func `Claude Code's own telemetry and its transcript are one call`() async throws {
        try home.write(answer("msg_1", request: "req_011CskHCQDJPPZoN6tWl05BF"), to: transcript)
        let (books, _) = try await scanned(home)
        var log = try #require(
            books.calls.first.map { call in
                Observation(id: 7, time: call.time, source: .otlpLog, emitter: 7, priority: 90)
            }
        )
        log.keys.request = try #require(books.calls.first).id
        log.counts = TokenCounts(uncachedInput: 10, cacheRead: 100, cacheWrite5m: 6, output: 21)
        try books.absorb([log])
        #expect(books.figures == [1, 10, 100, 6, 21])
        #expect(books.calls.first?.sources == [.otlpLog, .transcript])
    }

    /// The folders that are read, by environment and configuration.
    @Test(
        arguments: [
            ([:], [], ["claude", "xdg"]), (["CLAUDE_CONFIG_DIR": "H/one, H/two/projects,"], [], ["one", "two"]),
            (["XDG_CONFIG_HOME": "H/other"], [], ["claude", "other"]), ([:], ["H/two"], ["two"]),
            ([:], ["H/two/projects/"], ["two"]), ([:], ["H/none"], []),
            (["XDG_CONFIG_HOME": "H/desk"], [], ["claude", "desktop"]),
        ] as [([String: String], [String], [String])]
    )
    func `the agents' own folders are found`(environment: [String: String], directories: [String], found: [String])
        async throws
    {
        let places = [
            "claude": ".claude", "xdg": ".config/claude", "one": "one", "two": "two", "other": "other/claude",
            "desktop": "desk/Claude/local-agent-mode-sessions/a/b/.claude",
        ]
        for (name, place) in places {
            try home.write(answer("msg_\(name)", request: nil, session: name), to: "\(place)/projects/-p/\(name).jsonl")
        }
        let scene = try await Scene(
            home,
            environment: environment.mapValues { $0.replacing("H/", with: home.path + "/") }
        ) { config in
            config.claudeCode.directories = directories.map { ConfigPath($0.replacing("H/", with: home.path + "/")) }
        }
        try await scene.scan()
        #expect(scene.books.calls.compactMap(\.session).sorted() == found.sorted())
        await scene.shutdown()
    }

    /// ccusage/ccusage#1375, anthropics/claude-code#9221 and #36275.
    @Test func `a folder is one project, whether Windows or Linux names it`() async throws {
        let folders = [
            #"C:\\Users\\me\\src\\my.app"#, "/mnt/c/Users/me/src/my.app",
            #"c:\\Users\\me\\src\\my.app\\.claude\\worktrees\\fix"#,
            #"\\\\wsl.localhost\\Ubuntu\\gone\\api"#, "/gone/api", #"\\\\wsl$\\Ubuntu\\gone\\api"#,
        ]
        for (position, folder) in folders.enumerated() {
            let line = answer("msg_\(position)", request: nil, session: "s\(position)")
            try home.write(
                line.replacing("/gone/app", with: folder),
                to: ".claude/projects/-p/s\(position).jsonl"
            )
        }
        let (books, _) = try await scanned(home)
        let projects = (0..<6).map { books.sessions["s\($0)"]?.project }
        #expect(
            projects == Array(repeating: "/C:/Users/me/src/my.app", count: 3) + Array(repeating: "/gone/api", count: 3)
        )
    }

    @Test func `a project is its repository`() async throws {
        let repository = home.path + "/work/hub"
        try home.write("", to: "work/hub/.git/HEAD")
        try home.write("gitdir: \(repository)/.git/worktrees/fix\n", to: "work/fix/.git")
        try home.write("", to: "work/fix/Sources/x")
        try home.write("gitdir: ../hub/.git/worktrees/near\n", to: "work/near/.git")
        let folders = [
            repository, repository + "/Sources", home.path + "/work/fix", home.path + "/work/fix/Sources",
            home.path + "/work/near", repository + "/.claude/worktrees/brave-fox",
        ]
        for (position, folder) in folders.enumerated() {
            let line = answer("msg_\(position)", request: nil, session: "s\(position)")
            try home.write(
                line.replacing("/gone/app", with: folder),
                to: ".claude/projects/-p/s\(position).jsonl"
            )
        }
        let (books, _) = try await scanned(home)
        #expect(books.calls.compactMap(\.project) == Array(repeating: repository, count: 6))
    }
}
