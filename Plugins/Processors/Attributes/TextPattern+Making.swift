// SPDX-License-Identifier: Apache-2.0

import CollectorKit

extension TextPattern {
    /// Compiles a pattern of a configuration.
    static func make(_ text: String) throws(ActionError) -> TextPattern {
        do throws(PatternError) {
            return try TextPattern(text)
        } catch {
            throw ActionError(message: "the pattern \"\(text)\" cannot be read: \(error)", key: "pattern")
        }
    }
}
