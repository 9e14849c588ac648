// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import HTTPTypes
import Logging
import OTLP
import OTLPReceiver
import Synchronization
import Testing
import Usage

/// A receiver with pipelines that record what they got.
struct Bench {
    let receiver: any Receiver
    let pipeline = RecordingConsumer()
    let log = RecordedLog(from: .warning)
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
            logger: log.logger,
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

    /// The paths of its configuration.
    var ownPaths: Set<String> { Set(routes.filter { !$0.givesWay }.map(\.path)) }

    /// Records that it refused itself; the host counts the others.
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

/// A pipeline that records what it got, or refuses it.
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

extension OTLPEncoding {
    var fields: HTTPFields { [.contentType: rawValue] }

    /// A google.rpc.Status with a message of less than 128 bytes.
    func status(_ code: UInt8, _ message: String) -> [UInt8] {
        switch self {
        case .json: Array("{\"code\":\(code),\"message\":\"\(message)\"}".utf8)
        case .protobuf: [0x08, code, 0x12, UInt8(message.utf8.count)] + message.utf8
        }
    }
}

extension Signal {
    /// A request with empty envelopes.
    var noRecords: String {
        switch self {
        case .traces: #"{"resourceSpans":[{"scopeSpans":[{}]}]}"#
        case .logs: #"{"resourceLogs":[{"scopeLogs":[{}]}]}"#
        case .metrics: #"{"resourceMetrics":[{"scopeMetrics":[{}]}]}"#
        }
    }
}

/// A body that a real client sent.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try file(folder.appending(path: name).path)
}

/// The content of a file.
func file(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }
