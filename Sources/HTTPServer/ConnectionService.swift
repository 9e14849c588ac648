// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// What all connections of a listener share.
final class ConnectionService: Sendable {
    let connections: OpenConnections
    /// What requests hold; nil without a limit.
    let memory: MemoryBudget?
    private let logger: Logger
    private let intake: IntakeLog
    private let answers: ListenerLog
    private let present: Mutex<ServedSite>

    init(
        _ site: ServedSite,
        memory: MemoryBudget? = nil,
        intake: IntakeLog,
        address: String,
        logger: Logger
    ) {
        self.memory = memory
        self.intake = intake
        answers = intake.listener(address)
        self.logger = logger
        present = Mutex(site)
        connections = OpenConnections(limit: site.limits.connections)
    }

    /// What is answered now; requests whose head was read before an exchange keep what they found.
    var site: ServedSite {
        get { present.withLock { $0 } }
        set { present.withLock { $0 = newValue } }
    }

    /// Builds the decoder's generic types, once in a process.
    ///
    /// Must be done before two event loops accept: when two threads build them at the same moment, the Swift runtime reads
    /// the metadata that the other one has not finished and crashes (seen with 6.3.1 as a fault at address 0 in
    /// `swift_checkMetadataState`; the races of swiftlang/swift#37656 and #61276 are of the same kind).
    static func prepareDecoder() { _ = decoderIsBuilt }

    private static let decoderIsBuilt = {
        _ = ByteToMessageHandler(HTTPRequestDecoder())
        return true
    }()

    /// Makes a new channel a connection of this listener.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let site = site
        let limits = site.limits
        if let tls = site.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        var limit = NIOHTTPDecoderLimitConfiguration()
        limit.maxHeaderFieldSize = limits.headBytes
        limit.maxHeaderListSize = limits.headBytes
        limit.maxHeaderFieldCount = limits.headFields
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limit)))
        try pipeline.addHandler(ConnectionHandler(self, site))
    }

    /// The answer of a route, whatever happens in it.
    func answer(_ request: ServerRequest, _ route: Route) async -> ServerResponse {
        do {
            return try await route.handler(request)
        } catch {
            logger.error("a request could not be answered", metadata: ["path": "\(route.path)", "error": "\(error)"])
            return ErrorAnswer(request.head, route: route)
                .response(.internalServerError, "the request could not be answered; see the log")
        }
    }

    /// The answer to a request for which there is no route.
    func missing(_ request: HTTPRequest, others: [Route], _ table: RouteTable) -> ServerResponse {
        let answer = ErrorAnswer(request, route: others.first)
        guard !others.isEmpty else {
            var response = answer.response(
                .notFound,
                "nothing is answered here; there is \(table.paths(like: request.path ?? "/").joined(separator: ", "))"
            )
            // The paths help the sender; a line of the log needs them not.
            response.rejection = Rejection(.unknownPath, "nothing answers this path")
            return response
        }
        let allowed = others.map(\.method.rawValue).sorted().joined(separator: ", ")
        return answer.response(
            .methodNotAllowed,
            "\(request.method) is not answered here; use \(allowed)",
            [.allow: allowed]
        )
    }

    // MARK: - What became of requests

    /// Counts an answer, and reports telemetry that it refuses.
    ///
    /// - Parameters:
    ///   - request: What was asked; nil for bytes that are no request.
    ///   - route: One that has the path; nil where nothing answers.
    func note(_ response: ServerResponse, to request: HTTPRequest?, _ route: Route?) {
        let code = response.head.status.code
        answers.answered(code, at: route?.path)
        guard code >= 400 || response.rejection != nil, request.map({ Self.bringsTelemetry($0, route) }) ?? true else {
            return
        }
        let rejection = response.rejection ?? Rejection(.init(status: code), response.head.status.reasonPhrase)
        intake.note(
            rejection.code,
            request?.path ?? "",
            client: request?.headerFields[.userAgent],
            status: code,
            reason: rejection.reason,
            logger: logger
        )
    }

    /// Whether a request brings telemetry, or asks for a browser whether it may: what else is refused, its sender sees by itself.
    private static func bringsTelemetry(_ request: HTTPRequest, _ route: Route?) -> Bool {
        guard route?.takesTelemetry ?? true else { return false }
        switch request.method {
        case .post, .put, .patch: return true
        case .options: return request.headerFields[.accessControlRequestMethod] != nil
        default: return false
        }
    }

    /// Reports a client that speaks HTTP/2, so most likely gRPC, and cannot be answered.
    func noteHTTP2() {
        intake.note(
            .http2,
            "",
            reason:
                "a client speaks HTTP/2, most likely OTLP over gRPC, which is not offered here; set its exporter to http/protobuf",
            logger: logger
        )
    }

    /// Reports a connection that was to be encrypted and was not.
    func noteNotEncrypted() {
        intake.note(.notEncrypted, "", reason: "the client did not complete the TLS handshake", logger: logger)
    }
}

/// The connections of one listener, from their first byte to the drain.
final class OpenConnections: Sendable {
    /// Whether a new connection is served.
    enum AccessPolicy {
        case served
        /// There are as many as are allowed.
        case refused
        /// The listener is closing.
        case draining
    }

    /// A connection and the only place where it may be touched.
    private struct Member {
        let connection: NIOLoopBound<ConnectionHandler>
        let eventLoop: any EventLoop

        func perform(_ work: @escaping @Sendable (ConnectionHandler) -> Void) {
            eventLoop.execute { work(connection.value) }
        }
    }

    private struct State {
        var members: [ObjectIdentifier: Member] = [:]
        var isDraining = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Enters a connection; every connection also leaves.
    func enter(_ connection: ConnectionHandler, on eventLoop: any EventLoop) -> AccessPolicy {
        let member = Member(connection: NIOLoopBound(connection, eventLoop: eventLoop), eventLoop: eventLoop)
        return state.withLock { state in
            if state.members.count >= limit { return .refused }
            state.members[ObjectIdentifier(connection)] = member
            return state.isDraining ? .draining : .served
        }
    }

    func leave(_ connection: ConnectionHandler) {
        let waiting = state.withLock { state in
            state.members[ObjectIdentifier(connection)] = nil
            guard state.members.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Lets every connection answer what it has begun, and returns when all are closed.
    func drain() async {
        let members = state.withLock { state in
            state.isDraining = true
            return Array(state.members.values)
        }
        for member in members { member.perform { $0.drain() } }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.members.isEmpty { state.waiting.append(continuation) }
                return state.members.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Closes every connection at once, whatever it is at.
    func cutOff() {
        for member in state.withLock({ Array($0.members.values) }) { member.perform { $0.cutOff() } }
    }
}
