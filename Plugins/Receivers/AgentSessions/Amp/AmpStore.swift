// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Amp: a JSON document for each thread.
    static let amp = AgentStore(
        homesInWords: "$AMP_DATA_DIR, else amp in $XDG_DATA_HOME (~/.local/share)",
        homes: { environment in environment.named("AMP_DATA_DIR", else: environment.data("amp")) },
        folders: [Folder(name: "threads")],
        endings: [".json"],
        layout: { $0.split(separator: "/").last?.hasPrefix("T-") == true ? .document : nil },
        service: { _ in "amp" },
        reader: { file, state, context in
            .pieces(DocumentReader(file, state) { _ in AmpThread(projects: context.projects) })
        }
    )
}
