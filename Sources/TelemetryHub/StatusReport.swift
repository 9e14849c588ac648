// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// The state of a running collector, for people and for programs.
struct StatusReport {
    let document: PipelinesDocument
    /// A sentence for each limit of a subscription that is nearly or wholly used.
    var limits: [String] = []

    private var components: [PipelinesDocument.Component] { document.componentsInOrder }

    /// The stages of a pipeline in one line, with the counts of what came in and went out.
    private static func line(_ pipeline: PipelinesDocument.Pipeline, _ style: Style) -> String {
        func stage(_ ids: [String], _ counts: ByName<Int64>?) -> String {
            ids.map { id in id.printable + (counts?[id].map { " \(Figures.grouped($0))" } ?? "") }
                .joined(separator: ", ")
        }
        let stages = [
            stage(pipeline.receivers, pipeline.accepted.receivers), stage(pipeline.processors, nil),
            stage(pipeline.exporters, pipeline.accepted.exporters),
        ]
        return pipeline.name.printable + ": "
            + stages.filter { !$0.isEmpty }.joined(separator: style.hasUnicode ? " → " : " -> ")
    }

    /// Another collector of a store in one line.
    static func line(_ collector: PipelinesDocument.Collector, _ now: Timestamp) -> String {
        let host = collector.host.isEmpty ? "an unknown machine" : collector.host
        let seen = Figures.age(of: collector.lastSeenAt, now: now)
        return
            "\(host.printable), version \(collector.version.printable), last seen \(seen) ago (\(collector.id.printable))"
    }

    /// For each store that other collectors use, too, which they are.
    func sharingFindings(now: Timestamp) -> [Finding] {
        components.filter { !$0.collectors.isEmpty }.map { component in
            let others = component.collectors
            let names = others.prefix(5).map { Self.line($0, now) } + (others.count > 5 ? ["…"] : [])
            return Finding(
                check: "store \(component.id)",
                level: .ok,
                message:
                    "\(others.count) other \(others.count == 1 ? "collector uses" : "collectors use") it: \(names.joined(separator: "; "))"
            )
        }
    }

    /// A headline, the pipelines, a table of components, and what is wrong.
    func text(width: Int, style: Style, now: Timestamp) -> String {
        let memory = document.memory
        let isWell = !memory.refusing && components.allSatisfy { $0.state == "ok" }
        let uptime = Figures.uptime(seconds: document.uptimeSeconds)
        let limit = memory.limitBytes > 0 ? " of \(Figures.bytes(memory.limitBytes))" : ""
        var text = """
            \(style.bold("Telemetry Hub")) \(document.version.printable) \(style.dot) \(isWell ? "ok" : "degraded") \(style.dot) up \(uptime)
            Memory in flight  \(Figures.bytes(memory.usedBytes))\(limit)\(memory.refusing ? "; telemetry is refused with 503 until some of it is free" : "")


            """
        func paragraph(_ line: String) -> String { line.wrapped(to: width - 2).joined(separator: "\n  ") + "\n" }
        for pipeline in document.pipelines { text += paragraph(Self.line(pipeline, style)) }
        text += "\n" + table(style).text(width: width, style: style)
        for component in components {
            let id = component.id.printable
            if let reason = component.reason { text += "\n" + paragraph("\(id): \(reason.printable)") }
            guard let trouble = component.lastError else { continue }
            let (time, count) = (trouble.time.printable, Figures.grouped(trouble.count))
            text += "\n" + paragraph("\(id): last error \(time), \(count) in all: \(trouble.message.printable)")
        }
        for component in components where !component.collectors.isEmpty {
            text += "\n\(component.id.printable): the same store is used by\n"
            for other in component.collectors { text += "  " + paragraph(Self.line(other, now)) }
        }
        if let lost = IntakeProblemReport.text(document.intakeProblems, width: width, style: style, now: now) {
            text += "\n" + lost
        }
        if !limits.isEmpty {
            text += "\n" + style.bold("Limits") + "\n" + limits.map { "  \($0)\n" }.joined()
        }
        return text
    }

    /// The components with full values.
    var programTable: ProgramTable {
        ProgramTable(
            titles: [
                "kind", "id", "state", "accepted", "refused", "sent", "failed", "dropped", "queued_batches",
                "queued_bytes", "reason", "last_error",
            ],
            rows: components.map { component in
                let counts = [
                    component.accepted, component.refused, component.sent, component.failed, component.dropped,
                ].map { String($0) }
                let queue = [component.queue?.batches, component.queue?.bytes].map { $0.map { String($0) } ?? "" }
                return [component.kind, component.id, component.state] + counts + queue
                    + [component.reason ?? "", component.lastError?.message ?? ""]
            }
        )
    }

    private func table(_ style: Style) -> TextTable {
        // Columns without a value are dropped first.
        func rank(_ value: (PipelinesDocument.Component) -> Int64?, _ rank: Int) -> Int {
            components.allSatisfy { value($0) ?? 0 == 0 } ? rank + 10 : rank
        }
        var table = TextTable(columns: [
            .init(title: "Component"), .init(title: "State"), .init(title: "Accepted", isNumber: true),
            .init(title: "Refused", isNumber: true, rank: rank({ $0.refused }, 1)),
            .init(title: "Sent", isNumber: true, rank: rank({ $0.sent }, 5)),
            .init(title: "Failed", isNumber: true, rank: rank({ $0.failed }, 2)),
            .init(title: "Dropped", isNumber: true, rank: rank({ $0.dropped }, 3)),
            .init(title: "Queued", isNumber: true, rank: rank({ $0.queue?.bytes }, 4)),
        ])
        table.rows = components.map { component in
            // Only exporters send; the other components pass on what they accepted and did not drop.
            let sent = component.kind == "exporter" ? Figures.grouped(component.sent) : style.none
            let counts =
                [component.accepted, component.refused].map { Figures.grouped($0) } + [sent]
                + [component.failed, component.dropped].map { Figures.grouped($0) }
            let queued = component.queue.map { Figures.bytes($0.bytes) } ?? style.none
            let name = "\(component.id.printable) \(component.kind)"
            return .init(cells: [name, component.state] + counts + [queued])
        }
        return table
    }
}
