// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The Swift sources of the package, read as text.
struct SourceTree {
    struct File {
        /// The path from the package's root.
        var path: String
        var lines: [Substring]

        /// The modules it imports.
        var imports: [String] {
            lines.compactMap { line in
                let words = line.split(separator: " ").drop {
                    ["@_exported", "@preconcurrency", "@testable", "public", "internal", "package"].contains($0)
                }
                guard words.first == "import",
                    let module = words.dropFirst().first(where: {
                        !["struct", "enum", "class", "func", "protocol"].contains($0)
                    })
                else { return nil }
                return module.split(separator: ".").first.map(String.init)
            }
        }
    }

    let root: URL
    let files: [File]

    init(file: StaticString = #filePath) throws {
        root = URL(filePath: "\(file)").deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var files: [File] = []
        for folder in ["Sources", "Plugins", "Tests"] {
            let base = root.appending(path: folder)
            let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
            while let url = walker?.nextObject() as? URL {
                guard url.pathExtension == "swift", !url.path.contains("/.build/") else { continue }
                let text = try String(contentsOf: url, encoding: .utf8)
                let path = String(url.path.dropFirst(root.path.count)).trimmingPrefix("/")
                files.append(
                    File(path: String(path), lines: text.split(separator: "\n", omittingEmptySubsequences: false))
                )
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    /// The files below a folder.
    func files(in folder: String) -> [File] { files.filter { $0.path.hasPrefix(folder + "/") } }
}
