// SPDX-License-Identifier: Apache-2.0

import Usage

/// What an alert is about.
public enum AlertRule: String, CaseIterable, Codable, Sendable {
    /// A budget reached one of its thresholds.
    case budget
    /// A limit of a subscription is nearly used up.
    case limit
    /// A day costs far more than its weekday usually does.
    case anomaly
    /// Calls have no price, so that the cost is too low.
    case unpriced
    /// A machine that reported regularly no longer does.
    case silentMachine = "silent_machine"
    /// A component of the collector does not do its work.
    case component

    /// Whether it is judged by what a store holds, not by this collector alone.
    var isOfStore: Bool { self != .limit && self != .component }
}

/// Something that is wrong now.
struct AlertCondition: Codable, Hashable, Sendable {
    var rule: AlertRule
    /// What it is about, equal as long as it is the same trouble, such as `budget/web-team/2026-11-01`.
    var key: String
    /// How bad it is; a higher level is reported again.
    var level: Int
    /// One short line.
    var title: String
    /// One sentence: figures, cause, next step.
    var detail: String
    /// The names that it is about, by dimension; nil for none, and in what earlier versions kept.
    var names: [String: [String]]?
}

/// A message to people.
struct AlertNotice: Codable, Hashable, Sendable {
    /// Unique; a receiver that sees it twice has it from a repeated delivery.
    var id: String
    var kind: Kind
    var at: Timestamp
    var condition: AlertCondition

    enum Kind: String, Codable, Sendable {
        /// It was all right before.
        case raised
        /// It got worse since the last notice.
        case worsened
        /// It is over.
        case resolved
        /// Somebody tries whether notices arrive.
        case test
    }
}

/// Which alerts are open, and what each target knows of them.
///
/// A value without a clock or files of its own: it is kept as JSON, and everything it decides follows from what it is given. A notice is
/// the difference between what is open and what a target knows: it gets an alert that it does not know, of a level above the one
/// it knows, and of the end of an alert that it knows. So a target that could not be reached hears of each alert once, as it is by then,
/// and of an alert that came and went nothing at all. Levels that fall are not reported, because a figure that swings around a threshold
/// would otherwise never be silent.
struct AlertBook: Codable, Hashable, Sendable {
    /// The alerts that are open, by key.
    private(set) var open: [String: OpenAlert] = [:]
    /// What each target knows, by the key of the alert.
    private var known: [String: [String: OpenAlert]] = [:]
    /// Deliveries that failed, by target and key.
    private var failures: [String: [String: Attempts]] = [:]
    /// Notices that were given up since the book was begun.
    private(set) var abandoned = 0

    /// More alerts than this are not opened, and not known to a target: senders choose names, and could open any number.
    static let most = 1_000
    /// After so long without success a notice is given up.
    static let longestDelivery = Int64(86_400) * 1_000_000_000

    /// An alert that is not over, at the highest level it had.
    struct OpenAlert: Codable, Hashable, Sendable {
        var condition: AlertCondition
        var since: Timestamp
        /// Whether a target never got it, because its notice was given up.
        var isUntold = false
    }

    /// How often a delivery failed.
    private struct Attempts: Codable, Hashable, Sendable {
        var count = 0
        var first: Timestamp
        /// When it is tried next.
        var next: Timestamp
    }

    /// Takes in what is wrong now.
    ///
    /// - Parameters:
    ///   - conditions: Everything that is wrong.
    ///   - rules: The rules that could be judged; alerts of other rules stay as they are.
    ///   - now: The present.
    mutating func update(_ conditions: [AlertCondition], judged rules: Set<AlertRule>, now: Timestamp) {
        let present = Dictionary(conditions.map { ($0.key, $0) }) { first, _ in first }
        for (key, alert) in open where rules.contains(alert.condition.rule) && present[key] == nil { open[key] = nil }
        for condition in present.values.sorted(by: { $0.key < $1.key }) where rules.contains(condition.rule) {
            guard let former = open[condition.key] else {
                if open.count < Self.most { open[condition.key] = OpenAlert(condition: condition, since: now) }
                continue
            }
            open[condition.key]?.condition = condition
            open[condition.key]?.condition.level = max(condition.level, former.condition.level)
        }
    }

    /// Forgets the alerts of all other rules.
    mutating func keep(rules: Set<AlertRule>) {
        open = open.filter { rules.contains($0.value.condition.rule) }
        known = known.mapValues { $0.filter { rules.contains($0.value.condition.rule) } }
        for (target, attempts) in failures {
            failures[target] = attempts.filter { open[$0.key] != nil || known[target]?[$0.key] != nil }
        }
    }

    // MARK: - Delivery

    /// Forgets targets that are no longer configured.
    mutating func keep(targets: [String]) {
        known = known.filter { targets.contains($0.key) }
        failures = failures.filter { targets.contains($0.key) }
    }

    /// The notices that a target has to get now.
    func due(to target: String, at now: Timestamp) -> [AlertNotice] {
        waiting(for: target, at: now).filter { notice in
            (failures[target]?[notice.condition.key]?.next ?? now) <= now
        }
    }

    /// The notices that a target has not got, in the order of their keys.
    func waiting(for target: String, at now: Timestamp) -> [AlertNotice] {
        let known = known[target] ?? [:]
        return Set(open.keys).union(known.keys).sorted().compactMap { key in
            switch (open[key], known[key]) {
            case (let alert?, nil): known.count < Self.most ? notice(.raised, alert, now) : nil
            case (let alert?, let told?):
                alert.condition.level > told.condition.level
                    ? notice(told.isUntold ? .raised : .worsened, alert, now) : nil
            case (nil, let told?): notice(.resolved, told, now)
            case (nil, nil): nil
            }
        }
    }

    private func notice(_ kind: AlertNotice.Kind, _ alert: OpenAlert, _ now: Timestamp) -> AlertNotice {
        let condition = alert.condition
        // The same at each attempt, also after a restart.
        let id = "\(alert.since.nanoseconds)/\(condition.key)/\(kind.rawValue)/\(condition.level)"
        return AlertNotice(id: id, kind: kind, at: now, condition: condition)
    }

    /// Forgets alerts that are over and that a target never got.
    mutating func forgetUntold() {
        for (target, alerts) in known {
            known[target] = alerts.filter { !$0.value.isUntold || open[$0.key] != nil }
        }
    }

    /// Notes how a delivery ended.
    ///
    /// - Returns: Whether the notice was given up.
    mutating func note(_ notice: AlertNotice, to target: String, succeeded: Bool, now: Timestamp) -> Bool {
        let key = notice.condition.key
        if succeeded {
            failures[target]?[key] = nil
            learn(notice, target)
            return false
        }
        var attempts = failures[target]?[key] ?? Attempts(first: now, next: now)
        guard now.nanoseconds.saturatingSubtracting(attempts.first.nanoseconds) < Self.longestDelivery else {
            failures[target]?[key] = nil
            abandoned += 1
            let wasKnown = known[target]?[key].map { !$0.isUntold } ?? false
            learn(notice, target)
            if !wasKnown { known[target]?[key]?.isUntold = true }
            return true
        }
        attempts.count += 1
        attempts.next = Timestamp(nanoseconds: now.nanoseconds.saturatingAdding(Self.pause(after: attempts.count)))
        failures[target, default: [:]][key] = attempts
        return false
    }

    private mutating func learn(_ notice: AlertNotice, _ target: String) {
        let key = notice.condition.key
        guard notice.kind != .resolved else {
            known[target]?[key] = nil
            return
        }
        let since = open[key]?.since ?? notice.at
        known[target, default: [:]][key] = OpenAlert(condition: notice.condition, since: since)
    }

    /// A minute after the first failure, twice as long after each further one, at most an hour.
    private static func pause(after failures: Int) -> Int64 {
        min(3_600, 60 << Int64(min(failures - 1, 10))) * 1_000_000_000
    }
}
