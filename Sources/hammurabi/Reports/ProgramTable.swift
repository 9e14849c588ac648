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
    var csv: String { ([titles] + rows).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined() }

    private static func quoted(_ value: String) -> String {
        // A leading sign would be run as a formula by spreadsheets.
        let safe = value.first.map { "=+-@".contains($0) } == true ? "'" + value : value
        return safe.contains { ",\"\r\n".contains($0) } ? "\"" + safe.replacing("\"", with: "\"\"") + "\"" : safe
    }
}
