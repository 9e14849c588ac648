// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
public import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import SendingQueue
import Synchronization
import Usage

/// Forwards batches to another collector or backend.
final class OTLPHTTPExporter: Exporter, Queueing, HealthReporting {
    private let config: OTLPHTTPConfig
    private let settings: ComponentSettings
    private let version: String
    private let connection: Connection
    private let routes: ProxyRoutes
    private let untaken = UntakenSignals()
    private let queue: QueuedExporter
    /// Writes usage onto records; nil when that is disabled.
    private let usage: UsageAttributes?

    /// The connections between start and shutdown.
    private final class Connection: Sendable {
        private let open = Mutex<(clients: ForwardingClients, destination: Destination)?>(nil)

        var destination: Destination? { open.withLock { $0?.destination } }

        func start(_ clients: ForwardingClients, _ destination: Destination) {
            open.withLock { $0 = (clients, destination) }
        }

        func shutdown() async {
            let former = open.withLock { open in
                defer { open = nil }
                return open
            }
            await former?.clients.shutdown()
        }
    }

    init(
        _ config: OTLPHTTPConfig,
        _ settings: ComponentSettings,
        version: String,
        storage: any QueueStorage = DiskStorage(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.config = config
        routes = ProxyRoutes(configured: config.proxyURL.value, environment: environment)
        self.settings = settings
        self.version = version
        let connection = Connection()
        self.connection = connection
        queue = QueuedExporter(config, settings, storage: storage, largestRequest: Destination.largestBody) {
            await connection.destination?.send($0, $1) ?? .cancelled
        }
        usage = config.usageAttributes ? UsageAttributes() : nil
    }

    func start() async throws(StartError) {
        for name in routes.unusable {
            settings.logger.warning(
                "a proxy is left out: only http://host:port is spoken to",
                metadata: ["name": "\(name)"]
            )
        }
        for proxy in Set(config.addresses.values.compactMap { routes.proxy(for: $0) }) {
            settings.logger.info("requests go through a proxy", metadata: ["proxy": "\(proxy.text)"])
        }
        let clients = try ForwardingClients(config, settings.id, routes)
        let destination = Destination(
            config,
            clients: clients,
            version: version,
            untaken: untaken,
            now: settings.now,
            credentials: credentials
        ) { [settings] signal, status in
            settings.logger.warning(
                "the destination has no path for a signal, which is no longer sent there",
                metadata: ["signal": "\(signal)", "status": "\(status)"]
            )
        }
        connection.start(clients, destination)
        do throws(StartError) {
            try await queue.start()
        } catch {
            await connection.shutdown()
            throw error
        }
    }

    /// Finds the extension that shows who this collector is; nil where none is named.
    ///
    /// With every request: a reload may have put another extension in the place of one, and extensions start after exporters.
    private var credentials: (@Sendable () -> (any ClientCredentials)?)? {
        guard let auth = config.auth else { return nil }
        let id = ComponentID(auth.authenticator)
        return { [shared = settings.shared] in id.flatMap { shared.clientCredentials(of: $0) } }
    }

    func shutdown() async {
        await queue.shutdown()
        await connection.shutdown()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        guard let destination = connection.destination else { throw .retryable("\(settings.id) is not running") }
        guard destination.takes(batch.signal) else {
            throw .permanent("\(settings.id) has no endpoint for \(batch.signal)")
        }
        guard batch.otlp.recordCount > 0 else { return }
        guard !destination.neverTakes(batch.signal) else {
            settings.counters.add(batch.otlp.recordCount, to: .dropped)
            return
        }
        guard let usage else { return try await queue.consume(batch) }
        let written = usage.write(on: batch)
        do throws(ConsumeError) {
            try await queue.consume(written.batch)
        } catch {
            // The sender will send again, perhaps with another record of the call first.
            usage.withdraw(written)
            throw error
        }
    }

    var queueStatus: QueueStatus { queue.queueStatus }

    var trouble: String? { queue.trouble }
}

/// The connections to a destination: direct ones, which also reach proxies for plain HTTP, and those through a tunnel.
struct ForwardingClients: Sendable {
    let direct: HTTPClient
    let routes: ProxyRoutes
    private let tunnel: HTTPClient?

    init(_ config: OTLPHTTPConfig, _ id: ComponentID, _ routes: ProxyRoutes) throws(StartError) {
        self.routes = routes
        let configuration = try config.clientConfiguration(id, tunnel: nil)
        let isTunnelled = config.addresses.values.contains { $0.scheme == "https" && routes.proxy(for: $0) != nil }
        // All files are read before anything is opened that would have to be closed again.
        var tunnelled: HTTPClient.Configuration?
        if isTunnelled { tunnelled = try config.clientConfiguration(id, tunnel: routes.tunnel) }
        direct = HTTPClient(configuration: configuration)
        tunnel = tunnelled.map { HTTPClient(configuration: $0) }
    }

    /// The connections for an address.
    func client(for address: WebAddress) -> HTTPClient {
        guard let tunnel, address.scheme == "https", routes.proxy(for: address) != nil else { return direct }
        return tunnel
    }

    func shutdown() async {
        try? await direct.shutdown()
        try? await tunnel?.shutdown()
    }
}

extension ComponentFactory {
    /// Forwards to another collector or backend over OTLP/HTTP; `version` is that of the program, for the header field `User-Agent`.
    ///
    /// The alias is the name in the OpenTelemetry Collector before 2026.
    public static func otlpHTTP(version: String = "development") -> ComponentFactory {
        .exporter(
            "otlp_http",
            OTLPHTTPConfig.self,
            aliases: ["otlphttp"],
            summary: "forwards everything over OTLP/HTTP through a queue on the disk"
        ) { config, settings in OTLPHTTPExporter(config, settings, version: version) }
    }
}
