// SPDX-License-Identifier: Apache-2.0

/// Replaces `${env:NAME}`, `${NAME}`, `${env:NAME:-default}` and `${file:PATH}` in values; `$$` is a dollar.
///
/// A value is put in as text: it never becomes structure and is never substituted again. A plain scalar gets its type
/// from the text after substitution, a quoted one stays a string. Keys are left alone. A default is used when the variable
/// is unset or empty. `$NAME` stays as it is; where the variable is set, that is worth a warning.
public struct Substitution: Sendable {
    private let environment: [String: String]
    private let home: String?
    private let readFile: @Sendable (String) throws -> [UInt8]

    /// Creates a substitution.
    ///
    /// - Parameters:
    ///   - environment: The environment variables; the process environment is never read.
    ///   - home: The directory for a leading `~` in a file reference.
    ///   - readFile: Returns the content of a file; what it throws is shown to the user.
    public init(
        environment: [String: String],
        home: String? = nil,
        readFile: @escaping @Sendable (_ path: String) throws -> [UInt8]
    ) {
        self.environment = environment
        self.home = home
        self.readFile = readFile
    }

    /// Returns the node with its references replaced; one that cannot be is marked `isUnresolved` and diagnosed.
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

    /// Only names that are set are worth a word: a password may well have a dollar before a letter.
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
