// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// pi, and omp, which keeps the same files in another home.
    static let pi = AgentStore(
        homesInWords: "$PI_CODING_AGENT_DIR, else ~/.pi/agent and ~/.omp/agent",
        homes: { environment in
            environment.named("PI_CODING_AGENT_DIR", else: environment.home(".pi/agent"))
                + environment.home(".omp/agent")
        },
        folders: [Folder(name: "sessions")],
        endings: [".jsonl"],
        layout: { _ in .lines },
        service: { $0.contains("/.omp/") ? "omp" : "pi" },
        reader: { file, state, context in
            let session = file.path.split(separator: "/").last.map { PiSession.id(inName: String($0)) } ?? ""
            return .lines(StoreLineReader(PiSession(session, projects: context.projects), state))
        }
    )
}
