// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Usage

/// What a user writes under `alerts:` of the hub.
public struct AlertsConfig: ConfigSection, Hashable {
    /// What is watched.
    public var rules = AlertRule.allCases
    /// The daily time in which notices wait, such as `22:00-07:00`; nil for never.
    public var quiet: String?
    /// How long a machine may be without a call.
    public var silentAfter = ConfigDuration(seconds: 86_400)
    /// Who is notified.
    public var targets: [Target] = []

    /// The defaults.
    public init() {}

    /// A target of notices, by a webhook or by a command.
    public struct Target: ConfigSection, Hashable {
        /// What the target is called.
        public var name = ""
        /// Where notices are posted; nil for a command.
        public var webhook: Secret?
        /// What is posted.
        public var format = Format.json
        /// A program with its arguments; nil for a webhook.
        public var command: [String] = []

        /// An empty target, which is refused.
        public init() {}
    }

    /// The body of a webhook.
    public enum Format: String, CaseIterable, Codable, Sendable {
        /// The notice as it is.
        case json
        /// An incoming webhook of Slack, Mattermost or Rocket.Chat.
        case slack
        /// A webhook of Discord.
        case discord
    }

    /// Refuses targets that cannot be reached or kept apart.
    func validate(_ findings: inout ConfigFindings) {
        if let quiet, QuietTime(quiet) == nil {
            findings.error(
                "invalid-value",
                "\"\(quiet)\" is no time of day",
                at: ["alerts", "quiet"],
                help: "write \"22:00-07:00\""
            )
        }
        if silentAfter.nanoseconds <= 0 {
            findings.error(
                "out-of-range",
                "a machine may be silent for some time",
                at: ["alerts", "silent_after"],
                help: "write 24h"
            )
        }
        var names: Set<String> = []
        for (index, target) in targets.enumerated() {
            let place = ["alerts", "targets", String(index)]
            if target.name.isEmpty {
                findings.error("missing-key", "a target needs a name", at: place, help: "write name: team, for example")
            } else if !names.insert(target.name).inserted {
                findings.error("duplicate-name", "two targets are called \"\(target.name)\"", at: place + ["name"])
            }
            if (target.webhook == nil) == target.command.isEmpty {
                findings.error(
                    "missing-key",
                    "a target has either a webhook or a command",
                    at: place,
                    help: "write webhook: ${env:ALERT_WEBHOOK}"
                )
            } else if let webhook = target.webhook, WebhookAddress(webhook.value) == nil {
                findings.error(
                    "invalid-value",
                    "the webhook is no address",
                    at: place + ["webhook"],
                    help: "write https://host/path"
                )
            }
        }
    }
}

/// A daily time in which notices wait.
struct QuietTime: Hashable, Sendable {
    /// Minutes since midnight.
    private let from: Int
    private let to: Int

    /// Reads `22:00-07:00`; nil when it is none, or nothing between two equal times.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Self.minutes($0) }
        guard parts.count == 2, let from = parts[0], let to = parts[1], from != to else { return nil }
        (self.from, self.to) = (from, to)
    }

    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }

    /// Whether a time of day, in minutes since midnight, is quiet; the end is not.
    func holds(_ minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }
}

/// An address that notices are posted to: http or https with a host.
struct WebhookAddress: Hashable, Sendable {
    let text: String

    init?(_ text: String) {
        let rest: Substring
        if text.hasPrefix("https://") {
            rest = text.dropFirst(8)
        } else if text.hasPrefix("http://") {
            rest = text.dropFirst(7)
        } else {
            return nil
        }
        guard let first = rest.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "?"),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), text.utf8.count <= 4_096
        else { return nil }
        self.text = text
    }
}
