// SPDX-License-Identifier: Apache-2.0

/// What the path of a session file says, where its lines do not.
struct SessionPlace: Equatable {
    /// The session, from the name of the file or, for sub-agents, of the folder above.
    var session: String
    /// The project, from the name of the folder.
    var project: String?
    /// Whether it belongs to a sub-agent.
    var isSubagent = false
    /// When the file was last written, in nanoseconds since 1970.
    var modified: Int64

    init(_ file: FoundFile) {
        let parts = file.relative.split(separator: "/").map(String.init)
        modified = max(1, file.modified)
        let stem = Self.stem(parts.last ?? file.relative)
        session = stem
        switch file.agent {
        case .claudeCode:
            project = parts.count > 1 ? ProjectNames.name(ofSlug: parts[0]) : nil
            if let folder = parts.lastIndex(of: "subagents"), folder > 0 {
                (session, isSubagent) = (parts[folder - 1], true)
            } else if stem.hasPrefix("agent-") {
                // Until 2.1.1 sub-agents lay beside the transcript; their lines name the session.
                isSubagent = true
            }
        case .codex:
            // rollout-2026-11-22T08-01-19-<uuid>
            if stem.utf8.count > 36 { session = String(stem.suffix(36)) }
        default: break
        }
    }

    /// The name of a file without its ending.
    static func stem(_ path: String) -> String {
        let ending = path.hasSuffix(".jsonl") ? 6 : path.hasSuffix(".jsonl.zst") ? 10 : path.hasSuffix(".zst") ? 4 : 0
        let name = path.utf8.dropLast(ending)
        return String(
            Substring(name[(name.lastIndex(of: UInt8(ascii: "/")).map(name.index(after:)) ?? name.startIndex)...])
        )
    }
}

extension FoundFile {
    /// Under what the file is remembered.
    var key: String { agent.store.key(path) }

    /// Of several copies of one rollout the one that is written to comes first: plain before compressed, live before archived.
    var rank: Int { (isCompressed ? 2 : 0) + (isArchived ? 1 : 0) }
}
