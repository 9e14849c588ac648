// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// One session with its calls.
struct SessionReport {
    let document: SessionDetailDocument
    let now: Timestamp

    private var facts: SessionDocument { document.session }
    private var figures: UsageFigures { document.session.figures }

    /// The session's values, the cost of each model, and every call.
    func text(width: Int, style: Style) -> String {
        var text = header(style) + "\n"
        let models = ShortNames(models: document.calls.compactMap(\.model) + document.costByModel.members.map(\.name))
        if document.costByModel.members.count > 1 {
            var table = TextTable(columns: [.init(title: "Model"), .init(title: "Cost", isNumber: true)])
            let costs = document.costByModel.members.map { ($0.name, $0.value.amount) }.sorted {
                ($1.1, $0.0) < ($0.1, $1.0)
            }
            let priced = Set(document.calls.filter(\.priced).map { $0.model ?? "unknown" })
            table.rows = costs.map { model, cost in
                let isPriced = priced.contains(model) || cost > .zero
                return .init(cells: [models[model].printable, isPriced ? Figures.money(cost) : style.none])
            }
            text += table.text(width: width, style: style) + "\n"
        }
        text += calls(models, isWide: width >= 100, style).text(width: width, style: style)
        if !document.subagents.isEmpty {
            text +=
                "\n" + style.bold("Sub-agents") + "\n"
                + children(document.subagents, style).text(width: width, style: style)
        }
        return text
    }

    private func header(_ style: Style) -> String {
        let calls = Figures.counted(figures.calls, "call")
        let tokens = "\(Figures.tokens(figures.tokens)) tokens \(style.dot) \(calls)"
        let begun = facts.startedAt.prefix(19).replacing("T", with: " ")
        let state = [Figures.sessionState(facts.status)] + [facts.taskStatus?.printable].compactMap(\.self)
        var lines: [(String, String?)] = [
            ("Session", style.bold(facts.name.printable)),
            ("Id", facts.name == facts.sessionId ? nil : facts.sessionId.printable),
            ("State", state.joined(separator: " \(style.dot) ")),
            ("Cost", "\(style.bold(SummaryReport.cost(figures, style)))  \(style.dim(tokens))"),
            ("Agent", joined([facts.agent, facts.agentVersion], " ")), ("It says", itSays(style)),
            ("Project", joined([facts.project, facts.branch], " \(style.dot) ")),
            ("User", facts.user?.printable), ("Machine", facts.machine?.printable),
            ("Team", facts.team?.printable),
            ("Parent", facts.parentSessionId?.printable),
            ("Time", "\(begun) UTC \(style.dot) \(Figures.duration(milliseconds: facts.durationMs))"),
        ]
        if facts.knowledge == "transcript" { lines.append(("Source", "session files alone")) }
        var text = ""
        for (title, value) in lines {
            guard let value else { continue }
            text += title + String(repeating: " ", count: 10 - title.count) + value + "\n"
        }
        return text
    }

    /// What the agent says of the session itself.
    private func itSays(_ style: Style) -> String? {
        guard let reported = document.reported else { return nil }
        let share = reported.contextUsedPercent.map { LimitsReport.percent($0) }
        let room = reported.contextWindow.map { "\(Figures.tokens($0)) tokens" }
        let context = [share, room].compactMap(\.self).joined(separator: " of ")
        let parts = [
            reported.cost.map { Figures.money($0.amount) }, context.isEmpty ? nil : "context \(context)",
            Figures.age(of: reported.reportedAt, now: now),
        ]
        return parts.compactMap(\.self).joined(separator: " \(style.dot) ")
    }

    private func joined(_ parts: [String?], _ separator: String) -> String? {
        let present = parts.compactMap(\.self).filter { !$0.isEmpty }
        return present.isEmpty ? nil : present.joined(separator: separator).printable
    }

    private func calls(_ models: ShortNames, isWide: Bool, _ style: Style) -> TextTable {
        var columns = [TextTable.Column(title: "Time"), .init(title: "Model")]
        let numbers =
            isWide ? ["Input", "Cache read", "Cache write", "Output", "Cost", "Took"] : ["Tokens", "Cost", "Took"]
        columns += numbers.map { .init(title: $0, isNumber: true) }
        if document.calls.contains(where: { $0.error != nil }) { columns.append(.init(title: "Error")) }
        var table = TextTable(columns: columns)
        for call in document.calls {
            let counts = call.figures
            let tokens = isWide ? [counts.input, counts.cacheRead, counts.cacheWrite, counts.output] : [counts.tokens]
            var cells = [String(call.timestamp.dropFirst(5).prefix(14)).replacing("T", with: " ")]
            cells.append(call.model.map { models[$0].printable } ?? style.none)
            cells += tokens.map(Figures.tokens)
            cells.append(call.priced ? Figures.callMoney(counts.cost) : style.none)
            cells.append(call.durationMs.map(Figures.duration) ?? style.none)
            if columns.last?.title == "Error" { cells.append(call.error?.printable ?? "") }
            table.rows.append(.init(cells: cells))
        }
        let tokens = isWide ? [figures.input, figures.cacheRead, figures.cacheWrite, figures.output] : [figures.tokens]
        var total = ["Total", ""] + tokens.map(Figures.tokens) + [SummaryReport.cost(figures, style), ""]
        if columns.last?.title == "Error" { total.append("") }
        table.rows.append(.init(cells: total, isTotal: true))
        return table
    }

    private func children(_ subagents: [SessionDetailDocument.Subagent], _ style: Style) -> TextTable {
        var table = TextTable(
            columns: [.init(title: "Session"), .init(title: "State")]
                + ["Calls", "Tokens", "Cost", "Duration"].map { .init(title: $0, isNumber: true) }
        )
        let ids = ShortNames(ids: subagents.map(\.session.sessionId))
        for child in subagents.map(\.session) {
            let name = child.name == child.sessionId ? ids[child.sessionId] : child.name
            table.rows.append(
                .init(
                    cells: [
                        name.printable, Figures.sessionState(child.status), Figures.grouped(child.figures.calls),
                        Figures.tokens(child.figures.tokens), SummaryReport.cost(child.figures, style),
                        Figures.duration(milliseconds: child.durationMs),
                    ]
                )
            )
        }
        return table
    }

    /// One row for each call, with full values.
    var table: ProgramTable {
        var table = ProgramTable(
            titles: [
                "timestamp", "call", "model", "provider", "input_tokens", "cache_read_tokens", "cache_write_tokens",
                "output_tokens", "reasoning_tokens", "cost", "priced", "duration_ms", "sources", "error",
            ]
        )
        table.rows = document.calls.map { call in
            let counts = call.figures
            let tokens = [counts.input, counts.cacheRead, counts.cacheWrite, counts.output, counts.reasoning]
            return [call.timestamp, call.callId, call.model ?? "", call.provider ?? ""] + tokens.map { String($0) } + [
                Figures.exact(counts.cost), String(call.priced), call.durationMs.map { String($0) } ?? "",
                call.sources.joined(separator: "+"), call.error ?? "",
            ]
        }
        return table
    }

    /// The report as JSON: the members of every report, then those of the API's document.
    func json(api: String) -> String {
        let unpriced = Set(document.calls.filter { !$0.priced }.map { $0.model ?? "unknown" }).sorted()
        let report = ReportDocument(
            schema: .init(name: "hammurabi.session"),
            generatedAt: now.iso8601,
            rows: document.calls.map(CallRow.init),
            totals: figures,
            coverage: Coverage(figures, unpricedModels: unpriced),
            warnings: Warning.all(figures, models: unpriced)
        )
        return JSONText.of(report, with: api)
    }
}

/// A call in a report: the API's members, null for missing ones, and its sums.
private struct CallRow: Encodable {
    var call: CallDocument

    private enum Keys: String, CodingKey { case model, provider, reportedCost, durationMs, error }

    func encode(to encoder: any Encoder) throws {
        try call.encode(to: encoder)
        try call.figures.encode(to: encoder)
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(call.model, forKey: .model)
        try values.encode(call.provider, forKey: .provider)
        try values.encode(call.reportedCost, forKey: .reportedCost)
        try values.encode(call.durationMs, forKey: .durationMs)
        try values.encode(call.error, forKey: .error)
    }
}
