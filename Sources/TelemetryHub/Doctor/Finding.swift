// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The result of one check.
struct Finding: Encodable, Hashable {
    enum Level: String, Encodable {
        case ok
        case warning
        case error
    }

    /// The name of the check.
    var check: String
    var level: Level
    var message: String
    /// The next step for the user.
    var next: String?
}

/// All findings, for people and for programs.
struct DoctorReport: Encodable {
    var checks: [Finding]
    var errors: Int
    var warnings: Int

    init(_ checks: [Finding]) {
        self.checks = checks
        errors = checks.count { $0.level == .error }
        warnings = checks.count { $0.level == .warning }
    }

    /// A line for each finding with its next step below, and the number of bad ones.
    ///
    /// - Parameter columns: How long a line may be.
    func text(columns: Int, style: Style) -> String {
        let width = checks.map(\.check.count).max() ?? 0
        let indent = String(repeating: " ", count: width + 11)
        let lines = checks.map { finding in
            let level = finding.level.rawValue + String(repeating: " ", count: 7 - finding.level.rawValue.count)
            let name = finding.check + String(repeating: " ", count: width - finding.check.count)
            let room = max(30, columns - indent.count)
            let message = finding.message.printable.wrapped(to: room).joined(separator: "\n" + indent)
            let next = (finding.next?.printable.wrapped(to: room) ?? []).map { indent + style.dim($0) + "\n" }
            return "\(colored(level, finding.level, style))  \(name)  \(message)\n" + next.joined()
        }
        func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        return lines.joined() + "\n\(count(errors, "error")), \(count(warnings, "warning"))\n"
    }

    private func colored(_ text: String, _ level: Finding.Level, _ style: Style) -> String {
        switch level {
        // What is all right is quiet; attention goes to what is not.
        case .ok: style.green(text)
        case .warning: style.bold(style.yellow(text))
        case .error: style.bold(style.red(text))
        }
    }

    var document: String { JSONText.indented(self) }
}
