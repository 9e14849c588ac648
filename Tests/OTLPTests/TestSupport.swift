// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import OTLP

/// A recorded request body in the folder of these tests.
struct Fixture: Sendable, CustomTestStringConvertible {
    let name: String
    let signal: Signal

    var testDescription: String { name }
    var isJSON: Bool { name.hasSuffix(".json") }

    init(_ name: String, _ signal: Signal) {
        self.name = name
        self.signal = signal
    }

    func bytes() throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        return try Array(Data(contentsOf: folder.appending(path: name)))
    }

    func batch() throws -> OTLPBatch {
        let bytes = try bytes()
        return isJSON ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
    }

    /// Further recorded bodies, for tests that do not try every byte.
    static let more = [
        Fixture("claude-traces.pb", .traces), Fixture("openinference-traces.pb", .traces),
        Fixture("traceloop-metrics.pb", .metrics), Fixture("python-traces.json", .traces),
    ]

    static let all: [Fixture] = {
        let json = [
            "claude-logs", "claude-traces", "claude-metrics", "codex-logs", "events-logs", "example-logs",
            "example-traces", "example-metrics", "pair-logs", "pair-traces",
        ]
        let protobuf = [
            "claude-logs", "claude-metrics", "python-traces", "python-logs", "python-metrics", "pydantic-metrics",
            "pair-logs", "pair-traces",
        ]
        return (json.map { $0 + ".json" } + protobuf.map { $0 + ".pb" }).compactMap { name in
            Signal.allCases.first { name.contains($0.rawValue) }.map { Fixture(name, $0) }
        }
    }()
}

/// Bytes from a line of hexadecimal digits; spaces are ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while rest.count >= 2 {
        bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
    }
    return bytes
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A request from JSON, and the other way round.
func batch(_ signal: Signal, _ json: String) throws -> OTLPBatch {
    try OTLPBatch(signal: signal, json: Array(json.utf8))
}

/// A logs request with one record that has these members.
func log(_ members: String) throws -> OTLPBatch {
    try batch(.logs, #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{\#(members)}]}]}]}"#)
}

/// The one attribute value of a logs request.
func logValue(_ value: String) throws -> AttributeValue {
    let batch = try log(#""attributes":[{"key":"k","value":\#(value)}]"#)
    return try #require(batch.attributes.first).value
}

/// One metric's point with these members, in JSON.
func point(_ kind: String, _ members: String) throws -> OTLPBatch {
    try batch(
        .metrics,
        #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","\#(kind)":{"dataPoints":[{\#(members)}]}}]}]}]}"#
    )
}

/// A protobuf request with one record written by the closure.
func request(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.message(1) { $0.message(2) { $0.message(2, body) } }
    return writer.finish()
}

/// Spans with names `span-0`…, one attribute each, spread over scopes and resources of the given size.
func spans(_ count: Int, scope: Int = .max, resource: Int = .max, valueLength: Int = 5) throws -> OTLPBatch {
    var writer = ProtobufWriter()
    var index = 0
    while index < count {
        writer.message(1) { writer in
            writer.message(1) { $0.attribute(1, "service.name", "test") }
            let end = min(count, resource == .max ? count : index + resource * scope)
            while index < end {
                writer.message(2) { writer in
                    writer.message(1) { $0.string(1, "scope") }
                    for _ in 0..<min(scope, end - index) {
                        writer.message(2) { writer in
                            writer.bytes(1, Array(repeating: 1, count: 16))
                            writer.bytes(2, Array(repeating: 2, count: 8))
                            writer.string(5, "span-\(index)")
                            writer.attribute(9, "model", .string(String(repeating: "x", count: valueLength)))
                        }
                        index += 1
                    }
                }
            }
        }
    }
    return try OTLPBatch(signal: .traces, protobuf: writer.finish())
}

extension OTLPBatch {
    /// The encoded batch, read again.
    func reread() throws -> OTLPBatch { try OTLPBatch(signal: signal, protobuf: encoded()) }

    var names: [String] { records.map { string($0.name) } }
}
