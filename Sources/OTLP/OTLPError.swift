// SPDX-License-Identifier: Apache-2.0

/// Why a request body was refused, in terms that its sender can act on.
public struct OTLPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of errors.
    public enum Kind: Sendable, Hashable {
        /// The bytes are not a request.
        case malformed
        /// There are more records than ``ReadingLimits`` allow.
        case tooManyRecords
        /// The memory of ``ReadingLimits`` is not sufficient.
        case outOfMemory
    }

    /// The position of the error, in bytes from the start of the body.
    public let offset: Int
    /// The field with the error, such as `resourceSpans[0].scopeSpans[2].spans[7].startTimeUnixNano`; empty at the top.
    public let path: String
    /// The error.
    public let reason: String
    /// The kind of the error.
    public let kind: Kind

    /// Creates an error.
    public init(offset: Int, path: String, reason: String, kind: Kind = .malformed) {
        self.offset = offset
        self.path = path
        self.reason = reason
        self.kind = kind
    }

    /// One line for an error message: path, reason and offset.
    public var description: String {
        path.isEmpty ? "\(reason) (byte \(offset))" : "\(path): \(reason) (byte \(offset))"
    }
}

/// An error as the readers throw it: trivial, so that a typed throw is a register test; its path is determined afterwards.
struct ParseFailure: Error {
    var offset: Int
    var reason: StaticString
    var kind = OTLPError.Kind.malformed
}

extension OTLPError {
    /// An error of a reader; its path is determined only when the bytes are invalid.
    init(_ failure: ParseFailure, path: (Int) -> String) {
        let isMalformed = failure.kind == .malformed
        self.init(
            offset: failure.offset,
            path: isMalformed ? path(failure.offset) : "",
            reason: failure.reason.description,
            kind: failure.kind
        )
    }
}
