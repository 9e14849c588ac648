// SPDX-License-Identifier: Apache-2.0

/// A syntax error in a regular expression, with its position.
public struct PatternError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public var reason: String
    /// The position in characters from the start.
    public var position: Int

    /// The reason with its position, counted from 1.
    public var description: String { "\(reason) at character \(position + 1)" }
}
