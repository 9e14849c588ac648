// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Codex: rollouts of lines, some of them compressed or put aside.
    static let codex = AgentStore(
        homesInWords: "$CODEX_HOME, else ~/.codex",
        homes: { environment in
            let named = environment.list("CODEX_HOME")
            return named.isEmpty ? environment.home(".codex") : named
        },
        folders: [Folder(name: "sessions"), Folder(name: "archived_sessions", isArchive: true)],
        endings: [".jsonl", ".jsonl.zst"],
        layout: { _ in .lines },
        service: { _ in "codex" },
        // A rollout keeps its name when it is archived or compressed.
        key: { "codex:" + SessionPlace.stem($0) },
        reader: { file, state, context in
            var known = RolloutState()
            if case .rollout(let state)? = state { known = state }
            return .lines(
                RolloutReader(
                    known,
                    place: SessionPlace(file),
                    projects: context.projects,
                    lineages: context.lineages,
                    histories: context.histories
                )
            )
        }
    )
}
