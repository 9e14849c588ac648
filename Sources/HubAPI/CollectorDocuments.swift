// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import OTLP
package import Usage

/// The pipelines and components of a running collector.
package struct PipelinesDocument: Codable, Hashable, Sendable {
    package var startedAt: String?
    package var uptimeSeconds: Int64
    package var version: String
    package var memory: Memory
    package var pipelines: [Pipeline]
    package var components: [Component]
    @Added package var intakeProblems: [IntakeProblemDocument]

    package struct Memory: Codable, Hashable, Sendable {
        package var usedBytes: Int64
        package var limitBytes: Int64
        /// Whether telemetry is refused for lack of memory.
        @Added package var refusing: Bool
    }

    package struct Pipeline: Codable, Hashable, Sendable {
        package var name: String
        package var signal: String
        package var receivers: [String]
        package var processors: [String]
        package var exporters: [String]
        /// The number of records that each of them took in this pipeline.
        @Added package var accepted: Accepted

        package struct Accepted: Codable, Hashable, Sendable, Emptiness {
            package var receivers: ByName<Int64>
            package var processors: ByName<Int64>
            package var exporters: ByName<Int64>

            package static var empty: Self {
                Self(receivers: ByName([]), processors: ByName([]), exporters: ByName([]))
            }
        }

        init(_ pipeline: PipelineStatus) {
            func counts(_ kind: ComponentKind, _ ids: [ComponentID]) -> ByName<Int64> {
                ByName(ids.map { ($0.description, Int64(pipeline.accepted[kind]?[$0] ?? 0)) })
            }
            (name, signal) = (pipeline.name, pipeline.signal.rawValue)
            receivers = pipeline.receivers.map(\.description)
            processors = pipeline.processors.map(\.description)
            exporters = pipeline.exporters.map(\.description)
            accepted = Accepted(
                receivers: counts(.receiver, pipeline.receivers),
                processors: counts(.processor, pipeline.processors),
                exporters: counts(.exporter, pipeline.exporters)
            )
        }
    }

    /// A component with its counts since the start.
    package struct Component: Codable, Hashable, Sendable {
        package var kind: String
        package var id: String
        package var stability: String
        package var location: String?
        package var state: String
        /// Why it is degraded.
        package var reason: String?
        package var accepted: Int64
        package var refused: Int64
        package var sent: Int64
        package var failed: Int64
        package var dropped: Int64
        package var deviations: Int64
        package var queue: Queue?
        package var lastError: Trouble?
        /// How often its own process was started again; nil for a component without one.
        package var restarts: Int64?
        /// The other collectors that use the same store.
        @Added package var collectors: [Collector]

        init(_ component: ComponentStatus, _ now: Timestamp) {
            func count(_ field: ComponentCounters.Field) -> Int64 { Int64(component.counts[field] ?? 0) }
            (kind, id) = (component.kind.singular, component.id.description)
            (stability, location, state) = (component.stability.rawValue, component.location, component.state.name)
            if case .degraded(let text) = component.state { reason = text }
            (accepted, refused, sent) = (count(.accepted), count(.refused), count(.sent))
            (failed, dropped, deviations) = (count(.failed), count(.dropped), count(.deviations))
            queue = component.queue.map { Queue($0, now) }
            restarts = component.restarts.map { Int64($0) }
            collectors = component.collectors.map(Collector.init)
            lastError = component.lastError.map {
                Trouble(message: $0.message, time: $0.time.iso8601, count: Int64($0.count))
            }
        }
    }

    /// Another collector that uses the same store; its times are of the store's clock.
    package struct Collector: Codable, Hashable, Sendable {
        package var id: String
        package var host: String
        package var version: String
        package var startedAt: String
        package var lastSeenAt: String

        init(_ collector: StoreCollector) {
            (id, host, version) = (collector.id, collector.host, collector.version)
            (startedAt, lastSeenAt) = (collector.startedAt.iso8601, collector.lastSeenAt.iso8601)
        }
    }

    package struct Queue: Codable, Hashable, Sendable {
        package var batches: Int64
        package var bytes: Int64
        package var capacityBytes: Int64
        package var oldestAgeSeconds: Int64?
        package var stuckSeconds: Int64?

        package init(_ queue: QueueStatus, _ now: Timestamp) {
            /// Whole seconds since a time; 0 when the clock was set back.
            func age(_ time: Timestamp) -> Int64 { max(0, (now.nanoseconds - time.nanoseconds) / 1_000_000_000) }
            (batches, bytes, capacityBytes) = (Int64(queue.batches), Int64(queue.bytes), Int64(queue.capacityBytes))
            (oldestAgeSeconds, stuckSeconds) = (queue.oldest.map(age), queue.stuckSince.map(age))
        }
    }

    package struct Trouble: Codable, Hashable, Sendable {
        package var message: String
        package var time: String
        package var count: Int64
    }

    package init(_ status: CollectorStatus, version: String, now: Timestamp) {
        (startedAt, uptimeSeconds) = (status.startedAt?.iso8601, status.uptimeSeconds)
        self.version = version
        let (used, limit) = (Int64(status.memory.usedBytes), Int64(status.memory.limitBytes))
        memory = Memory(usedBytes: used, limitBytes: limit, refusing: status.memory.isRefusing)
        pipelines = status.pipelines.map(Pipeline.init)
        components = status.components.map { Component($0, now) }
        intakeProblems = status.intakeProblems.map(IntakeProblemDocument.init)
    }
}

extension PipelinesDocument {
    /// The components in the order in which records pass them; equal kinds as they are.
    package var componentsInOrder: [Component] {
        let kinds = ["receiver", "processor", "connector", "exporter", "extension"]
        return kinds.flatMap { kind in components.filter { $0.kind == kind } }
            + components.filter { !kinds.contains($0.kind) }
    }
}

/// The health of a collector; the answer is 200 in any case, because the hub is serving.
package struct HealthDocument: Codable, Hashable, Sendable {
    /// `ok` or `degraded`.
    package var status: String
    package var version: String
    package var uptimeSeconds: Int64

    package init(_ status: CollectorStatus, version: String) {
        let isDegraded =
            status.memory.trouble != nil
            || status.components.contains { if case .degraded = $0.state { true } else { false } }
        self.status = isDegraded ? "degraded" : "ok"
        (self.version, uptimeSeconds) = (version, status.uptimeSeconds)
    }
}

/// The result of a reload.
package struct ReloadDocument: Codable, Hashable, Sendable {
    package var ok = true
    /// How many components were started, stopped or restarted.
    package var changes: Int64

    package init(changes: Int) { self.changes = Int64(changes) }
}

/// The body of an error answer.
package struct ErrorDocument: Codable, Hashable, Sendable {
    package var error: String
    @Added package var status: Int64

    package init(error: String, status: Int) {
        (self.error, self.status) = (error, Int64(status))
    }
}

/// A notice, as an event of a stream.
package struct NoticeDocument: Codable, Hashable, Sendable {
    package var level: String
    package var code: String
    package var message: String

    package init(level: String, code: String, message: String) {
        (self.level, self.code, self.message) = (level, code, message)
    }
}

/// Sessions that have changed, as an event of a stream.
package struct SessionEventDocument: Codable, Hashable, Sendable {
    package var sessions: [SessionDocument]

    package init(sessions: [SessionDocument]) { self.sessions = sessions }
}
