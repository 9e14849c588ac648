// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import HubAPI
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks a collector over HTTP; blocks its thread until the answer is whole.
///
/// Every command reaches a collector through this type. Safe to use from several threads.
struct CollectorClient: Sendable {
    let endpoint: Endpoint
    /// How its certificate is checked; nil when it speaks HTTP without TLS.
    var trust: Trust?
    /// The API key to send, by default that of `HAMMURABI_API_KEY`; a text that is not one line of visible characters is not sent.
    var key = getenv("HAMMURABI_API_KEY").map { String(cString: $0) }

    /// How the certificate of a collector with TLS is checked.
    enum Trust {
        /// By the certificate authorities that this machine trusts.
        case authorities
        /// Not at all: the address is a listener of this machine's own configuration, so the request never leaves the machine.
        case ownListener
    }

    /// What a collector answered.
    struct Answer: Sendable {
        var status: Int
        var body: String
    }

    /// Why there is no answer.
    enum NoAnswer: Error {
        /// No program listens at the address.
        case notRunning
        /// The program that listens there did not answer in time.
        case silent
        /// Its certificate is not trusted.
        case untrusted
        /// It closed the connection, or does not speak HTTP.
        case notHTTP
    }

    /// Whether a Telemetry Hub answers at the address; known within two seconds.
    var isThere: Bool { (try? ask(.health, seconds: 2)) != nil }

    /// Requests a document.
    ///
    /// - Parameter seconds: How long the answer may take; 0 for any time, because a scan may take minutes.
    /// - Throws: ``CommandFailure`` when there is no answer, or none of the expected shape.
    func ask<Document>(
        _ question: HubEndpoint<Document>,
        _ query: [(String, String)] = [],
        body: String = "",
        seconds: Int64
    ) throws(CommandFailure) -> HubAnswer<Document> {
        let target = question.target(query)
        do {
            let answer = try send(question.verb, target, body: body, seconds: seconds)
            return try HubAnswer(answer.status, answer.body, to: question, of: endpoint)
        } catch let failure as NoAnswer {
            throw CommandFailure(failure, endpoint)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Sends a request with a JSON body, by default an empty one.
    func send(_ method: String, _ path: String, body: String = "", seconds: Int64) throws(NoAnswer) -> Answer {
        try execute(method, path, body: body, seconds: seconds, nil)
    }

    /// Requests a streamed answer, and passes each line on as it arrives, until the stream ends.
    ///
    /// - Returns: The status, with the whole body when it is not 200.
    func lines(_ path: String, _ take: @escaping @Sendable (String) -> Void) throws(NoAnswer) -> Answer {
        try execute("GET", path, body: "", seconds: 0, take)
    }

    private func execute(
        _ method: String,
        _ path: String,
        body: String,
        seconds: Int64,
        _ take: (@Sendable (String) -> Void)?
    ) throws(NoAnswer) -> Answer {
        let delegate = AnswerDelegate(take)
        do {
            let request = try HTTPClient.Request(
                url: "\(trust == nil ? "http" : "https")://\(endpoint)\(path)",
                method: HTTPMethod(rawValue: method),
                headers: fields,
                body: method == "GET" ? nil : .string(body)
            )
            return try client.execute(
                request: request,
                delegate: delegate,
                deadline: seconds > 0 ? .now() + .seconds(seconds) : nil
            ).wait()
        } catch {
            // A stream may end with or without a proper end of the HTTP message.
            if take != nil, delegate.status == 200 { return Answer(status: 200, body: "") }
            throw NoAnswer(error)
        }
    }

    private var client: HTTPClient {
        if case .ownListener = trust { Self.trusting } else { Self.checking }
    }

    // A command that asks twice keeps its connection; the clients end with the process.
    private static let (checking, trusting) = (
        makeClient(TLSConfiguration.makeClientConfiguration()), makeClient(uncheckedTLS)
    )

    private static var uncheckedTLS: TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        return tls
    }

    private static func makeClient(_ tls: TLSConfiguration) -> HTTPClient {
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        // A program that does not listen is an answer, too.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private var fields: HTTPHeaders {
        var fields = HTTPHeaders([("Content-Type", "application/json")])
        if let key, !key.isEmpty, key.utf8.allSatisfy({ (33...126).contains($0) }) {
            fields.add(name: "X-Hammurabi-Api-Key", value: key)
        }
        return fields
    }
}

extension CollectorClient.NoAnswer {
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as HTTPClientError where [.readTimeout, .deadlineExceeded].contains(error): self = .silent
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            // AsyncHTTPClient has no error case of its own for an untrusted certificate.
            let reason = "\(error)"
            self = reason.contains("CERTIFICATE_VERIFY_FAILED") || error is NIOSSLExtraError ? .untrusted : .notHTTP
        case let error as HTTPClientError where error != .connectTimeout: self = .notHTTP
        case is HTTPParserError, is AnswerTooLong: self = .notHTTP
        case let error as IOError where error.errnoCode != ECONNREFUSED: self = .notHTTP
        // No connection: nothing listens there, or the name of the host is unknown.
        default: self = .notRunning
        }
    }
}

/// Splits received chunks into lines.
struct LineAssembler: Sendable {
    private let take: @Sendable (String) -> Void
    private var bytes: [UInt8] = []

    init(_ take: @escaping @Sendable (String) -> Void) { self.take = take }

    /// Adds a chunk; lines are passed on only for an answer, not for a refusal.
    mutating func add(_ piece: some Sequence<UInt8>, isAnswer: Bool) {
        bytes += piece
        guard isAnswer else { return }
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            take(String(decoding: bytes[..<end], as: UTF8.self))
            bytes.removeFirst(end + 1)
        }
    }

    /// The text after the last complete line.
    var rest: String { String(decoding: bytes, as: UTF8.self) }

    /// The size of that text in bytes.
    var count: Int { bytes.count }
}

private struct AnswerTooLong: Error {}

/// Receives an answer, whole or line by line.
private final class AnswerDelegate: HTTPClientResponseDelegate {
    private let takesLines: Bool
    private let state: Mutex<(status: Int, lines: LineAssembler)>

    /// The largest answer or line in bytes.
    private static let longest = 64 << 20

    /// The status of the answer; 0 before it has arrived.
    var status: Int { state.withLock { $0.status } }

    init(_ take: (@Sendable (String) -> Void)?) {
        takesLines = take != nil
        state = Mutex((0, LineAssembler(take ?? { _ in })))
    }

    func didReceiveHead(task: HTTPClient.Task<CollectorClient.Answer>, _ head: HTTPResponseHead)
        -> EventLoopFuture<Void>
    {
        state.withLock { $0.status = Int(head.status.code) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<CollectorClient.Answer>, _ buffer: ByteBuffer)
        -> EventLoopFuture<Void>
    {
        let count = state.withLock { state in
            state.lines.add(buffer.readableBytesView, isAnswer: takesLines && state.status == 200)
            return state.lines.count
        }
        return count > Self.longest
            ? task.eventLoop.makeFailedFuture(AnswerTooLong()) : task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<CollectorClient.Answer>) throws -> CollectorClient.Answer {
        state.withLock { CollectorClient.Answer(status: $0.status, body: $0.lines.rest) }
    }
}
