// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

extension CollectorStatus {
    /// The document of `GET /api/telemetry/pipelines`.
    ///
    /// - Parameters:
    ///   - version: The program's.
    ///   - now: The present.
    public func json(version: String, now: Timestamp) -> String {
        Self.object([
            ("startedAt", Self.text(startedAt?.iso8601)), ("uptimeSeconds", "\(uptimeSeconds)"),
            ("version", Self.text(version)),
            (
                "memory",
                Self.object([
                    ("usedBytes", "\(memory.usedBytes)"), ("limitBytes", "\(memory.limitBytes)"),
                    ("refusing", "\(memory.isRefusing)"),
                ])
            ),
            ("pipelines", Self.list(pipelines.map(Self.json))),
            ("components", Self.list(components.map { Self.json($0, now) })),
            ("intakeProblems", Self.list(intakeProblems.map(Self.json))),
        ])
    }

    /// What does not get on, each with its reason; empty when all is well.
    public var troubles: [(id: ComponentID, reason: String)] {
        components.compactMap { component in
            switch component.state {
            case .running: nil
            case .degraded(let reason): (component.id, reason)
            case .starting: (component.id, "it has not started yet")
            case .stopped: (component.id, "it is stopped")
            }
        }
    }

    private static func json(_ pipeline: PipelineStatus) -> String {
        func counts(_ kind: ComponentKind, _ ids: [ComponentID]) -> String {
            let members = ids.map { "\(text($0.description)):\(pipeline.accepted[kind]?[$0] ?? 0)" }
            return "{" + members.joined(separator: ",") + "}"
        }
        return object([
            ("name", text(pipeline.name)), ("signal", text(pipeline.signal.rawValue)),
            ("receivers", list(pipeline.receivers.map { text($0.description) })),
            ("processors", list(pipeline.processors.map { text($0.description) })),
            ("exporters", list(pipeline.exporters.map { text($0.description) })),
            (
                "accepted",
                object([
                    ("receivers", counts(.receiver, pipeline.receivers)),
                    ("processors", counts(.processor, pipeline.processors)),
                    ("exporters", counts(.exporter, pipeline.exporters)),
                ])
            ),
        ])
    }

    private static func json(_ component: ComponentStatus, _ now: Timestamp) -> String {
        var reason: String?
        if case .degraded(let text) = component.state { reason = text }
        func count(_ field: ComponentCounters.Field) -> (String, String) {
            (field.rawValue, "\(component.counts[field] ?? 0)")
        }
        return object([
            ("kind", text(component.kind.singular)), ("id", text(component.id.description)),
            ("stability", text(component.stability.rawValue)), ("location", text(component.location)),
            ("state", text(component.state.name)), ("reason", text(reason)), count(.accepted), count(.refused),
            count(.sent), count(.failed), count(.dropped), count(.deviations),
            ("queue", component.queue.map { json($0, now) } ?? "null"),
            ("lastError", component.lastError.map(json) ?? "null"),
        ])
    }

    private static func json(_ problem: IntakeProblem) -> String {
        object([
            ("code", text(problem.code.rawValue)), ("message", text(problem.message)), ("next", text(problem.next)),
            ("subject", text(problem.subject)), ("client", text(problem.client)),
            ("signal", text(problem.signal?.rawValue)), ("status", problem.status.map { "\($0)" } ?? "null"),
            ("count", "\(problem.count)"), ("firstSeenAt", text(problem.firstSeen.iso8601)),
            ("lastSeenAt", text(problem.lastSeen.iso8601)),
        ])
    }

    private static func json(_ trouble: ComponentTrouble) -> String {
        object([
            ("message", text(trouble.message)), ("time", text(trouble.time.iso8601)), ("count", "\(trouble.count)"),
        ])
    }

    private static func json(_ queue: QueueStatus, _ now: Timestamp) -> String {
        func age(_ time: Timestamp?) -> String {
            time.map { "\(max(0, now.nanoseconds - $0.nanoseconds) / 1_000_000_000)" } ?? "null"
        }
        return object([
            ("batches", "\(queue.batches)"), ("bytes", "\(queue.bytes)"), ("capacityBytes", "\(queue.capacityBytes)"),
            ("oldestAgeSeconds", age(queue.oldest)), ("stuckSeconds", age(queue.stuckSince)),
        ])
    }

    // MARK: - Text

    private static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    private static func text(_ text: String?) -> String {
        guard let text else { return "null" }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case let scalar where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
