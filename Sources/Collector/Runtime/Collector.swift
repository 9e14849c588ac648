// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Glibc
import HTTPServer
public import Logging
public import ServiceLifecycle
import UnixSignals
public import Usage

/// A collector: the components of one graph, from start to drain.
///
/// Starts exporters first and receivers last and opens its listeners after that; stops in the opposite order, so that everything that
/// was accepted finds its way to the disk. While it runs its configuration can be exchanged.
public final class Collector: Service {
    /// The configuration as it is now on the disk.
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

    /// How long draining may take before the rest is given up.
    private static let drainDeadline = Duration.seconds(10)

    /// Makes the components of a graph; opens nothing.
    ///
    /// - Parameters:
    ///   - graph: A graph without errors.
    ///   - home: The folder under which the program keeps its files.
    ///   - logger: Where the collector tells what it does.
    ///   - now: The present.
    ///   - load: Loads the configuration again; nil when that is not possible.
    ///   - onReload: Is told when an exchange of the configuration begins and ends.
    ///   - onReady: Is called once with the addresses when everything is served.
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
            describeSession: state.describe
        )
        let assembly = try assembler.assemble()
        first = assembly
        listeners = try ServedSites(assembly, state).listeners(state, logger)
        state.put(assembly, of: graph)
    }

    /// Runs until the surrounding service group shuts down.
    ///
    /// - Throws: ``StartError`` when a component or listener cannot be started; what had been started is stopped again.
    public func run() async throws {
        try await run(drainDeadline: Self.drainDeadline)
    }

    /// Runs; requests that have begun, and then the components, each have the deadline to end after the shutdown.
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

    /// All that is at work when everything was started, else what was started.
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

    /// Serves until the surrounding service group shuts down, then finishes the requests that have begun.
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

    /// Exchanges the configuration, one time after the other, until the shutdown; returns what is open then.
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

    /// Whoever still waits for a reload learns that there will be none.
    private func refuseReloads() {
        state.endReloads()
        let reloads = state.reloads
        Task { for await asker in reloads { asker.resume(returning: .unavailable) } }
    }

    /// Shuts components down in the opposite order of their start, within the deadline.
    func stop(_ started: [Assembly.Instance], within deadline: Duration) async {
        let isDone = await finishes(within: deadline) {
            for instance in started.reversed() { await instance.stop(patience: deadline / 3) }
        }
        if !isDone { logger.warning("draining took too long; the rest is given up") }
    }

}

/// Whether some work ended in time; it goes on by itself when it did not.
///
/// The work is a task of its own: a component that never ends cannot hold up the program, and a cancelled run is drained all the same.
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

/// How loading a configuration ended.
public enum LoadedGraph: Sendable {
    /// It has no errors.
    case graph(PipelineGraph)
    /// It has; all diagnostics, each as one text.
    case refused([String])
}

/// The ends of an exchange of the configuration.
public enum ReloadPhase: Sendable {
    /// The configuration is being loaded.
    case begins
    /// This one is in force, be it the new one or the old one.
    case ends(PipelineGraph)
}

// MARK: - Parts

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
                    scanners: assembly.receivers.compactMap(\.component.sessionScanner),
                    priceTables: assembly.processors.compactMap(\.component.priceTableHolding)
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
            await instance.stop(patience: drainDeadline)
            return answer
        } catch {
            await instance.stop(patience: drainDeadline)
            throw error
        }
    }
}

// MARK: - Serving

extension Collector {
    /// Runs a collector in the foreground until it is told to stop by SIGTERM or SIGINT; SIGHUP loads its configuration again.
    ///
    /// When everything is served, one line beginning with `ready` goes to standard error, and systemd is told.
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

    /// Loads the configuration again when the terminal hangs up, which is how service managers ask for it.
    private struct HangUps: Service {
        let state: CollectorState

        func run() async throws {
            // However often the terminal hangs up meanwhile, one more reload finds what is new.
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

    /// Starts what reads session files, and what keeps what they tell, without anything else; hands the readers over, and stops all.
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
        func stop() async { for instance in started.reversed() { await instance.stop(patience: drainDeadline) } }
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

/// How many files and connections the process may have open.
enum OpenFileLimit {
    /// Allows as many as the system lets the process have: shells and service managers mostly begin with 1,024, which 1,024 connections
    /// alone use up.
    static func raise() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        // Where it cannot be raised, accepting pauses and queues refuse for a time.
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(kind, &limit)
    }
}

/// Tells systemd how a service is doing (`sd_notify`, the protocol of `NOTIFY_SOCKET`).
struct SystemdNotice {
    /// The socket that systemd named; nil outside of systemd.
    let socketPath: String?

    init(environment: [String: String]) {
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What is served is what the configuration says.
    static let ready = "READY=1"

    /// The configuration is being exchanged; systemd asks for the time, to tell this notice from an older one.
    static var reloading: String {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return "RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000)"
    }

    /// Sends one state, such as `READY=1`; trouble is ignored, because the service runs all the same.
    func send(_ state: String) {
        guard let socketPath else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(socketPath.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: path)
            // A leading @ stands for the abstract namespace, whose names begin with a zero.
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
