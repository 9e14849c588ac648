// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import Logging
import OTLP
import OTLPReceiver
import Synchronization
import Testing
import Usage

/// A receiver with pipelines that remember what they got.
struct Bench {
    let receiver: any Receiver
    let pipeline = RecordingConsumer()
    let log = RecordingLog()
    let counters = ComponentCounters()
    let intake = IntakeLog()

    init(
        signals: [Signal] = Signal.allCases,
        start: Bool = true,
        _ configure: (inout OTLPConfig.HTTP) -> Void = { _ in }
    ) async throws {
        var config = OTLPConfig()
        var http = OTLPConfig.HTTP()
        configure(&http)
        config.protocols.http = http
        let (log, pipeline) = (log, pipeline)
        let settings = ComponentSettings(
            id: try #require(ComponentID("otlp")),
            logger: Logger(label: "otlp") { _ in log },
            counters: counters,
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 7) },
            intake: intake
        )
        let consumers = Dictionary(uniqueKeysWithValues: signals.map { ($0, pipeline as any Consumer) })
        receiver = try ComponentFactory.otlp.makeReceiver(config, settings, next: SignalConsumers(consumers))
        if start { try await receiver.start() }
    }

    var routes: [Route] { receiver.httpServing?.routes ?? [] }

    /// Where it takes telemetry by its configuration.
    var ownPaths: Set<String> { Set(routes.filter { !$0.givesWay }.map(\.path)) }

    /// Records that it refused by itself; the others are counted by the host.
    var refused: Int { counters.value(.refused) }

    func post(_ signal: Signal, _ body: [UInt8], _ fields: HTTPFields) async throws -> Answer {
        try await post(signal, RequestBody(bytes: body), fields)
    }

    func post(_ signal: Signal, _ body: RequestBody, _ fields: HTTPFields) async throws -> Answer {
        try await send(.post, "/v1/\(signal)", body, fields)
    }

    func send(_ method: HTTPRequest.Method, _ path: String, _ body: RequestBody, _ fields: HTTPFields) async throws
        -> Answer
    {
        let route = try #require(routes.first { $0.method == method && $0.path == path })
        let head = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1", path: path, headerFields: fields)
        return Answer(try await route.handler(ServerRequest(head: head, body: body)))
    }
}

/// An answer with its whole body.
struct Answer {
    let status: Int
    let fields: HTTPFields
    let body: [UInt8]
    let rejection: Rejection?

    init(_ response: ServerResponse) {
        status = response.head.status.code
        fields = response.head.headerFields
        rejection = response.rejection
        guard case .bytes(let bytes) = response.body else {
            body = []
            return
        }
        body = bytes
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A pipeline that remembers what it got, or refuses it.
final class RecordingConsumer: Consumer {
    private let state = Mutex<(batches: [Batch], error: ConsumeError?)>(([], nil))

    var batches: [Batch] { state.withLock { $0.batches } }

    func refuse(with error: ConsumeError?) { state.withLock { $0.error = error } }

    func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        let error = state.withLock { state in
            if state.error == nil { state.batches.append(batch) }
            return state.error
        }
        if let error { throw error }
        return .unkept
    }
}

/// Remembers warnings and worse.
final class RecordingLog: LogHandler {
    private let events = Mutex<[String]>([])

    var lines: [String] { events.withLock { $0 } }

    func log(event: LogEvent) {
        guard event.level >= .warning else { return }
        events.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
}

/// The two encodings, as a request names them and as bytes.
enum Encoding: String, CaseIterable {
    case protobuf = "application/x-protobuf"
    case json = "application/json"

    var fields: HTTPFields { [.contentType: rawValue] }

    /// The encoding's form of a request that is given in JSON.
    func body(_ signal: Signal, _ json: String) throws -> [UInt8] {
        let json = Array(json.utf8)
        return self == .json ? json : try OTLPBatch(signal: signal, json: json).bytes
    }

    /// A google.rpc.Status with a message of less than 128 bytes.
    func status(_ code: UInt8, _ message: String) -> [UInt8] {
        switch self {
        case .json: Array("{\"code\":\(code),\"message\":\"\(message)\"}".utf8)
        case .protobuf: [0x08, code, 0x12, UInt8(message.utf8.count)] + message.utf8
        }
    }
}

extension Signal {
    /// A request with two records.
    var twoRecords: String {
        switch self {
        case .traces:
            """
            {"resourceSpans":[{"scopeSpans":[{"spans":[
            {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a"},
            {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","name":"b"}]}]}]}
            """
        case .logs:
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{"stringValue":"b"}}]}]}]}"#
        case .metrics:
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}}]}]}]}"#
        }
    }

    /// A request whose envelopes hold nothing.
    var noRecords: String {
        switch self {
        case .traces: #"{"resourceSpans":[{"scopeSpans":[{}]}]}"#
        case .logs: #"{"resourceLogs":[{"scopeLogs":[{}]}]}"#
        case .metrics: #"{"resourceMetrics":[{"scopeMetrics":[{}]}]}"#
        }
    }
}

/// A body as a real client sent it.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try file(folder.appending(path: name).path)
}

/// What is in a file.
func file(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }
