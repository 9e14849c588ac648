// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Compares the documentation with the source tree.
struct DocumentationTests {
    private let tree: SourceTree
    private let manifest: String

    init() throws {
        tree = try SourceTree()
        manifest = try String(contentsOf: tree.root.appending(path: "Package.swift"), encoding: .utf8)
    }

    private struct Arrow: Hashable, CustomStringConvertible {
        var from: String
        var to: String
        var description: String { "\(from) --> \(to)" }
    }

    /// All components are one box of the diagram.
    private static let plugins = "Plugins"

    /// The imports between modules that have Swift sources.
    private var imports: Set<Arrow> {
        var homes: [String: String] = [:]
        for file in tree.files where file.path.hasPrefix("Sources/") {
            let name = String(file.path.split(separator: "/")[1])
            homes[name] = name
        }
        for match in manifest.matches(of: /plugin\(\s*"(\w+)",/) { homes[String(match.output.1)] = Self.plugins }
        var arrows: Set<Arrow> = []
        for file in tree.files where !["Tests/", "Plugins/Examples/"].contains(where: file.path.hasPrefix) {
            let folders = file.path.split(separator: "/")
            let home = folders[0] == Self.plugins[...] ? Self.plugins : String(folders[1])
            for module in file.imports {
                if let other = homes[module], other != home { arrows.insert(Arrow(from: home, to: other)) }
            }
        }
        return arrows
    }

    /// The modules that can be reached from a module.
    private static func reach(of module: String, over arrows: Set<Arrow>) -> Set<String> {
        var reached: Set<String> = []
        var open = [module]
        while let next = open.popLast() {
            for arrow in arrows where arrow.from == next && reached.insert(arrow.to).inserted { open.append(arrow.to) }
        }
        return reached
    }

    @Test func `the picture of modules shows their imports, without what other arrows imply`() throws {
        let page = try String(contentsOf: tree.root.appending(path: ".github/CONTRIBUTING.md"), encoding: .utf8)
        let picture = try #require(page.firstMatch(of: /```mermaid\n(?<lines>[^`]*)```/))
        let lines = picture.output.lines.split(separator: "\n").dropFirst()
        let drawn = lines.compactMap { line in
            line.wholeMatch(of: /\s*(\w+) --> (\w+)/).map { Arrow(from: String($0.1), to: String($0.2)) }
        }
        #expect(drawn.count == lines.count && Set(drawn).count == drawn.count)
        let imports = imports
        #expect(imports.count > 10)
        let needed = imports.filter { arrow in
            !Self.reach(of: arrow.from, over: imports.subtracting([arrow])).contains(arrow.to)
        }
        #expect(needed.subtracting(drawn) == [], "not drawn")
        #expect(Set(drawn).subtracting(needed) == [], "drawn without need")
    }

    /// The documentation for people, from the front page to the READMEs of folders.
    private var pages: [URL] {
        let walker = FileManager.default.enumerator(at: tree.root, includingPropertiesForKeys: nil)
        var pages: [URL] = []
        while let url = walker?.nextObject() as? URL {
            if [".build", ".git", "Fixtures"].contains(url.lastPathComponent) { walker?.skipDescendants() }
            if url.pathExtension == "md" { pages.append(url) }
        }
        return pages
    }

    @Test func `every path that documentation names is there`() throws {
        #expect(pages.count > 16)
        for page in pages {
            let text = try String(contentsOf: page, encoding: .utf8)
            // A path from the root in a code span; a placeholder such as NAME or … is no path.
            for match in text.matches(of: /`((?:Sources|Plugins|Tests|\.ci|\.github)\/[\w\/.+-]*)`/) {
                let path = String(match.output.1)
                guard !path.contains("/Name") else { continue }
                #expect(
                    FileManager.default.fileExists(atPath: tree.root.appending(path: path).path),
                    "\(page.path): \(path)"
                )
            }
            for match in text.matches(of: /\]\(([\w.][^):#\s]*)(?:#[^)]*)?\)/) {
                let target = page.deletingLastPathComponent().appending(path: String(match.output.1))
                #expect(FileManager.default.fileExists(atPath: target.path), "\(page.path): \(match.output.1)")
            }
        }
    }

    @Test func `every promise of the page on security has a test`() throws {
        let page = try String(contentsOf: tree.root.appending(path: ".github/SECURITY.md"), encoding: .utf8)
        var tests: Set<String> = []
        for file in tree.files(in: "Tests") {
            let suite = file.path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
            for line in file.lines {
                if let match = line.firstMatch(of: /func `([^`]+)`/) { tests.insert("\(suite)/\(match.output.1)") }
            }
        }
        let promises = page.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| promise") }
            .filter { !$0.hasPrefix("| ---") }
        #expect(promises.count > 40)
        for promise in promises {
            let named = try #require(promise.firstMatch(of: /\| `([^`]+)` \|$/), "no test: \(promise)")
            #expect(tests.contains(String(named.output.1)), "\(named.output.1)")
        }
    }
}
