// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi blocks`.
struct BlocksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocks",
        abstract: "Shows usage in the five-hour blocks of subscription limits.",
        discussion: """
            A block begins with the hour (of UTC) of the first call after the block before; between blocks that are more than \
            five hours apart is a gap. The rate is that from the first call of a block to its last. These are the rules of ccusage.

            Examples:
              hammurabi blocks --recent
              hammurabi blocks --active --token-limit max
              hammurabi blocks --start-of-week tuesday@14:30
            """
    )

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Flag(name: [.customShort("a"), .long], help: "Only the block that is under way, in detail.")
    var active = false

    @Flag(name: [.customShort("r"), .long], help: "Only blocks of the last three days, and the one that is under way.")
    var recent = false

    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp(
            "Compare with this many tokens a block; max for what the largest block before had.",
            valueName: "tokens"
        )
    )
    var tokenLimit: String?

    @Option(
        name: [.customShort("n"), .customLong("session-length")],
        help: ArgumentHelp("How long a block lasts; default: 5.", valueName: "hours")
    )
    var sessionLength: String?

    @Option(
        help: ArgumentHelp(
            "Weeks from this day on in place of blocks: monday, or tuesday@14:30.",
            valueName: "day"
        )
    )
    var startOfWeek: String?

    @OptionGroup var shared: CCUsageOptions
    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try shared.validate(output, tables)
        if period.isGiven { _ = try period.resolved(in: "UTC", now: Console.now()) }
        if let tokenLimit, tokenLimit != "max", (Int64(tokenLimit) ?? 0) <= 0 {
            throw ValidationError("--token-limit must be max or a whole number above 0")
        }
        if let sessionLength, !(Double(sessionLength).map { $0 > 0 && $0 <= 168 } ?? false) {
            throw ValidationError("--session-length must be a number of hours above 0 and up to 168")
        }
        if let startOfWeek {
            guard sessionLength == nil else {
                throw ValidationError("--session-length and --start-of-week do not go together")
            }
            guard WeekStart(startOfWeek, timezone: "UTC") != nil else {
                throw ValidationError("--start-of-week must be a day such as monday or tuesday@14:30")
            }
        }
    }

    func run() async throws {
        let environment = Environment.process
        try await output.report(options) { hub in
            let now = Console.now()
            let answer = try await hub.ask(.blocks, try query(hub, now))
            let report = BlocksReport(document: answer.document, now: now, isDescending: shared.order == .desc)
            if shared.format == .ccusage { return Report(text: try report.ccusage(isActiveOnly: active)) }
            if output.json { return Report(text: report.json(api: answer.text)) }
            guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table)) }
            let style = output.style(environment.variables)
            return Report(
                text: active ? report.detail(style) : report.text(width: Console.columns, style: style)
            )
        }
    }

    private func query(_ hub: HubConnection, _ now: Timestamp) throws -> [(String, String)] {
        var query = filters.query
        if period.isGiven {
            query += try period.resolved(in: hub.timezone, now: now).query
        } else {
            query.append(("timezone", period.timezone ?? hub.timezone))
        }
        if active { query.append(("active", "true")) }
        if recent { query.append(("recent", "true")) }
        if let tokenLimit { query.append(("tokenLimit", tokenLimit)) }
        if let sessionLength { query.append(("hours", sessionLength)) }
        if let startOfWeek { query.append(("weekStart", startOfWeek)) }
        return query
    }
}
