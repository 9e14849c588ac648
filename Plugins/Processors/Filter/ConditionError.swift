// SPDX-License-Identifier: Apache-2.0

/// Why a condition cannot be read, and where in its text.
struct ConditionError: Error, Hashable {
    /// The place of the fault, in characters from the start.
    var position: Int
    var message: String
    var help: String?

    /// The text with a mark at the fault.
    func excerpt(of text: String) -> String {
        let rest = text.dropFirst(position)
        return rest.isEmpty ? "the condition ends too early" : "the fault is at: \(rest.prefix(40))"
    }
}
