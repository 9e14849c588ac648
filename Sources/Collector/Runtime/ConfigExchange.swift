// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPServer
import HTTPTypes
import Logging

/// Replaces the running components by those of a new configuration, and keeps the old ones when the new ones cannot start.
///
/// Only components that differ are stopped and started. Listeners whose address is unchanged stay open: new components are started
/// first, then every listener and every receiver switches to them at once, and requests in flight end in the old ones. Only when an
/// old and a new component may use the same file does the old one stop first; batches that arrive in the meantime wait.
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

    /// The components that stop, start, and stay.
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

        /// Components that must have stopped before new ones of their kind start: both may use the same file or folder.
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

    /// Applies a graph; the outcome is reported as soon as it is known, before the old components have been drained.
    mutating func run(_ graph: PipelineGraph, _ notify: (ReloadOutcome) -> Void) async {
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
            return refuse(error, notify)
        }
        let goingFirst = difference.goingFirst
        await stopFirst(goingFirst, difference)
        if let error = await startAll(difference.coming) {
            await opened.cutOff()
            await restore(goingFirst, difference)
            return refuse(error, notify)
        }
        let sites = served.sites
        let gates = turn(to: difference.new, sites, opened, ending: difference.going)
        state.put(difference.new, of: graph)
        logger.info("the new configuration is in force", metadata: ["changes": "\(difference.changes)"])
        notify(.applied(changes: difference.changes))
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
            store: state.store,
            namer: state.namer,
            previous: previous
        )
    }

    private func refuse(_ error: StartError, _ notify: (ReloadOutcome) -> Void) {
        logger.error(
            "the new configuration cannot be put in force; the old one goes on",
            metadata: ["reason": "\(error)"]
        )
        notify(.refused(error.description))
    }

    // MARK: - Before

    /// Stops the components that must be gone before their successors start; from now on batches for them wait.
    private func stopFirst(_ goingFirst: [Assembly.Instance], _ difference: Difference) async {
        guard !goingFirst.isEmpty else { return }
        // Requests to components that stop are drained first: they may use what is stopped next.
        let serving = difference.going.filter { $0.component.httpServing != nil }
        for instance in serving { instance.lease.gate.close() }
        await wait(for: serving.map(\.lease.gate))
        await collector.stop(goingFirst.filter { $0.kind == .receiver || $0.kind == .extension }, within: deadline)
        let stopping = Set(goingFirst.map(\.identity))
        let feeds = difference.old.feeds.filter { !$0.reaches.isDisjoint(with: stopping) }
        await wait(for: feeds.compactMap { $0.inlet.hold() })
        await collector.stop(goingFirst.filter { $0.kind == .exporter }, within: deadline)
    }

    /// Starts components; returns the error when one of them fails, and then stops those that were started.
    private func startAll(_ coming: [Assembly.Instance]) async -> StartError? {
        var started: [Assembly.Instance] = []
        for instance in coming {
            started.append(instance)
            do throws(StartError) {
                try await collector.start(instance)
                try refuseBroken(instance)
            } catch {
                await collector.stop(started, within: deadline)
                return error
            }
        }
        return nil
    }

    /// A plugin that does not come up is tried again at a start; at an exchange the one before it goes on instead.
    private func refuseBroken(_ instance: Assembly.Instance) throws(StartError) {
        guard case .plugin = instance.declared.factory.origin, let trouble = instance.component.healthReporting?.trouble
        else { return }
        let before = state.assembly.instances(instance.id).first { $0.kind == instance.kind }
        guard let before, before.component.healthReporting?.trouble == nil else { return }
        throw StartError(.inputOutput, "\(instance.id): \(trouble)")
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
            // Batches for a component that could not be started again are refused with a retryable error.
            for feed in old.feeds { feed.turn() }
            goOn(failed.going, (try? ServedSites(old, state).sites) ?? [:])
        }
    }

    /// Lets components that were to stop answer requests again.
    private func goOn(_ staying: [Assembly.Instance], _ sites: [Endpoint: ServedSite]) {
        for instance in staying {
            guard let serving = instance.component.httpServing else { continue }
            let own = serving.sites.compactMap { sites[$0.endpoint] }
            instance.lease.goOn { try await Self.answer($0, at: own) }
        }
    }

    // MARK: - After

    /// Switches all listeners and receivers to an assembly at once; returns the gates of batches in flight through the old one.
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
            instance.lease.gate.close()
            instance.lease.end { try await Self.answer($0, at: own) }
            gates.append(instance.lease.gate)
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

    /// Closes addresses that are no longer used, and shuts old components down once nothing is in flight through them.
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
