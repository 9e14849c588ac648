// SPDX-License-Identifier: Apache-2.0

/// Why a regular expression cannot be used, and where in it.
public struct PatternError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public var reason: String
    /// In characters from the start.
    public var position: Int

    /// The reason with its place, counted from 1.
    public var description: String { "\(reason) at character \(position + 1)" }
}
