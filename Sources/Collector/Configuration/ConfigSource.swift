// SPDX-License-Identifier: Apache-2.0

public import YAML

/// Where a configuration comes from: files in order, and single values from the command line.
public struct ConfigSource: Sendable {
    /// The files; later ones override earlier ones.
    ///
    /// When it is empty, the default locations are searched.
    ///
    /// An entry may also be `file:PATH`, `env:NAME` (the text in a variable) or `yaml:TEXT`.
    public var paths: [String]
    /// Settings of the form `key.path=value`, which override the files.
    public var overrides: [String]
    /// The text to use when no default location has a file.
    public var builtIn: String

    /// The name under which the built-in text is shown.
    public static let builtInName = "built-in config"

    /// Creates a source.
    public init(paths: [String] = [], overrides: [String] = [], builtIn: String) {
        self.paths = paths
        self.overrides = overrides
        self.builtIn = builtIn
    }

    /// The files that would be read: the named ones, else the first default location that exists, else none.
    public func files(in environment: Environment) -> [String] {
        guard paths.isEmpty else { return paths }
        let usual = ["config.yaml", environment.programHome + "/config.yaml"]
        return Array(usual.filter(environment.fileExists).prefix(1))
    }

    private static let fileScheme = "file:"

    /// The text of an entry that is not a file, as in the OpenTelemetry Collector: `env:NAME` is the text in a variable, `yaml:TEXT` is the text itself.
    ///
    /// In a key of that text `::` separates nested keys.
    private static func inline(_ path: String, _ environment: Environment) -> SourceFile? {
        if path.hasPrefix("yaml:") { return SourceFile(name: "yaml:", text: nested(path.dropFirst(5))) }
        guard path.hasPrefix(variableScheme) else { return nil }
        return SourceFile(name: path, text: environment.variables[variable(path)] ?? "")
    }

    private static let variableScheme = "env:"
    private static func variable(_ path: String) -> String { String(path.dropFirst(variableScheme.count)) }

    private static func unset(_ name: String, _ environment: Environment) -> Diagnostic {
        let similar = suggestion(for: name, among: environment.variables.keys).map { "did you mean \"\($0)\"?" }
        return .error(
            "unset-variable",
            "the environment variable \(name) is not set",
            help: similar ?? "set it to the text of a configuration, or name another one with --config"
        )
    }

    /// `a::b: 1` as nested mappings; any other text unchanged.
    private static func nested(_ text: Substring) -> String {
        let text = text.drop { $0 == " " }
        guard text.first.map({ !"{[\"'".contains($0) }) ?? false, let end = text.firstRange(of: ": ")?.lowerBound else {
            return String(text)
        }
        var keys: [Substring] = []
        var rest = text[..<end]
        while let mark = rest.firstRange(of: "::") {
            keys.append(rest[..<mark.lowerBound])
            rest = rest[mark.upperBound...]
        }
        let levels = keys.enumerated().map { "\(String(repeating: " ", count: $0))\($1):\n" }
        return "\(levels.joined())\(String(repeating: " ", count: keys.count))\(rest)\(text[end...])"
    }

    /// Reads, merges and completes the configuration; appends every error to `diagnostics`.
    ///
    /// - Returns: The configuration as one tree; nil when a file cannot be used at all.
    public func load(_ environment: Environment, diagnostics: inout Diagnostics) -> Node? {
        var sources: [SourceFile] = []
        for path in files(in: environment) {
            do {
                if path.hasPrefix(Self.variableScheme), environment.variables[Self.variable(path)] == nil {
                    diagnostics.append(Self.unset(Self.variable(path), environment))
                    continue
                }
                if let source = Self.inline(path, environment) {
                    sources.append(source)
                    continue
                }
                let file = path.hasPrefix(Self.fileScheme) ? String(path.dropFirst(Self.fileScheme.count)) : path
                sources.append(SourceFile(name: file, bytes: try environment.readFile(file)))
            } catch {
                diagnostics.append(
                    .error(
                        "unreadable-file",
                        "\(path): \(error)",
                        help: "name a file that exists and may be read with --config"
                    )
                )
            }
        }
        if diagnostics.hasErrors { return nil }
        if sources.isEmpty { sources = [SourceFile(name: Self.builtInName, text: builtIn)] }
        var root: Node?
        for source in sources {
            guard let node = Node(parsing: source, diagnostics: &diagnostics) else { continue }
            root = root?.merged(with: node) ?? node
        }
        guard let joined = root?.applying(overrides: overrides, diagnostics: &diagnostics) else { return nil }
        let substitution = Substitution(
            environment: environment.variables,
            home: environment.userHome,
            readFile: environment.readFile
        )
        return substitution.resolve(joined, diagnostics: &diagnostics)
    }
}
