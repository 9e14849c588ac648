// SPDX-License-Identifier: Apache-2.0

/// Why a request was refused: set by the component that refuses it, for the collector's log and its list of problems.
public struct Rejection: Sendable, Hashable {
    /// The kind of reason.
    public var code: IntakeProblem.Code
    /// The reason that the sender received; free of secrets and of record content.
    public var reason: String

    /// Creates a rejection.
    public init(_ code: IntakeProblem.Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
