// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import Logging
import OTLP
import Usage

/// Receives events and heartbeats as JSON, and answers once the pipeline has taken them.
final class EventsReceiver: Receiver, HTTPServing {
    private let config: EventsConfig
    private let settings: ComponentSettings
    private let behind: SignalConsumers

    init(_ config: EventsConfig, _ settings: ComponentSettings, next behind: SignalConsumers) {
        self.config = config
        self.settings = settings
        self.behind = behind
    }

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
        _ take: ([UInt8], ServerRequest) async throws(EventsError) -> ServerResponse
    ) async -> ServerResponse {
        do throws(EventsError) {
            let limit = Int(clamping: config.maxRequestBodySize.bytes)
            return try await EventBody.read(request, limit: limit) { (body) async throws(EventsError) in
                try await take(body, request)
            }
        } catch {
            return ServerResponse(error)
        }
    }

    private func ingest(_ body: [UInt8], _ sent: ServerRequest) async throws(EventsError) -> ServerResponse {
        let request: IngestRequest
        do throws(EventsError) {
            request = try IngestRequest(body, now: settings.now())
        } catch {
            settings.counters.add(1, to: .refused)
            throw error
        }
        try await hand(request.events.map(\.draft), sent.client)
        return ServerResponse(accepting: request)
    }

    /// The answer contains the store's data of the session only when the key may read.
    private func heartbeat(_ body: [UInt8], _ sent: ServerRequest) async throws(EventsError) -> ServerResponse {
        let heartbeat: Heartbeat
        do throws(EventsError) {
            heartbeat = try Heartbeat(body, now: settings.now())
        } catch {
            settings.counters.add(1, to: .refused)
            throw error
        }
        try await hand([heartbeat.draft], sent.client)
        if sent.permissions.allow(.read), let known = await behind.session(heartbeat.keptSession) {
            return ServerResponse(beaten: known)
        }
        return ServerResponse(accepting: heartbeat, now: settings.now())
    }

    private func hand(_ records: [LogRecordDraft], _ client: ClientContext) async throws(EventsError) {
        guard !records.isEmpty else { return }
        guard let next = behind[.logs] else { throw .noPipeline }
        var builder = LogBatchBuilder(resource: EventRecord.resource, scopeName: EventRecord.scope)
        for record in records { builder.append(record) }
        let otlp: OTLPBatch
        do throws(OTLPError) { otlp = try builder.batch() } catch { throw .invalid(error.description) }
        do throws(ConsumeError) {
            var batch = Batch(otlp, receivedAt: settings.now())
            batch.client = client
            try await next.consume(batch)
        } catch {
            throw EventsError(error)
        }
    }
}

extension ComponentFactory {
    /// Receives events and heartbeats, which become log records.
    public static let events = ComponentFactory.receiver(
        "events",
        EventsConfig.self,
        signals: [.logs],
        summary: "takes in events and heartbeats of agents as plain JSON"
    ) { config, settings, next in EventsReceiver(config, settings, next: next) }
}

/// Reads the body of a request that declares JSON.
enum EventBody {
    /// Reads the whole body and processes it, on the calling thread or a worker by its size.
    static func read<Success>(
        _ request: ServerRequest,
        limit: Int,
        _ use: ([UInt8]) async throws(EventsError) -> Success
    ) async throws(EventsError) -> Success {
        guard isJSON(request) else { throw .unsupportedType }
        guard let coding = ContentCoding(contentEncoding: request.head.headerFields[.contentEncoding]) else {
            throw .unsupportedCoding
        }
        let body: [UInt8]
        do throws(BodyError) {
            body = try await request.body.collect(limit: limit)
        } catch {
            throw error == .tooLarge ? .tooLarge(limit) : .interrupted
        }
        // A body without a stated size is treated as a large one.
        let size = max(body.count, coding.statedSize(of: body) ?? .max)
        return try await request.run(ifShort: { size <= $0 / slowness }) { () async throws(EventsError) -> Success in
            guard coding != .identity else { return try await use(body) }
            let plain = try inflate(body, coding, limit, request.memory)
            // The actual size decides when the stated one was too small.
            return try await request.run(ifShort: { plain.count <= $0 / slowness }) {
                () async throws(EventsError) -> Success in try await use(plain)
            }
        }
    }

    /// How many times longer events take to read than the same number of bytes of OTLP.
    private static let slowness = 4

    private static func inflate(
        _ body: [UInt8],
        _ coding: ContentCoding,
        _ limit: Int,
        _ memory: (any MemoryAllowance)?
    ) throws(EventsError) -> [UInt8] {
        do throws(InflationFailure) {
            if let plain = try coding.inflate(body, limit: limit, memory: memory) { return plain }
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge(limit)
            case .corrupt(let reason): throw .invalid(reason)
            }
        }
        throw memory?.isBeyondLimit == true ? .beyondMemory : .noMemory
    }

    /// Whether the request declares JSON, or has a key and the default type of `curl -d`.
    ///
    /// A page of another origin can post forms and plain text without a preflight, but neither JSON nor a field for the key; the preflight
    /// for those is refused. So the type that `curl -d` sends by default (`application/x-www-form-urlencoded`) is accepted only with a key,
    /// and a body without a type never.
    private static func isJSON(_ request: ServerRequest) -> Bool {
        if request.declaresJSON { return true }
        let fields = request.head.headerFields
        let type = (fields[.contentType] ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type == "application/x-www-form-urlencoded" && showsKey(fields)
    }

    private static func showsKey(_ fields: HTTPFields) -> Bool {
        guard let name = HTTPField.Name("X-Hammurabi-Api-Key") else { return false }
        return fields[name]?.isEmpty == false || fields[.authorization]?.lowercased().hasPrefix("bearer ") == true
    }
}
