// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
public import CollectorKit
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
    private let queue: QueuedExporter
    /// nil where nothing is written onto records.
    private let usage: UsageAttributes?

    /// The destination between start and shutdown.
    private final class Connection: Sendable {
        private let open = Mutex<(client: HTTPClient, destination: Destination)?>(nil)

        var destination: Destination? { open.withLock { $0?.destination } }

        func start(_ client: HTTPClient, _ destination: Destination) { open.withLock { $0 = (client, destination) } }

        func shutdown() async {
            let former = open.withLock { open in
                defer { open = nil }
                return open
            }
            try? await former?.client.shutdown()
        }
    }

    init(
        _ config: OTLPHTTPConfig,
        _ settings: ComponentSettings,
        version: String,
        storage: any QueueStorage = DiskStorage()
    ) {
        self.config = config
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
        let client = HTTPClient(configuration: try config.clientConfiguration(settings.id))
        connection.start(client, Destination(config, client: client, version: version, now: settings.now))
        do throws(StartError) {
            try await queue.start()
        } catch {
            await connection.shutdown()
            throw error
        }
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
        guard let usage else { return try await queue.consume(batch) }
        let written = usage.write(on: batch)
        do throws(ConsumeError) {
            try await queue.consume(written.batch)
        } catch {
            // The sender comes again, perhaps with another record of the call first.
            usage.withdraw(written)
            throw error
        }
    }

    var queueStatus: QueueStatus { queue.queueStatus }

    var trouble: String? { queue.trouble }
}

extension ComponentFactory {
    /// Forwards to another collector or backend over OTLP/HTTP; `version` is that of the program, for the header field `User-Agent`.
    ///
    /// The alias is what the OpenTelemetry Collector called it before 2026.
    public static func otlpHTTP(version: String = "development") -> ComponentFactory {
        .exporter(
            "otlp_http",
            OTLPHTTPConfig.self,
            aliases: ["otlphttp"],
            summary: "forwards everything over OTLP/HTTP through a queue on the disk"
        ) { config, settings in OTLPHTTPExporter(config, settings, version: version) }
    }
}
