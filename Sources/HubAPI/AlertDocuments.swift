// SPDX-License-Identifier: Apache-2.0

/// A message to people about something that is wrong, or over: the body of a webhook.
package struct AlertNoticeDocument: Codable, Hashable, Sendable {
    /// Equal for repeated deliveries of one notice.
    package var id: String
    /// `raised`, `worsened`, `resolved` or `test`.
    package var kind: String
    package var at: String
    package var rule: String
    package var key: String
    package var level: Int64
    package var title: String
    package var detail: String

    package init(
        id: String,
        kind: String,
        at: String,
        rule: String,
        key: String,
        level: Int64,
        title: String,
        detail: String
    ) {
        (self.id, self.kind, self.at, self.rule, self.key) = (id, kind, at, rule, key)
        (self.level, self.title, self.detail) = (level, title, detail)
    }
}

/// The alerts that are open, and whether the targets of notices can be reached.
package struct AlertsDocument: Codable, Hashable, Sendable {
    package var alerts: [Alert]
    package var targets: [Target]
    /// Whether notices wait now, because it is a quiet time.
    package var isQuiet: Bool

    /// An alert that is not over.
    package struct Alert: Codable, Hashable, Sendable {
        package var rule: String
        package var key: String
        package var level: Int64
        package var since: String
        package var title: String
        package var detail: String
        /// The names that it is about, by dimension.
        @Added package var `for`: ByName<[String]>

        package init(
            rule: String,
            key: String,
            level: Int64,
            since: String,
            title: String,
            detail: String,
            for names: [String: [String]] = [:]
        ) {
            (self.rule, self.key, self.level, self.since) = (rule, key, level, since)
            (self.title, self.detail) = (title, detail)
            self.for = ByName(names.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    /// A target of notices.
    package struct Target: Codable, Hashable, Sendable {
        package var name: String
        /// `webhook` or `command`.
        package var kind: String
        /// How many notices wait for it.
        package var waiting: Int64
        /// Why the newest delivery failed; nil when it did not.
        package var lastError: String?

        package init(name: String, kind: String, waiting: Int64, lastError: String?) {
            (self.name, self.kind, self.waiting, self.lastError) = (name, kind, waiting, lastError)
        }
    }

    package init(alerts: [Alert], targets: [Target], isQuiet: Bool) {
        (self.alerts, self.targets, self.isQuiet) = (alerts, targets, isQuiet)
    }
}

/// That a notice for a try arrived.
package struct AlertTestDocument: Codable, Hashable, Sendable {
    package var ok: Bool
    package var target: String

    package init(target: String) {
        (ok, self.target) = (true, target)
    }
}
