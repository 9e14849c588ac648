// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Logging
public import Usage

extension Collector {
    /// Opens one store of a graph without anything else, hands it over with the price tables of the pipelines, and closes it.
    ///
    /// - Parameter name: The store's id; nil for the one that the `hub` uses, or the only one.
    public static func withParts<Answer: Sendable>(
        _ name: String?,
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ use: (CollectorParts) async throws -> Answer
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
        let parts = CollectorParts(
            stores: [instance.id: store],
            priceTables: assembly.processors.compactMap { $0.component as? any PriceTableHolding }
        )
        do {
            try await instance.component.start()
            let answer = try await use(parts)
            await instance.component.shutdown()
            return answer
        } catch {
            await instance.component.shutdown()
            throw error
        }
    }
}
