// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a price table.
public struct PriceTableError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where it went wrong: `line 12`, or the key of a model.
    public var place: String
    /// What is wrong there.
    public var reason: String

    /// The place and the reason in one line.
    public var description: String { "\(place): \(reason)" }

    init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    init(line: Int, _ reason: String) {
        self.init("line \(line)", reason)
    }
}
