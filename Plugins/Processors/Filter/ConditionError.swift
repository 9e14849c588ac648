// SPDX-License-Identifier: Apache-2.0

/// A syntax error in a condition, with its position.
struct ConditionError: Error, Hashable {
    /// The position of the error, in characters from the start.
    var position: Int
    var message: String
    var help: String?

    /// The text with a mark at the error.
    func excerpt(of text: String) -> String {
        let rest = text.dropFirst(position)
        return rest.isEmpty ? "the condition ends too early" : "the fault is at: \(rest.prefix(40))"
    }
}
