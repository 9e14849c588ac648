// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import SendingQueue
import SinkServer
import Synchronization
import Testing
import Usage

@testable import OTLPHTTPExporter

/// An exporter with its own folder and a sink as its destination.
final class Bench: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "otlp-http-\(UUID().uuidString)").path
    let counters = ComponentCounters()
    let log = RecordedLog()
    private let config: OTLPHTTPConfig
    private let storage: any QueueStorage
    private let memory: (any MemoryPool)?
    private let exporter = Mutex<(any Exporter)?>(nil)

    init(
        _ endpoint: String,
        storage: any QueueStorage = DiskStorage(),
        memory: (any MemoryPool)? = nil,
        _ change: (inout OTLPHTTPConfig) -> Void = { _ in }
    ) {
        var config = OTLPHTTPConfig()
        config.endpoint = endpoint
        config.compression = .none
        config.retryOnFailure.initialInterval = ConfigDuration(nanoseconds: 30_000_000)
        config.retryOnFailure.maxInterval = ConfigDuration(nanoseconds: 200_000_000)
        config.sendingQueue.batch.flushTimeout = ConfigDuration(nanoseconds: 10_000_000)
        change(&config)
        self.config = config
        self.storage = storage
        self.memory = memory
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func make() throws -> any Exporter {
        let settings = ComponentSettings(
            id: try #require(ComponentID("otlp_http/test")),
            logger: log.logger,
            counters: counters,
            home: folder,
            memory: memory,
            now: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
            }
        )
        return OTLPHTTPExporter(config, settings, version: "1.2.3", storage: storage)
    }

    func start() async throws {
        let exporter = try make()
        try await exporter.start()
        self.exporter.withLock { $0 = exporter }
    }

    func consume(_ batch: Batch) async throws {
        try await #require(exporter.withLock { $0 }).consume(batch)
    }

    var status: QueueStatus? { exporter.withLock { $0?.queueing?.queueStatus } }
    var trouble: String? { exporter.withLock { $0?.healthReporting?.trouble } }

    func stop() async {
        await exporter.withLock { $0 }?.shutdown()
        exporter.withLock { $0 = nil }
    }

    /// The dead letters; stops the exporter.
    func deadLetters() async throws -> [DeadLetter] {
        await stop()
        let queue = try ForwardingQueue(id: "otlp_http/test", config: config.sendingQueue, home: folder)
        return try queue.deadLetters().map(\.letter)
    }
}

/// A batch of log records with the texts `name-0`, `name-1` and so on.
func logs(_ name: String, _ count: Int = 1, signal: Signal = .logs) throws -> Batch {
    let records = (0..<count).map {
        #"{"timeUnixNano":"1790000000000000000","body":{"stringValue":"\#(name)-\#($0)"}}"#
    }
    let spans = (0..<count).map {
        let id = String(0x1000_0000_0000_0000 + $0, radix: 16)
        return #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"\#(id)","name":"\#(name)-\#($0)"}"#
    }
    let json =
        signal == .logs
        ? #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}"#
        : #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(spans.joined(separator: ","))]}]}]}"#
    return Batch(
        try OTLPBatch(signal: signal, json: Array(json.utf8)),
        receivedAt: Timestamp(nanoseconds: 1_790_000_000_000_000_000)
    )
}

extension SinkServer.Request {
    var signal: Signal { Signal.allCases.first { path.contains("\($0)") } ?? .logs }

    /// The request, decompressed and decoded.
    func batch() throws -> OTLPBatch {
        let coding = ContentCoding(contentEncoding: fields["content-encoding"])
        let bytes = try coding?.inflate(body, limit: 1 << 28, memory: nil) ?? body
        return fields["content-type"] == "application/json"
            ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
    }

    /// The texts of its log records.
    func texts() throws -> [String] {
        let batch = try batch()
        return batch.records.map { batch.text(of: $0.body) }
    }
}
