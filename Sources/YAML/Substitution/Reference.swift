// SPDX-License-Identifier: Apache-2.0

/// One `${…}` in a scalar.
struct Reference: Equatable {
    enum Target: Equatable {
        case environment(name: String, fallback: String?)
        case file(path: String)
        case malformed(code: String, message: String, help: String?)
    }

    /// The text from `${` to `}`.
    let written: String
    /// Where it begins in the scalar's text, in Unicode scalars.
    let offset: Int
    let target: Target

    init(body: String, written: String, offset: Int) {
        self.written = written
        self.offset = offset
        self.target = Self.target(of: body)
    }

    /// A reference whose closing brace is missing.
    init(unclosed written: String, offset: Int, isCutByEscape: Bool) {
        self.written = written
        self.offset = offset
        self.target = .malformed(
            code: "unclosed-reference",
            message: isCutByEscape ? "$$ inside a reference" : "this reference has no closing brace",
            help: isCutByEscape
                ? "a default cannot contain a literal $" : "close it with }, or write $${ for a literal ${"
        )
    }

    private static let forms = "references: ${env:NAME}, ${env:NAME:-default}, ${file:PATH}; $$ is a literal $"

    private static func target(of body: String) -> Target {
        guard let colon = body.firstIndex(of: ":") else { return environment(body[...]) }
        let rest = body[body.index(after: colon)...]
        // `NAME:-default` has no scheme, neither have the shell's other forms.
        if let operation = rest.first, "-?+=".contains(operation) { return environment(body[...]) }
        switch body[..<colon] {
        case "env": return environment(rest)
        case "file": return file(rest)
        case let scheme:
            let help = suggestion(for: String(scheme), among: ["env", "file"]).map { "did you mean \"\($0):\"?" }
            return .malformed(
                code: "unknown-scheme",
                message: "unknown scheme \(quoted(String(scheme))) in a reference",
                help: help ?? forms
            )
        }
    }

    private static func environment(_ text: Substring) -> Target {
        let name = text.prefix { $0 != ":" }
        guard isName(name) else {
            return .malformed(
                code: "invalid-reference",
                message: name.isEmpty
                    ? "a reference without a name"
                    : "\(quoted(String(name))) is no name of an environment variable ([A-Za-z_][A-Za-z0-9_]*)",
                help: meant(by: name).map { "did you mean \($0)?" } ?? forms
            )
        }
        let operation = text[name.endIndex...]
        if operation.isEmpty { return .environment(name: String(name), fallback: nil) }
        guard operation.hasPrefix(":-") else {
            return .malformed(
                code: "invalid-reference",
                message: "the form \(quoted("${\(name)" + operation.prefix(2) + "…}")) is not supported",
                help: forms
            )
        }
        return .environment(name: String(name), fallback: String(operation.dropFirst(2)))
    }

    /// Returns the form that was probably meant: the shell's `NAME-default`, or `env.NAME`.
    private static func meant(by name: Substring) -> String? {
        if name.hasPrefix("env."), isName(name.dropFirst(4)) { return "${env:\(name.dropFirst(4))}" }
        let parts = name.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, isName(parts[0]) else { return nil }
        return "${\(parts[0]):-\(parts[1])}"
    }

    private static func file(_ path: Substring) -> Target {
        guard !path.isEmpty else {
            return .malformed(code: "invalid-reference", message: "a file reference without a path", help: forms)
        }
        guard !path.contains(":-") else {
            return .malformed(code: "invalid-reference", message: "a file reference takes no default", help: forms)
        }
        return .file(path: String(path))
    }

    private static func isName(_ text: Substring) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") }
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }
}
