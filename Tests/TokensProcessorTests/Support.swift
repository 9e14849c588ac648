// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import Testing
import TokensProcessor
import Usage

/// The arrival of every batch in these tests.
let arrival = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

/// Runs the processor over a batch, after `change` was applied to it as by an earlier processor.
func processed(_ otlp: OTLPBatch, rules: [TokenRule] = [], change: (inout OTLPBatch) -> Void = { _ in }) throws -> Batch
{
    var batch = Batch(otlp, receivedAt: arrival)
    change(&batch.otlp)
    try makeProcessor(rules: rules).process(&batch)
    return batch
}

/// A processor that remembers the traces of its batches.
///
/// - Parameter shared: The objects that it shares with the processors of other pipelines.
func makeProcessor(rules: [TokenRule] = [], shared: SharedParts = SharedParts()) throws -> any Processor {
    var config = TokensConfig()
    config.rules = rules
    let settings = ComponentSettings(
        id: try #require(ComponentID("tokens")),
        logger: Logger(label: "tokens") { _ in SwiftLogNoOpLogHandler() },
        home: "/nowhere",
        now: { arrival },
        shared: shared
    )
    return try ComponentFactory.tokens.makeProcessor(config, settings)
}

/// The body of a request that a real client sent.
struct Recording: Sendable, CustomTestStringConvertible {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    var testDescription: String { path }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// The recordings of one scenario, in order.
    static func all(of scenario: String) throws -> [Recording] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: scenario).path).sorted()
            .map { Recording("\(scenario)/\($0.dropLast(".gz".count))") }
    }

    func batch() throws -> OTLPBatch {
        let file = [UInt8](try Data(contentsOf: Self.folder.appending(path: path + ".gz")))
        let bytes = try Gzip.inflate(file, limit: 1 << 22)
        let signal = try #require(Signal.allCases.first { path.contains($0.rawValue) })
        return path.hasSuffix(".json")
            ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
    }
}

/// Attributes in the order in which they are sent.
typealias Attributes = KeyValuePairs<String, AttributeScalar>

/// A log record or a span to create.
struct Record {
    var attributes: Attributes
    var name = ""
    var time: UInt64 = 1_000_000_000_000
    var start: UInt64 = 0
    var span: UInt64 = 0
    var parent: UInt64 = 0
    /// The trace in hexadecimal digits; empty for none.
    var trace = ""

    init(_ attributes: Attributes) {
        self.attributes = attributes
    }

    /// A span with an input of ten tokens.
    init(
        span: UInt64,
        parent: UInt64 = 0,
        name: String = "chat",
        _ attributes: Attributes = ["gen_ai.usage.input_tokens": 10]
    ) {
        self.init(attributes)
        self.name = name
        self.span = span
        self.parent = parent
        trace = Self.hex(7, 32)
    }

    fileprivate static func hex(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    fileprivate var json: String {
        var members = [#""attributes":\#(Self.json(attributes))"#, #""traceId":"\#(trace)""#]
        members.append(#""spanId":"\#(span == 0 ? "" : Self.hex(span, 16))""#)
        return members.joined(separator: ",")
    }

    fileprivate var log: String {
        #"{\#(json),"eventName":"\#(name)","timeUnixNano":"\#(time)","observedTimeUnixNano":"\#(start)"}"#
    }

    fileprivate var asSpan: String {
        let above = parent == 0 ? "" : Self.hex(parent, 16)
        return
            #"{\#(json),"parentSpanId":"\#(above)","name":"\#(name)","startTimeUnixNano":"\#(start)","endTimeUnixNano":"\#(time)"}"#
    }

    fileprivate static func json(_ attributes: Attributes) -> String {
        let members = attributes.map { key, value in
            let text =
                switch value {
                case .string(let text): #"{"stringValue":"\#(escaped(text))"}"#
                case .int(let number): #"{"intValue":"\#(number)"}"#
                case .double(let number): #"{"doubleValue":\#(number)}"#
                case .bool(let flag): #"{"boolValue":\#(flag)}"#
                }
            return #"{"key":"\#(key)","value":\#(text)}"#
        }
        return "[\(members.joined(separator: ","))]"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// A request with these log records.
func logs(_ records: [Record], resource: Attributes = [:], scope: String = "") throws -> OTLPBatch {
    try request(.logs, "resourceLogs", "scopeLogs", "logRecords", records.map(\.log), resource, scope)
}

/// A request with these spans.
func spans(_ records: [Record], resource: Attributes = [:], scope: String = "") throws -> OTLPBatch {
    try request(.traces, "resourceSpans", "scopeSpans", "spans", records.map(\.asSpan), resource, scope)
}

private func request(
    _ signal: Signal,
    _ top: String,
    _ middle: String,
    _ inner: String,
    _ records: [String],
    _ resource: Attributes,
    _ scope: String
) throws -> OTLPBatch {
    let list = records.joined(separator: ",")
    let json = """
        {"\(top)":[{"resource":{"attributes":\(Record.json(resource))},"\(middle)":[{"scope":{"name":"\(scope)"},"\(inner)":[\(list)]}]}]}
        """
    return try OTLPBatch(signal: signal, json: Array(json.utf8))
}

/// The observation of a request with one log record.
func observation(_ attributes: Attributes, resource: Attributes = [:], rules: [TokenRule] = []) throws -> Observation? {
    let found = try processed(logs([Record(attributes)], resource: resource), rules: rules).observations
    #expect(found.count < 2)
    return found.first
}

/// The observation of a request with one span.
func spanObservation(_ attributes: Attributes, name: String = "chat", resource: Attributes = [:], scope: String = "")
    throws -> Observation?
{
    try processed(spans([Record(span: 1, name: name, attributes)], resource: resource, scope: scope)).observations.first
}

extension Observation {
    /// Everything that tests compare, in one line.
    var line: String {
        var words = [agent ?? "?", model ?? "?", counts.text, source.name, time.iso8601]
        words.append(sessionIsTrace ? "no-session" : String(session?.prefix(8) ?? "?"))
        let ids = [keys.request == 0 ? "" : "request", keys.response == 0 ? "" : "response"].filter { !$0.isEmpty }
        words.append(ids.isEmpty ? "no-id" : ids.joined(separator: "+"))
        if knowsCacheLifetimes { words.append("lifetimes") }
        if let duration { words.append("\(duration / 1_000_000)ms") }
        if let reportedCost { words.append("$\(reportedCost.nanodollars)n") }
        if let error { words.append("error:\(error)") }
        return words.joined(separator: " ")
    }
}

extension TokenCounts {
    /// Uncached, read, written for five minutes and an hour, output, reasoning.
    var text: String { "\(uncachedInput)/\(cacheRead)/\(cacheWrite5m)+\(cacheWrite1h)/\(output)/\(reasoning)" }
}
