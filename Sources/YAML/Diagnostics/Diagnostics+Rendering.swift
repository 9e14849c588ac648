// SPDX-License-Identifier: Apache-2.0

extension Diagnostics {
    /// Returns all findings as text for a terminal, with source lines and the closing count; empty when there are none.
    public func rendered() -> String {
        guard !isEmpty else { return "" }
        var masks: [String: SecretMask] = [:]
        return items.map { rendered($0, &masks) + "\n" }.joined() + summary + "\n"
    }

    /// Returns one finding as text: the headline, the source line with a caret, the help and the notes.
    public func rendered(_ diagnostic: Diagnostic) -> String {
        var masks: [String: SecretMask] = [:]
        return rendered(diagnostic, &masks)
    }

    /// Keeps the mask of each file: making one reads the whole file.
    private func rendered(_ diagnostic: Diagnostic, _ masks: inout [String: SecretMask]) -> String {
        let place = diagnostic.mark.map { "\($0): " } ?? ""
        var lines = ["\(place)\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(oneLine(diagnostic.message))"]
        if let mark = diagnostic.mark, let source = source(named: mark.file) {
            let mask = masks[mark.file] ?? SecretMask(source: source, keys: secretKeys)
            masks[mark.file] = mask
            if let snippet = Snippet(of: mask, at: mark) {
                let number = String(mark.line)
                lines.append("   \(number) | \(snippet.text)")
                lines.append("   \(String(repeating: " ", count: number.count)) | \(snippet.caret)")
            }
        }
        if let help = diagnostic.help { lines.append("   help: \(oneLine(help))") }
        for note in diagnostic.notes {
            lines.append("   note: " + (note.mark.map { "\($0): " } ?? "") + oneLine(note.message))
        }
        return lines.joined(separator: "\n")
    }
}
