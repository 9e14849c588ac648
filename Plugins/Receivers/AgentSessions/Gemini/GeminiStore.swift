// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Gemini CLI: lines since version 0.39, one JSON document for each session before.
    static let gemini = AgentStore(
        homesInWords: "$GEMINI_CLI_HOME/.gemini, else ~/.gemini",
        homes: { environment in
            environment.value("GEMINI_CLI_HOME").map { [$0 + "/.gemini", $0] } ?? environment.home(".gemini")
        },
        folders: [Folder(name: "tmp")],
        endings: [".jsonl", ".json"],
        layout: { path in
            guard path.contains("/chats/") else { return nil }
            if path.hasSuffix(".jsonl") { return .lines }
            return path.split(separator: "/").last?.hasPrefix("session-") == true ? .document : nil
        },
        service: { _ in "gemini-cli" },
        reader: { file, state, context in
            let place = GeminiPlace(file.relative)
            guard file.layout == .document else {
                return .lines(StoreLineReader(GeminiChat(place, projects: context.projects), state))
            }
            return .pieces(DocumentReader(file, state) { _ in GeminiChat(place, projects: context.projects) })
        }
    )
}
