// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// What is wrong now, and who is notified.
struct AlertsReport {
    private let document: AlertsDocument
    private let now: Timestamp

    init(_ document: AlertsDocument, now: Timestamp) {
        (self.document, self.now) = (document, now)
    }

    /// The alerts for people.
    func text(_ style: Style) -> String {
        var text = ""
        for alert in document.alerts {
            text += "\(style.bold(alert.title.printable))  \(Figures.age(of: alert.since, now: now))\n"
            text += "  \(alert.detail.printable)\n"
        }
        if document.alerts.isEmpty { text += "Nothing is wrong.\n" }
        if document.targets.isEmpty {
            text += "\nNo notices are sent; name targets under extensions.hub.alerts in the configuration.\n"
        } else {
            text += "\n\(style.bold("Targets"))\(document.isQuiet ? "  (a quiet time; notices wait)" : "")\n"
        }
        for target in document.targets {
            let waiting = target.waiting > 0 ? ", \(Figures.counted(target.waiting, "notice")) waiting" : ""
            let error = target.lastError.map { ", last delivery failed: \($0.printable)" } ?? ""
            text += "  \(target.name.printable)  \(target.kind)\(waiting)\(error)\n"
        }
        return text
    }

    /// One row an alert.
    var table: ProgramTable {
        ProgramTable(
            titles: ["rule", "level", "since", "key", "title", "detail"],
            rows: document.alerts.map { [$0.rule, String($0.level), $0.since, $0.key, $0.title, $0.detail] }
        )
    }
}
