// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Logging
public import ServiceLifecycle
public import Usage

/// A collector: the components of one graph, from start to drain.
///
/// Starts exporters first and receivers last and opens its listeners after that; stops in the opposite order, so that everything that
/// was accepted finds its way to the disk.
public final class Collector: Service {
    private let assembly: Assembly
    private let listeners: [HTTPListener]
    private let logger: Logger
    private let onReady: @Sendable ([String]) async -> Void

    /// How long draining may take before the rest is given up.
    private static let drainDeadline = Duration.seconds(10)

    /// Makes the components of a graph; opens nothing.
    ///
    /// - Parameters:
    ///   - graph: A graph without errors.
    ///   - home: The folder under which the program keeps its files.
    ///   - logger: Where the collector tells what it does.
    ///   - now: The present.
    ///   - onReady: Is called once with the addresses when everything is served.
    /// - Throws: ``StartError`` when components do not fit together.
    public init(
        _ graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        onReady: @escaping @Sendable ([String]) async -> Void
    ) throws(StartError) {
        self.logger = logger
        self.onReady = onReady
        assembly = try Assembler(graph: graph, logger: logger, home: home, now: now).assemble()
        var listeners: [HTTPListener] = []
        for (endpoint, site) in assembly.sites.sorted(by: { $0.key.description < $1.key.description }) {
            let limits = ListenerLimits(site.terms)
            listeners.append(
                try HTTPListener(endpoint: endpoint, routes: site.routes, limits: limits, logger: logger)
            )
        }
        self.listeners = listeners
    }

    /// Runs until the surrounding service group shuts down.
    ///
    /// - Throws: ``StartError`` when a component or listener cannot be started; what had been started is stopped again.
    public func run() async throws {
        try await run(drainDeadline: Self.drainDeadline)
    }

    /// Runs; requests that have begun, and then the components, each have the deadline to end after the shutdown.
    func run(drainDeadline: Duration) async throws {
        var started: [Assembly.Instance] = []
        do {
            for instance in assembly.startOrder {
                started.append(instance)
                try await instance.component.start()
                logger.debug("started", metadata: [instance.kind.singular: "\(instance.id)"])
            }
            try await serve(drainDeadline: drainDeadline)
        } catch {
            await stop(started, within: drainDeadline)
            throw error
        }
        logger.info("draining")
        await stop(started, within: drainDeadline)
        logger.info("stopped")
    }

    /// Serves until the surrounding service group shuts down, then finishes the requests that have begun.
    private func serve(drainDeadline: Duration) async throws {
        let server = try await HTTPServer.open(listeners)
        await onReady(server.addresses)
        do {
            try await gracefulShutdown()
        } catch {
            await server.cutOff()
            throw error
        }
        let isDrained = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await server.drain()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: drainDeadline)
                await server.cutOff()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() == true
        }
        if !isDrained { logger.warning("some requests took too long and are cut off") }
    }

    /// Shuts components down in the opposite order of their start, within the deadline.
    private func stop(_ started: [Assembly.Instance], within deadline: Duration) async {
        // Tasks of their own: a component that never ends cannot hold up the program, and a cancelled run is drained all the same.
        let isDone = await Task {
            let (outcomes, outcome) = AsyncStream<Bool>.makeStream()
            Task {
                for instance in started.reversed() { await instance.component.shutdown() }
                outcome.yield(true)
            }
            let clock = Task {
                try await Task.sleep(for: deadline)
                outcome.yield(false)
            }
            defer { clock.cancel() }
            return await outcomes.first { _ in true } ?? false
        }.value
        if !isDone { logger.warning("draining took too long; the rest is given up") }
    }
}
