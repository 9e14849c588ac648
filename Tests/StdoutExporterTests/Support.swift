// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import StdoutExporter
import Synchronization
import Testing
import Usage

/// An exporter whose output is kept.
struct Bench {
    let exporter: any Exporter
    let output = Output()
    let counters = ComponentCounters()

    init(_ format: StdoutConfig.Format = .text, _ verbosity: StdoutConfig.Verbosity = .basic, start: Bool = true)
        async throws
    {
        var config = StdoutConfig()
        (config.format, config.verbosity) = (format, verbosity)
        let settings = ComponentSettings(
            id: try #require(ComponentID("stdout")),
            logger: Logger(label: "stdout") { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        let output = output
        exporter = try ComponentFactory.stdout(writingTo: { try output.take($0) }).makeExporter(config, settings)
        if start { try await exporter.start() }
    }

    /// The lines that a batch makes.
    func lines(_ batch: Batch) async throws -> [String] {
        try await exporter.consume(batch)
        let text = output.text
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }
}

/// An output that can fail.
final class Output: Sendable {
    private let state = Mutex<(pieces: [[UInt8]], isBroken: Bool)>(([], false))

    var pieces: [[UInt8]] { state.withLock { $0.pieces } }
    var text: String { String(decoding: pieces.joined(), as: UTF8.self) }

    func setBroken(_ isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }

    func take(_ bytes: [UInt8]) throws {
        try state.withLock { state in
            if state.isBroken { throw Broken() }
            state.pieces.append(bytes)
        }
    }

    struct Broken: Error {}
}

/// A batch of OTLP/JSON, received at 2026-11-22T09:00:00.000Z.
func batch(_ signal: Signal, _ json: String) throws -> Batch {
    let time = try #require(Timestamp(iso8601: "2026-11-22T09:00:00.000Z"))
    return Batch(try OTLPBatch(signal: signal, json: Array(json.utf8)), receivedAt: time)
}

/// Two log records of one resource, the second without a name and a time.
let twoLogs = """
    {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]},
    "scopeLogs":[{"scope":{"name":"events","version":"1.0"},"logRecords":[
    {"timeUnixNano":"1795335217999000000","eventName":"api_request","body":{"stringValue":"two words"},
    "attributes":[{"key":"input_tokens","value":{"intValue":"12"}},{"key":"ok","value":{"boolValue":true}}]},
    {"body":{"stringValue":"second"}}]}]}]}
    """
