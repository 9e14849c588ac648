// SPDX-License-Identifier: Apache-2.0

/// Finds the place of a reference inside the scalar it was read from.
struct ReferenceLocator {
    private static let linesSearched = 50

    let scalar: Scalar
    let source: SourceFile?

    /// Returns the place of a reference that begins at an offset of the value, or the scalar's where escapes or line folding hide it.
    func mark(of written: String, offset: Int) -> Mark {
        guard let source else { return scalar.mark }
        let needle = Array(written.unicodeScalars)
        for line in scalar.mark.line..<(scalar.mark.line + Self.linesSearched) {
            guard let text = source.line(line) else { break }
            // Quotes and escapes make the source longer than the value, never shorter.
            let start = line == scalar.mark.line ? scalar.mark.column - 1 + offset : 0
            if let found = Self.index(of: needle, in: Array(text.unicodeScalars), from: start) {
                return Mark(file: scalar.mark.file, line: line, column: found + 1, length: needle.count)
            }
        }
        return scalar.mark
    }

    private static func index(of needle: [Unicode.Scalar], in line: [Unicode.Scalar], from start: Int) -> Int? {
        guard !needle.isEmpty, line.count - needle.count >= start else { return nil }
        return (start...(line.count - needle.count)).first { line[$0..<$0 + needle.count].elementsEqual(needle) }
    }
}
