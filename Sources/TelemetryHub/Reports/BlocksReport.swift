// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage

/// Blocks for people, for programs, and in the shape of ccusage.
struct BlocksReport {
    let document: BlocksDocument
    let now: Timestamp
    var isDescending = false

    private typealias Block = BlocksDocument.Block

    private var blocks: [Block] { isDescending ? document.blocks.reversed() : document.blocks }

    private var clock: LocalTime? { LocalTime(timezone: document.timezone) }

    // MARK: - Terminal

    /// The table for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        guard !document.blocks.isEmpty else { return "No calls.\n" }
        let limit = document.tokenLimit
        let models = ShortNames(models: document.blocks.flatMap(\.models))
        var columns = [
            TextTable.Column(title: document.weekStart == nil ? "Block" : "Week"), TextTable.Column(title: "State"),
            TextTable.Column(title: "Models", rank: 1), TextTable.Column(title: "Tokens", isNumber: true),
        ]
        if limit != nil { columns.append(TextTable.Column(title: "Limit", isNumber: true)) }
        columns.append(TextTable.Column(title: "Cost", isNumber: true))
        var table = TextTable(columns: columns)
        for block in blocks {
            let start =
                Timestamp(iso8601: block.startTime).map { clock?.text($0) ?? block.startTime } ?? block.startTime
            func row(_ name: String, _ state: String, _ models: String, _ tokens: Int64, _ cost: String, _ isPart: Bool)
            {
                let share = limit.map { [Self.percent(tokens, of: $0)] } ?? []
                table.rows.append(
                    .init(cells: [name, state, models, Figures.tokens(tokens)] + share + [cost], isPart: isPart)
                )
            }
            if block.isGap {
                let cells = [start, state(block, style), style.none, style.none] + (limit == nil ? [] : [style.none])
                table.rows.append(.init(cells: cells + [style.none], isPart: true))
                continue
            }
            let names = block.models.map { models[$0].printable }.joined(separator: ", ")
            row(start, state(block, style), names, block.totalTokens, SummaryReport.cost(block.figures, style), false)
            guard let projection = block.projection else { continue }
            let projected = "\(style.about) \(Figures.money(projection.totalCost.amount))"
            row("\(style.branch)projected", "", "", projection.totalTokens, projected, true)
        }
        var text = table.text(width: width, style: style)
        let more = document.total - Int64(document.blocks.count { !$0.isGap })
        if more > 0 { text += style.dim("\(Figures.grouped(more)) older: --since, --until") + "\n" }
        if let limit { text += style.dim("Limit: \(Figures.grouped(limit)) tokens a block.") + "\n" }
        return text
    }

    /// How long a block was at work, or how long it goes on.
    private func state(_ block: Block, _ style: Style) -> String {
        guard let start = Timestamp(iso8601: block.startTime), let end = Timestamp(iso8601: block.endTime) else {
            return ""
        }
        func duration(_ from: Timestamp, _ to: Timestamp) -> String {
            Figures.duration(milliseconds: to.milliseconds - from.milliseconds)
        }
        if block.isGap { return "gap of \(duration(start, end))" }
        if block.isActive { return "active, \(duration(now, end)) left" }
        return block.actualEndTime.flatMap(Timestamp.init(iso8601:)).map { duration(start, $0) } ?? ""
    }

    private static func percent(_ part: Int64, of whole: Int64) -> String {
        BudgetBar.percent(Double(part) / Double(max(1, whole)))
    }

    /// The block that is under way, line by line.
    func detail(_ style: Style) -> String {
        guard let block = document.blocks.last(where: \.isActive), let end = Timestamp(iso8601: block.endTime),
            let start = Timestamp(iso8601: block.startTime)
        else { return "No block is active.\n" }
        let left = Figures.duration(milliseconds: end.milliseconds - now.milliseconds)
        let times = "\(clock?.text(start) ?? block.startTime) to \(clock?.clock(end) ?? block.endTime)"
        var lines = [
            ("Block", "\(times), \(left) left"),
            ("Tokens", "\(Figures.tokens(block.totalTokens)) \(style.dot) \(Figures.counted(block.calls, "call"))"),
            ("Cost", SummaryReport.cost(block.figures, style)),
        ]
        if let rate = block.burnRate {
            let tokens = Figures.tokens(Int64(exactly: rate.tokensPerMinute.double.rounded()) ?? .max)
            lines.append(
                ("Burn rate", "\(tokens) tokens/min \(style.dot) \(Figures.money(rate.costPerHour.amount))/h")
            )
        }
        if let projection = block.projection {
            let tokens = "\(style.about) \(Figures.tokens(projection.totalTokens)) tokens"
            lines.append(
                ("Projected", "\(tokens) \(style.dot) \(style.about) \(Figures.money(projection.totalCost.amount))")
            )
        }
        if let limit = document.tokenLimit {
            let used = "\(Self.percent(block.totalTokens, of: limit)) of \(Figures.tokens(limit)) used"
            let status = block.tokenLimitStatus.map {
                " \(style.dot) \(BudgetBar.percent($0.percentUsed.double / 100)) projected: \($0.status)"
            }
            lines.append(("Limit", used + (status ?? "")))
        }
        return lines.map { style.bold($0.0) + String(repeating: " ", count: 11 - $0.0.count) + $0.1 + "\n" }.joined()
    }

    // MARK: - Programs

    /// The rows with full values.
    var table: ProgramTable {
        var table = ProgramTable(titles: [
            "start", "end", "first_call", "last_call", "state", "models", "calls", "input_tokens", "cache_read_tokens",
            "cache_write_tokens", "output_tokens", "reasoning_tokens", "total_tokens", "cost", "unpriced_calls",
            "tokens_per_minute", "cost_per_hour", "projected_tokens", "projected_cost",
        ])
        table.rows = blocks.map { block in
            let figures = block.figures
            let numbers = [
                figures.calls, figures.input, figures.cacheRead, figures.cacheWrite, figures.output, figures.reasoning,
                figures.tokens,
            ].map { String($0) }
            return [
                block.startTime, block.endTime, block.firstCallTime ?? "", block.actualEndTime ?? "",
                block.isGap ? "gap" : block.isActive ? "active" : "finished", block.models.joined(separator: " "),
            ] + numbers + [
                Figures.exact(figures.cost), String(figures.unpricedCalls), block.burnRate?.tokensPerMinute.text ?? "",
                block.burnRate.map { Figures.exact($0.costPerHour.amount) } ?? "",
                block.projection.map { String($0.totalTokens) } ?? "",
                block.projection.map { Figures.exact($0.totalCost.amount) } ?? "",
            ]
        }
        return table
    }

    /// The report as JSON: what every report has, then the members of the API's own document.
    func json(api: String) -> String {
        var sum = UsageFigures()
        for index in document.blocks.indices { sum += document.blocks[index].figures }
        let report = ReportDocument(
            schema: .init(name: "hammurabi.blocks"),
            generatedAt: now.iso8601,
            rows: blocks,
            totals: sum,
            coverage: Coverage(sum),
            warnings: Warning.all(sum, models: [])
        )
        return JSONText.of(report, with: api)
    }

    // MARK: - ccusage

    /// The document that `ccusage blocks --json` prints.
    func ccusage(isActiveOnly: Bool) throws -> String {
        let document = CCUsageBlocks(
            blocks: blocks.map(CCUsageBlocks.Block.init),
            message: isActiveOnly && blocks.isEmpty ? "No active block" : nil
        )
        return try CCUsage.text(of: document)
    }
}

/// What `ccusage blocks --json` prints.
private struct CCUsageBlocks: Encodable {
    var blocks: [Block]
    var message: String?

    private enum CodingKeys: String, CodingKey { case blocks, message }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(blocks, forKey: .blocks)
        if let message { try values.encode(message, forKey: .message) }
    }

    struct Block: Encodable {
        var id: String
        var startTime: String
        var endTime: String
        var actualEndTime: String?
        var isActive: Bool
        var isGap: Bool
        var entries: Int64
        var tokenCounts: Counts
        var totalTokens: Int64
        var costUSD: Dollars
        var models: [String]
        var burnRate: Rate?
        var projection: ProjectionDocument?
        var tokenLimitStatus: BlocksDocument.LimitStatus?

        init(_ block: BlocksDocument.Block) {
            (id, startTime, endTime, actualEndTime) = (block.id, block.startTime, block.endTime, block.actualEndTime)
            (isActive, isGap, entries) = (block.isActive, block.isGap, block.calls)
            tokenCounts = Counts(
                inputTokens: block.inputTokens,
                outputTokens: block.outputTokens,
                cacheCreationInputTokens: block.cacheWriteTokens,
                cacheReadInputTokens: block.cacheReadTokens
            )
            (totalTokens, costUSD, models) = (block.totalTokens, block.cost, block.models)
            burnRate = block.isActive ? block.burnRate.map(Rate.init) : nil
            (projection, tokenLimitStatus) = (block.projection, block.tokenLimitStatus)
        }

        private enum CodingKeys: String, CodingKey {
            case id, startTime, endTime, actualEndTime, isActive, isGap, entries, tokenCounts, totalTokens, costUSD
            case models, burnRate, projection, tokenLimitStatus
        }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(id, forKey: .id)
            try values.encode(startTime, forKey: .startTime)
            try values.encode(endTime, forKey: .endTime)
            try values.encode(actualEndTime, forKey: .actualEndTime)
            try values.encode(isActive, forKey: .isActive)
            try values.encode(isGap, forKey: .isGap)
            try values.encode(entries, forKey: .entries)
            try values.encode(tokenCounts, forKey: .tokenCounts)
            try values.encode(totalTokens, forKey: .totalTokens)
            try values.encode(costUSD, forKey: .costUSD)
            try values.encode(models, forKey: .models)
            try values.encode(burnRate, forKey: .burnRate)
            try values.encode(projection, forKey: .projection)
            // Undefined in JavaScript, and so left out.
            if let tokenLimitStatus { try values.encode(tokenLimitStatus, forKey: .tokenLimitStatus) }
        }
    }

    struct Counts: Encodable {
        var inputTokens: Int64
        var outputTokens: Int64
        var cacheCreationInputTokens: Int64
        var cacheReadInputTokens: Int64
    }

    struct Rate: Encodable {
        var tokensPerMinute: JSONNumber
        var tokensPerMinuteForIndicator: JSONNumber
        var costPerHour: Dollars

        init(_ rate: BurnRateDocument) {
            (tokensPerMinute, costPerHour) = (rate.tokensPerMinute, rate.costPerHour)
            tokensPerMinuteForIndicator = rate.uncachedTokensPerMinute
        }
    }
}
