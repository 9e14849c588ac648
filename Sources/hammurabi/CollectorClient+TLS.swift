// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

extension CollectorClient {
    /// Who must vouch for a collector that speaks TLS.
    enum Trust {
        /// The authorities that this machine trusts.
        case authorities
        /// Nobody: it is the listener of this machine's own configuration, so what is sent never leaves the machine.
        case ownListener
    }

    /// Sends a request over TLS.
    func sendEncrypted(
        _ method: String,
        _ path: String,
        body: String,
        key: String?,
        seconds: Int,
        trusting trust: Trust
    ) -> Answer? {
        let client = Self.client(trusting: trust)
        defer { try? client.syncShutdown() }
        guard let request = request(method, path, body: .string(body), key: key) else { return nil }
        let deadline = seconds > 0 ? NIODeadline.now() + .seconds(Int64(seconds)) : nil
        guard let answer = try? client.execute(request: request, deadline: deadline).wait() else { return nil }
        return Answer(status: Int(answer.status.code), body: answer.body.map { String(buffer: $0) } ?? "")
    }
    /// Asks over TLS for an answer that goes on, and hands over each line of it as it comes.
    func encryptedLines(_ path: String, trusting trust: Trust, _ take: @escaping @Sendable (String) -> Void) -> Answer?
    {
        let client = Self.client(trusting: trust)
        defer { try? client.syncShutdown() }
        guard let request = request("GET", path, body: nil, key: nil) else { return nil }
        return try? client.execute(request: request, delegate: LineDelegate(take)).wait()
    }

    private static func client(trusting trust: Trust) -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        if case .ownListener = trust { tls.certificateVerification = .none }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        // Nobody there is an answer, too.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func request(_ method: String, _ path: String, body: HTTPClient.Body?, key: String?) -> HTTPClient.Request?
    {
        var headers = HTTPHeaders([("Content-Type", "application/json")])
        if let key = shownKey(key) { headers.add(name: "X-Hammurabi-Api-Key", value: key) }
        return try? HTTPClient.Request(
            url: "https://\(endpoint)\(path)",
            method: HTTPMethod(rawValue: method),
            headers: headers,
            body: body
        )
    }
}

/// Takes an answer line by line.
private final class LineDelegate: HTTPClientResponseDelegate {
    private let state: Mutex<(status: Int, lines: LineAssembler)>

    init(_ take: @escaping @Sendable (String) -> Void) {
        state = Mutex((0, LineAssembler(take)))
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
        state.withLock { $0.lines.add(buffer.readableBytesView, isAnswer: $0.status == 200) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<CollectorClient.Answer>) throws -> CollectorClient.Answer {
        state.withLock { CollectorClient.Answer(status: $0.status, body: $0.lines.rest) }
    }
}
