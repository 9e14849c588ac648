// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Logging
public import Usage

extension Collector {
    /// Opens one store of a graph without anything else, hands it over, and closes it.
    ///
    /// With it come the price tables of the pipelines, and what reads session files, which is not started.
    /// - Parameter name: The store's id; nil for the one that the `hub` uses, or the only one.
    public static func withParts<Answer: Sendable>(
        _ name: String?,
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ use: (CollectorParts) async throws -> Answer
    ) async throws -> Answer {
        try await withOpenStore(name, of: graph, home: home, logger: logger, now: now) { id, store, assembly in
            try await use(
                CollectorParts(
                    stores: [id: store],
                    scanners: assembly.receivers.compactMap { $0.component as? any SessionScanner },
                    priceTables: assembly.processors.compactMap { $0.component as? any PriceTableHolding }
                )
            )
        }
    }

    /// Opens one store of a graph without anything else, asks it, and closes it.
    ///
    /// - Parameter name: The store's id; nil for the one that the `hub` uses, or the only one.
    public static func withStore<Answer: Sendable>(
        _ name: String?,
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ ask: (any UsageStore) async throws -> Answer
    ) async throws -> Answer {
        try await withOpenStore(name, of: graph, home: home, logger: logger, now: now) { _, store, _ in
            try await ask(store)
        }
    }

    private static func withOpenStore<Answer: Sendable>(
        _ name: String?,
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ use: (ComponentID, any UsageStore, Assembly) async throws -> Answer
    ) async throws -> Answer {
        let hubStore = graph.used(.extension).lazy.flatMap(\.config.resources).compactMap { resource in
            if case .store(let name) = resource.kind { name } else { nil }
        }.first
        let assembly = try Assembler(graph: graph, logger: logger, home: home, now: now).assemble()
        let wanted = name ?? hubStore
        let candidates = assembly.exporters.filter { $0.component is any UsageStore }
        guard let instance = candidates.first(where: { wanted == nil || $0.id.description == wanted }),
            let store = instance.component as? any UsageStore
        else {
            throw StartError(
                .configuration,
                "the configuration has no store that answers queries; add an exporter such as sqlite"
            )
        }
        do {
            try await instance.component.start()
            let answer = try await use(instance.id, store, assembly)
            await instance.component.shutdown()
            return answer
        } catch {
            await instance.component.shutdown()
            throw error
        }
    }
}
