// SPDX-License-Identifier: Apache-2.0

/// OpenCode's database in both generations, and its files of before.
package enum OpenCodeFixtures {
    package static let database = ".local/share/opencode/opencode.db"

    package static let firstTables = """
        CREATE TABLE project(id TEXT PRIMARY KEY, worktree TEXT);
        CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, directory TEXT, title TEXT, version TEXT,
            time_created INTEGER, time_updated INTEGER);
        CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
        CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, data TEXT);
        """
    package static let secondTables = """
        CREATE TABLE session_v2(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, fork_session_id TEXT, fork_boundary TEXT,
            directory TEXT, title TEXT, version TEXT, cost REAL, tokens_input INTEGER, time_created INTEGER, time_updated INTEGER);
        CREATE TABLE session_message(id TEXT PRIMARY KEY, session_id TEXT, type TEXT, seq INTEGER, time_created INTEGER,
            time_updated INTEGER, data TEXT);
        """

    /// The JSON of a step: figures are input, output, reasoning, read, written.
    package static func step(
        _ figures: [Int],
        at created: Int = 1_796_000_000_000,
        took: Int? = 4_000,
        total: Int? = nil,
        more: String = ""
    ) -> String {
        let total = total.map { #""total":\#($0),"# } ?? ""
        let end = took.map { #","completed":\#(created + $0)"# } ?? ""
        return #"{"role":"assistant",\#(more)"providerID":"anthropic","modelID":"claude-sonnet-4-5","cost":0.010125,"#
            + #""path":{"cwd":"/gone/shop"},"time":{"created":\#(created)\#(end)},"tokens":{\#(total)"input":\#(figures[0]),"#
            + #""output":\#(figures[1]),"reasoning":\#(figures[2]),"cache":{"read":\#(figures[3]),"write":\#(figures[4])}}}"#
    }

    package static func session(
        _ id: String,
        title: String = "work",
        parent: String? = nil,
        created: Int = 1_796_000_000_000,
        updated: Int = 1
    ) -> String {
        let parent = parent.map { "'\($0)'" } ?? "NULL"
        return
            "INSERT INTO session VALUES('\(id)', 'p', \(parent), '/gone/shop', '\(title)', '1.3.0', \(created), \(updated));"
    }

    package static func message(_ id: String, _ session: String, _ data: String, updated: Int = 1) -> String {
        "INSERT INTO message VALUES('\(id)', '\(session)', 1, \(updated), '\(data)');"
    }

    /// One step in ses_a, its copy in a fork, a step of the fork's own, a sub-agent, a retry without tokens, a prompt.
    package static var firstRows: String {
        let later = 1_796_000_100_000
        return [
            session("ses_a"), session("ses_b", title: "work (fork #1)", created: later),
            session("ses_c", parent: "ses_a"),
            message("msg_0", "ses_a", #"{"role":"user","time":{"created":1}}"#),
            message("msg_1", "ses_a", step([1_200, 150, 50, 8_000, 300])),
            message("msg_2", "ses_b", step([1_200, 150, 50, 8_000, 300])),
            message("msg_3", "ses_b", step([10, 20, 0, 30, 40], at: later)),
            message("msg_4", "ses_c", step([5, 6, 0, 0, 0], at: later)),
            message("msg_5", "ses_a", step([0, 0, 0, 0, 0], at: later)),
        ].joined()
    }

    package static let truth: [Int64] = [3, 1_215, 8_030, 340, 226]

    package static var fixtures: [StoreFixture] {
        get throws {
            let file = ".local/share/opencode/storage/message/ses_a/msg_1.json"
            let sessionFile = ".local/share/opencode/storage/session/p/ses_a.json"
            let step = step([1_200, 150, 50, 8_000, 300], more: #""id":"msg_1","sessionID":"ses_a","#)
            return [
                StoreFixture(
                    "opencode",
                    bytes: [
                        (database, try TestDatabase.bytes(firstTables + firstRows)),
                        (file, Array(step.utf8)),
                        (
                            sessionFile,
                            Array(#"{"id":"ses_a","directory":"/gone/shop","title":"work","time":{"updated":5}}"#.utf8)
                        ),
                        // The rows of version 1 stay, and are copied to the tables of version 2.
                        (database, try TestDatabase.bytes(firstTables + firstRows + secondTables + secondRows)),
                    ],
                    truth: [4, 1_222, 8_030, 340, 234]
                ),
                StoreFixture(
                    "kilo-cli",
                    bytes: [(".local/share/kilo/kilo.db", try TestDatabase.bytes(firstTables + firstRows))],
                    truth: truth
                ),
                StoreFixture(
                    "mimocode",
                    bytes: [(".local/share/mimocode/mimocode.db", try TestDatabase.bytes(firstTables + firstRows))],
                    truth: truth
                ),
                StoreFixture(
                    "opencode-channel",
                    bytes: [
                        (
                            ".local/share/opencode/opencode-dev.db",
                            // Version 2 from the beginning: a sum of the session beside its rows is none.
                            try TestDatabase.bytes(secondTables + secondRows)
                        )
                    ],
                    truth: [4, 1_222, 8_030, 340, 234]
                ),
            ]
        }
    }

    package static func second(_ data: String) -> String {
        data.replacing(#""modelID":"claude-sonnet-4-5","#, with: "").replacing(#""role":"assistant","#, with: "")
            .replacing(
                #""providerID":"anthropic","#,
                with: #""model":{"id":"claude-sonnet-4-5","providerID":"anthropic"},"#
            )
    }

    package static func row(_ id: String, _ session: String, _ seq: Int, _ data: String, updated: Int = 1) -> String {
        "INSERT INTO session_message VALUES('\(id)', '\(session)', 'assistant', \(seq), 1, \(updated), '\(second(data))');"
    }

    /// The rows of the first generation, a fork of the second, and a step that is new.
    package static var secondRows: String {
        let later = 1_796_000_100_000
        return [
            "INSERT INTO session_v2(id, directory, time_created, time_updated) VALUES('ses_a', '/gone/shop', 1, 2);",
            "INSERT INTO session_v2(id, directory, time_created, time_updated) VALUES('ses_b', '/gone/shop', \(later), 2);",
            "INSERT INTO session_v2(id, parent_id, time_updated) VALUES('ses_c', 'ses_a', 2);",
            "INSERT INTO session_v2(id, fork_session_id, fork_boundary, time_created, time_updated)",
            "VALUES('ses_d', 'ses_a', 'msg_1', \(later), 3);",
            row("msg_1", "ses_a", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_2", "ses_b", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_3", "ses_b", 2, step([10, 20, 0, 30, 40], at: later)),
            row("msg_4", "ses_c", 1, step([5, 6, 0, 0, 0], at: later)),
            row("msg_6", "ses_d", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_7", "ses_d", 2, step([7, 8, 0, 0, 0], at: later + 1)),
            "INSERT INTO session_message VALUES('msg_8', 'ses_d', 'compaction', 3, 1, 1, '{}');",
        ].joined()
    }
}
