// SPDX-License-Identifier: Apache-2.0

/// The API's answer about the running collector, for people.
struct StatusReport: Decodable {
    var version: String
    var startedAt: String?
    var uptimeSeconds: Int64
    var memory: Memory
    var pipelines: [Pipeline]
    var components: [Component]

    struct Memory: Decodable {
        var usedBytes, limitBytes: Int64
    }

    struct Pipeline: Decodable {
        var name: String
        var receivers, processors, exporters: [String]
    }

    struct Component: Decodable {
        var kind, id, state: String
        var reason: String?
        var accepted, refused, sent, failed, dropped: Int64
        var queue: Queue?
        var lastError: Trouble?
    }

    struct Queue: Decodable {
        var batches, bytes: Int64
        var stuckSeconds: Int64?
    }

    struct Trouble: Decodable {
        var message, time: String
        var count: Int64
    }

    /// A headline, the pipelines, a table of components, and what is wrong.
    func text(width: Int, style: Style) -> String {
        let isWell = components.allSatisfy { $0.state == "ok" }
        let uptime = "\(uptimeSeconds / 86_400)d \(uptimeSeconds / 3_600 % 24)h \(uptimeSeconds / 60 % 60)m"
        var text = """
            \(style.bold("Telemetry Hub")) \(version) \(style.dot) \(isWell ? "ok" : "degraded") \(style.dot) up \(uptime)
            Memory in flight  \(Figures.grouped(memory.usedBytes)) of \(Figures.grouped(memory.limitBytes)) bytes


            """
        let arrow = style.hasUnicode ? " → " : " -> "
        for pipeline in pipelines {
            let stages = [pipeline.receivers, pipeline.processors, pipeline.exporters].filter { !$0.isEmpty }
            text += "\(pipeline.name): \(stages.map { $0.joined(separator: ", ") }.joined(separator: arrow))\n"
        }
        text += "\n" + table.text(width: width, style: style)
        for component in components {
            if let reason = component.reason { text += "\n\(component.id.printable): \(reason.printable)\n" }
            guard let trouble = component.lastError else { continue }
            text +=
                "\n\(component.id.printable): last error \(trouble.time), \(trouble.count) in all: \(trouble.message.printable)\n"
        }
        return text
    }

    private var table: TextTable {
        var table = TextTable(columns: [.init(title: "Component"), .init(title: "State")])
        table.columns += ["Accepted", "Refused", "Sent", "Failed", "Dropped", "Queued bytes"].map {
            .init(title: $0, isNumber: true)
        }
        table.rows = components.map { component in
            // Only exporters send: what others pass on is what they took and did not drop.
            let sent = component.kind == "exporter" ? Figures.grouped(component.sent) : ""
            let counts =
                [component.accepted, component.refused].map { Figures.grouped($0) } + [sent]
                + [component.failed, component.dropped].map { Figures.grouped($0) }
            let queued = component.queue.map { Figures.grouped($0.bytes) } ?? ""
            let name = "\(component.kind) \(component.id.printable)"
            return .init(cells: [name, component.state] + counts + [queued])
        }
        return table
    }
}
