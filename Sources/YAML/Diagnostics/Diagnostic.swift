// SPDX-License-Identifier: Apache-2.0

/// One finding about the configuration: what is wrong, where, and what to do.
public struct Diagnostic: Hashable, Sendable {
    /// Whether the configuration can be used in spite of the finding.
    public enum Severity: String, Codable, Hashable, Sendable {
        /// The configuration is refused.
        case error
        /// The configuration is usable, but probably not as intended.
        case warning
    }

    /// A further fact, with its position when there is one.
    public struct Note: Hashable, Sendable {
        /// The fact, in one sentence.
        public var message: String
        /// The position.
        public var mark: Mark?

        /// Creates a note.
        public init(_ message: String, at mark: Mark? = nil) {
            self.message = message
            self.mark = mark
        }
    }

    /// Whether it is an error or a warning.
    public var severity: Severity
    /// The stable name of the rule in kebab-case, such as `unknown-key`.
    public var code: String
    /// What is wrong, naming the thing; never contains a secret.
    public var message: String
    /// The position, or nil when no file is concerned.
    public var mark: Mark?
    /// The next action.
    public var help: String?
    /// Further facts, in order.
    public var notes: [Note]

    /// Creates a diagnostic.
    public init(
        _ severity: Severity,
        code: String,
        _ message: String,
        at mark: Mark? = nil,
        help: String? = nil,
        notes: [Note] = []
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.mark = mark
        self.help = help
        self.notes = notes
    }

    /// Creates an error.
    public static func error(
        _ code: String,
        _ message: String,
        at mark: Mark? = nil,
        help: String? = nil,
        notes: [Note] = []
    ) -> Diagnostic {
        Diagnostic(.error, code: code, message, at: mark, help: help, notes: notes)
    }

    /// Creates a warning.
    public static func warning(
        _ code: String,
        _ message: String,
        at mark: Mark? = nil,
        help: String? = nil,
        notes: [Note] = []
    ) -> Diagnostic {
        Diagnostic(.warning, code: code, message, at: mark, help: help, notes: notes)
    }
}
