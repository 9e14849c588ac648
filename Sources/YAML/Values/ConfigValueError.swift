// SPDX-License-Identifier: Apache-2.0

/// An error of a value's `init(from:)`, reported at the value's position.
///
/// ```swift
/// throw ConfigValueError(code: "invalid-zone", message: "\"Mars\" is no time zone", help: "write UTC")
/// ```
public struct ConfigValueError: Error, Hashable, Sendable {
    /// The stable name of the rule in kebab-case.
    public var code: String
    /// What is wrong; may quote the value, which the decoder masks where it is secret.
    public var message: String
    /// The next action.
    public var help: String?

    /// Creates an error.
    public init(code: String, message: String, help: String? = nil) {
        self.code = code
        self.message = message
        self.help = help
    }
}
