// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi daily`.
struct DailyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daily",
        abstract: "Shows usage by day, as ccusage does.",
        discussion: """
            Without --since it begins with the first day that has a call.

            Examples:
              hammurabi daily --since 20261101
              hammurabi daily --breakdown --instances
              hammurabi daily --json --format ccusage
            """
    )

    @OptionGroup var dated: DatedOptions

    func validate() throws { try dated.check() }

    func run() async throws { try await dated.report(.day) }
}

/// The command `hammurabi weekly`.
struct WeeklyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weekly",
        abstract: "Shows usage by week, as ccusage does.",
        discussion: "A week is named by its first day. Weeks of ISO 8601 are in hammurabi summary --by week."
    )

    @Option(
        name: [.customShort("w"), .long],
        help: ArgumentHelp("The first day of a week: sunday, monday, …", valueName: "day")
    )
    var startOfWeek = "sunday"

    @OptionGroup var dated: DatedOptions

    func validate() throws {
        try dated.check()
        // A day has no part of a week of its own.
        guard let start = WeekStart(startOfWeek, timezone: "UTC"), start.minute == 0 else {
            throw ValidationError("--start-of-week must be a day such as monday; hammurabi blocks takes a time, too")
        }
    }

    func run() async throws {
        try await dated.report(.week, weekStart: WeekStart(startOfWeek, timezone: "UTC"))
    }
}

/// The command `hammurabi monthly`.
struct MonthlyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monthly",
        abstract: "Shows usage by month, as ccusage does."
    )

    @OptionGroup var dated: DatedOptions

    func validate() throws { try dated.check() }

    func run() async throws { try await dated.report(.month) }
}

/// The flags of reports whose rows are days, weeks or months.
struct DatedOptions: ParsableArguments {
    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Option(help: ArgumentHelp("Only the last days, weeks or months, this one included.", valueName: "number"))
    var last: Int?

    @Flag(name: [.customShort("b"), .long], help: "Split every row by model.")
    var breakdown = false

    @Flag(name: [.customShort("i"), .long], help: "One table for each project.")
    var instances = false

    @OptionGroup var shared: CCUsageOptions
    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    /// Refuses flags that contradict each other.
    func check() throws {
        try shared.validate(output, tables)
        if period.isGiven { _ = try period.resolved(in: "UTC", now: Console.now()) }
        guard let last else { return }
        guard !period.isGiven else { throw ValidationError("give either --last or days, not both") }
        guard (1...Self.most).contains(last) else { throw ValidationError("--last is a number from 1 to \(Self.most)") }
    }

    /// As many months are fewer days than the longest period has.
    private static let most = 120

    /// Asks and answers.
    func report(_ dimension: SummaryReport.Dimension, weekStart: WeekStart? = nil) async throws {
        let environment = Environment.process
        try await output.report(options) { hub in
            let now = Console.now()
            let query =
                try await days(hub, now, dimension, weekStart).query + filters.query + [
                    ("sessions", "false"), ("series", "model"),
                ]
            func report(_ answer: HubAnswer<SummaryDocument>) -> SummaryReport {
                var report = SummaryReport(document: answer.document, dimension: dimension)
                (report.weekStart, report.isReversed) = (weekStart, shared.order == .desc)
                if let series = answer.document.series {
                    report.breakdown = SummaryReport.breakdown(series, by: dimension, weekStart)
                }
                return report
            }
            let answer = try await hub.ask(.summary, query)
            var projects: [(name: String, report: SummaryReport)] = []
            if instances {
                for name in answer.document.byProject.members.map(\.name) {
                    let narrowed = query.filter { $0.0 != "project" } + [("project", name)]
                    projects.append((name, report(try await hub.ask(.summary, narrowed))))
                }
            }
            let whole = report(answer)
            if shared.format == .ccusage {
                return Report(text: try CCUsage.text(of: CCUsageReport(whole, projects: instances ? projects : nil)))
            }
            return answered(whole, projects, api: answer.text, now: now, environment)
        }
    }

    private func answered(
        _ whole: SummaryReport,
        _ projects: [(name: String, report: SummaryReport)],
        api: String,
        now: Timestamp,
        _ environment: Environment
    ) -> Report {
        var whole = whole
        if !breakdown { whole.breakdown = nil }
        if output.json { return Report(text: whole.json(generatedAt: now.iso8601, api: api)) }
        let parts = projects.map { name, report in
            var report = report
            if !breakdown { report.breakdown = nil }
            return (name, report)
        }
        guard output.isForPeople, !tables.csv else {
            guard instances else {
                return Report(text: tables.text(whole.table), notes: Warning.all(whole.document).map(\.message))
            }
            var table = ProgramTable(titles: ["project"] + whole.table.titles)
            for (name, report) in parts { table.rows += report.table.rows.map { [name] + $0 } }
            return Report(text: tables.text(table), notes: Warning.all(whole.document).map(\.message))
        }
        let style = output.style(environment.variables)
        let width = shared.compact ? min(Console.columns, 99) : Console.columns
        guard instances else { return Report(text: whole.text(width: width, style: style)) }
        return Report(
            text: parts.map { name, report in
                style.bold("Project: \(name.printable)") + "\n" + report.text(width: width, style: style)
            }.joined(separator: "\n")
        )
    }

    /// The days that are meant; without any, those from the first call on.
    private func days(_ hub: HubConnection, _ now: Timestamp, _ unit: SummaryReport.Dimension, _ weekStart: WeekStart?)
        async throws -> Period
    {
        let all = try period.resolvedOrAll(in: hub.timezone, now: now)
        guard !period.isGiven else { return all }
        if let last, let first = Self.first(ofLast: last, unit, today: all.to, weekStart) {
            return try Period(nil, from: first, to: all.to, timezone: all.timezone, now: now)
        }
        let sums = try await hub.ask(.summary, all.query + filters.query + [("sessions", "false")]).document.byDay
        let first = sums.first { $0.calls > 0 }?.date ?? all.to
        return try Period(nil, from: first, to: all.to, timezone: all.timezone, now: now)
    }

    /// The first day of the last days, weeks or months, of which today is in the last; nil for a date that is none.
    static func first(ofLast count: Int, _ unit: SummaryReport.Dimension, today: String, _ weekStart: WeekStart?)
        -> String?
    {
        guard let noon = Timestamp(iso8601: today + "T12:00:00Z") else { return nil }
        func date(daysBefore days: Int, _ time: Timestamp) -> String {
            String(Timestamp(nanoseconds: time.nanoseconds - Int64(days) * 86_400_000_000_000).iso8601.prefix(10))
        }
        switch unit {
        case .week:
            guard let week = weekStart?.week(of: noon) else { return nil }
            return date(daysBefore: 7 * (count - 1), week.start)
        case .month:
            let parts = today.split(separator: "-").compactMap { Int($0) }
            guard parts.count == 3 else { return nil }
            let months = parts[0] * 12 + parts[1] - count
            let month = months % 12 + 1
            return "\(months / 12)-\(month < 10 ? "0" : "")\(month)-01"
        default: return date(daysBefore: count - 1, noon)
        }
    }
}

/// The command `hammurabi session`.
struct SessionReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session",
        abstract: "Shows usage by session, as ccusage does; the session with the latest call first.",
        discussion:
            "At most 1,000 sessions, the dearest. hammurabi sessions lists all of them, page by page, and shows one with its calls."
    )

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("Only this session, with its calls.", valueName: "id")
    )
    var id: String?

    @Flag(name: [.customShort("b"), .long], help: "Split every session by model.")
    var breakdown = false

    @OptionGroup var shared: CCUsageOptions
    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try shared.validate(output, tables)
        if period.isGiven { _ = try period.resolved(in: "UTC", now: Console.now()) }
        if id?.isEmpty == true { throw ValidationError("an id has at least one character") }
    }

    func run() async throws {
        let environment = Environment.process
        try await output.report(options) { hub in
            let now = Console.now()
            let style = output.style(environment.variables)
            if let id, shared.format == .hammurabi {
                let answer = try await SessionSearch(hub: hub).detail(id)
                let report = SessionReport(document: answer.document, now: now)
                if output.json { return Report(text: report.json(api: answer.text)) }
                guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table)) }
                return Report(text: report.text(width: Console.columns, style: style))
            }
            let days = try period.resolvedOrAll(in: hub.timezone, now: now)
            let query = days.query + filters.query
            let answer = try await hub.ask(.summary, query)
            var report = SummaryReport(document: answer.document, dimension: .session, sort: .seen)
            report.isReversed = shared.order == .asc
            report.onlySession = id
            if breakdown || shared.format == .ccusage {
                report.breakdown = try await models(answer.document, hub, query)
            }
            if shared.format == .ccusage {
                return Report(text: try CCUsage.text(of: CCUsageReport(report, projects: nil)))
            }
            if output.json { return Report(text: report.json(generatedAt: now.iso8601, api: answer.text)) }
            guard output.isForPeople, !tables.csv else {
                return Report(text: tables.text(report.table), notes: Warning.all(answer.document).map(\.message))
            }
            let width = shared.compact ? min(Console.columns, 99) : Console.columns
            return Report(text: report.text(width: width, style: style))
        }
    }

    /// What each model has of each session: one question a model, because there are far fewer of them.
    private func models(_ document: SummaryDocument, _ hub: HubConnection, _ query: [(String, String)]) async throws
        -> [String: [String: UsageFigures]]
    {
        var models: [String: [String: UsageFigures]] = [:]
        for model in document.byModel.members.map(\.name) {
            let narrowed = query.filter { $0.0 != "model" } + [("model", model)]
            for session in try await hub.ask(.summary, narrowed).document.sessions ?? [] {
                models[session.sessionId, default: [:]][model] = session.figures
            }
        }
        return models
    }
}
