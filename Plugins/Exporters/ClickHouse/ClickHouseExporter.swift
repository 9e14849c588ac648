// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP
import SendingQueue
import Synchronization
import Usage

/// Mirrors the calls of a store in ClickHouse, and sends records there.
///
/// Calls come from the store and not from batches, because a later batch can change what an earlier one said. With `records: all` batches
/// go through a queue on the disk, as those of every forwarding exporter.
final class ClickHouseExporter: Exporter, Queueing, HealthReporting {
    private let config: ClickHouseConfig
    private let settings: ComponentSettings
    private let version: String
    private let connection = Connection()
    private let records: QueuedExporter

    /// What there is between start and shutdown.
    private final class Connection: Sendable {
        struct Open {
            var client: ClickHouseClient
            var mirror: Mirror
        }
        private let state = Mutex<Open?>(nil)

        var open: Open? { state.withLock { $0 } }

        func start(_ open: Open) { state.withLock { $0 = open } }

        func close() -> Open? { state.withLock { $0.take() } }
    }

    init(_ config: ClickHouseConfig, _ settings: ComponentSettings, version: String) {
        (self.config, self.settings, self.version) = (config, settings, version)
        let (connection, tables) = (connection, Tables(config))
        records = QueuedExporter(config, settings) { request, signal in
            await Self.send(request, signal, tables, connection.open?.client)
        }
    }

    func start() async throws(StartError) {
        let client = try ClickHouseClient(config, settings.id, version: version, now: settings.now)
        let mirror = Mirror(config, settings, client)
        do throws(StartError) {
            if config.records == .all { try await records.start() }
            try mirror.start()
        } catch {
            await records.shutdown()
            await client.shutdown()
            throw error
        }
        connection.start(Connection.Open(client: client, mirror: mirror))
    }

    func shutdown() async {
        await records.shutdown()
        let open = connection.close()
        await open?.mirror.shutdown()
        await open?.client.shutdown()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        guard connection.open != nil else { throw .retryable("\(settings.id) is not running") }
        guard config.records == .all else { return }
        try await records.consume(batch)
    }

    /// Sends a request of the queue as rows.
    private static func send(
        _ request: OutgoingRequest,
        _ signal: Signal,
        _ tables: Tables,
        _ client: ClickHouseClient?
    ) async -> SendOutcome {
        guard let client else { return .later("the exporter is starting", after: nil) }
        let bytes = request.bytes
        guard let otlp = try? OTLPBatch(signal: signal, protobuf: bytes) else {
            return .refused("the batch cannot be read")
        }
        let rows = RecordRows(otlp).bytes
        guard !rows.isEmpty else { return .taken }
        let isLogs = signal == .logs
        do throws(ClickHouseError) {
            try await client.insert(
                rows,
                into: isLogs ? tables.logs : tables.traces,
                columns: isLogs ? Tables.logsColumns : Tables.tracesColumns,
                token: String(Checksum.of(bytes, seed: 0x636C_6963_6B68_0001), radix: 16) + "-\(bytes.count)"
            )
            return .taken
        } catch {
            if error.isCancelled { return .cancelled }
            if error.isTooLarge { return .tooLarge(error.description) }
            return error.isPermanent ? .refused(error.description) : .later(error.description, after: error.delay)
        }
    }

    var queueStatus: QueueStatus {
        var status = records.queueStatus
        if let waiting = connection.open?.mirror.waiting {
            status.batches += waiting.batches
            status.bytes += waiting.bytes
        }
        return status
    }

    var trouble: String? { connection.open?.mirror.trouble ?? records.trouble }
}

extension ComponentFactory {
    /// A mirror of a store's calls in ClickHouse; `version` is that of the program, for the header field `User-Agent`.
    public static func clickhouse(version: String = "development") -> ComponentFactory {
        .exporter(
            "clickhouse",
            ClickHouseConfig.self,
            signals: [.traces, .logs],
            summary: "mirrors the calls of a store in ClickHouse for analysis, exact at every moment, and sends records"
        ) { config, settings in ClickHouseExporter(config, settings, version: version) }
    }
}
