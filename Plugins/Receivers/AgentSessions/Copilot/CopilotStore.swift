// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// GitHub Copilot's command line: a database with a row for each request.
    static let copilot = AgentStore(
        title: "GitHub Copilot CLI",
        homesInWords: "~/.copilot",
        homes: { $0.home(".copilot") },
        folders: [Folder(name: "", depth: 0), Folder(name: "session-state")],
        endings: ["session-store.db", "session-store.db-wal", "events.jsonl"],
        layout: { path in
            if path == "session-store.db" { return .database }
            return path.hasSuffix("/events.jsonl") ? .lines : nil
        },
        service: { _ in "github-copilot" },
        reader: { file, state, context in
            guard file.layout == .database else {
                return .lines(StoreLineReader(CopilotEvents(file.path, projects: context.projects), state))
            }
            return .pieces(DatabaseReader(file, state) { _ in CopilotTables(projects: context.projects) })
        }
    )
}
