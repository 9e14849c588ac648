// SPDX-License-Identifier: Apache-2.0

import YAML

/// The result of parsing a text under the name `config.yaml`.
struct Parsed {
    var node: Node?
    var diagnostics = Diagnostics()

    init(_ text: String, limits: ParseLimits = ParseLimits()) {
        self.init(bytes: Array(text.utf8), limits: limits)
    }

    init(bytes: [UInt8], limits: ParseLimits = ParseLimits()) {
        node = Node(parsing: SourceFile(name: "config.yaml", bytes: bytes), limits: limits, diagnostics: &diagnostics)
    }

    /// The diagnostics as `code line:column`.
    var findings: [String] { diagnostics.findings }

    mutating func substitute(_ environment: [String: String], home: String? = nil, files: [String: String] = [:]) {
        let substitution = Substitution(environment: environment, home: home) { path in
            guard let text = files[path] else { throw NoSuchFile() }
            return Array(text.utf8)
        }
        node = node.map { substitution.resolve($0, diagnostics: &diagnostics) }
    }

    mutating func decode<T: Codable>(over defaults: T, home: String? = nil) -> T {
        guard let node else { return defaults }
        return ConfigDecoder(home: home).decode(T.self, from: node, over: defaults, diagnostics: &diagnostics)
    }
}

struct NoSuchFile: Error, CustomStringConvertible {
    var description: String { "no such file" }
}

extension Diagnostics {
    var findings: [String] {
        items.map { "\($0.code) \($0.mark.map { "\($0.line):\($0.column)" } ?? "-")" }
    }
}
