// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// GitHub Copilot: its command line, with a row for each request, and its extension for VS Code, whose spans can be kept in a database.
    ///
    /// The extension's `chatSessions` are not read: they have the prompt of the last round of a request and no cached tokens.
    static let copilot = AgentStore(
        homesInWords:
            "$COPILOT_HOME, else ~/.copilot, and the extension's folders in VS Code, VSCodium, Cursor, Windsurf and Trae",
        homes: { environment in
            environment.named("COPILOT_HOME", else: environment.home(".copilot"))
                + environment.editorStorage.map { $0 + "/github.copilot-chat" }
        },
        folders: [Folder(name: "", depth: 0), Folder(name: "session-state"), Folder(name: "otel", depth: 1)],
        endings: [".db", ".db-wal", ".jsonl"],
        layout: { path in
            if path == "session-store.db" || path == "agent-traces.db" { return .database }
            return path.hasSuffix("/events.jsonl") || !path.contains("/") && path.hasSuffix(".jsonl") ? .lines : nil
        },
        service: { path in
            path.contains("/github.copilot-chat/") ? "copilot-chat" : "github-copilot"
        },
        reader: { file, state, context in
            if file.layout == .lines {
                guard file.path.hasSuffix("/events.jsonl") else {
                    return .lines(StoreLineReader(CopilotSpans(), state))
                }
                return .lines(StoreLineReader(CopilotEvents(file.path, projects: context.projects), state))
            }
            if file.path.hasSuffix("/agent-traces.db") {
                return .pieces(DatabaseReader(file, state) { _ in CopilotTraces() })
            }
            return .pieces(DatabaseReader(file, state) { _ in CopilotTables(projects: context.projects) })
        }
    )
}
