// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubAPI
import Usage

/// Judges what is wrong now; each rule a function of figures, so that it is tested without a store.
enum AlertRules {
    /// Budgets that reached a threshold; the level is the threshold in percent.
    static func budgets(_ states: [BudgetState]) -> [AlertCondition] {
        states.compactMap { state in
            guard let reached = state.reached else { return nil }
            let (budget, limit) = (state.budget, state.budget.limit)
            let percent = percent(Int128(state.spent), of: Int128(limit.amount))
            let willEnd =
                state.forecast.expected > limit.amount && !state.isExceeded
                ? "; it will probably end at \(limit.text(of: state.forecast.expected))" : ""
            return AlertCondition(
                rule: .budget,
                key: "budget/\(budget.name)/\(state.period.from)",
                level: reached,
                title: "budget \(budget.name): \(percent)% used",
                detail: """
                    \(limit.text(of: state.spent)) of \(limit.text(of: limit.amount)) are used in the \(budget.cycle.rawValue) from \
                    \(state.period.from) to \(state.period.to)\(willEnd)
                    """,
                names: names(budget.filter)
            )
        }
    }

    /// A share in whole percent as reports show it; one just below 100 is not rounded up to it.
    static func percent(_ part: Int128, of whole: Int128) -> Int128 {
        let rounded = (part * 200 / max(1, whole) + 1) / 2
        return part < whole ? min(99, rounded) : rounded
    }

    private static func names(_ filter: UsageFilter) -> [String: [String]]? {
        let names = filter.dimensions.map { ($0.rawValue, filter[$0].sorted().map(nameInAnswers)) }
        return names.isEmpty ? nil : Dictionary(uniqueKeysWithValues: names)
    }

    /// Limits of subscriptions that reached a threshold; the level is the threshold in percent.
    ///
    /// - Parameter limits: Those that hold: after its reset a share says nothing, and the alert is over.
    static func limits(_ limits: [UsageLimit]) -> [AlertCondition] {
        limits.compactMap { (limit) -> AlertCondition? in
            let reached = limitThresholds.last { Int128(limit.used) * 100 >= Int128($0) * Int128(UsageLimit.whole) }
            guard let reached else { return nil }
            let percent = percent(Int128(limit.used), of: Int128(UsageLimit.whole))
            let reset = limit.resetsAt.map { "; it is reset at \($0.iso8601)" } ?? ""
            let place = [limit.account.map { "account \($0)" }, limit.machine.map { "machine \($0)" }].compactMap(
                \.self
            )
            let whose = place.isEmpty ? "" : " (\(place.joined(separator: ", ")))"
            return AlertCondition(
                rule: .limit,
                key: "limit/\(limit.subscription.text)",
                level: reached,
                title: "limit \(limit.label) of \(limit.agent): \(percent)% used",
                detail: "\(percent)% of \(limit.name)\(whose) were used at \(limit.reportedAt.iso8601)\(reset)"
            )
        }
    }

    /// The shares that are reported, in percent.
    private static let limitThresholds = [80, 95, 100]

    /// A day that costs far more than its weekday usually does; the level rises with each doubling.
    static func anomaly(_ day: UnusualDay) -> AlertCondition {
        var level = 1
        var step = day.border * 2
        while Double(day.cost.nanodollars) > step, level < 20 {
            level += 1
            step *= 2
        }
        return AlertCondition(
            rule: .anomaly,
            key: "anomaly/\(day.date)",
            level: level,
            title: day.title,
            detail: day.detail,
            names: day.names
        )
    }

    /// Models without a price that were called in the last day.
    static func unpriced(_ models: [UnpricedModel], now: Timestamp) -> [AlertCondition] {
        models.filter { now.nanoseconds.saturatingSubtracting($0.lastSeenAt.nanoseconds) < day }.map { model in
            let name = nameInAnswers(model.model)
            return AlertCondition(
                rule: .unpriced,
                key: "unpriced/\(name)",
                level: 1,
                title: "the model \(name) has no price",
                detail: "\(model.calls) calls are not in the cost; name a price under pricing.overrides",
                names: ["model": [name]]
            )
        }
    }

    private static let day = Int64(86_400) * 1_000_000_000

    /// Machines that called regularly and no longer do.
    ///
    /// A machine is silent when it has had no call for longer than `tolerance` and for more than twice its longest pause between two
    /// days with calls, so that a weekend is no silence; with calls on fewer than four days it has no habit to break.
    ///
    /// - Parameters:
    ///   - days: For each day in order, the last of them today, the machines that called.
    ///   - tolerance: Days without a call that are always all right.
    static func silentMachines(_ days: [Set<String>], tolerance: Int) -> [AlertCondition] {
        let machines = days.reduce(into: Set<String>()) { $0.formUnion($1) }.filter { !$0.isEmpty }
        return machines.sorted().compactMap { machine in
            let active = days.indices.filter { days[$0].contains(machine) }
            guard active.count >= 4, let last = active.last else { return nil }
            let longestPause = zip(active, active.dropFirst()).map { $1 - $0 }.max() ?? 1
            let silence = days.count - 1 - last
            guard silence > max(tolerance, longestPause * 2) else { return nil }
            return AlertCondition(
                rule: .silentMachine,
                key: "silent_machine/\(machine)",
                level: 1,
                title: "\(machine) no longer reports",
                detail: "its last call was \(silence) days ago; check that its agents still send telemetry here",
                names: ["machine": [machine]]
            )
        }
    }

    /// Components that do not do their work, and intake that is refused for memory.
    static func components(_ status: CollectorStatus) -> [AlertCondition] {
        var conditions = status.components.compactMap { component -> AlertCondition? in
            guard case .degraded(let reason) = component.state else { return nil }
            let name = "\(component.kind.singular) \(component.id)"
            return AlertCondition(
                rule: .component,
                key: "component/\(name)",
                level: 1,
                title: "\(name) is degraded",
                detail: reason
            )
        }
        if let trouble = status.memory.trouble {
            conditions.append(
                AlertCondition(
                    rule: .component,
                    key: "component/memory",
                    level: 1,
                    title: "telemetry is refused",
                    detail: trouble
                )
            )
        }
        return conditions
    }

    /// Money for messages: whole cents.
    static func text(of money: Money) -> String {
        let cents = (Int128(money.nanodollars) + 5_000_000) / 10_000_000
        let rest = String(cents % 100)
        return "$\(cents / 100).\(rest.count == 1 ? "0" + rest : rest)"
    }
}

extension Budget.Limit {
    /// An amount of the limit's unit for messages.
    fileprivate func text(of amount: Int64) -> String {
        switch self {
        case .cost: AlertRules.text(of: Money(nanodollars: amount))
        case .tokens: "\(amount) tokens"
        }
    }
}

/// Asks a store and the collector for what the rules judge.
struct AlertSurvey: Sendable {
    let usage: UsageAPI
    let status: @Sendable () -> CollectorStatus
    private let rules: Set<AlertRule>
    /// Days without a call that are no silence of a machine.
    private let silentAfter: Int

    init(usage: UsageAPI, status: @escaping @Sendable () -> CollectorStatus, _ config: AlertsConfig) {
        (self.usage, self.status, rules) = (usage, status, Set(config.rules))
        let day = Int64(86_400) * 1_000_000_000
        silentAfter = Int(clamping: (config.silentAfter.nanoseconds.saturatingAdding(day - 1)) / day)
    }

    /// What is wrong, and which rules could be judged: those whose figures the store did not give are not.
    func conditions(at now: Timestamp) async -> (conditions: [AlertCondition], judged: Set<AlertRule>) {
        var conditions: [AlertCondition] = []
        var judged: Set<AlertRule> = []
        for rule in AlertRule.allCases where rules.contains(rule) {
            guard let found = try? await alerts(of: rule, at: now) else { continue }
            conditions += found
            judged.insert(rule)
        }
        return (conditions, judged)
    }

    private func alerts(of rule: AlertRule, at now: Timestamp) async throws -> [AlertCondition] {
        switch rule {
        case .budget: AlertRules.budgets(try await usage.budgetStates(at: now))
        case .limit: AlertRules.limits(usage.limitsThatHold(at: now))
        case .anomaly: try await anomaly(at: now)
        case .unpriced: AlertRules.unpriced(try await usage.openStore().unpricedModels(), now: now)
        case .silentMachine: try await silentMachines(at: now)
        case .component: AlertRules.components(status())
        }
    }

    private func anomaly(at now: Timestamp) async throws -> [AlertCondition] {
        let today = try Period("today", timezone: usage.config.timezone, now: now)
        guard let before = today.before(days: UsageForecast.historyDays) else { return [] }
        let store = try usage.openStore()
        let history = try await store.summary(query(before, now))
        let day = UnusualDay(try await store.summary(query(today, now)), after: history)
        return day.map { [AlertRules.anomaly($0)] } ?? []
    }

    private func silentMachines(at now: Timestamp) async throws -> [AlertCondition] {
        var query = query(try Period("28d", timezone: usage.config.timezone, now: now), now)
        query.series = .machine
        let days = try await usage.openStore().summary(query).series.map { day in
            Set(day.filter { $0.value.calls > 0 && $0.key != ListedNames.other }.keys)
        }
        return AlertRules.silentMachines(days, tolerance: silentAfter)
    }

    private func query(_ period: Period, _ now: Timestamp) -> UsageQuery {
        var query = UsageQuery(period, now: now)
        query.listsSessions = false
        return query
    }
}
