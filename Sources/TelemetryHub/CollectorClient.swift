// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Asks a collector on this machine, one request a connection; blocks its thread until the answer is whole.
struct CollectorClient {
    let endpoint: Endpoint
    /// Who must vouch for it; nil when it speaks HTTP without TLS.
    var trust: Trust?

    /// What a collector answered.
    struct Answer {
        var status: Int
        var body: String
    }

    /// An answer of at most this many bytes is read.
    private static let longestAnswer = 64 << 20

    /// Whether a Telemetry Hub answers there, and not something else; known within two seconds.
    var isThere: Bool {
        guard let answer = send("GET", "/api/health", seconds: 2), answer.status == 200 else { return false }
        return answer.body.hasPrefix("{\"status\":")
    }

    /// Sends a request with a JSON body, by default an empty one.
    ///
    /// - Parameters:
    ///   - key: The key to show, by default that of `HAMMURABI_API_KEY`; it must be one line of visible signs.
    ///   - seconds: How long a silence may be; 0 for any, because a scan may take minutes.
    /// - Returns: nil when nobody listens there or what does is no HTTP server.
    func send(_ method: String, _ path: String, body: String = "", key: String? = nil, seconds: Int = 0) -> Answer? {
        if let trust {
            return sendEncrypted(method, path, body: body, key: key, seconds: seconds, trusting: trust)
        }
        guard let socket = connected(seconds) else { return nil }
        defer { close(socket) }
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let request = """
            \(method) \(path) HTTP/1.1\r
            Host: \(endpoint)\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \(keyField(key))Connection: close\r
            \r\n
            """ + body
        guard write(Array(request.utf8), to: socket) else { return nil }
        return Self.parse(read(from: socket))
    }

    /// The field with the key, for a collector that asks for one; empty without.
    private func keyField(_ key: String? = nil) -> String {
        shownKey(key).map { "X-Hammurabi-Api-Key: \($0)\r\n" } ?? ""
    }

    /// The key to show, by default that of `HAMMURABI_API_KEY`; nil for what would break out of a field.
    private func shownKey(_ key: String?) -> String? {
        let key = key ?? getenv("HAMMURABI_API_KEY").map { String(cString: $0) } ?? ""
        return key.isEmpty || !key.utf8.allSatisfy { (33...126).contains($0) } ? nil : key
    }

    private func connected(_ seconds: Int = 0) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var next = found
        while let address = next?.pointee {
            let socket = Glibc.socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            // The timeout to send is also that to connect (socket(7)).
            var timeout = timeval(tv_sec: seconds, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            if socket >= 0, connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return socket }
            if socket >= 0 { close(socket) }
            next = address.ai_next
        }
        return nil
    }

    private func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func read(from socket: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < Self.longestAnswer {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }

    /// Reads an answer that ends with its connection and is not chunked, as this program's own are.
    private static func parse(_ bytes: [UInt8]) -> Answer? {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: "\r\n\r\n".utf8) }) else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 "), let status = Int(head.dropFirst(9).prefix(3)) else { return nil }
        return Answer(status: status, body: String(decoding: bytes[(end + 4)...], as: UTF8.self))
    }
}

// MARK: - Lines

extension CollectorClient {
    /// Asks for an answer that goes on, and hands over each line of it as it comes, until there are no more.
    ///
    /// - Returns: The status, with the whole body when it is not 200; nil when nobody answers.
    func lines(_ path: String, _ take: @escaping @Sendable (String) -> Void) -> Answer? {
        if let trust { return encryptedLines(path, trusting: trust, take) }
        guard let socket = connected() else { return nil }
        defer { close(socket) }
        // Answers in pieces come to a client of HTTP/1.0 as they are, until the connection ends.
        let request = "GET \(path) HTTP/1.0\r\nHost: \(endpoint)\r\n\(keyField())\r\n"
        guard write(Array(request.utf8), to: socket) else { return nil }
        var lines = LineAssembler(take)
        var bytes: [UInt8] = []
        var head: Answer?
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if let status = head?.status {
                lines.add(buffer.prefix(count), isAnswer: status == 200)
                continue
            }
            bytes += buffer.prefix(count)
            guard let answer = Self.parse(bytes) else { continue }
            head = answer
            lines.add(Array(answer.body.utf8), isAnswer: answer.status == 200)
        }
        head?.body = lines.rest
        return head
    }
}

/// Cuts what comes in pieces into lines.
struct LineAssembler: Sendable {
    private let take: @Sendable (String) -> Void
    private var bytes: [UInt8] = []

    init(_ take: @escaping @Sendable (String) -> Void) { self.take = take }

    /// Adds a piece; lines are handed over only of an answer, not of a refusal.
    mutating func add(_ piece: some Sequence<UInt8>, isAnswer: Bool) {
        bytes += piece
        guard isAnswer else { return }
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            take(String(decoding: bytes[..<end], as: UTF8.self))
            bytes.removeFirst(end + 1)
        }
    }

    /// What is not a whole line.
    var rest: String { String(decoding: bytes, as: UTF8.self) }
}

// MARK: - TLS

extension CollectorClient {
    /// Who must vouch for a collector that speaks TLS.
    enum Trust {
        /// The authorities that this machine trusts.
        case authorities
        /// Nobody: it is the listener of this machine's own configuration, so what is sent never leaves the machine.
        case ownListener
    }

    /// Sends a request over TLS.
    private func sendEncrypted(
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
    private func encryptedLines(_ path: String, trusting trust: Trust, _ take: @escaping @Sendable (String) -> Void)
        -> Answer?
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
