// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import Collector
import CollectorKit
import CollectorTesting
import Logging
import OTLP
import OTLPReceiver
import RawHTTP
import Synchronization
import Testing

/// A running collector with the OTLP receiver, and the data that arrives in its pipelines.
struct OTLPHub {
    let collector: RunningCollector
    let sink: BatchSink
    let log: RecordedLog

    /// Starts a collector.
    ///
    /// - Parameters:
    ///   - http: Further keys of `protocols.http`.
    ///   - signals: The signals with a pipeline.
    ///   - others: Further components on the same address.
    ///   - keys: The content of `api_keys`; nil for none.
    ///   - service: More lines of the service section.
    init(
        _ http: String = "",
        signals: [Signal] = Signal.allCases,
        others: [Route] = [],
        keys: String? = nil,
        service: String = ""
    ) async throws {
        let (sink, log) = (BatchSink(), RecordedLog(from: .warning))
        let pipelines = signals.map { "    \($0): { receivers: [otlp], exporters: [sink] }" }.joined(separator: "\n")
        let config = """
            receivers:
              otlp: { protocols: { http: { endpoint: "127.0.0.1:0"\(http.isEmpty ? "" : ", " + http) } } }
            exporters:
              sink:
            extensions:
            \(others.isEmpty ? "" : "  web/others:")
            \(keys.map { "  api_keys: \($0)" } ?? "")
            service:
              extensions: [\(((others.isEmpty ? [] : ["web/others"]) + (keys == nil ? [] : ["api_keys"])).joined(separator: ", "))]
            \(service)
              pipelines:
            \(pipelines)
            """
        let registry = Registry([.otlp, .sink(sink), .web(routes: ["others": others]), .apiKeys])
        collector = try await RunningCollector(config, registry, logger: log.logger)
        self.sink = sink
        self.log = log
    }

    /// Sends one request on a new connection and returns its answer.
    func post(_ signal: Signal, _ body: [UInt8], _ fields: [String: String], path: String? = nil) async throws
        -> RawAnswer
    {
        let connection = try await collector.connect()
        try await connection.post(path ?? "/v1/\(signal)", body, fields)
        return try await connection.answer()
    }

    func end() async throws { try await collector.end() }
}

extension RawConnection {
    func post(_ path: String, _ body: [UInt8], _ fields: [String: String]) async throws {
        let host = fields["Host"] ?? "localhost"
        var head = "POST \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in fields where name != "Host" { head += "\(name): \(value)\r\n" }
        try await send(Array((head + "\r\n").utf8) + body)
    }
}

/// Records batches, refuses them, or makes their senders wait.
final class BatchSink: Exporter {
    private let state = Mutex<(batches: [Batch], error: ConsumeError?)>(([], nil))
    private let held = Mutex<(isHolding: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    var batches: [Batch] { state.withLock { $0.batches } }
    var recordCount: Int { batches.reduce(0) { $0 + $1.otlp.recordCount } }

    func refuse(with error: ConsumeError?) { state.withLock { $0.error = error } }

    /// How many senders wait.
    var heldCount: Int { held.withLock { $0.waiting.count } }

    func hold() { held.withLock { $0.isHolding = true } }

    func release() {
        let waiting = held.withLock { held in
            defer { held = (false, []) }
            return held.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        await withCheckedContinuation { continuation in
            let isFree = held.withLock { held in
                if held.isHolding { held.waiting.append(continuation) }
                return !held.isHolding
            }
            if isFree { continuation.resume() }
        }
        let error = state.withLock { state in
            if state.error == nil { state.batches.append(batch) }
            return state.error
        }
        if let error { throw error }
    }
}

extension ComponentFactory {
    /// A factory of exporters for the one sink of a test.
    static func sink(_ sink: BatchSink) -> ComponentFactory {
        .exporter("sink", SinkConfig.self, summary: "remembers batches") { _, _ in sink }
    }
}

/// Nothing to configure.
struct SinkConfig: ComponentConfig {
    static let documentation: [String: String] = [:]
}

extension OTLPEncoding {
    var fields: [String: String] { ["Content-Type": rawValue] }

    /// A request with two records.
    func twoRecords(_ signal: Signal) throws -> [UInt8] { try body(signal, signal.twoRecords) }

    /// The body of an answer that accepts a whole request.
    var nothing: [UInt8] { self == .json ? Array("{}".utf8) : [] }

    /// Whether an answer is a google.rpc.Status in this encoding.
    func isStatus(_ answer: RawAnswer, _ code: UInt8) -> Bool {
        guard answer.fields["content-type"] == rawValue else { return false }
        switch self {
        case .json: return answer.body.hasPrefix("{\"code\":\(code),\"message\":\"")
        case .protobuf: return answer.bytes.starts(with: [0x08, code, 0x12])
        }
    }
}

extension Signal {
    /// The field with all data.
    var top: String {
        switch self {
        case .traces: "resourceSpans"
        case .logs: "resourceLogs"
        case .metrics: "resourceMetrics"
        }
    }
}
