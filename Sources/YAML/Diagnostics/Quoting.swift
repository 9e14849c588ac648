// SPDX-License-Identifier: Apache-2.0

/// Returns text from the configuration as it may appear in a message: quoted, one line, no control characters, cut.
public func quoted(_ text: String) -> String {
    let longest = 60
    var result = "\""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        guard index < longest else { return result + "…\"" }
        result += visible(scalar)
    }
    return result + "\""
}

/// Returns a text that is safe for a terminal: one line, no control characters.
///
/// A path of keys or a suggestion may contain pieces of the configuration without `quoted(_:)`.
func oneLine(_ text: String) -> String {
    text.unicodeScalars.map(visible).joined()
}

private func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case _ where DisplayWidth.isControl(scalar): "\u{FFFD}"
    default: String(scalar)
    }
}
