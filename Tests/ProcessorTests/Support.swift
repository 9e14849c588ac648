// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import Testing
import Usage

/// The arrival of every batch in these tests: 2026-11-22T09:00:00Z.
let arrival = Timestamp(nanoseconds: 1_795_338_000_000_000_000)

/// The settings of a processor.
func settings(_ type: String, _ counters: ComponentCounters = ComponentCounters(), home: String = "/nowhere") throws
    -> ComponentSettings
{
    ComponentSettings(
        id: try #require(ComponentID(type)),
        logger: Logger(label: type) { _ in SwiftLogNoOpLogHandler() },
        counters: counters,
        home: home,
        now: { arrival }
    )
}

/// A batch of OTLP/JSON.
func batch(_ signal: Signal, _ json: String) throws -> Batch {
    Batch(try OTLPBatch(signal: signal, json: Array(json.utf8)), receivedAt: arrival)
}

/// A batch of log records with these members.
func logs(_ records: String..., resource: String = "") throws -> Batch {
    let list = records.map { "{\($0)}" }.joined(separator: ",")
    return try batch(
        .logs,
        #"{"resourceLogs":[{"resource":{"attributes":[\#(resource)]},"scopeLogs":[{"scope":{"name":"lib","version":"1"},"logRecords":[\#(list)]}]}]}"#
    )
}

/// A batch of spans with these members.
func spans(_ records: String..., resource: String = "") throws -> Batch {
    let list = records.map { #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",\#($0)}"# }
        .joined(separator: ",")
    return try batch(
        .traces,
        #"{"resourceSpans":[{"resource":{"attributes":[\#(resource)]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[\#(list)]}]}]}"#
    )
}

/// A batch of metrics with these members.
func metrics(_ metrics: String..., resource: String = "") throws -> Batch {
    let list = metrics.map { "{\($0)}" }.joined(separator: ",")
    return try batch(
        .metrics,
        #"{"resourceMetrics":[{"resource":{"attributes":[\#(resource)]},"scopeMetrics":[{"scope":{"name":"lib"},"metrics":[\#(list)]}]}]}"#
    )
}

/// A KeyValue with a text.
func text(_ key: String, _ value: String) -> String { #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"# }

extension OTLPBatch {
    /// The JSON of the batch after its changes were encoded and decoded.
    func sent() throws -> String {
        let again = try OTLPBatch(signal: signal, protobuf: encoded())
        #expect(again.recordCount == recordCount)
        return String(decoding: again.json(), as: UTF8.self)
    }
}

/// Reads a configuration as a user writes it.
///
/// - Returns: The configuration, and what is wrong with it, as `code at path: message`.
func decoded<Config: ComponentConfig>(_ type: Config.Type, _ text: String) -> (config: Config, problems: [String]) {
    var diagnostics = Diagnostics()
    let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
    let config =
        node.map { ConfigDecoder().decode(type, from: $0, over: Config(), diagnostics: &diagnostics) } ?? Config()
    var findings = ConfigFindings()
    config.validate(&findings)
    let found = findings.items.map { "\($0.code) at \($0.path.joined(separator: ".")): \($0.message)" }
    return (config, diagnostics.items.map(\.message) + found)
}
