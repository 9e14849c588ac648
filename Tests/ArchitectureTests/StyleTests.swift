// SPDX-License-Identifier: Apache-2.0

import Testing

/// Rules of style that the compiler does not check.
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

    /// The host reads the abilities of a component from its members; a cast would silently miss a component without the conformance.
    @Test func `the host asks components and not the run-time system`() {
        for room in ["Sources/Collector", "Sources/CollectorTesting"] {
            for file in tree.files(in: room) {
                for (number, line) in file.lines.enumerated() {
                    #expect(!line.contains(#/\b(as\?|is) any /#), "\(file.path):\(number + 1)")
                }
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

    /// A file may be long; a function must fit into a reader's memory.
    @Test func `functions have at most 70 lines`() {
        var count = 0
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            for (start, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//"), code.contains(/(^| )(func |init[?(<]|deinit |subscript[(<])/) else {
                    continue
                }
                let indent = line.prefix { $0 == " " }
                let rest = file.lines[start...]
                // A requirement of a protocol has no body, and a body on one line needs no count.
                guard let open = rest.firstIndex(where: { $0.hasSuffix("{") || $0.hasSuffix("}") }),
                    rest[start...open].dropFirst().allSatisfy({ $0.hasPrefix(indent) && !$0.contains("func ") }),
                    file.lines[open].hasSuffix("{"),
                    let end = rest[open...].firstIndex(of: indent + "}")
                else { continue }
                count += 1
                #expect(end - start < 70, "\(file.path):\(start + 1) has \(end - start + 1) lines")
            }
        }
        #expect(count > 2_000)
    }

    @Test(arguments: ["Manager", "Helper", "Util", "Impl"])
    func `names say what a thing is`(word: String) {
        for file in tree.files where !file.path.hasPrefix("Tests/") {
            let name = file.path.split(separator: "/").last ?? ""
            #expect(!name.contains(word), "\(file.path)")
        }
    }
}
