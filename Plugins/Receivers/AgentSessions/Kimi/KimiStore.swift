// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Kimi Code, and Kimi CLI before it, whose sessions Kimi Code copies into its own store.
    static let kimi = AgentStore(
        homesInWords: "$KIMI_CODE_HOME and $KIMI_SHARE_DIR, else ~/.kimi-code and ~/.kimi",
        homes: { environment in
            environment.named("KIMI_CODE_HOME", else: environment.home(".kimi-code"))
                + environment.settings("kimi-desktop/daimon-share/daimon/runtime/kimi-code/home")
                + environment.named("KIMI_SHARE_DIR", else: environment.home(".kimi"))
        },
        folders: [Folder(name: "sessions")],
        endings: ["wire.jsonl"],
        layout: { path in
            // Sessions in which the desktop program makes titles and summaries for itself.
            let own = ["ctitle-", "sklsum-", "dvlt-"]
            let isOwn = path.split(separator: "/").contains { part in own.contains { part.hasPrefix($0) } }
            return isOwn || !path.hasSuffix("/wire.jsonl") ? nil : .lines
        },
        service: { _ in "kimi-code" },
        reader: { file, state, context in
            .lines(StoreLineReader(KimiWire(file.path, modified: file.modified, projects: context.projects), state))
        }
    )
}
