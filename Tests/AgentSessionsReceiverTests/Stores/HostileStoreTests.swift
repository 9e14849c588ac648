// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import Testing
import Usage

/// Files that are no agent's work, or the work of one that was cut off: nothing stops a scan, and each fault has a file and a place.
struct HostileStoreTests {
    /// A file of each form in each agent's store.
    static let files = [
        ".local/share/opencode/opencode.db", ".local/share/opencode/storage/message/s/msg_1.json",
        ".gemini/tmp/p/chats/session-1.jsonl", ".gemini/tmp/p/chats/session-2.json", ".copilot/session-store.db",
        ".copilot/session-state/s/events.jsonl", ".copilot/otel/o.jsonl",
        ".config/Code/User/globalStorage/github.copilot-chat/agent-traces.db",
        ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1/ui_messages.json",
        ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/1/ui_messages.json",
        ".cline/data/sessions/c/c.messages.json", ".pi/agent/sessions/p/1_s.jsonl", ".qwen/projects/p/chats/s.jsonl",
        ".kimi-code/sessions/w/s/agents/main/wire.jsonl", ".kimi/sessions/w/s/wire.jsonl",
        ".local/share/amp/threads/T-1.json",
    ]

    private static func isDatabase(_ path: String) -> Bool { path.hasSuffix(".db") }

    /// What a scan says of homes in which one file after another is replaced by something.
    private func problems(of bytes: [UInt8], in files: [String] = Self.files) async throws -> [String: [ScanProblem]] {
        var found: [String: [ScanProblem]] = [:]
        for file in files {
            let home = try TestHome()
            try home.write(bytes, to: file)
            let report = try await scanned(home).report
            #expect(report.problems.allSatisfy { $0.path == home.path + "/" + file }, "\(file)")
            found[file] = report.problems
        }
        return found
    }

    @Test func `what is no JSON and no database is named`() async throws {
        for text in ["no json\n", "\u{0}\u{0}\u{0}\n", "{\"a\":\n", "]}{[\n", "\"text\"\n", "17\n"] {
            for (file, problems) in try await problems(of: Array(text.utf8)) {
                #expect(problems.count == 1, "\(file): \(text)")
            }
        }
    }

    @Test func `texts that are cut in a character, and bytes that are no text, are no fault of the figures`()
        async throws
    {
        // A title of half a character in each format whose titles are read.
        var bytes = Array(#"{"type":"session","id":"s","timestamp":"2026-11-02T10:00:00.000Z","cwd":"/gone/"#.utf8)
        bytes += [0xE2, 0x82]
        bytes += Array("\"}\n".utf8)
        bytes += Array(
            #"{"type":"message","id":"b2c3d4e5","timestamp":"2026-11-02T10:00:02.000Z","message":{"model":""#.utf8
        )
        bytes += [0xFF, 0xFE]
        bytes += Array(#"","usage":{"input":5,"output":6}}}"#.utf8 + [10])
        let home = try TestHome()
        try home.write(bytes, to: ".pi/agent/sessions/p/1_s.jsonl")
        let (books, report) = try await scanned(home)
        #expect(books.figures == [1, 5, 0, 0, 6] && report.problems.isEmpty)
    }

    @Test func `JSON that is nested without end is named`() async throws {
        let bomb = Array((String(repeating: #"{"messages":["#, count: 200_000) + "\n").utf8)
        let files = Self.files.filter { !Self.isDatabase($0) }
        for (file, problems) in try await problems(of: bomb, in: files) { #expect(problems.count == 1, "\(file)") }
    }

    @Test func `a pipe, a link and a folder in the place of a file are passed over`() async throws {
        for file in Self.files {
            let home = try TestHome()
            try home.write("{}", to: file)
            let path = home.path + "/" + file
            try FileManager.default.removeItem(atPath: path)
            #expect(mkfifo(path, 0o600) == 0)
            #expect(try await scanned(home).report.scanned == 0, "\(file)")
            try FileManager.default.removeItem(atPath: path)
            try home.write("no json", to: "outside")
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: home.path + "/outside")
            #expect(try await scanned(home).report.scanned == 0, "\(file)")
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(try await scanned(home).report.scanned == 0, "\(file)")
        }
    }

    /// A call with one figure in each format.
    private static func calls(
        _ figure: String,
        time: String = "1796000000000",
        iso: String = "2026-11-02T10:00:05.000Z"
    )
        -> [(String, String)]
    {
        [
            (
                files[1],
                #"{"id":"m","sessionID":"s","role":"assistant","time":{"created":\#(time)},"tokens":{"input":\#(figure),"output":1}}"#
            ),
            (files[2], #"{"id":"m","timestamp":"\#(iso)","type":"gemini","tokens":{"input":\#(figure),"output":1}}"#),
            (
                files[3],
                #"{"messages":[{"id":"m","timestamp":"\#(iso)","type":"gemini","tokens":{"input":\#(figure),"output":1}}]}"#
            ),
            (
                files[5],
                #"{"type":"session.shutdown","id":"e","timestamp":"\#(iso)","data":{"modelMetrics":{"m":{"usage":{"inputTokens":\#(figure),"outputTokens":1}}}}}"#
            ),
            (
                files[6],
                #"{"type":"span","spanId":"a","endTime":[\#(time.dropLast(3)),0],"attributes":{"gen_ai.operation.name":"chat","gen_ai.conversation.id":"s","gen_ai.usage.input_tokens":\#(figure),"gen_ai.usage.output_tokens":1}}"#
            ),
            (
                files[8],
                #"[{"ts":\#(time),"type":"say","say":"api_req_started","text":"{\"tokensIn\":\#(figure),\"tokensOut\":1}"}]"#
            ),
            (files[10], #"[{"id":"m","ts":\#(time),"metrics":{"inputTokens":\#(figure),"outputTokens":1}}]"#),
            (
                files[11],
                #"{"type":"message","id":"b","timestamp":"\#(iso)","message":{"usage":{"input":\#(figure),"output":1}}}"#
            ),
            (
                files[12],
                #"{"uuid":"u","timestamp":"\#(iso)","type":"assistant","usageMetadata":{"promptTokenCount":\#(figure),"candidatesTokenCount":1}}"#
            ),
            (files[13], #"{"type":"usage.record","time":\#(time),"usage":{"inputOther":\#(figure),"output":1}}"#),
            (
                files[14],
                #"{"timestamp":\#(time.dropLast(3)),"message":{"type":"StatusUpdate","payload":{"message_id":"m","token_usage":{"input_other":\#(figure),"output":1}}}}"#
            ),
            (
                files[15],
                #"{"id":"T-1","messages":[{"messageId":2,"role":"assistant","usage":{"timestamp":"\#(iso)","inputTokens":\#(figure),"outputTokens":1}}]}"#
            ),
        ]
    }

    @Test(arguments: ["-1", "1e300", "99999999999999999999", "1.5", "9223372036854775807"])
    func `a count that is negative or beyond belief is named and counts nowhere`(figure: String) async throws {
        for (file, text) in Self.calls(figure) {
            let home = try TestHome()
            try home.write(text + "\n", to: file)
            let (books, report) = try await scanned(home)
            #expect(books.figures[0] == 0 && report.problems.count == 1, "\(file): \(report.problems)")
            #expect(report.problems.first?.path == home.path + "/" + file)
        }
        #expect(try await Self.scannedRows(figure).problems.count == 3)
    }

    @Test(arguments: ["null", "{}", "[]", "true"])
    func `a count that is no number is none`(figure: String) async throws {
        for (file, text) in Self.calls(figure) {
            let home = try TestHome()
            try home.write(text + "\n", to: file)
            let (books, report) = try await scanned(home)
            #expect(books.figures == [1, 0, 0, 0, 1] && report.problems.isEmpty, "\(file): \(report.problems)")
        }
    }

    @Test func `the largest count that is believed is read from every format`() async throws {
        for (file, text) in Self.calls("274877906944") {
            let home = try TestHome()
            try home.write(text + "\n", to: file)
            #expect(try await scanned(home).books.figures == [1, 274_877_906_944, 0, 0, 1], "\(file)")
        }
    }

    @Test(arguments: [
        ("-5", "0000-00-00T00:00:00Z"), ("1e30", "99999-01-01T00:00:00Z"), ("9223372036854775807", "never"),
        ("null", "2026-13-45T99:99:99Z"), ("0", "1969-12-31T23:59:59Z"),
    ])
    func `a time out of range stops nothing`(time: String, iso: String) async throws {
        for (file, text) in Self.calls("5", time: time.count > 3 ? time : time + "000", iso: iso) {
            let home = try TestHome()
            try home.write(text + "\n", to: file)
            let (books, _) = try await scanned(home)
            #expect(books.figures[0] <= 1, "\(file)")
        }
    }

    /// Rows with a figure in the three databases.
    private static func scannedRows(_ figure: String) async throws -> ScanReport {
        let home = try TestHome()
        for (file, sql) in [
            (
                files[0],
                OpenCodeFixtures.firstTables
                    + OpenCodeFixtures.message(
                        "m",
                        "s",
                        #"{"role":"assistant","time":{"created":1796000000000},"tokens":{"input":\#(figure),"output":1}}"#
                    )
            ),
            (
                files[4],
                CopilotFixtures.tables
                    + "INSERT INTO assistant_usage_events VALUES(1, 's', 'm', \(figure), 1, 0, 0, 0, '2026-11-02T10:00:00Z');"
            ),
            (
                files[7],
                CopilotFixtures.traces.split(separator: "INSERT")[0]
                    + "INSERT INTO spans(span_id, trace_id, name, start_time_ms, end_time_ms, operation_name, conversation_id, input_tokens,"
                    + " output_tokens) VALUES('x', 't', 'n', 1, 1796000000000, 'chat', 's', \(figure), 1);"
            ),
        ] {
            try TestDatabase(home.path + "/" + file).run(String(sql))
        }
        return try await scanned(home).report
    }

    /// The databases of all agents, each with rows.
    private static var databases: [(path: String, bytes: [UInt8])] {
        get throws { try StoreFixture.all.flatMap(\.files).filter { isDatabase($0.path) } }
    }

    @Test func `a database with damaged pages gives what can be read, and is named`() async throws {
        var random = SeededGenerator(seed: 3)
        for database in try Self.databases {
            for _ in 0..<12 {
                var bytes = database.bytes
                for _ in 0..<64 {
                    bytes[Int.random(in: 100..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let home = try TestHome()
                try home.write(bytes, to: database.path)
                // Nothing is claimed of the sums: the next whole state is read from the beginning.
                let books = try Books()
                let scene = try await Scene(home, books: books)
                let report = try await scene.scan()
                #expect(report.problems.allSatisfy { $0.path.hasSuffix(database.path) })
                await scene.shutdown()
            }
            let home = try TestHome()
            try home.write(Array(database.bytes.prefix(database.bytes.count / 2)), to: database.path)
            let cut = try await scanned(home).report
            #expect(cut.problems.count == 1, "\(database.path): \(cut.problems)")
        }
    }

    @Test func `a log without its database, and one of nothing but noise, are no fault`() async throws {
        for database in try Self.databases {
            let home = try TestHome()
            try home.write([UInt8](repeating: 0x37, count: 5_000), to: database.path + "-wal")
            let alone = try await scanned(home).report
            #expect(alone.scanned == 0 && alone.problems.isEmpty)
            try home.write(database.bytes, to: database.path)
            // SQLite takes no page of a log whose checksums are wrong.
            let (books, report) = try await scanned(home)
            #expect(books.figures[0] > 0 && report.problems.isEmpty, "\(database.path): \(report.problems)")
        }
    }

    @Test func `a database that is locked is read by a later scan`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        try database.run("PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE;")
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.firstRows)
        let scene = try await Scene(home)
        let locked = try await scene.scan()
        #expect(
            locked.unreadable == 1 && locked.problems.first?.message.contains("locked") ?? false,
            "\(locked.problems)"
        )
        database.close()
        #expect(try await scene.scan().problems.isEmpty)
        #expect(scene.books.figures == OpenCodeFixtures.truth)
        await scene.shutdown()
    }

    @Test func `a line and a text of many megabytes are bounded`() async throws {
        let long = String(repeating: "x", count: 12 << 20)
        for (file, text) in Self.calls("5") {
            let home = try TestHome()
            // A member that no reader wants, before the ones that it does.
            let first = text.firstIndex(of: "{") ?? text.startIndex
            let bytes = Array(
                (text[...first] + #""filler":"\#(long)","# + text[text.index(after: first)...] + "\n").utf8
            )
            try home.write(bytes, to: file)
            let (books, report) = try await scanned(home)
            #expect(books.figures == [1, 5, 0, 0, 1] && report.problems.isEmpty, "\(file): \(report.problems)")
        }
    }
}
