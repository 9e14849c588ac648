// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server for tests of senders: gives prepared answers, and keeps what it received.
public final class SinkServer: Sendable {
    /// A received request.
    public struct Request: Sendable {
        /// The path and query.
        public var path: String
        /// The header fields by lower-case name.
        public var fields: [String: String]
        /// The body as sent.
        public var body: [UInt8]
    }

    /// A prepared answer.
    public struct Reply: Sendable {
        /// The status.
        public var status: Int
        /// The header fields.
        public var fields: [(String, String)]
        /// The body.
        public var body: [UInt8]
        /// How long to wait before the answer.
        public var delay: Duration
        /// Whether to close the connection in place of an answer.
        public var resets: Bool

        /// Creates an answer.
        public init(
            _ status: Int,
            _ fields: [(String, String)] = [],
            _ body: [UInt8] = [],
            delay: Duration = .zero,
            resets: Bool = false
        ) {
            self.status = status
            self.fields = fields
            self.body = body
            self.delay = delay
            self.resets = resets
        }

        /// Closes the connection without an answer.
        public static let reset = Reply(0, resets: true)
    }

    private let channel: any Channel
    private let shared: Shared

    private init(_ channel: any Channel, _ shared: Shared) {
        self.channel = channel
        self.shared = shared
    }

    /// PEM files for a sink with TLS.
    public struct TLSFiles: Sendable {
        /// Its certificate.
        public var certificate: String
        /// The key of the certificate.
        public var key: String
        /// The certificate authority of clients, which then must present a certificate; nil for none.
        public var clientAuthority: String?

        /// Names the files.
        public init(certificate: String, key: String, clientAuthority: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthority = clientAuthority
        }

        fileprivate func context() throws -> NIOSSLContext {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            )
            if let clientAuthority {
                configuration.trustRoots = .file(clientAuthority)
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        }
    }

    /// Starts to listen on a port of this machine, 0 for a free one.
    public static func start(
        port: Int = 0,
        tls: TLSFiles? = nil,
        keeping: Bool = true,
        answer: @escaping @Sendable (Request) -> Reply = { _ in Reply(200) }
    ) async throws -> SinkServer {
        let state = Shared(answer: answer, keeping: keeping)
        let context = try tls?.context()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(SinkHandler(state))
                }
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        return SinkServer(channel, state)
    }

    /// Reserves a free port for a server that starts later: until then connections are refused, and no other program gets the port.
    public final class KeptPort: Sendable {
        private let socket: Int32
        /// The port.
        public let port: Int

        /// Takes a free port.
        public init?() {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            self.socket = socket
            var reuse: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutableBytes(of: &address) { bytes in
                guard let target = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
                return bind(socket, target, length) == 0 && getsockname(socket, target, &length) == 0
            }
            port = Int(UInt16(bigEndian: address.sin_port))
            guard isBound else { return nil }
        }

        deinit { close(socket) }
    }

    /// The port on which it listens.
    public var port: Int { channel.localAddress?.port ?? 0 }
    /// Its address.
    public var address: String { "http://127.0.0.1:\(port)" }
    /// The requests received so far.
    public var requests: [Request] { shared.requests }

    /// Replaces the answers from now on.
    public func answer(_ answer: @escaping @Sendable (Request) -> Reply) { shared.set(answer) }

    /// Closes the listener and all connections.
    public func stop() async {
        try? await channel.close().get()
        shared.closeAll()
    }
}

/// What the connections of a sink share.
final class Shared: Sendable {
    private let state: Mutex<State>

    private struct State {
        var requests: [SinkServer.Request] = []
        var answer: @Sendable (SinkServer.Request) -> SinkServer.Reply
        var keeping: Bool
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    init(answer: @escaping @Sendable (SinkServer.Request) -> SinkServer.Reply, keeping: Bool) {
        state = Mutex(State(answer: answer, keeping: keeping))
    }

    var requests: [SinkServer.Request] { state.withLock { $0.requests } }

    func set(_ answer: @escaping @Sendable (SinkServer.Request) -> SinkServer.Reply) {
        state.withLock { $0.answer = answer }
    }

    func take(_ request: SinkServer.Request) -> SinkServer.Reply {
        let answer = state.withLock { state in
            if state.keeping { state.requests.append(request) }
            return state.answer
        }
        return answer(request)
    }

    func open(_ channel: any Channel) { state.withLock { $0.channels[ObjectIdentifier(channel)] = channel } }

    func close(_ channel: any Channel) {
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    func closeAll() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}

private final class SinkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let shared: Shared
    private var request = SinkServer.Request(path: "", fields: [:], body: [])

    init(_ shared: Shared) { self.shared = shared }

    func channelActive(context: ChannelHandlerContext) { shared.open(context.channel) }

    func channelInactive(context: ChannelHandlerContext) { shared.close(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let fields = head.headers.map { ($0.name.lowercased(), $0.value) }
            request = SinkServer.Request(path: head.uri, fields: Dictionary(fields) { $1 }, body: [])
        case .body(let part): request.body += part.readableBytesView
        case .end:
            let reply = shared.take(request)
            if reply.resets { return context.close(promise: nil) }
            guard reply.delay > .zero else { return Self.write(reply, on: context.channel) }
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: TimeAmount(reply.delay)) { Self.write(reply, on: channel) }
        }
    }

    private static func write(_ reply: SinkServer.Reply, on channel: any Channel) {
        var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: reply.status))
        for (name, value) in reply.fields { head.headers.add(name: name, value: value) }
        if reply.status != 204 { head.headers.add(name: "Content-Length", value: "\(reply.body.count)") }
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if reply.status != 204 {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: reply.body))), promise: nil)
        }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }
}
