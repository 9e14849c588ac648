// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPServer
import HTTPTypes
import Logging

/// Exchanges what is at work for what a new configuration says, and keeps the old when the new cannot start.
///
/// Only components that differ are stopped and started. Listeners whose address stays go on all the while: new components are started
/// first, then every listener and every receiver turns to them at once, and what has begun with the old ones ends there. Only when both an
/// old and a new component may want the same file does the old one stop first; who brings data in the meantime waits.
struct ConfigExchange: Sendable {
    private let collector: Collector
    private let deadline: Duration
    private(set) var server: HTTPServer

    init(_ collector: Collector, _ server: HTTPServer, deadline: Duration) {
        self.collector = collector
        self.server = server
        self.deadline = deadline
    }

    private var state: CollectorState { collector.state }
    private var logger: Logger { collector.logger }

    /// What goes, what comes, and what stays.
    struct Difference {
        let old: Assembly
        let new: Assembly
        let going: [Assembly.Instance]
        let coming: [Assembly.Instance]

        init(from old: Assembly, to new: Assembly) {
            (self.old, self.new) = (old, new)
            let (before, after) = (Set(old.startOrder.map(\.identity)), Set(new.startOrder.map(\.identity)))
            going = old.startOrder.filter { !after.contains($0.identity) }
            coming = new.startOrder.filter { !before.contains($0.identity) }
        }

        /// What must have ended before anything new of its kind begins: both may want the same file or folder.
        var goingFirst: [Assembly.Instance] {
            going.filter { instance in
                Self.holdsFiles(instance) && coming.contains { $0.kind == instance.kind && Self.holdsFiles($0) }
            }
        }

        private static func holdsFiles(_ instance: Assembly.Instance) -> Bool {
            instance.kind != .processor && instance.component.httpServing == nil
        }

        /// The number of components that are stopped, started or restarted; one that runs in several pipelines counts once.
        var changes: Int { Set((going + coming).map { "\($0.kind.rawValue) \($0.id)" }).count }
    }

    /// Puts a graph in force; the outcome is told as soon as it is known, before the old components have been drained.
    mutating func run(_ graph: PipelineGraph, _ tell: (ReloadOutcome) -> Void) async {
        let old = state.assembly
        let difference: Difference
        let served: ServedSites
        let opened: HTTPServer
        do throws(StartError) {
            let new = try assembler(graph, previous: old).assemble()
            difference = Difference(from: old, to: new)
            served = try ServedSites(new, state)
            opened = try await HTTPServer.open(
                served.listeners(state, logger) { [server] in server.listener(at: $0) == nil }
            )
        } catch {
            return refuse(error, tell)
        }
        let goingFirst = difference.goingFirst
        await stopFirst(goingFirst, difference)
        if let error = await startAll(difference.coming) {
            await opened.cutOff()
            await restore(goingFirst, difference)
            return refuse(error, tell)
        }
        let sites = served.sites
        let gates = turn(to: difference.new, sites, opened, ending: difference.going)
        state.put(difference.new, of: graph)
        logger.info("the new configuration is in force", metadata: ["changes": "\(difference.changes)"])
        tell(.applied(changes: difference.changes))
        await close(sites, gates, difference, goingFirst)
    }

    private func assembler(_ graph: PipelineGraph, previous: Assembly) -> Assembler {
        Assembler(
            graph: graph,
            logger: logger,
            home: collector.home,
            memory: state.memory,
            now: collector.now,
            intake: state.intake,
            shared: state.shared,
            collector: state.parts,
            describeSession: state.describe,
            previous: previous
        )
    }

    private func refuse(_ error: StartError, _ tell: (ReloadOutcome) -> Void) {
        logger.error(
            "the new configuration cannot be put in force; the old one goes on",
            metadata: ["reason": "\(error)"]
        )
        tell(.refused(error.description))
    }

    // MARK: - Before

    /// Stops what must be gone before its successor starts; from now on what needs it waits.
    private func stopFirst(_ goingFirst: [Assembly.Instance], _ difference: Difference) async {
        guard !goingFirst.isEmpty else { return }
        // Requests to components that go end first: they may need what is stopped next.
        let serving = difference.going.filter { $0.component.httpServing != nil }
        for instance in serving { instance.tenancy.gate.close() }
        await wait(for: serving.map(\.tenancy.gate))
        await collector.stop(goingFirst.filter { $0.kind == .receiver || $0.kind == .extension }, within: deadline)
        let stopping = Set(goingFirst.map(\.identity))
        let feeds = difference.old.feeds.filter { !$0.reaches.isDisjoint(with: stopping) }
        await wait(for: feeds.compactMap { $0.inlet.hold() })
        await collector.stop(goingFirst.filter { $0.kind == .exporter }, within: deadline)
    }

    /// Starts components; the reason when one of them cannot start, and then none is left started.
    private func startAll(_ coming: [Assembly.Instance]) async -> StartError? {
        var started: [Assembly.Instance] = []
        for instance in coming {
            started.append(instance)
            do throws(StartError) {
                try await collector.start(instance)
            } catch {
                await collector.stop(started, within: deadline)
                return error
            }
        }
        return nil
    }

    /// Makes the components that were stopped once more, after the old configuration, and turns everything back to it.
    private mutating func restore(_ stopped: [Assembly.Instance], _ failed: Difference) async {
        guard !stopped.isEmpty else { return }
        let (graph, old) = (state.graph, state.assembly)
        do throws(StartError) {
            let again = try assembler(graph, previous: old).assemble()
            let difference = Difference(from: old, to: again)
            let sites = try ServedSites(again, state).sites
            if let error = await startAll(difference.coming) { throw error }
            let gates = turn(to: again, sites, HTTPServer(), ending: difference.going)
            goOn(
                failed.going.filter { instance in !difference.going.contains { $0.identity == instance.identity } },
                sites
            )
            state.put(again, of: graph)
            await close(sites, gates, difference, stopped)
        } catch {
            logger.critical(
                "a component of the old configuration cannot be started again; correct its cause and reload",
                metadata: ["reason": "\(error)"]
            )
            // What needs it refuses with an error that passes.
            for feed in old.feeds { feed.turn() }
            goOn(failed.going, (try? ServedSites(old, state).sites) ?? [:])
        }
    }

    /// Lets components that were to go answer requests again.
    private func goOn(_ staying: [Assembly.Instance], _ sites: [Endpoint: ServedSite]) {
        for instance in staying {
            guard let serving = instance.component.httpServing else { continue }
            let own = serving.sites.compactMap { sites[$0.endpoint] }
            instance.tenancy.goOn { try await Self.answer($0, at: own) }
        }
    }

    // MARK: - After

    /// Turns all listeners and receivers to an assembly at once; returns the gates of what is still on its way through the old one.
    private mutating func turn(
        to new: Assembly,
        _ sites: [Endpoint: ServedSite],
        _ opened: HTTPServer,
        ending going: [Assembly.Instance]
    ) -> [Gate] {
        var gates = new.feeds.compactMap { $0.turn() }
        server = server.joined(with: opened)
        for (endpoint, site) in sites { server.listener(at: endpoint)?.serve(site) }
        for instance in going {
            guard let serving = instance.component.httpServing else { continue }
            let own = serving.sites.compactMap { sites[$0.endpoint] }
            instance.tenancy.gate.close()
            instance.tenancy.end { try await Self.answer($0, at: own) }
            gates.append(instance.tenancy.gate)
        }
        return gates
    }

    /// Answers a request that had found a component which went before it could be asked.
    private static func answer(_ request: ServerRequest, at sites: [ServedSite]) async throws -> ServerResponse {
        for site in sites {
            guard
                case .route(let route, let parameters) = site.table.match(request.head.method, request.head.path ?? "/")
            else { continue }
            let renewed = ServerRequest(
                head: request.head,
                parameters: parameters,
                body: request.body,
                memory: request.memory
            )
            return try await route.handler(renewed)
        }
        return ErrorAnswer(request.head).response(
            .serviceUnavailable,
            "the configuration has just changed; try again",
            [.retryAfter: "1"]
        )
    }

    /// Closes addresses that are no more, and shuts old components down once nothing is on its way through them.
    private mutating func close(
        _ sites: [Endpoint: ServedSite],
        _ gates: [Gate],
        _ difference: Difference,
        _ goingFirst: [Assembly.Instance]
    ) async {
        let (staying, closing) = server.divided(keeping: Set(sites.keys))
        server = staying
        if !closing.listeners.isEmpty {
            if await !finishes(within: deadline, { await closing.drain() }) { await closing.cutOff() }
        }
        let stopped = Set(goingFirst.map(\.identity))
        let rest = difference.going.filter { !stopped.contains($0.identity) }
        guard !rest.isEmpty else { return }
        await wait(for: gates)
        await collector.stop(rest, within: deadline)
    }

    private func wait(for gates: [Gate]) async {
        let isEmpty = await finishes(within: deadline) { for gate in gates { await gate.emptied() } }
        if !isEmpty { logger.warning("some work of the old configuration took too long and is given up") }
    }
}
