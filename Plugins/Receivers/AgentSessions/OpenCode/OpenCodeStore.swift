// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// OpenCode: a database, before version 1.2 a JSON file for each message; Kilo CLI 7 and MiMo Code are built of it.
    static let openCode = AgentStore(
        homesInWords: "$OPENCODE_DATA_DIR, else opencode, kilo and mimocode in $XDG_DATA_HOME (~/.local/share)",
        homes: { environment in
            environment.named("OPENCODE_DATA_DIR", else: environment.data("opencode"))
                + environment.data("kilo") + environment.data("mimocode")
        },
        folders: [
            // Beside the database are the login's keys and copies of the user's files.
            Folder(name: "", depth: 0), Folder(name: "storage/session"), Folder(name: "storage/message"),
        ],
        endings: [".db", ".db-wal", ".json"],
        layout: { path in
            let name = path.split(separator: "/").last ?? ""
            if name.hasSuffix(".json") { return name.hasPrefix("msg_") || name.hasPrefix("ses_") ? .document : nil }
            return ["opencode", "kilo", "mimocode"].contains { name.hasPrefix($0) } ? .database : nil
        },
        service: { path in
            if path.contains("/kilo/") { return "kilo-code" }
            return path.contains("/mimocode/") ? "mimo-code" : "opencode"
        },
        reader: { file, state, context in
            guard file.layout == .database else {
                return .pieces(DocumentReader(file, state) { _ in OpenCodeFile(projects: context.projects) })
            }
            return .pieces(DatabaseReader(file, state) { _ in OpenCodeTables(projects: context.projects) })
        }
    )
}
