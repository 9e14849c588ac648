// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Logging
import ServiceLifecycle
import UnixSignals
public import Usage

extension Collector {
    /// Runs a collector in the foreground until it is told to stop by SIGTERM or SIGINT; SIGHUP loads its configuration again.
    ///
    /// When everything is served, one line beginning with `ready` goes to standard error, and systemd is told.
    public static func serve(
        _ graph: PipelineGraph,
        surroundings: Surroundings,
        log: LogOutput,
        now: @escaping @Sendable () -> Timestamp,
        load: @escaping Loading
    ) async throws {
        OpenFileLimit.raise()
        let notice = SystemdNotice(environment: surroundings.environment)
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(log) }
        let collector = try Collector(
            graph,
            home: surroundings.programHome,
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
        for feed in assembly.feeds { feed.inlet.lead(to: feed.consumer) }
        let readers = assembly.receivers.filter { $0.component is any SessionScanner }
        let needed = (assembly.exporters + assembly.processors + readers).map(\.component)
        var started: [any Component] = []
        func stop() async { for component in started.reversed() { await component.shutdown() } }
        do {
            for component in needed {
                started.append(component)
                try await component.start()
            }
            let answer = try await scan(readers.compactMap { $0.component as? any SessionScanner })
            await stop()
            return answer
        } catch {
            await stop()
            throw error
        }
    }
}
