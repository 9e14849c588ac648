// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Claude Code: transcripts of lines, of the program and of the desktop program.
    static let claudeCode = AgentStore(
        homesInWords: "$CLAUDE_CONFIG_DIR, else ~/.claude and ~/.config/claude",
        homes: { environment in
            let named = environment.list("CLAUDE_CONFIG_DIR")
            return named.isEmpty ? environment.home(".claude") + environment.settings("claude") : named
        },
        searched: { environment in
            let named = environment.settings("Claude") + environment.home("Library/Application Support/Claude")
            let folders = named.flatMap { [$0 + "/local-agent-mode-sessions", $0 + "/claude-code-sessions"] }
            return SearchedFolders(folders: folders, ending: "/.claude/projects")
        },
        folders: [Folder(name: "projects"), Folder(name: "transcripts")],
        endings: [".jsonl"],
        // What it notes of the steps of a workflow is beside the transcripts of the agents (junhoyeo/tokscale#837).
        layout: { $0.hasSuffix("/journal.jsonl") || $0 == "journal.jsonl" ? nil : .lines },
        service: { _ in "claude-code" },
        reader: { file, state, context in
            var known = TranscriptState()
            if case .transcript(let state)? = state { known = state }
            return .lines(TranscriptReader(known, place: SessionPlace(file), projects: context.projects))
        }
    )
}
