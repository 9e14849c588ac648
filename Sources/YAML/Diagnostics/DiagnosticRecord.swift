// SPDX-License-Identifier: Apache-2.0

/// The form in which a diagnostic is written to JSON by `validate --json`.
public struct DiagnosticRecord: Codable, Hashable, Sendable {
    /// The form of a note.
    public struct Note: Codable, Hashable, Sendable {
        /// The fact.
        public var message: String
        /// The name of the file the note is about.
        public var file: String?
        /// The 1-based line.
        public var line: Int?
        /// The 1-based column.
        public var column: Int?
    }

    /// `error` or `warning`.
    public var severity: Diagnostic.Severity
    /// The stable name of the rule.
    public var code: String
    /// What is wrong.
    public var message: String
    /// The name of the file.
    public var file: String?
    /// The 1-based line.
    public var line: Int?
    /// The 1-based column.
    public var column: Int?
    /// The next action.
    public var help: String?
    /// Further facts.
    public var notes: [Note]

    /// Creates the record of a diagnostic.
    public init(_ diagnostic: Diagnostic) {
        severity = diagnostic.severity
        code = diagnostic.code
        message = diagnostic.message
        file = diagnostic.mark?.file
        line = diagnostic.mark?.line
        column = diagnostic.mark?.column
        help = diagnostic.help
        notes = diagnostic.notes.map {
            Note(message: $0.message, file: $0.mark?.file, line: $0.mark?.line, column: $0.mark?.column)
        }
    }
}
