// SPDX-License-Identifier: Apache-2.0

/// Replaces `${env:NAME}`, `${NAME}`, `${env:NAME:-default}` and `${file:PATH}` in values; `$$` is a dollar.
///
/// A value is inserted as text: it never becomes structure and is never substituted again. A plain scalar gets its type
/// from the text after substitution, a quoted one stays a string. Keys are not changed. A default is used when the variable
/// is unset or empty. `$NAME` is kept, with a warning when the variable is set.
public struct Substitution: Sendable {
    private let environment: [String: String]
    private let home: String?
    private let readFile: @Sendable (String) throws -> [UInt8]

    /// Creates a substitution.
    ///
    /// - Parameters:
    ///   - environment: The environment variables; the process environment is never read.
    ///   - home: The directory for a leading `~` in a file reference.
    ///   - readFile: Returns the content of a file; its errors are shown to the user.
    public init(
        environment: [String: String],
        home: String? = nil,
        readFile: @escaping @Sendable (_ path: String) throws -> [UInt8]
    ) {
        self.environment = environment
        self.home = home
        self.readFile = readFile
    }

    /// Returns the node with its references replaced; one that cannot be replaced is marked `isUnresolved` and reported.
    public func resolve(_ node: Node, diagnostics: inout Diagnostics) -> Node {
        switch node {
        case .scalar(let scalar): return .scalar(resolve(scalar, diagnostics: &diagnostics))
        case .sequence(var sequence):
            sequence.elements = sequence.elements.map { resolve($0, diagnostics: &diagnostics) }
            return .sequence(sequence)
        case .mapping(var mapping):
            for index in mapping.entries.indices {
                mapping.entries[index].value = resolve(mapping.entries[index].value, diagnostics: &diagnostics)
            }
            return .mapping(mapping)
        }
    }

    /// Something that a value refers to.
    public enum Source: Hashable, Sendable {
        /// An environment variable, and whether the reference has a default that is not empty.
        case variable(String, hasDefault: Bool)
        /// A file.
        case file(String)
    }

    /// Returns what a value refers to, in the order written; references with an error are left out.
    public static func sources(in scalar: Scalar) -> [Source] {
        ReferenceScanner.pieces(of: scalar.text).compactMap { piece in
            guard case .reference(let reference) = piece else { return nil }
            switch reference.target {
            case .environment(let name, let fallback): return .variable(name, hasDefault: fallback?.isEmpty == false)
            case .file(let path): return .file(path)
            case .malformed: return nil
            }
        }
    }

    private func resolve(_ scalar: Scalar, diagnostics: inout Diagnostics) -> Scalar {
        guard scalar.text.utf8.contains(UInt8(ascii: "$")) else { return scalar }
        var result = scalar
        var text = ""
        let locator = ReferenceLocator(scalar: scalar, source: diagnostics.source(named: scalar.mark.file))
        for piece in ReferenceScanner.pieces(of: scalar.text) {
            switch piece {
            case .literal(let literal): text += literal
            case .bareName(let name, let offset):
                text += "$" + name
                guard environment[name] != nil else { continue }
                diagnostics.append(Self.notReplaced(name, at: locator.mark(of: "$" + name, offset: offset)))
            case .reference(let reference):
                result.reference = scalar.text
                do throws(Problem) {
                    text += try value(of: reference.target)
                } catch {
                    result.isUnresolved = true
                    let mark = locator.mark(of: reference.written, offset: reference.offset)
                    diagnostics.append(
                        .error(error.code, error.message, at: mark, help: error.help, notes: error.notes)
                    )
                }
            }
        }
        result.text = text
        return result
    }

    /// Only variables that are set cause a warning: a password may contain a dollar before a letter.
    private static func notReplaced(_ name: String, at mark: Mark) -> Diagnostic {
        .warning(
            "shell-variable",
            "$\(name) stays as it is written, only ${env:\(name)} is replaced",
            at: mark,
            help: "write ${env:\(name)}, or $$\(name) when the dollar is meant"
        )
    }

    private struct Problem: Error {
        let code: String
        let message: String
        var help: String?
        var notes: [Diagnostic.Note] = []
    }

    private func value(of target: Reference.Target) throws(Problem) -> String {
        switch target {
        case .malformed(let code, let message, let help): throw Problem(code: code, message: message, help: help)
        case .file(let path): return try content(of: path)
        case .environment(let name, let fallback):
            let value = environment[name]
            if let fallback { return value.flatMap { $0.isEmpty ? nil : $0 } ?? fallback }
            if let value { return value }
            let similar = suggestion(for: name, among: environment.keys).map { "did you mean \"\($0)\"?" }
            throw Problem(
                code: "unset-variable",
                message: "the environment variable \(name) is not set",
                help: similar ?? "set it, or write a default: ${env:\(name):-default}"
            )
        }
    }

    private func content(of path: String) throws(Problem) -> String {
        let content: [UInt8]
        do {
            content = try readFile(ConfigPath.expand(path, home: home))
        } catch {
            throw Problem(
                code: "unreadable-file",
                message: "the file \(quoted(path)) cannot be read: \(error)",
                help: path.hasPrefix("/") || path.hasPrefix("~")
                    ? "correct the path, or let the collector's user read the file"
                    : "a path that does not begin with / or ~ starts in the folder the collector runs in"
            )
        }
        guard var text = String(validating: content, as: UTF8.self) else {
            throw Problem(
                code: "unreadable-file",
                message: "the file \(quoted(path)) is not UTF-8 text",
                help: "name a text file; what it holds becomes the value"
            )
        }
        if let last = text.last, last == "\n" || last == "\r\n" { text.removeLast() }
        return text
    }
}

/// Finds the position of a reference inside the scalar it was read from.
struct ReferenceLocator {
    private static let linesSearched = 50

    let scalar: Scalar
    let source: SourceFile?

    /// Returns the position of a reference at an offset of the value, or that of the scalar when escapes or line folding hide it.
    func mark(of written: String, offset: Int) -> Mark {
        guard let source else { return scalar.mark }
        let needle = Array(written.unicodeScalars)
        for line in scalar.mark.line..<(scalar.mark.line + Self.linesSearched) {
            guard let text = source.line(line) else { break }
            // Quotes and escapes make the source longer than the value, never shorter.
            let start = line == scalar.mark.line ? scalar.mark.column - 1 + offset : 0
            if let found = Self.index(of: needle, in: Array(text.unicodeScalars), from: start) {
                return Mark(file: scalar.mark.file, line: line, column: found + 1, length: needle.count)
            }
        }
        return scalar.mark
    }

    private static func index(of needle: [Unicode.Scalar], in line: [Unicode.Scalar], from start: Int) -> Int? {
        guard !needle.isEmpty, line.count - needle.count >= start else { return nil }
        return (start...(line.count - needle.count)).first { line[$0..<$0 + needle.count].elementsEqual(needle) }
    }
}

/// Splits a scalar into literal text and references, from left to right, `$$` first.
///
/// Follows the environment variable substitution of OpenTelemetry's configuration data model, except that an unclosed
/// `${` is an error here.
struct ReferenceScanner {
    enum Piece: Equatable {
        case literal(String)
        case reference(Reference)
        /// `$NAME`, which a shell would replace and a configuration does not.
        case bareName(String, offset: Int)
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var literal = String.UnicodeScalarView()
    private var pieces: [Piece] = []

    static func pieces(of text: String) -> [Piece] {
        var scanner = ReferenceScanner(scalars: Array(text.unicodeScalars))
        scanner.scan()
        return scanner.pieces
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private mutating func scan() {
        while index < scalars.count {
            guard scalars[index] == "$", index + 1 < scalars.count else {
                literal.append(scalars[index])
                index += 1
                continue
            }
            switch scalars[index + 1] {
            case "$":
                literal.append("$")
                index += 2
            case "{":
                flush()
                pieces.append(.reference(reference()))
            default:
                let name = scalars[(index + 1)...].prefix(while: Self.isName)
                if let first = name.first, !("0"..."9").contains(first) {
                    flush()
                    pieces.append(.bareName(string(name.indices), offset: index))
                    index = name.endIndex
                } else {
                    literal.append("$")
                    index += 1
                }
            }
        }
        flush()
    }

    private mutating func flush() {
        guard !literal.isEmpty else { return }
        pieces.append(.literal(String(literal)))
        literal = String.UnicodeScalarView()
    }

    /// Parses one reference; a `${` inside a default is part of the default up to its own brace.
    private mutating func reference() -> Reference {
        let start = index
        var open = 1
        index += 2
        while index < scalars.count {
            if scalars[index] == "$", index + 1 < scalars.count {
                if scalars[index + 1] == "$" { return unclosed(from: start, isCutByEscape: true) }
                if scalars[index + 1] == "{" { open += 1 }
            }
            if scalars[index] == "}" { open -= 1 }
            index += 1
            guard open == 0 else { continue }
            return Reference(
                body: string(start + 2..<index - 1),
                written: string(start..<index),
                offset: start
            )
        }
        return unclosed(from: start, isCutByEscape: false)
    }

    private mutating func unclosed(from start: Int, isCutByEscape: Bool) -> Reference {
        let end = index
        index = scalars.count
        return Reference(unclosed: string(start..<end), offset: start, isCutByEscape: isCutByEscape)
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    private func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }
}

/// One `${…}` in a scalar.
struct Reference: Equatable {
    enum Target: Equatable {
        case environment(name: String, fallback: String?)
        case file(path: String)
        case malformed(code: String, message: String, help: String?)
    }

    /// The text from `${` to `}`.
    let written: String
    /// Its offset in the scalar's text, in Unicode scalars.
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

    /// Returns the form that was probably intended: the shell's `NAME-default`, or `env.NAME`.
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
