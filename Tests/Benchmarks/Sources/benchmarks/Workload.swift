// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSONLExporter
import Logging
import OTLP
import PricingProcessor
import RedactionProcessor
import SQLiteExporter
import TokensProcessor
import Usage

/// Requests, and the collector's work on them, stage by stage.
struct Workload {
    private let signal: Signal
    private let json: [[UInt8]]
    private let protobuf: [[UInt8]]
    private let records: Int
    private let folder: String
    /// How often each stage is measured.
    private static let rounds = 3

    init(signal: Signal, recordsPerRequest: Int, requests: Int, folder: String) throws {
        self.signal = signal
        self.folder = folder
        json = (0..<requests).map { request in
            Array((signal == .logs ? Bodies.logs : Bodies.traces)(recordsPerRequest, request).utf8)
        }
        protobuf = try json.map { try OTLPBatch(signal: signal, json: $0).bytes }
        records = recordsPerRequest * requests
    }

    /// The size of all requests as protobuf.
    var protobufBytes: Int { protobuf.reduce(0) { $0 + $1.count } }

    private var jsonBytes: Int { json.reduce(0) { $0 + $1.count } }

    /// The stages one by one, then all of them together.
    func measurements() async throws -> [Measurement] {
        let batches = try protobuf.map { Batch(try OTLPBatch(signal: signal, protobuf: $0), receivedAt: Self.now) }
        let priced = try batches.map { try Self.processed($0) }
        var rows = [
            try await best("index protobuf", protobufBytes) { _ in
                for bytes in protobuf { _ = try OTLPBatch(signal: signal, protobuf: bytes) }
            },
            try await best("transcode JSON and index", jsonBytes) { _ in
                for bytes in json { _ = try OTLPBatch(signal: signal, json: bytes) }
            },
            try await best("write as JSON", jsonBytes) { _ in
                for batch in batches { _ = written(batch.otlp) }
            },
            try await best("splice an attribute onto each record", protobufBytes) { _ in
                for batch in batches { _ = spliced(batch.otlp) }
            },
            try await best("tokens and pricing", protobufBytes) { _ in
                for batch in batches { _ = try Self.processed(batch) }
            },
            try await best("redaction", protobufBytes) { _ in
                let redaction = try ComponentFactory.redaction.makeProcessor(
                    RedactionConfig(),
                    Self.settings("redaction")
                )
                for batch in priced {
                    var batch = batch
                    try redaction.process(&batch)
                }
            },
        ]
        for (name, make) in Self.stores {
            rows.append(
                try await best("keep in \(name), durably", protobufBytes) { round in
                    let exporter = try make("\(folder)/\(signal.rawValue)-\(round).\(name)")
                    try await exporter.start()
                    try await keep(priced, in: exporter)
                    await exporter.shutdown()
                }
            )
        }
        return rows
    }

    private func best(_ name: String, _ bytes: Int, _ work: (Int) async throws -> Void) async throws -> Measurement {
        var best: Measurement?
        for round in 0..<Self.rounds {
            let next = try await Measurement.of(name, records: records, bytes: bytes) { try await work(round) }
            if next.cpuSeconds < best?.cpuSeconds ?? .infinity { best = next }
        }
        return best ?? Measurement(name: name, records: 0, bytes: 0, wallSeconds: 0, cpuSeconds: 0, allocations: 0)
    }

    /// Eight senders at once, each with one request in flight.
    private func keep(_ batches: [Batch], in exporter: any Exporter) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask {
                    for position in stride(from: sender, to: batches.count, by: 8) {
                        try await exporter.consume(batches[position])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func written(_ otlp: OTLPBatch) -> Int {
        var writer = OTLPJSONWriter()
        writer.writeRequest(otlp)
        return writer.finish().count
    }

    private func spliced(_ otlp: OTLPBatch) -> Int {
        var changed = otlp
        for record in changed.records.indices { changed.overlay.append("hammurabi.cost", .int(12), toRecord: record) }
        return changed.encoded().count
    }

    static func processed(_ batch: Batch) throws -> Batch {
        var batch = batch
        try tokens.process(&batch)
        try pricing.process(&batch)
        return batch
    }

    private static var tokens: any Processor {
        get throws { try ComponentFactory.tokens.makeProcessor(TokensConfig(), Self.settings("tokens")) }
    }
    private static var pricing: any Processor {
        get throws { try ComponentFactory.pricing.makeProcessor(PricingConfig(), Self.settings("pricing")) }
    }

    static var stores: [(String, (String) throws -> any Exporter)] {
        [
            (
                "jsonl",
                { path in
                    var config = JSONLConfig()
                    config.path = ConfigPath(path)
                    return try ComponentFactory.jsonl.makeExporter(config, Self.settings("jsonl"))
                }
            ),
            (
                "sqlite",
                { path in
                    var config = SQLiteConfig()
                    config.path = ConfigPath(path)
                    return try ComponentFactory.sqlite.makeExporter(config, Self.settings("sqlite"))
                }
            ),
        ]
    }

    static let now = Timestamp(nanoseconds: 1_795_334_400_000_000_000)

    private static func settings(_ name: String) -> ComponentSettings {
        let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        guard let id = ComponentID(name) else { preconditionFailure("\(name) is a well-formed id") }
        return ComponentSettings(id: id, logger: logger, home: "/nowhere", now: { now })
    }
}
