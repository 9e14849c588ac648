// SPDX-License-Identifier: Apache-2.0

import Usage

/// What an alert is about.
public enum AlertRule: String, CaseIterable, Codable, Sendable {
    /// A budget reached one of its thresholds.
    case budget
    /// A day costs far more than its weekday usually does.
    case anomaly
    /// Calls have no price, so that the cost is too low.
    case unpriced
    /// A machine that reported regularly no longer does.
    case silentMachine = "silent_machine"
    /// A component of the collector does not do its work.
    case component
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

/// Which alerts are open, and which notices still have to reach whom.
///
/// A value without a clock or files of its own: it is kept as JSON, and everything it decides follows from what it is given. A condition
/// is reported once when it begins, again when its level rises, and once when it is over. Levels that fall and rise again are not
/// reported again, because a figure that swings around a threshold would otherwise never be silent.
struct AlertBook: Codable, Hashable, Sendable {
    /// The alerts that are open, by key.
    private(set) var open: [String: OpenAlert] = [:]
    /// Notices on their way, the oldest first.
    private(set) var outgoing: [Outgoing] = []
    private var lastNumber = 0
    /// Notices that were given up since the book was begun.
    private(set) var abandoned = 0

    /// More alerts than this are not opened: whoever sends names could open any number.
    static let mostOpen = 1_000
    /// More notices than this are not kept; the oldest goes.
    static let mostOutgoing = 1_000
    /// After so long a notice is given up.
    static let longestDelivery = Int64(86_400) * 1_000_000_000

    /// An alert that is not over.
    struct OpenAlert: Codable, Hashable, Sendable {
        var condition: AlertCondition
        var since: Timestamp
        /// The highest level that was reported.
        var reported: Int
    }

    /// A notice, and the targets that it has not reached.
    struct Outgoing: Codable, Hashable, Sendable {
        var notice: AlertNotice
        var targets: [String: Attempts]
    }

    /// How often a delivery was tried.
    struct Attempts: Codable, Hashable, Sendable {
        var failures = 0
        /// When it is tried next.
        var next: Timestamp
    }

    /// Takes in what is wrong now.
    ///
    /// - Parameters:
    ///   - conditions: Everything that is wrong.
    ///   - rules: The rules that could be judged; alerts of other rules stay as they are.
    ///   - targets: Who is told.
    ///   - now: The present.
    mutating func update(
        _ conditions: [AlertCondition],
        judged rules: Set<AlertRule>,
        targets: [String],
        now: Timestamp
    ) {
        let present = Dictionary(conditions.map { ($0.key, $0) }) { first, _ in first }
        for (key, alert) in open.sorted(by: { $0.key < $1.key })
        where rules.contains(alert.condition.rule) && present[key] == nil {
            open[key] = nil
            close(alert, targets, now)
        }
        for condition in present.values.sorted(by: { $0.key < $1.key }) where rules.contains(condition.rule) {
            guard let known = open[condition.key] else {
                guard open.count < Self.mostOpen else { continue }
                open[condition.key] = OpenAlert(condition: condition, since: now, reported: condition.level)
                send(.raised, condition, targets, now)
                continue
            }
            open[condition.key]?.condition = condition
            guard condition.level > known.reported else { continue }
            open[condition.key]?.reported = condition.level
            // Who has not heard of it yet hears of it once, as it is now.
            let unheard = outgoing.contains { $0.notice.condition.key == condition.key && $0.notice.kind == .raised }
            withdraw(condition.key)
            send(unheard ? .raised : .worsened, condition, targets, now)
        }
    }

    /// Ends an alert; a target that was never told of it is not told of its end.
    private mutating func close(_ alert: OpenAlert, _ targets: [String], _ now: Timestamp) {
        let key = alert.condition.key
        let unheard = Set(
            outgoing.filter { $0.notice.condition.key == key && $0.notice.kind == .raised }.flatMap(\.targets.keys)
        )
        withdraw(key)
        send(.resolved, alert.condition, targets.filter { !unheard.contains($0) }, now)
    }

    /// Takes back the notices of an alert that are still on their way.
    private mutating func withdraw(_ key: String) { outgoing.removeAll { $0.notice.condition.key == key } }

    private mutating func send(
        _ kind: AlertNotice.Kind,
        _ condition: AlertCondition,
        _ targets: [String],
        _ now: Timestamp
    ) {
        guard !targets.isEmpty else { return }
        lastNumber += 1
        let notice = AlertNotice(id: "\(now.nanoseconds)-\(lastNumber)", kind: kind, at: now, condition: condition)
        let attempts = Dictionary(targets.map { ($0, Attempts(next: now)) }) { first, _ in first }
        outgoing.append(Outgoing(notice: notice, targets: attempts))
        if outgoing.count > Self.mostOutgoing {
            outgoing.removeFirst()
            abandoned += 1
        }
    }

    // MARK: - Delivery

    /// The notices that have to be delivered now, with their targets.
    func due(at now: Timestamp) -> [(notice: AlertNotice, target: String)] {
        outgoing.flatMap { outgoing in
            outgoing.targets.sorted { $0.key < $1.key }.filter { $0.value.next <= now }.map {
                (outgoing.notice, $0.key)
            }
        }
    }

    /// Notes how a delivery ended.
    ///
    /// - Returns: Whether the notice was given up.
    mutating func note(_ id: String, to target: String, succeeded: Bool, now: Timestamp) -> Bool {
        guard let index = outgoing.firstIndex(where: { $0.notice.id == id }),
            var attempts = outgoing[index].targets[target]
        else { return false }
        let age = now.nanoseconds.saturatingSubtracting(outgoing[index].notice.at.nanoseconds)
        let isGivenUp = !succeeded && age >= Self.longestDelivery
        if succeeded || isGivenUp {
            outgoing[index].targets[target] = nil
            if outgoing[index].targets.isEmpty { outgoing.remove(at: index) }
            if isGivenUp { abandoned += 1 }
            return isGivenUp
        }
        attempts.failures += 1
        attempts.next = Timestamp(nanoseconds: now.nanoseconds.saturatingAdding(Self.pause(after: attempts.failures)))
        outgoing[index].targets[target] = attempts
        return false
    }

    /// A minute after the first failure, twice as long after each further one, at most an hour.
    private static func pause(after failures: Int) -> Int64 {
        min(3_600, 60 << Int64(min(failures - 1, 10))) * 1_000_000_000
    }

    /// Forgets targets that are no longer configured.
    mutating func keep(targets: [String]) {
        let known = Set(targets)
        for index in outgoing.indices {
            outgoing[index].targets = outgoing[index].targets.filter { known.contains($0.key) }
        }
        outgoing.removeAll { $0.targets.isEmpty }
    }
}
