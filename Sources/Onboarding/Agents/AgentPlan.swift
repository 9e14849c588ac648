// SPDX-License-Identifier: Apache-2.0

import JSON
public import Usage

/// The changes that one agent needs to send to a destination.
public struct AgentPlan: Sendable {
    /// A setting that sends elsewhere now.
    public struct Conflict: Sendable, Hashable {
        /// The file that holds it.
        public let path: String
        /// Its key.
        public let key: String
        /// Its value, masked where it may be secret.
        public let value: String
    }

    /// The agent.
    public let agent: Agent
    /// The files to change; none when no change is needed, or when a conflict or an error prevents it.
    public var changes: [FileChange] = []
    /// Settings that send elsewhere.
    public var conflicts: [Conflict] = []
    /// Notes for the user.
    public var notes: [String] = []
    /// Variables that the user must set by hand.
    public var environment: [EnvironmentVariable] = []
    /// Why nothing can be written.
    public var fault: SettingsError?
    /// The files that were read.
    public var paths: [String] = []
    /// The key that the agent sends to the destination now; must never be shown.
    public var currentKey: String?
    /// Whether the agent has a settings file at all.
    public var hasSettings = true
    /// What draws the agent's status line now.
    public var statusLine = StatusLineOwner.unsupported

    /// What draws a status line.
    public enum StatusLineOwner: Sendable, Hashable {
        /// The agent has no status line, or none that a command draws.
        case unsupported
        /// Nothing yet.
        case none
        /// A command of this program.
        case this
        /// Another command, which is left alone.
        case other
    }

    /// Whether it sends to the destination, as far as its files show.
    public var isConfigured: Bool { hasSettings && fault == nil && conflicts.isEmpty && changes.isEmpty }

    /// Plans the changes; writes nothing.
    ///
    /// - Parameter overriding: Whether settings that send elsewhere are replaced; otherwise their file is left unchanged.
    public static func make(
        for agent: Agent,
        to destination: Destination,
        of account: Account,
        in files: LocalFiles,
        overriding: Bool = false
    ) -> AgentPlan {
        plan(Planning(agent, destination, account, files, overriding))
    }

    /// The settings as they would be in a new file, for a user who writes them by hand; reads no file.
    public static func fromNothing(for agent: Agent, to destination: Destination, of account: Account) -> AgentPlan {
        var planning = Planning(agent, destination, account, LocalFiles(), false)
        planning.startsFromNothing = true
        return plan(planning)
    }

    private static func plan(_ start: Planning) -> AgentPlan {
        var planning = start
        do {
            switch planning.plan.agent {
            case .claudeCode: try planning.claudeCode()
            case .codex: try planning.codex()
            case .gemini, .qwen: try planning.gemini()
            case .openCode: try planning.opencode()
            case .copilot: try planning.copilot()
            case .cline, .pi, .kimi, .amp, .cursor: planning.withoutTelemetry()
            }
        } catch let fault as SettingsError {
            planning.plan.fault = fault
        } catch {
            planning.plan.fault = SettingsError(.badContent, "\(error)")
        }
        if planning.plan.fault != nil || (!planning.plan.conflicts.isEmpty && !planning.overriding) {
            planning.plan.changes = []
        }
        return planning.plan
    }
}

/// Builds a plan.
struct Planning {
    var plan: AgentPlan
    let destination: Destination
    let account: Account
    let files: LocalFiles
    let overriding: Bool
    var startsFromNothing = false

    init(_ agent: Agent, _ destination: Destination, _ account: Account, _ files: LocalFiles, _ overriding: Bool) {
        plan = AgentPlan(agent: agent)
        self.destination = destination
        self.account = account
        self.files = files
        self.overriding = overriding
    }

    /// Records a setting that sends elsewhere.
    mutating func conflict(_ path: String, _ key: String, _ value: String) {
        let shown = SecretMask.isSecret(key) ? "***" : SecretMask.withoutUser(value)
        plan.conflicts.append(AgentPlan.Conflict(path: path, key: key, value: shown))
    }

    /// Whether other users can read a file that holds a key.
    func isTooOpen(_ file: SettingsFile, holdsKey: Bool) -> Bool { holdsKey && (file.mode ?? 0) & 0o077 != 0 }

    /// The key in a header value `Bearer KEY`; nil in any other value.
    static func key(inHeader value: String) -> String? {
        let plain = value.replacing("%20", with: " ")
        return plain.hasPrefix("Bearer ") ? String(plain.dropFirst(7)) : nil
    }

    /// Opens a file that is to be changed.
    func open(_ path: String) throws(SettingsError) -> SettingsFile {
        guard !startsFromNothing else { return SettingsFile(path: path, target: path, content: nil, mode: nil) }
        return try SettingsFile.open(path, in: files)
    }

    /// Adds the variables that hold the key, for programs whose settings have no place for it.
    mutating func keyByEnvironment() {
        guard destination.key != nil else { return }
        let placeholder = EnvironmentVariable.keyPlaceholder
        plan.environment.append(
            EnvironmentVariable(name: "OTEL_EXPORTER_OTLP_HEADERS", value: "Authorization=Bearer%20\(placeholder)")
        )
    }

    /// Changes values of a JSON file and verifies that nothing else in it changes.
    mutating func change(_ path: String, dialect: JSONDialect, holdsKey: Bool = false, _ wishes: [JSONWish]) throws {
        plan.paths.append(path)
        let file = try open(path)
        let before = file.content ?? []
        do {
            var settings = try JSONSettings(before, dialect: dialect)
            let old = settings.root.content
            var touched: [[String]] = []
            for wish in wishes {
                guard let scalar = try decide(wish, in: settings, path) else { continue }
                if case .string(nil) = scalar {
                    try settings.remove(at: wish.path)
                } else {
                    try settings.set(scalar.scalar, at: wish.path)
                }
                touched.append(wish.path)
            }
            try Self.verify(old, settings.root.content, touched: touched, path)
            guard !touched.isEmpty || isTooOpen(file, holdsKey: holdsKey) else { return }
            plan.changes.append(FileChange(file, content: settings.bytes, holdsKey: holdsKey))
        } catch let fault as SyntaxError {
            throw fault.fault(in: path, before)
        } catch let fault as JSONSettings.NoObject {
            throw Self.noObject(path, fault.path)
        }
    }

    static func noObject(_ path: String, _ keys: [String]) -> SettingsError {
        SettingsError(
            .badContent,
            "\(path): \"\(keys.joined(separator: "."))\" is not an object in braces; repair it and try again, nothing was changed"
        )
    }

    /// The change for one value; nil for none.
    private mutating func decide(_ wish: JSONWish, in settings: JSONSettings, _ path: String) throws -> JSONWish.Value?
    {
        let node = settings.root.node(at: wish.path)
        if let node, node.scalar == nil {
            throw SettingsError(
                .badContent,
                "\(path): \"\(wish.name)\" is a list or an object where a single value is expected; repair it, nothing was changed"
            )
        }
        guard let current = settings.scalar(at: wish.path) else {
            if wish.onlyIfThere { return nil }
            return wish.value
        }
        switch wish.judge(current) {
        case .good: return nil
        case .replaceable: return wish.value
        case .elsewhere:
            conflict(path, wish.name, current.plain)
            return overriding ? wish.value : nil
        }
    }

    /// Notes project files in the working directory, which override the user's own settings there.
    mutating func noteProjectFiles(_ names: [String], _ tellsOfTelemetry: (JSONNode) -> Bool) {
        guard let project = account.environment["PWD"], project.hasPrefix("/") else { return }
        for path in names.map({ project + $0 }) where !plan.paths.contains(path) && !startsFromNothing {
            guard let content = try? files.read(path),
                let root = try? JSONParser.parse(content, dialect: .withComments), tellsOfTelemetry(root)
            else { continue }
            plan.notes.append("\(path) has telemetry settings of its own, which override yours in that project")
        }
    }

    /// Everything outside of the changed values must be as before.
    static func verify(_ old: [[String]: String], _ new: [[String]: String], touched: [[String]], _ path: String) throws
    {
        func rest(_ content: [[String]: String]) -> [[String]: String] {
            content.filter { key, _ in !touched.contains { key.starts(with: $0) || $0.starts(with: key) } }
        }
        guard rest(old) == rest(new) else {
            throw SettingsError(
                .badContent,
                "\(path) is spelled in a way that cannot be changed safely; paste the settings by hand, nothing was changed"
            )
        }
    }
}

/// A value that a JSON file should have.
struct JSONWish {
    /// The value to set; `.string(nil)` removes the key.
    enum Value {
        case string(String?)
        case bool(Bool)

        var scalar: JSONScalar {
            switch self {
            case .string(let text): .string(text ?? "")
            case .bool(let value): .bool(value)
            }
        }
    }

    /// How an existing value is treated.
    enum Judgement {
        case good
        case replaceable
        case elsewhere
    }

    var path: [String]
    var value: Value
    /// Whether a missing key is left missing.
    var onlyIfThere = false
    var judge: (JSONScalar) -> Judgement

    var name: String { path.joined(separator: ".") }

    init(_ path: [String], _ value: Value, onlyIfThere: Bool = false, judge: ((JSONScalar) -> Judgement)? = nil) {
        self.path = path
        self.value = value
        self.onlyIfThere = onlyIfThere
        let scalar = value.scalar
        self.judge = { current in current == scalar ? .good : judge?(current) ?? .replaceable }
    }
}
