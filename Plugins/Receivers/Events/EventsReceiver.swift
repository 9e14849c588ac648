// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import Logging
public import OTLP
import Usage

/// Takes in events and heartbeats as JSON, and answers once the pipeline has them.
final class EventsReceiver: Receiver, HTTPServing {
    private let config: EventsConfig
    private let settings: ComponentSettings
    private let next: (any Consumer)?
    private let gate = Gate()

    init(_ config: EventsConfig, _ settings: ComponentSettings, next: (any Consumer)?) {
        self.config = config
        self.settings = settings
        self.next = next
    }

    func start() async throws(StartError) { gate.open() }

    func shutdown() async { await gate.close() }

    var endpoint: Endpoint { config.endpoint }

    var tls: TLSConfig? { config.tls }

    var routes: [Route] {
        [
            Route(.post, "/api/telemetry/ingest", takesTelemetry: true) { await self.answer($0, self.ingest) },
            Route(.post, "/api/telemetry/heartbeat", takesTelemetry: true) { await self.answer($0, self.heartbeat) },
        ]
    }

    private func answer(
        _ request: ServerRequest,
        _ take: ([UInt8], Permissions) async throws(EventsError) -> ServerResponse
    ) async -> ServerResponse {
        do throws(EventsError) {
            guard gate.isOpen else { throw .notRunning }
            let limit = Int(clamping: config.maxRequestBodySize.bytes)
            return try await EventBody.read(request, limit: limit) { (body) async throws(EventsError) in
                try await take(body, request.permissions)
            }
        } catch {
            return ServerResponse(error)
        }
    }

    private func ingest(_ body: [UInt8], _ permissions: Permissions) async throws(EventsError) -> ServerResponse {
        let request: IngestRequest
        do throws(EventsError) {
            request = try IngestRequest(body, now: settings.now())
        } catch {
            settings.counters.add(1, to: .refused)
            throw error
        }
        try await hand(request.events.map(\.draft))
        return ServerResponse(accepting: request)
    }

    /// The answer shows what the store knows of the session only to a key that may read.
    private func heartbeat(_ body: [UInt8], _ permissions: Permissions) async throws(EventsError) -> ServerResponse {
        let heartbeat: Heartbeat
        do throws(EventsError) {
            heartbeat = try Heartbeat(body, now: settings.now())
        } catch {
            settings.counters.add(1, to: .refused)
            throw error
        }
        try await hand([heartbeat.draft])
        if permissions.allow(.read), let known = await settings.describeSession(heartbeat.session) {
            return ServerResponse(beaten: known)
        }
        return ServerResponse(accepting: heartbeat, now: settings.now())
    }

    private func hand(_ records: [LogRecordDraft]) async throws(EventsError) {
        guard !records.isEmpty else { return }
        guard let next else { throw .noPipeline }
        // The body may have taken long; after the shutdown nobody waits for this batch any more.
        guard gate.enter() else { throw .notRunning }
        defer { gate.leave() }
        var builder = LogBatchBuilder(resource: EventRecord.resource, scopeName: EventRecord.scope)
        for record in records { builder.append(record) }
        let otlp: OTLPBatch
        do throws(OTLPError) { otlp = try builder.batch() } catch { throw .invalid(error.description) }
        do throws(ConsumeError) {
            try await next.consume(Batch(otlp, receivedAt: settings.now()))
            settings.counters.add(records.count, to: .accepted)
        } catch {
            settings.counters.add(records.count, to: error.isRetryable ? .failed : .refused)
            throw EventsError(error)
        }
    }
}

/// Makes the receiver of events and heartbeats.
public struct EventsFactory: ReceiverFactory {
    /// Creates the factory.
    public init() {}

    /// What a user writes.
    public typealias Config = EventsConfig
    /// The type in a configuration.
    public let type = "events"
    /// What it is for.
    public let summary = "takes in events and heartbeats of agents as plain JSON"
    /// Events become log records.
    public let signals: [Signal] = [.logs]

    /// Makes a receiver; the listener is the collector's.
    public func makeReceiver(_ config: EventsConfig, _ settings: ComponentSettings, next: SignalConsumers)
        -> any Receiver
    {
        EventsReceiver(config, settings, next: next[.logs])
    }
}
