// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HubAPI
import Usage

/// The keys under `hub:`.
public struct HubConfig: ComponentConfig {
    /// Where to listen.
    public var endpoint = Endpoint.otlpHTTP
    /// The id of the exporter that answers queries.
    public var store = "sqlite"
    /// What may be spent in a month.
    public var budget = MonthlyBudget()
    /// What may be spent, by whom and how often.
    public var budgets: [BudgetConfig] = []
    /// Who is notified of what.
    public var alerts = AlertsConfig()
    /// How long calls and records are kept when the store is compacted.
    public var retention = ConfigDuration(seconds: 90 * 86_400)
    /// The time zone of days and months where a question names none.
    public var timezone = "local"

    /// What `hammurabi statusline` shows: the name of a template, or a text with parts in braces; empty for the usual.
    public var statusline = ""

    /// Persons by the ids that agents send for them.
    public var users: [String: String] = [:]
    /// Teams by name, with who belongs to them.
    public var teams: [String: Team] = [:]

    /// Sums of calls at `/metrics`.
    public var metrics = SeriesConfig()

    /// HTTPS; nil for plain HTTP.
    public var tls: TLSConfig?

    /// The defaults.
    public init() {}

    /// What may be spent in a month.
    public struct MonthlyBudget: ConfigSection, Hashable {
        /// Dollars in a calendar month; nil for no budget.
        public var monthly: Double?

        /// Creates a section without a budget.
        public init() {}
    }

    /// Who belongs to a team: it has the sessions of its users, and of its projects those whose user is in no team.
    public struct Team: ConfigSection, Hashable {
        /// Persons, or ids that agents send for them.
        public var users: [String] = []
        /// Projects by label or path.
        public var projects: [String] = []

        /// A team without members.
        public init() {}
    }

    /// What each key means.
    public static let documentation = TLSConfig.documentation(under: "tls").merging([
        "endpoint": "where to listen, host:port",
        "store": "the id of the exporter that answers queries",
        "users": "what people are called, by the ids that agents send for them; several ids may be one person",
        "teams": "teams by name, for sessions of which no record names a team",
        "teams.*.users": "persons of the team, or ids that agents send for them",
        "teams.*.projects": "projects that the team pays for where the user is in no team: labels or paths",
        "budget": "what may be spent in a month",
        "budget.monthly": "dollars in a calendar month: a budget for all calls that is called monthly",
        "budgets":
            "what may be spent, as a list: name, period (day, week, month or block, the five hours that subscriptions limit), dollars or tokens, for (names by dimension) and thresholds (percentages that are reported; 50, 80 and 100 when left out)",
        "alerts": "who is told of what is wrong",
        "alerts.rules": "what is watched: budget, limit, anomaly, unpriced, silent_machine, component",
        "alerts.quiet": "a daily time in which notices wait, such as \"22:00-07:00\", in the hub's time zone",
        "alerts.silent_after": "how long a machine may be without a call, in whole days",
        "alerts.targets":
            "who is told, as a list: name, and webhook (an address; with format: json, slack or discord) or command (a program with its arguments)",
        "metrics": "sums of all counted calls at /metrics, beside those of the current month",
        "metrics.by":
            "the labels of the sums: model, agent, project, user, machine, team, branch and agent_kind; no sums when left out",
        "metrics.max_names":
            "how many values of each label are listed, those with the highest cost; one makes way for another that costs more than twice as much, and the others are summed as other",
        "retention": "how long calls and records are kept when the store is compacted",
        "statusline":
            "what hammurabi statusline shows: full, short, limits, ccusage, or a text with parts in braces such as \"{session} · {limits}\"",
        "timezone":
            "the time zone of days and months where a question names none: local, the machine's own, or such as Europe/Berlin",
    ]) { $1 }

    /// Reports values that make queries impossible.
    public func validate(_ findings: inout ConfigFindings) {
        if ComponentID(store) == nil {
            findings.error(
                "store",
                "\"\(store)\" is no id of an exporter",
                at: ["store"],
                help: "write sqlite, for example"
            )
        }
        BudgetConfig.validate(budgets, hasMonthly: budget.monthly != nil, &findings)
        if let monthly = budget.monthly, monthlyBudget == nil {
            findings.error(
                "out-of-range",
                "a budget of \(monthly) dollars is none",
                at: ["budget", "monthly"],
                help: "write a number above 0"
            )
        }
        if retention.nanoseconds <= 0 {
            findings.error(
                "out-of-range",
                "a retention of \(retention) keeps nothing",
                at: ["retention"],
                help: "write 90d"
            )
        }
        if !statusline.isEmpty {
            do throws(StatusLineTemplate.Problem) {
                _ = try StatusLineTemplate(statusline)
            } catch {
                findings.error("invalid-value", error.description, at: ["statusline"])
            }
        }
        alerts.validate(&findings)
        metrics.validate(&findings)
        var teamsOfUsers: [String: String] = [:]
        for (team, members) in teams.sorted(by: { $0.key < $1.key }) {
            for user in members.users {
                // An id is in the team of its person.
                guard let former = teamsOfUsers.updateValue(team, forKey: users[user] ?? user), former != team
                else { continue }
                findings.error(
                    "ambiguous",
                    "\"\(user)\" is in the teams \(former) and \(team)",
                    at: ["teams", team, "users"],
                    help: "name each user in one team"
                )
            }
        }
        tls?.validate(&findings, at: ["tls"])
        do {
            _ = try Period("today", timezone: timezone, now: Timestamp(nanoseconds: 0))
        } catch {
            findings.error("timezone", error.description, at: ["timezone"])
        }
    }

    /// The listener and the store.
    public var resources: [ConfigResource] {
        [ConfigResource(.endpoint(endpoint), at: ["endpoint"]), ConfigResource(.store(store), at: ["store"])]
            + (tls.map { [ConfigResource(.tls($0, of: endpoint), at: ["tls"])] } ?? [])
    }

    /// All budgets, that of ``MonthlyBudget`` first.
    var allBudgets: [Budget] {
        (monthlyBudget.map { [$0] } ?? []) + budgets.compactMap(\.budget)
    }

    /// The budget for all calls of a month; nil without one.
    var monthlyBudget: Budget? {
        guard let amount = budget.monthly.flatMap({ Money(dollars: $0) }), amount > .zero else { return nil }
        return Budget(name: BudgetConfig.monthlyName, cycle: .month, limit: .cost(amount))
    }
}
