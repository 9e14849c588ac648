// SPDX-License-Identifier: Apache-2.0

/// Why a request body was refused, in terms its sender can act on.
public struct OTLPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The position of the fault, in bytes from the start of the body.
    public let offset: Int
    /// The field that holds the fault, such as `resourceSpans[0].scopeSpans[2].spans[7].startTimeUnixNano`; empty at the top.
    public let path: String
    /// What is wrong with it.
    public let reason: String

    /// Creates an error.
    public init(offset: Int, path: String, reason: String) {
        self.offset = offset
        self.path = path
        self.reason = reason
    }

    /// One line for an error message: path, reason and offset.
    public var description: String {
        path.isEmpty ? "\(reason) (byte \(offset))" : "\(path): \(reason) (byte \(offset))"
    }
}

/// A fault as the readers throw it: trivial, so that a typed throw is a register test; the path is found afterwards.
struct ParseFailure: Error {
    var offset: Int
    var reason: StaticString
}
