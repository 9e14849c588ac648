// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import RawHTTP
import ServiceLifecycle
import Testing
import Usage

@testable import Collector

/// A collector in a service group, as in the program.
struct RunningCollector {
    /// The addresses that it reported as ready.
    let addresses: [String]
    let collector: Collector
    private let group: ServiceGroup
    private let run: Task<Void, any Error>

    /// Starts a collector and returns when it is ready; throws its error when it never is.
    init(
        _ config: String,
        _ registry: Registry,
        drainDeadline: Duration = .seconds(60),
        logger: Logger = .silent,
        home: String = "/nowhere",
        now: @escaping @Sendable () -> Timestamp = { Timestamp(nanoseconds: 0) },
        load: Collector.Loading? = nil
    ) async throws {
        let graph = try Self.graph(config, registry)
        let (ready, isReady) = AsyncStream<[String]>.makeStream()
        let collector = try Collector(
            graph,
            home: home,
            logger: logger,
            now: now,
            load: load
        ) {
            isReady.yield($0)
        }
        self.collector = collector
        let service = Drained(collector: collector, deadline: drainDeadline)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .ignore)],
                logger: .silent
            )
        )
        self.group = group
        run = Task {
            defer { isReady.finish() }
            try await group.run()
        }
        guard let addresses = await ready.first(where: { _ in true }) else {
            try await run.value
            throw EndedEarly()
        }
        self.addresses = addresses
    }

    /// The graph of a configuration without errors.
    static func graph(_ config: String, _ registry: Registry) throws -> PipelineGraph {
        let loaded = LoadedConfig(config, registry: registry)
        try #require(!loaded.diagnostics.hasErrors, "\(loaded.diagnostics.rendered())")
        return try #require(loaded.graph)
    }

    /// A connection to one of the addresses.
    func connect(to position: Int = 0) async throws -> RawConnection { try await RawConnection(port: port(position)) }

    /// The port of one of the addresses.
    func port(_ position: Int = 0) throws -> UInt16 {
        try #require(addresses[position].split(separator: ":").last.flatMap { UInt16($0) })
    }

    /// Requests a stop, as SIGTERM does.
    func beginShutdown() async { await group.triggerGracefulShutdown() }

    /// Reloads its configuration.
    func reload() async -> ReloadOutcome { await collector.state.reload() }

    /// Its status.
    var status: CollectorStatus { collector.state.status }

    /// Stops it, and returns when it has ended.
    func end() async throws {
        await beginShutdown()
        try await run.value
    }

    private struct EndedEarly: Error {}

    private struct Drained: Service {
        let collector: Collector
        let deadline: Duration

        func run() async throws { try await collector.run(drainDeadline: deadline) }
    }
}
