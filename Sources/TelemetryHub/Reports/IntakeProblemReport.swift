// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// Telemetry that a running collector could not accept or read, for people.
enum IntakeProblemReport {
    /// The problems as paragraphs for a terminal, the newest first; nil without any.
    static func text(_ problems: [IntakeProblemDocument], width: Int, style: Style, now: Timestamp) -> String? {
        guard !problems.isEmpty else { return nil }
        var text = style.bold("Not collected") + "\n"
        for problem in problems.prefix(shown) {
            let line = "\(problem.message.printable), last \(Figures.age(of: problem.lastSeenAt, now: now))"
            text += "  " + line.wrapped(to: max(20, width - 4)).joined(separator: "\n    ") + "\n"
            let next = problem.next.printable.wrapped(to: max(20, width - 4)).map(style.dim)
            text += "    " + next.joined(separator: "\n    ") + "\n"
        }
        if problems.count > shown { text += "  and \(problems.count - shown) more: GET /api/telemetry/quality\n" }
        return text
    }

    /// The findings of `doctor`: each problem of the last day with its next step.
    static func findings(_ problems: [IntakeProblemDocument], now: Timestamp) -> [Finding] {
        let recent = problems.filter { problem in
            Timestamp(iso8601: problem.lastSeenAt).map { now.nanoseconds - $0.nanoseconds < day } ?? false
        }
        guard !recent.isEmpty else {
            return [
                Finding(check: check, level: .ok, message: "everything that arrived in the last day was taken and read")
            ]
        }
        var findings = recent.prefix(shown).map { problem in
            let age = Figures.age(of: problem.lastSeenAt, now: now)
            return Finding(
                check: check,
                level: .warning,
                message: "\(problem.message), last \(age)",
                next: problem.next
            )
        }
        if recent.count > shown {
            findings.append(
                Finding(
                    check: check,
                    level: .warning,
                    message: "\(recent.count - shown) more such problems",
                    next: "hammurabi doctor --data lists all of them"
                )
            )
        }
        return findings
    }

    private static let check = "intake"
    private static let shown = 10
    private static let day: Int64 = 86_400_000_000_000
}
