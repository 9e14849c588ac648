// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPServer
import Synchronization
import Usage

/// The state of the running collector, read by status pages and commands: a snapshot of it is the ``CollectorStatus``.
final class CollectorState: Sendable {
    private struct Present {
        var graph: PipelineGraph
        var assembly: Assembly
        /// When the collector began to serve, by the system clock and by the monotonic clock.
        var start: (time: Timestamp, instant: ContinuousClock.Instant)?
    }

    private let present: Mutex<Present>
    private let now: @Sendable () -> Timestamp
    let memory: MemoryBudget
    /// The outcomes of requests at all listeners, kept over reloads.
    let intake: IntakeLog
    /// Parts that components share over all pipelines and reloads.
    let shared = SharedParts()
    /// Failed authentications, over all listeners and reloads.
    let keyFailures = KeyFailures()
    /// The waiting requests for a reload.
    let reloads: AsyncStream<CheckedContinuation<ReloadOutcome, Never>>
    private let reloadRequests: AsyncStream<CheckedContinuation<ReloadOutcome, Never>>.Continuation

    init(_ graph: PipelineGraph, now: @escaping @Sendable () -> Timestamp) {
        self.now = now
        intake = IntakeLog(now: now)
        present = Mutex(Present(graph: graph, assembly: Assembly()))
        memory = MemoryBudget(limit: Int(clamping: graph.memoryLimit.bytes))
        (reloads, reloadRequests) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
    }

    var graph: PipelineGraph { present.withLock { $0.graph } }
    var assembly: Assembly { present.withLock { $0.assembly } }

    func put(_ assembly: Assembly, of graph: PipelineGraph) {
        memory.limit = Int(clamping: graph.memoryLimit.bytes)
        present.withLock { present in (present.graph, present.assembly) = (graph, assembly) }
    }

    func began(at time: Timestamp) { present.withLock { $0.start = (time, .now) } }

    /// Requests a reload of the configuration and waits for the outcome.
    func reload() async -> ReloadOutcome {
        await withCheckedContinuation { continuation in
            if case .enqueued = reloadRequests.yield(continuation) { return }
            continuation.resume(returning: .unavailable)
        }
    }

    /// Accepts no more requests for a reload; those that wait are refused.
    func endReloads() { reloadRequests.finish() }

    /// The parts of the collector that extensions may use.
    var parts: CollectorParts {
        CollectorParts(
            status: { self.status },
            reload: { await self.reload() }
        )
    }

    /// A description of a session from the first running extension that has one.
    @Sendable func describe(session id: String) async -> String? {
        let known = assembly.extensions.lazy.compactMap(\.component.sessionDescribing).first
        return await known?.describe(session: id)
    }

    /// The names of a store's sessions from the first running extension that has some.
    @Sendable func namer(for store: ComponentID) async throws -> SessionNamer? {
        for member in assembly.extensions {
            if let namer = try await member.component.sessionNaming?.namer(for: store) { return namer }
        }
        return nil
    }

    /// The store of an id in the present assembly.
    @Sendable func store(_ id: ComponentID) -> (any UsageStore)? {
        assembly.exporters.first { $0.instance.id == id }?.component.usageStore
    }

    // MARK: - Status

    /// A snapshot of the present state.
    var status: CollectorStatus {
        let present = present.withLock { $0 }
        var status = CollectorStatus()
        status.startedAt = present.start?.time
        status.uptimeSeconds = present.start.map { (ContinuousClock.now - $0.instant).components.seconds } ?? 0
        status.memory.usedBytes = memory.usedBytes
        status.memory.limitBytes = memory.limit
        status.memory.isRefusing = memory.isRefusing()
        status.requests = intake.requests
        status.intakeProblems = intake.problems
        status.intakeProblemCounts = intake.problemCounts
        status.droppedTexts = intake.droppedTexts
        status.pipelines = present.graph.pipelines.map { Self.status($0, present.assembly) }
        // A processor has one instance for each of its pipelines; the status shows them as one component, as in the configuration.
        var order: [String] = []
        var groups: [String: [Assembly.Instance]] = [:]
        for instance in present.assembly.startOrder {
            let key = "\(instance.kind.rawValue) \(instance.id)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(instance)
        }
        status.components = order.compactMap { groups[$0].flatMap(component) }
        for (place, component) in status.components.enumerated() where component.kind == .exporter {
            let exporter = present.assembly.exporters.first { $0.instance.id == component.id }?.component
            status.components[place].collectors = exporter?.usageStore?.otherCollectors ?? []
        }
        return status
    }

    private static func status(_ pipeline: DeclaredPipeline, _ assembly: Assembly) -> PipelineStatus {
        let title = pipeline.title
        func counts(_ kind: ComponentKind, _ ids: [ComponentID]) -> [ComponentID: Int] {
            let instances = assembly.startOrder.filter { $0.kind == kind && ids.contains($0.id) }
            return Dictionary(instances.map { ($0.id, $0.passages.count(in: title)) }, uniquingKeysWith: +)
        }
        return PipelineStatus(
            name: title,
            signal: pipeline.signal,
            receivers: pipeline.receivers,
            processors: pipeline.processors,
            exporters: pipeline.exporters,
            accepted: [
                .receiver: counts(.receiver, pipeline.receivers),
                .processor: counts(.processor, pipeline.processors),
                .exporter: counts(.exporter, pipeline.exporters),
            ]
        )
    }

    private func component(_ instances: [Assembly.Instance]) -> ComponentStatus? {
        guard let first = instances.first else { return nil }
        var counts: [ComponentCounters.Field: Int] = [:]
        for instance in instances { counts.merge(instance.counters.snapshot) { $0 + $1 } }
        let troubles = instances.compactMap(\.counters.lastTrouble)
        var newest = troubles.max { $0.time < $1.time }
        newest?.count = troubles.reduce(0) { $0 + $1.count }
        let restarts = instances.compactMap(\.counters.restarts)
        let mark = first.declared.mark
        return ComponentStatus(
            kind: first.kind,
            id: first.id,
            stability: first.declared.factory.stability,
            location: "\(mark.file):\(mark.line)",
            state: instances.lazy.map(self.state).first { $0 != .running } ?? .running,
            counts: counts,
            lastError: newest,
            queue: first.component.queueing?.queueStatus,
            restarts: restarts.isEmpty ? nil : restarts.reduce(0, +)
        )
    }

    private func state(_ instance: Assembly.Instance) -> ComponentState {
        switch instance.life.station {
        case .made: return .starting
        case .stopped: return .stopped
        case .started: break
        }
        if let trouble = instance.component.healthReporting?.trouble { return .degraded(trouble) }
        if let queue = instance.component.queueing?.queueStatus, queue.batches > 0,
            let since = queue.stuckSince
        {
            let standstill = now().nanoseconds - since.nanoseconds
            if standstill > CollectorStatus.longestStandstill {
                return .degraded("nothing has left its queue for \(standstill / 1_000_000_000) s")
            }
        }
        return instance.life.failure.map { .degraded($0) } ?? .running
    }
}
