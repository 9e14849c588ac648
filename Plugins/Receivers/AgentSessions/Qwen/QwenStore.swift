// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Qwen Code: chats of lines.
    static let qwen = AgentStore(
        homesInWords: "$QWEN_DATA_DIR, else ~/.qwen",
        homes: { environment in environment.named("QWEN_DATA_DIR", else: environment.home(".qwen")) },
        folders: [Folder(name: "projects")],
        endings: [".jsonl"],
        layout: { $0.contains("/chats/") ? .lines : nil },
        service: { _ in "qwen-code" },
        reader: { file, state, context in
            .lines(StoreLineReader(QwenChat(SessionPlace.stem(file.path), projects: context.projects), state))
        }
    )
}
