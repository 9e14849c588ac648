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
    func text(style: Style) -> String {
        let width = checks.map(\.check.count).max() ?? 0
        let lines = checks.map { finding in
            let level = finding.level.rawValue + String(repeating: " ", count: 7 - finding.level.rawValue.count)
            let name = finding.check + String(repeating: " ", count: width - finding.check.count)
            let line = "\(colored(level, finding.level, style))  \(name)  \(finding.message.printable)\n"
            let next = finding.next.map { String(repeating: " ", count: width + 11) + style.dim($0.printable) + "\n" }
            return line + (next ?? "")
        }
        func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        return lines.joined() + "\n\(count(errors, "error")), \(count(warnings, "warning"))\n"
    }

    private func colored(_ text: String, _ level: Finding.Level, _ style: Style) -> String {
        switch level {
        case .ok: style.green(text)
        case .warning: style.bold(text)
        case .error: style.red(text)
        }
    }

    var document: String { JSONText.indented(self) }
}
