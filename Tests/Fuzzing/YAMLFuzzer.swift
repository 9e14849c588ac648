// SPDX-License-Identifier: Apache-2.0

/// Reads one input as the program reads a configuration: parse, merge, substitute, decode, report.
///
/// The text after the first NUL has `--set` arguments, one a line.
struct YAMLFuzzer {
    private static let defaults = GatewayConfig()
    private static let environment = ["API_KEY": "s3cr3t-from-env", "REPLACE": "${API_KEY}", "EMPTY": ""]

    private var diagnostics = Diagnostics()
    private let source: SourceFile
    private let overrides: [String]

    init(_ input: [UInt8]) {
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        source = SourceFile(name: "config.yaml", bytes: Array(parts[0]))
        overrides = parts.dropFirst().flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n") }
            .map(String.init)
    }

    mutating func run() {
        guard let parsed = Node(parsing: source, diagnostics: &diagnostics) else {
            require(diagnostics.hasErrors, "what cannot be used has an error")
            return explain()
        }
        check(parsed)
        let joined = parsed.applying(overrides: overrides, diagnostics: &diagnostics)
        let substitution = Substitution(environment: Self.environment, home: "/home/ada") { path throws in
            guard path != "/missing" else { throw Missing() }
            return Array("s3cr3t-from-file\n".utf8)
        }
        let resolved = substitution.resolve(joined, diagnostics: &diagnostics)
        let config = ConfigDecoder(home: "/home/ada")
            .decode(GatewayConfig.self, from: resolved, over: Self.defaults, diagnostics: &diagnostics)
        if config != Self.defaults { check(config) }
        _ = resolved.rendered()
        explain()
    }

    /// A parsed node can be written and is read back as the same.
    private func check(_ node: Node) {
        let text = node.rendered(redacting: nil)
        // Expanded aliases can exceed the size limit, and a key can exceed YAML's limit before a colon (1,024).
        guard text.utf8.count <= 1 << 20, text.split(separator: "\n").allSatisfy({ $0.utf8.count < 1_000 }) else {
            return
        }
        var problems = Diagnostics()
        let again = Node(parsing: SourceFile(name: "again", text: text), diagnostics: &problems)
        // A file with only a null is an empty mapping.
        guard let again else { fail("what was written is refused:\n\(problems.rendered())") }
        require(!problems.hasErrors, "what was written has no errors:\n\(problems.rendered())")
        require(again.hasSameContent(as: node), "what was written reads as the same:\n\(text)")
        require(node.merged(with: node).hasSameContent(as: node), "a file laid over itself changes nothing")
    }

    /// A configuration can be written and is decoded to the same.
    private func check(_ config: GatewayConfig) {
        guard let node = try? Node(encoding: config) else { fail("a configuration cannot be written") }
        var problems = Diagnostics()
        let text = node.rendered(redacting: nil)
        guard text.utf8.count <= 1 << 20 else { return }
        let parsed = Node(parsing: SourceFile(name: "again", text: text), diagnostics: &problems)
        let again = parsed.map {
            ConfigDecoder(home: "/home/ada")
                .decode(GatewayConfig.self, from: $0, over: GatewayConfig(), diagnostics: &problems)
        }
        require(again == config, "a configuration reads back as the same:\n\(text)\n\(problems.rendered())")
    }

    /// Every diagnostic has a valid position and can be shown.
    private func explain() {
        for finding in diagnostics.items {
            guard let mark = finding.mark, let source = diagnostics.source(named: mark.file) else { continue }
            let line = source.line(mark.line)
            require(line != nil, "a finding is on a line that exists: \(finding)")
            require(mark.column <= (line?.unicodeScalars.count ?? 0) + 1, "a finding is on its line: \(finding)")
        }
        let text = diagnostics.rendered()
        require(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" }, "an explanation is plain text")
    }

    private struct Missing: Error {}
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var fuzzer = YAMLFuzzer(Array(UnsafeBufferPointer(start: start, count: count)))
    fuzzer.run()
    return 0
}
