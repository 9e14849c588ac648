// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// The state of a running collector at one instant.
struct TopSnapshot {
    let time: Timestamp
    let pipelines: PipelinesDocument
    /// Today's figures.
    let today: SummaryDocument
    /// The sessions with the latest activity.
    let sessions: [SessionDocument]

    /// Queries a collector.
    init(asking hub: HubConnection, at time: Timestamp) async throws {
        self.time = time
        pipelines = try await hub.ask(.pipelines).document
        let day = [("period", "today"), ("timezone", hub.timezone)]
        today = try await hub.ask(.summary, day).document
        let newest = [("status", "active"), ("limit", "20")]
        sessions = try await hub.ask(.sessions, newest).document.sessions
    }

    init(time: Timestamp, pipelines: PipelinesDocument, today: SummaryDocument, sessions: [SessionDocument]) {
        (self.time, self.pipelines, self.today, self.sessions) = (time, pipelines, today, sessions)
    }

    /// The snapshot as JSON.
    var json: String {
        JSONText.of(
            ReportDocument(
                schema: .init(name: "hammurabi.top"),
                generatedAt: time.iso8601,
                period: today.period,
                timezone: today.timezone,
                rows: pipelines.components.map(Row.init),
                totals: today.totals,
                coverage: Coverage(today.totals, unpricedModels: today.unpricedModels),
                warnings: Warning.all(today)
            )
        )
    }

    private struct Row: Encodable {
        var kind: String
        var id: String
        var state: String
        var accepted: Int64
        var refused: Int64
        var sent: Int64
        var failed: Int64
        var dropped: Int64
        var queueBytes: Int64?

        init(_ component: PipelinesDocument.Component) {
            (kind, id, state) = (component.kind, component.id, component.state)
            (accepted, refused) = (component.accepted, component.refused)
            (sent, failed, dropped) = (component.sent, component.failed, component.dropped)
            queueBytes = component.queue?.bytes
        }
    }
}

/// Two snapshots as one screen: counts, and rates when there are two.
struct TopReport {
    let now: TopSnapshot
    let before: TopSnapshot?

    /// The screen; at most `height` lines, nil for no limit.
    func text(width: Int, height: Int?, style: Style) -> String {
        var text = header(style) + "\n" + components(width, style)
        let troubles = now.pipelines.components.filter { $0.state != "ok" && $0.reason != nil }
        for component in troubles {
            text +=
                "\(component.kind) \(component.id.printable): \(component.reason?.printable ?? "")".prose(width: width)
                + "\n"
        }
        if !now.sessions.isEmpty { text += "\n" + style.bold("Active sessions") + "\n" + sessions(width, style) }
        guard let height else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).prefix(max(1, height - 1)).joined(
            separator: "\n"
        )
    }

    private func header(_ style: Style) -> String {
        let collector = now.pipelines
        var facts = ["up " + Figures.uptime(seconds: collector.uptimeSeconds)]
        let limit = collector.memory.limitBytes > 0 ? " of \(Figures.bytes(collector.memory.limitBytes))" : ""
        facts.append("\(Figures.bytes(collector.memory.usedBytes))\(limit) in flight")
        facts.append(now.time.iso8601.dropFirst(11).prefix(8) + " UTC")
        let totals = now.today.totals
        let calls = "\(Figures.grouped(totals.calls)) calls"
        let dot = " \(style.dot) "
        var text = style.bold("hammurabi \(collector.version.printable)") + "  " + facts.joined(separator: dot) + "\n"
        text += "\(style.bold("Today"))     \(style.bold(SummaryReport.cost(totals, style)))"
        text += "\(dot)\(Figures.tokens(totals.tokens)) tokens\(dot)\(calls)\n"
        text += "\(style.bold("Sessions"))  \(now.today.activeSessions) active\(dot)\(now.today.sessionCount) today\n"
        if let budget = now.today.budget {
            text += "\(style.bold("Budget"))    \(BudgetBar(budget).line(width: 200, style))\n"
        }
        return text
    }

    private func components(_ width: Int, _ style: Style) -> String {
        let unit = before == nil ? "" : "/s"
        let ranks = [
            ("In" + unit, 0), ("Out" + unit, 0), ("Accepted", 6), ("Sent", 6), ("Refused", 3), ("Failed", 2),
            ("Dropped", 4), ("Queued", 1),
        ]
        var table = TextTable(columns: [.init(title: "Component"), .init(title: "State")])
        table.columns += ranks.map { .init(title: $0, isNumber: true, rank: $1) }
        var earlier: [String: PipelinesDocument.Component] = [:]
        for component in before?.pipelines.components ?? [] { earlier[component.kind + "/" + component.id] = component }
        for component in now.pipelines.componentsInOrder {
            let last = earlier[component.kind + "/" + component.id]
            var cells = ["\(component.id.printable) \(component.kind)", component.state]
            // Only exporters send; the other components pass on what they accepted and did not drop.
            let sends = component.kind == "exporter"
            cells += [rate(component.accepted, last?.accepted), sends ? rate(component.sent, last?.sent) : style.none]
            cells += [Figures.grouped(component.accepted), sends ? Figures.grouped(component.sent) : style.none]
            cells += [component.refused, component.failed, component.dropped].map(Figures.grouped)
            cells.append(component.queue.map { Figures.bytes($0.bytes) } ?? style.none)
            table.rows.append(.init(cells: cells))
        }
        return table.text(width: width, style: style)
    }

    /// The rate per second since the previous snapshot; the count itself without one.
    private func rate(_ count: Int64, _ earlier: Int64?) -> String {
        guard let before else { return Figures.grouped(count) }
        let milliseconds = max(1, now.time.milliseconds - before.time.milliseconds)
        // A count that decreased belongs to a collector that was restarted.
        let difference = max(0, count.saturatingSubtracting(earlier ?? count))
        let perSecond = (Int128(difference) * 1_000 + Int128(milliseconds) / 2) / Int128(milliseconds)
        return Figures.grouped(Int64(clamping: perSecond))
    }

    private func sessions(_ width: Int, _ style: Style) -> String {
        let document = SessionsDocument(sessions: now.sessions, nextCursor: nil, total: Int64(now.sessions.count))
        return SessionsReport(document: document, now: now.time).text(width: width, style: style)
    }
}
