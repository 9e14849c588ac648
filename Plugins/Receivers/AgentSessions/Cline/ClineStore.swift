// SPDX-License-Identifier: Apache-2.0

extension AgentStore {
    /// Cline and what was made of it, Roo Code and Kilo Code up to version 5: documents in the folders of editors, and of Cline's own.
    static let cline = AgentStore(
        homesInWords:
            "$CLINE_DATA_DIR, else $CLINE_DIR/data or ~/.cline/data, and the extensions' folders in VS Code, VSCodium, Cursor, Windsurf and Trae",
        homes: { environment in
            let own =
                environment.value("CLINE_DATA_DIR") ?? environment.value("CLINE_DIR").map { $0 + "/data" }
            let extensions = environment.editorStorage.flatMap { folder in
                ClineVendor.allCases.map { folder + "/" + $0.extensionName }
            }
            return (own.map { [$0] } ?? environment.home(".cline/data")) + extensions
                + environment.home(".vscode-mock/global-storage")
        },
        namedFolders: { environment in environment.value("CLINE_SESSION_DATA_DIR").map { [$0] } ?? [] },
        folders: [Folder(name: "tasks"), Folder(name: "sessions")],
        endings: [".json"],
        layout: { path in
            path.hasSuffix("/ui_messages.json") || path.hasSuffix(".messages.json") ? .document : nil
        },
        service: { ClineVendor(path: $0).rawValue },
        reader: { file, state, context in
            .pieces(
                DocumentReader(file, state) { file in
                    if file.path.hasSuffix("/ui_messages.json") {
                        return ClineTask(file.path, projects: context.projects)
                    }
                    return ClineSession(file.path, projects: context.projects)
                }
            )
        }
    )
}

/// Who made a task; the raw value is the name of the service.
enum ClineVendor: String, CaseIterable {
    case cline
    case roo = "roo-code"
    case kilo = "kilo-code"

    /// The id of the extension.
    var extensionName: String {
        switch self {
        case .cline: "saoudrizwan.claude-dev"
        case .roo: "rooveterinaryinc.roo-cline"
        case .kilo: "kilocode.kilo-code"
        }
    }

    /// By the place of a file.
    init(path: String) {
        self =
            path.contains("/rooveterinaryinc.roo-cline/") || path.contains("/.vscode-mock/")
            ? .roo
            : path.contains("/kilocode.kilo-code/") ? .kilo : .cline
    }
}
