// SPDX-License-Identifier: Apache-2.0

/// Rows with full values for programs.
struct ProgramTable {
    var titles: [String]
    var rows: [[String]] = []

    /// One line for each row, columns separated by tabs; with titles only on request.
    func tabbed(header: Bool) -> String {
        ((header ? [titles] : []) + rows).map { $0.map(\.printable).joined(separator: "\t") + "\n" }.joined()
    }

    /// Comma-separated values (RFC 4180) under their titles.
    ///
    /// - Parameter isTerminal: Whether the output is a terminal, which no value may control.
    func csv(isTerminal: Bool) -> String {
        ([titles] + rows)
            .map { $0.map { Self.quoted(isTerminal ? $0.printable : $0) }.joined(separator: ",") + "\r\n" }
            .joined()
    }

    private static func quoted(_ value: String) -> String {
        // Spreadsheets would run a text that begins with one of these characters as a formula.
        let safe = value.first.map { "=+-@".contains($0) } == true ? "'" + value : value
        // By bytes: CR and LF together are one Character, so a search by characters would find neither of them.
        let isPlain = safe.utf8.allSatisfy { ![0x0A, 0x0D, 0x22, 0x2C].contains($0) }
        return isPlain ? safe : "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }
}
