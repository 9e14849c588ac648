// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

extension TelemetryJSON {
    /// The answer about pipelines and components as they run.
    static func pipelines(_ status: CollectorStatus, version: String, now: Timestamp) -> JSONValue {
        [
            "startedAt": JSONValue(status.startedAt?.iso8601),
            "uptimeSeconds": .integer(status.uptimeSeconds),
            "version": .string(version),
            "memory": [
                "usedBytes": .integer(Int64(status.memory.usedBytes)),
                "limitBytes": .integer(Int64(status.memory.limitBytes)),
                "refusing": .bool(status.memory.isRefusing),
            ],
            "pipelines": .array(status.pipelines.map(pipeline)),
            "components": .array(status.components.map { component($0, now) }),
            "intakeProblems": intakeProblems(status.intakeProblems),
        ]
    }

    private static func pipeline(_ pipeline: PipelineStatus) -> JSONValue {
        func ids(_ ids: [ComponentID]) -> JSONValue { .array(ids.map { .string($0.description) }) }
        func counts(_ kind: ComponentKind, _ ids: [ComponentID]) -> JSONValue {
            .object(ids.map { (key: $0.description, value: .integer(Int64(pipeline.accepted[kind]?[$0] ?? 0))) })
        }
        return [
            "name": .string(pipeline.name),
            "signal": .string(pipeline.signal.rawValue),
            "receivers": ids(pipeline.receivers),
            "processors": ids(pipeline.processors),
            "exporters": ids(pipeline.exporters),
            "accepted": [
                "receivers": counts(.receiver, pipeline.receivers),
                "processors": counts(.processor, pipeline.processors),
                "exporters": counts(.exporter, pipeline.exporters),
            ],
        ]
    }

    private static func component(_ component: ComponentStatus, _ now: Timestamp) -> JSONValue {
        func count(_ field: ComponentCounters.Field) -> JSONValue { .integer(Int64(component.counts[field] ?? 0)) }
        var reason: String?
        if case .degraded(let text) = component.state { reason = text }
        return [
            "kind": .string(component.kind.singular),
            "id": .string(component.id.description),
            "stability": .string(component.stability.rawValue),
            "location": JSONValue(component.location),
            "state": .string(component.state.name),
            "reason": JSONValue(reason),
            "accepted": count(.accepted),
            "refused": count(.refused),
            "sent": count(.sent),
            "failed": count(.failed),
            "dropped": count(.dropped),
            "deviations": count(.deviations),
            "queue": component.queue.map { queue($0, now) } ?? .null,
            "lastError": component.lastError.map { trouble in
                [
                    "message": .string(trouble.message), "time": .string(trouble.time.iso8601),
                    "count": .integer(Int64(trouble.count)),
                ]
            } ?? .null,
        ]
    }

    private static func queue(_ queue: QueueStatus, _ now: Timestamp) -> JSONValue {
        [
            "batches": .integer(Int64(queue.batches)),
            "bytes": .integer(Int64(queue.bytes)),
            "capacityBytes": .integer(Int64(queue.capacityBytes)),
            "oldestAgeSeconds": queue.oldest.map { .integer(seconds(since: $0, now)) } ?? .null,
            "stuckSeconds": queue.stuckSince.map { .integer(seconds(since: $0, now)) } ?? .null,
        ]
    }

    /// Whole seconds since an instant; none when the clock was set back.
    static func seconds(since time: Timestamp, _ now: Timestamp) -> Int64 {
        max(0, (now.nanoseconds - time.nanoseconds) / 1_000_000_000)
    }
}
