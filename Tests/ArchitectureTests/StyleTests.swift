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

    /// A type in three files has its state open to its module, and no file has all of it.
    ///
    /// No part of a type in this sense are: a conformance, which belongs to the protocol's place; members that only their file sees; and
    /// values of the type under its name, such as the store of an agent in the agent's folder.
    @Test func `no type is in more than two files`() {
        var declared = 0
        for (room, files) in Dictionary(grouping: tree.files.filter(Self.isOfProgram), by: { Self.room(of: $0.path) }) {
            var homes: [Substring: Set<String>] = [:]
            var parts: [Substring: Set<String>] = [:]
            for file in files {
                for (number, line) in file.lines.enumerated() {
                    if let match = line.firstMatch(of: Self.declaration) {
                        homes[match.output.1, default: []].insert(file.path)
                        declared += 1
                    } else if let match = line.firstMatch(of: Self.extension),
                        Self.opensMembers(file.lines[number...], of: match.output.1)
                    {
                        parts[match.output.1, default: []].insert(file.path)
                    }
                }
            }
            for (name, places) in parts.sorted(by: { $0.key < $1.key }) {
                guard let home = homes[name] else { continue }
                let all = places.union(home).sorted()
                #expect(all.count < 3, "\(room): \(name) is in \(all.joined(separator: ", "))")
            }
        }
        #expect(declared > 1_000)
    }

    private static func isOfProgram(_ file: SourceTree.File) -> Bool {
        !file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Plugins/Examples/")
    }

    /// The folder of a module.
    private static func room(of path: String) -> String {
        path.split(separator: "/").prefix(path.hasPrefix("Plugins/") ? 3 : 2).joined(separator: "/")
    }

    private static var declaration: Regex<(Substring, Substring)> {
        /^(?:(?:public|package|internal|final|indirect|nonisolated|@\w+) )*(?:struct|class|enum|actor|protocol) (\w+)/
    }

    /// An extension without a conformance.
    private static var `extension`: Regex<(Substring, Substring)> {
        /^(?:(?:public|package|internal) )*extension (\w+)[\w.]*(?: where [^:]*(?::[^:]*)*)? \{/
    }

    /// Whether an extension has a member that other files see and that is no value of the type.
    private static func opensMembers(_ lines: ArraySlice<Substring>, of name: Substring) -> Bool {
        let body = lines.dropFirst().prefix { $0 != "}" }
        return body.contains { line in
            guard line.hasPrefix("    "), !line.hasPrefix("     "),
                line.contains(/\b(func|var|let|init|subscript|struct|enum|class|typealias)\b/)
            else { return false }
            let code = line.drop { $0 == " " }
            guard !code.hasPrefix("//"), !code.hasPrefix("}"), !code.hasPrefix(")") else { return false }
            if code.contains(/^(?:@\w+ )*(?:fileprivate|private)\b/) { return false }
            return !code.contains("static let ") || !code.contains("= \(name)(")
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
