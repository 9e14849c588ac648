// SPDX-License-Identifier: Apache-2.0

import Testing

/// Rules of style that a compiler does not know.
struct StyleTests {
    private let tree: SourceTree

    init() throws {
        tree = try SourceTree()
    }

    @Test func `every file says its licence first`() {
        for file in tree.files {
            // A manifest begins with the version of its tools.
            let first = file.lines.first { !$0.hasPrefix("// swift-tools-version") }
            #expect(first == "// SPDX-License-Identifier: Apache-2.0", "\(file.path)")
        }
    }

    @Test(arguments: ["try!", "fatalError(", "as!", "@unchecked Sendable", "unsafeFlags", "Task.detached"])
    func `the program does without`(banned: String) {
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            for (number, line) in file.lines.enumerated() where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                #expect(!line.contains(banned), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test func `only the terminal prints`() {
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            for (number, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                #expect(!code.hasPrefix("print("), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test func `rooms stay small`() {
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines: two things in one room?")
        }
    }

    @Test(arguments: ["Manager", "Helper", "Util", "Impl"])
    func `names say what a thing is`(word: String) {
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            let name = file.path.split(separator: "/").last ?? ""
            #expect(!name.contains(word), "\(file.path)")
        }
    }
}
