// SPDX-License-Identifier: Apache-2.0

/// Rows with full values for programs.
struct ProgramTable {
    var titles: [String]
    var rows: [[String]] = []

    /// One line a row, columns divided by tabs; the titles only when asked for.
    func tabbed(header: Bool) -> String {
        ((header ? [titles] : []) + rows).map { $0.map(\.printable).joined(separator: "\t") + "\n" }.joined()
    }

    /// Comma-separated values (RFC 4180) under their titles.
    ///
    /// - Parameter isTerminal: Whether people see them, so that no value may steer the terminal.
    func csv(isTerminal: Bool) -> String {
        ([titles] + rows)
            .map { $0.map { Self.quoted(isTerminal ? $0.printable : $0) }.joined(separator: ",") + "\r\n" }
            .joined()
    }

    private static func quoted(_ value: String) -> String {
        // A leading sign would be run as a formula by spreadsheets.
        let safe = value.first.map { "=+-@".contains($0) } == true ? "'" + value : value
        // By bytes: CR and LF together are one character, so neither alone would be found in a text that has both.
        let isPlain = safe.utf8.allSatisfy { ![0x0A, 0x0D, 0x22, 0x2C].contains($0) }
        return isPlain ? safe : "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }
}
