// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPServer
public import Logging
public import ServiceLifecycle
import UnixSignals
public import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A collector: runs the components of one graph from the start to the drain.
///
/// It starts exporters first and receivers last, then opens its listeners; it stops in the opposite order, so that everything that was
/// accepted reaches the disk. Its configuration can be replaced while it runs.
public final class Collector: Service {
    /// Loads the configuration as it is now on the disk.
    public typealias Loading = @Sendable () async -> LoadedGraph

    let state: CollectorState
    let home: String
    let logger: Logger
    let now: @Sendable () -> Timestamp
    private let first: Assembly
    private let listeners: [HTTPListener]
    private let load: Loading?
    private let onReload: @Sendable (ReloadPhase) -> Void
    private let onReady: @Sendable ([String]) async -> Void

    /// How long draining may take; after that, remaining work is abandoned.
    private static let drainDeadline = Duration.seconds(10)

    /// Creates the components of a graph; opens nothing.
    ///
    /// - Parameters:
    ///   - graph: A graph without errors.
    ///   - home: The folder under which the program keeps its files.
    ///   - logger: The collector's log.
    ///   - now: Returns the present time.
    ///   - load: Loads the configuration again; nil when that is not possible.
    ///   - onReload: Called when a reload begins and when it ends.
    ///   - onReady: Called once with the addresses when the listeners are open.
    /// - Throws: ``StartError`` when components do not fit together.
    public init(
        _ graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        load: Loading? = nil,
        onReload: @escaping @Sendable (ReloadPhase) -> Void = { _ in },
        onReady: @escaping @Sendable ([String]) async -> Void
    ) throws(StartError) {
        (self.home, self.logger, self.now) = (home, logger, now)
        (self.load, self.onReload, self.onReady) = (load, onReload, onReady)
        let state = CollectorState(graph, now: now)
        self.state = state
        let assembler = Assembler(
            graph: graph,
            logger: logger,
            home: home,
            memory: state.memory,
            now: now,
            intake: state.intake,
            shared: state.shared,
            collector: state.parts,
            describeSession: state.describe,
            store: state.store,
            namer: state.namer
        )
        let assembly = try assembler.assemble()
        first = assembly
        listeners = try ServedSites(assembly, state).listeners(state, logger)
        state.put(assembly, of: graph)
    }

    /// Runs until the surrounding service group shuts down.
    ///
    /// - Throws: ``StartError`` when a component or listener cannot be started; components that were started are stopped again.
    public func run() async throws {
        try await run(drainDeadline: Self.drainDeadline)
    }

    /// Runs; after the shutdown first the requests in flight, then the components, have this deadline to end.
    func run(drainDeadline: Duration) async throws {
        defer { refuseReloads() }
        var started: [Assembly.Instance] = []
        do {
            for feed in first.feeds { feed.turn() }
            for instance in first.startOrder {
                started.append(instance)
                try await start(instance)
            }
            try await serve(drainDeadline: drainDeadline)
        } catch {
            await stop(started.isEmpty ? [] : present(orElse: started), within: drainDeadline)
            throw error
        }
        logger.info("draining")
        await stop(state.assembly.startOrder, within: drainDeadline)
        logger.info("stopped")
    }

    /// All running components once the start is complete, else those that were started.
    private func present(orElse started: [Assembly.Instance]) -> [Assembly.Instance] {
        started.count == first.startOrder.count ? state.assembly.startOrder : started
    }

    func start(_ instance: Assembly.Instance) async throws(StartError) {
        do throws(StartError) {
            try await instance.start()
        } catch {
            instance.counters.note(error.description, at: now())
            throw error
        }
        logger.debug("started", metadata: [instance.kind.singular: "\(instance.id)"])
    }

    /// Serves until the surrounding service group shuts down, then finishes the requests in flight.
    private func serve(drainDeadline: Duration) async throws {
        let server = try await HTTPServer.open(listeners)
        let exchange = ConfigExchange(self, server, deadline: drainDeadline)
        state.began(at: now())
        await onReady(server.addresses)
        let exchanges = Task { await self.answerReloads(with: exchange) }
        do {
            try await gracefulShutdown()
        } catch {
            state.endReloads()
            await exchanges.value.cutOff()
            throw error
        }
        state.endReloads()
        let last = await exchanges.value
        let isDrained = await finishes(within: drainDeadline) { await last.drain() }
        guard !isDrained else { return }
        logger.warning("some requests took too long and are cut off")
        await last.cutOff()
    }

    /// Performs reloads one after the other until the shutdown; returns the listeners that are open then.
    private func answerReloads(with first: ConfigExchange) async -> HTTPServer {
        var exchange = first
        for await asker in state.reloads {
            guard let load else {
                asker.resume(returning: .unavailable)
                continue
            }
            onReload(.begins)
            switch await load() {
            case .refused(let diagnostics):
                for line in diagnostics {
                    logger.error("the new configuration is refused", metadata: ["reason": "\(line)"])
                }
                asker.resume(returning: .refused(diagnostics.joined(separator: "\n")))
            case .graph(let graph):
                await exchange.run(graph) { asker.resume(returning: $0) }
            }
            onReload(.ends(state.graph))
        }
        return exchange.server
    }

    /// Answers waiting requests for a reload with a refusal.
    private func refuseReloads() {
        state.endReloads()
        let reloads = state.reloads
        Task { for await asker in reloads { asker.resume(returning: .unavailable) } }
    }

    /// Shuts components down in the opposite order of their start, within the deadline.
    func stop(_ started: [Assembly.Instance], within deadline: Duration) async {
        let isDone = await finishes(within: deadline) {
            for instance in started.reversed() { await instance.stop(timeout: deadline / 3) }
        }
        if !isDone { logger.warning("draining took too long; the rest is given up") }
    }

}

/// Whether some work ended before the deadline; work that did not is left running.
///
/// The work runs in a task of its own: a component that never ends cannot block the program, and a cancelled run still drains.
func finishes(within deadline: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    await Task {
        let (outcomes, outcome) = AsyncStream<Bool>.makeStream()
        Task {
            await work()
            outcome.yield(true)
        }
        let clock = Task {
            try await Task.sleep(for: deadline)
            outcome.yield(false)
        }
        defer { clock.cancel() }
        return await outcomes.first { _ in true } ?? false
    }.value
}

/// The result of loading a configuration.
public enum LoadedGraph: Sendable {
    /// A configuration without errors.
    case graph(PipelineGraph)
    /// A configuration with errors; all diagnostics, each as one text.
    case refused([String])
}

/// The phases of a reload.
public enum ReloadPhase: Sendable {
    /// The configuration is being loaded.
    case begins
    /// The reload has ended; this graph, the new one or the old one, is in force.
    case ends(PipelineGraph)
}

// MARK: - Parts

extension Collector {
    /// Opens one store of a graph without starting the collector, passes it to the closure, and closes it.
    ///
    /// The closure also gets the price tables of the pipelines and the session file readers, which are not started.
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
                    scanners: assembly.receivers.compactMap(\.component.sessionScanner),
                    priceTables: assembly.processors.compactMap(\.component.priceTableHolding)
                )
            )
        }
    }

    /// Opens two stores that a graph declares, also those that no pipeline uses, passes them and the pricing of the pipelines to the closure,
    /// and closes them.
    ///
    /// - Throws: ``StartError`` when a store is not declared, cannot be opened or is open in another process.
    public static func withTwoStores<Answer: Sendable>(
        _ ids: (ComponentID, ComponentID),
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ use: (any Exporter, any Exporter, Pricing?) async throws -> Answer
    ) async throws -> Answer {
        let assembly = try Assembler(graph: graph, logger: logger, home: home, now: now).assemble()
        let pricing = assembly.processors.lazy.compactMap(\.component.priceTableHolding).first?.pricing
        let stores = try [ids.0, ids.1].map { id throws(StartError) in
            guard let declared = graph.component(.exporter, id), declared.factory.isStore else {
                throw StartError(.configuration, "no exporter \"\(id)\" of the configuration is a store")
            }
            var logger = logger
            logger[metadataKey: "exporter"] = "\(id)"
            let settings = ComponentSettings(id: id, logger: logger, home: home, now: now)
            let store = try declared.factory.makeExporter(declared.config, settings)
            if let user = store.usageStore?.otherUser {
                throw StartError(.inputOutput, "\(id) is in use by another process (\(user)); stop it and try again")
            }
            return store
        }
        var started: [any Exporter] = []
        func stop() async { for store in started.reversed() { await store.shutdown() } }
        do {
            for store in stores {
                started.append(store)
                try await store.start()
            }
            let answer = try await use(stores[0], stores[1], pricing)
            await stop()
            return answer
        } catch {
            await stop()
            throw error
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
        let stores = assembly.exporters.compactMap { member in
            member.component.usageStore.map { (instance: member.instance, store: $0) }
        }
        guard let (instance, store) = stores.first(where: { wanted == nil || $0.instance.id.description == wanted })
        else {
            throw StartError(
                .configuration,
                "the configuration has no store that answers queries; add an exporter such as sqlite"
            )
        }
        do {
            try await instance.start()
            let answer = try await use(instance.id, store, assembly)
            await instance.stop(timeout: drainDeadline)
            return answer
        } catch {
            await instance.stop(timeout: drainDeadline)
            throw error
        }
    }
}

// MARK: - Serving

extension Collector {
    /// Runs a collector in the foreground until SIGTERM or SIGINT; SIGHUP reloads its configuration.
    ///
    /// When all listeners are open, it writes one line beginning with `ready` to standard error and notifies systemd.
    public static func serve(
        _ graph: PipelineGraph,
        environment: Environment,
        log: LogOutput,
        now: @escaping @Sendable () -> Timestamp,
        load: @escaping Loading
    ) async throws {
        OpenFileLimit.raise()
        let notice = SystemdNotice(environment: environment.variables)
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(log) }
        let collector = try Collector(
            graph,
            home: environment.programHome,
            logger: logger,
            now: now,
            load: load,
            onReload: { phase in
                switch phase {
                case .begins: notice.send(SystemdNotice.reloading)
                case .ends(let graph):
                    log.settings = graph.telemetry.logs
                    notice.send(SystemdNotice.ready)
                }
            }
        ) { addresses in
            StandardStream.error.write("ready \(addresses.joined(separator: " "))\n")
            notice.send(SystemdNotice.ready)
            CodePages.release()
        }
        let quiet = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .error, now: now) }
        let group = ServiceGroup(
            configuration: .init(
                services: [collector, HangUps(state: collector.state)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quiet
            )
        )
        try await group.run()
    }

    /// Reloads the configuration on SIGHUP, the signal that service managers send for it.
    private struct HangUps: Service {
        let state: CollectorState

        func run() async throws {
            // However many signals arrive meanwhile, one more reload is enough to load what changed.
            let (wishes, wish) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            await withDiscardingTaskGroup { group in
                group.addTask { [state] in for await _ in wishes { _ = await state.reload() } }
                await cancelWhenGracefulShutdown {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { wish.yield() }
                }
                wish.finish()
            }
        }
    }

    /// Starts the session file readers and the pipelines that store what they find, passes the readers to the closure, then stops all.
    public static func withScanners<Answer: Sendable>(
        of graph: PipelineGraph,
        home: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        _ scan: ([any SessionScanner]) async throws -> Answer
    ) async throws -> Answer {
        let assembly = try Assembler(graph: graph, logger: logger, home: home, now: now).assemble()
        for feed in assembly.feeds { feed.turn() }
        let scanners = assembly.receivers.compactMap { member in
            member.component.sessionScanner.map { (instance: member.instance, scanner: $0) }
        }
        let needed =
            assembly.exporters.map(\.instance) + assembly.processors.map(\.instance) + scanners.map(\.instance)
        var started: [Assembly.Instance] = []
        func stop() async { for instance in started.reversed() { await instance.stop(timeout: drainDeadline) } }
        do {
            for instance in needed {
                started.append(instance)
                try await instance.start()
            }
            let answer = try await scan(scanners.map(\.scanner))
            await stop()
            return answer
        } catch {
            await stop()
            throw error
        }
    }
}

/// The limit of open files and connections of this process.
enum OpenFileLimit {
    /// Raises the limit to the largest that the system allows: shells and service managers mostly set 1,024, which 1,024 connections
    /// alone use up.
    static func raise() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        // When it cannot be raised, the listener pauses accepting and queues refuse for a time.
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(kind, &limit)
    }
}

/// Reports the state of a service to systemd (`sd_notify`, the protocol of `NOTIFY_SOCKET`).
struct SystemdNotice {
    /// The socket in `NOTIFY_SOCKET`; nil outside of systemd.
    let socketPath: String?

    init(environment: [String: String]) {
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The configuration is in force.
    static let ready = "READY=1"

    /// The configuration is being reloaded; systemd requires the time, to distinguish this notice from an older one.
    static var reloading: String {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return "RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000)"
    }

    /// Sends one state, such as `READY=1`; errors are ignored, because the service works without it.
    func send(_ state: String) {
        guard let socketPath else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(socketPath.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: path)
            // A leading @ means the abstract namespace, whose names begin with a zero byte.
            if path.first == UInt8(ascii: "@") { target[0] = 0 }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let message = Array(state.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, message, message.count, 0, $0, length)
            }
        }
    }
}
