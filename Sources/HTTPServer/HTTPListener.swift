// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The routes and settings of one address, replaced as a whole when the configuration changes.
package final class ServedSite: Sendable {
    package let table: RouteTable
    let limits: ListenerLimits
    let admission: AccessPolicy
    /// The TLS settings for new connections; nil for plain HTTP.
    let tls: NIOSSLContext?

    package init(
        _ table: RouteTable,
        _ limits: ListenerLimits,
        _ admission: AccessPolicy = .everybody,
        tls: NIOSSLContext? = nil
    ) {
        self.table = table
        self.limits = limits
        self.admission = admission
        self.tls = tls
    }
}

/// The limits of one listener for its clients: connections, memory and time.
package struct ListenerLimits: Sendable {
    /// How many connections may be open at once; one more is answered with 503.
    var connections = 1_024
    /// The largest head of a request: its target and all names and values of its fields, in bytes.
    var headBytes = 32 << 10
    /// The largest number of fields of one request, including those after its body.
    var headFields = 100
    /// Bodies of at most this size are received completely before the request is handled, which begins on the event loop.
    ///
    /// Indexing that many bytes takes a tenth of a millisecond, as long as the thread changes that are saved.
    var smallBody = 256 << 10
    /// How many requests of an HTTP/2 connection may be in flight at once.
    var streams = 32
    /// How long a connection of HTTP/2 may be open; nil for any time.
    var connectionAge: TimeAmount?
    /// How long after that its requests may take; nil for any time.
    var connectionGrace: TimeAmount?
    /// After how long without a frame a client of HTTP/2 is asked whether it is there; nil for never.
    var pingInterval: TimeAmount?
    /// How long it may take to answer that.
    var pingTimeout = TimeAmount.seconds(20)
    /// How long a connection may be open without another request.
    var idleTime = TimeAmount.seconds(120)
    /// The time limit for the head of a request from its first byte, and for a new connection to complete its handshake and to send.
    var headTime = TimeAmount.seconds(10)
    /// How long a client may pause within a body.
    var bodyPause = TimeAmount.seconds(30)
    /// The time limit for a whole body.
    var bodyTime = TimeAmount.seconds(600)
    /// The least average rate of a body in bytes a second; 0 for no limit.
    ///
    /// As in Apache's mod_reqtimeout (`body=20,MinRate=500`): a client that sends more slowly usually intends to hold memory.
    var bodyRate = 500
    /// The time after which the average is checked.
    var bodyGrace = TimeAmount.seconds(20)
    /// The time limit for a client to read an answer.
    var answerTime = TimeAmount.seconds(60)
    /// How long further input is read and discarded after an answer that ends the connection.
    ///
    /// Closing with unread data would reset the connection, and the client might never read the answer (RFC 9112 §9.6).
    var lingerTime = TimeAmount.seconds(2)
    /// The time limits of a draining listener: for a client to send its request, or to read an answer.
    var drainTime = TimeAmount.seconds(2)
    /// Whether a connection may serve more than one request.
    var keepsAlive = true
}

extension ListenerLimits {
    /// The limits with the settings of components.
    package init(_ terms: ConnectionTerms) {
        self.init()
        keepsAlive = terms.keepsAlive
        if let time = terms.headTime { headTime = TimeAmount(time) }
        if let time = terms.answerTime { answerTime = TimeAmount(time) }
        if let rate = terms.leastBodyRate { bodyRate = rate }
        if let time = terms.idleTime { idleTime = TimeAmount(time) }
        if let count = terms.streams { streams = count }
        connectionAge = terms.connectionAge.map { TimeAmount($0) }
        connectionGrace = terms.connectionGrace.map { TimeAmount($0) }
        pingInterval = terms.pingInterval.map { TimeAmount($0) }
        if let time = terms.pingTimeout { pingTimeout = TimeAmount(time) }
        if let time = terms.bodyTime {
            bodyTime = TimeAmount(time)
            // A component that sets the time of a whole body does not limit pauses within it.
            bodyPause = bodyTime
        }
    }

    /// The limits of a draining listener: a slow client does not delay its end.
    var draining: ListenerLimits {
        var limits = self
        limits.answerTime = min(answerTime, drainTime)
        limits.bodyPause = min(bodyPause, drainTime)
        return limits
    }
}

/// An address to open, with its routes and settings.
package struct HTTPListener: Sendable {
    let endpoint: Endpoint
    /// Whether the collector does without it when another program has the address.
    let isSpare: Bool
    let site: ServedSite
    let memory: MemoryBudget?
    let intake: IntakeLog
    let logger: Logger

    package init(
        endpoint: Endpoint,
        isSpare: Bool = false,
        site: ServedSite,
        memory: MemoryBudget? = nil,
        intake: IntakeLog = IntakeLog(),
        logger: Logger
    ) {
        self.endpoint = endpoint
        self.isSpare = isSpare
        self.site = site
        self.memory = memory
        self.intake = intake
        self.logger = logger
    }

    /// Opens the address.
    ///
    /// - Throws: ``StartError`` when the address cannot be used.
    func open(on eventLoops: MultiThreadedEventLoopGroup) async throws(StartError) -> OpenListener {
        let service = ExchangeService(
            site,
            memory: memory,
            intake: intake,
            address: endpoint.description,
            logger: logger
        )
        let connections = OpenConnections(limit: site.limits.connections)
        Self.prepareDecoder()
        let bootstrap = ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Without free descriptors, accepting pauses instead of spinning.
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false)
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.addHandlers(to: channel.pipeline.syncOperations, service, connections)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: endpoint.host, port: endpoint.port).get()
            return OpenListener(
                endpoint: endpoint,
                isSpare: isSpare,
                channel: channel,
                service: service,
                connections: connections
            )
        } catch {
            throw startError(error)
        }
    }

    /// Instantiates the generic types of the handlers, once in a process.
    ///
    /// Must be called before two event loops accept: when two threads instantiate them at the same time, the Swift runtime reads
    /// metadata that the other one has not finished and crashes (observed with 6.3.1 as a fault at address 0 in
    /// `swift_checkMetadataState`; the races of swiftlang/swift#37656 and #61276 are of the same kind).
    private static func prepareDecoder() { _ = decoderIsBuilt }

    private static let decoderIsBuilt = {
        _ = ByteToMessageHandler(HTTPRequestDecoder())
        return true
    }()

    /// Sets up a new channel as a connection of this listener.
    private static func addHandlers(
        to pipeline: ChannelPipeline.SynchronousOperations,
        _ service: ExchangeService,
        _ connections: OpenConnections
    ) throws {
        let site = service.site
        let limits = site.limits
        if let tls = site.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        // The framing of an answer is decided by the connection.
        var framing = HTTPResponseEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        let encoder = HTTPResponseEncoder(configuration: framing)
        let connection = ConnectionHandler(service, connections, limits, isEncrypted: site.tls != nil)
        let detector = PrefaceDetector(limits) { pipeline in
            guard connection.isOpen else { return false }
            let successor = HTTP2Connection(service, connections, limits)
            connection.yield(to: successor)
            pipeline.removeHandler(encoder, promise: nil)
            pipeline.removeHandler(connection, promise: nil)
            try successor.addHandlers(to: pipeline)
            return true
        }
        try pipeline.addHandler(detector)
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(connection)
    }

    private var noAddress: StartError {
        StartError(
            .inputOutput,
            "\(endpoint) is no address of this machine; write 127.0.0.1:\(endpoint.port) in the configuration"
        )
    }

    private func startError(_ error: any Error) -> StartError {
        if error is SocketAddressError.UnknownHost { return noAddress }
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            return StartError(
                .inputOutput,
                "\(endpoint) is in use by another program; stop it, or write another endpoint in the configuration"
            )
        case EACCES, EPERM:
            return StartError(
                .permission,
                "\(endpoint) may not be opened by this user; write a port above 1023 in the configuration"
            )
        case EADDRNOTAVAIL: return noAddress
        default: return StartError(.inputOutput, "\(endpoint) cannot be opened: \(error)")
        }
    }
}

/// An address that is open.
package struct OpenListener: Sendable {
    let endpoint: Endpoint
    fileprivate let isSpare: Bool
    private let channel: any Channel
    private let service: ExchangeService
    private let connections: OpenConnections

    fileprivate init(
        endpoint: Endpoint,
        isSpare: Bool,
        channel: any Channel,
        service: ExchangeService,
        connections: OpenConnections
    ) {
        (self.endpoint, self.isSpare) = (endpoint, isSpare)
        (self.channel, self.service, self.connections) = (channel, service, connections)
    }

    /// The endpoint with the port that was opened.
    var address: Endpoint { Endpoint(host: endpoint.host, port: channel.localAddress?.port ?? endpoint.port) }

    /// The URL of the address.
    var url: String { "\(service.site.tls == nil ? "http" : "https")://\(address)" }

    /// Answers new requests with another site; connections stay open.
    package func serve(_ site: ServedSite) { service.site = site }

    /// Accepts no more connections, finishes the requests in flight, and returns when everything is closed.
    func drain() async {
        await close()
        await connections.drain()
    }

    /// Closes everything at once.
    func cutOff() async {
        await close()
        connections.cutOff()
    }

    /// Closes the address; one that is closed already is no error.
    private func close() async { try? await channel.close() }
}

/// All open addresses of a collector.
package struct HTTPServer: Sendable {
    package private(set) var listeners: [OpenListener] = []

    package init(listeners: [OpenListener] = []) {
        self.listeners = listeners
    }

    /// Two threads serve all addresses: more do not make a collector faster, and each uses memory.
    ///
    /// They live as long as the process: a handler that is still running after the drain needs its event loop.
    private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: min(2, System.coreCount))

    /// Opens addresses, all or none; spare ones that another program has are left out with a warning.
    ///
    /// - Throws: ``StartError`` when one of them cannot be used.
    package static func open(_ listeners: [HTTPListener]) async throws(StartError) -> HTTPServer {
        var open: [OpenListener] = []
        do throws(StartError) {
            for listener in listeners.filter({ !$0.isSpare }) { open.append(try await listener.open(on: eventLoops)) }
        } catch {
            await HTTPServer(listeners: open).cutOff()
            throw error
        }
        for listener in listeners.filter(\.isSpare) {
            do throws(StartError) {
                open.append(try await listener.open(on: eventLoops))
            } catch {
                listener.logger.warning(
                    "the collector goes on without one of its addresses; what is answered there is answered at its other ones, too",
                    metadata: ["reason": "\(error)"]
                )
            }
        }
        return HTTPServer(listeners: open)
    }

    /// Where requests are answered, in alphabetical order, and the spare ones last.
    package var addresses: [String] {
        let (spare, others) = (listeners.filter(\.isSpare), listeners.filter { !$0.isSpare })
        return others.map(\.url).sorted() + spare.map(\.url).sorted()
    }

    /// The open listener of an endpoint as configured.
    package func listener(at endpoint: Endpoint) -> OpenListener? { listeners.first { $0.endpoint == endpoint } }

    /// These addresses and others.
    package func joined(with other: HTTPServer) -> HTTPServer { HTTPServer(listeners: listeners + other.listeners) }

    /// Splits the addresses into those that stay open and those to close.
    package func divided(keeping endpoints: Set<Endpoint>) -> (staying: HTTPServer, going: HTTPServer) {
        (
            HTTPServer(listeners: listeners.filter { endpoints.contains($0.endpoint) }),
            HTTPServer(listeners: listeners.filter { !endpoints.contains($0.endpoint) })
        )
    }

    /// Accepts no more connections, finishes the requests in flight, and returns when everything is closed.
    package func drain() async {
        await withTaskGroup { group in
            for listener in listeners { group.addTask { await listener.drain() } }
        }
    }

    /// Closes everything at once.
    package func cutOff() async {
        for listener in listeners { await listener.cutOff() }
    }
}

/// A connection that a listener drains, of HTTP/1.1 or HTTP/2.
///
/// Must be used on its event loop.
protocol OpenConnection: AnyObject {
    /// Finishes the requests in flight, then closes the connection.
    func drain()
    /// Closes the connection at once.
    func cutOff()
}

/// A group in which a connection, or a stream of one, is registered as long as it is open.
protocol ConnectionGroup: AnyObject {
    func enter(_ connection: any OpenConnection, on eventLoop: any EventLoop) -> ConnectionStateMachine.Entry
    func leave(_ connection: any OpenConnection)
}

/// The connections of one listener, from their first byte to the drain.
final class OpenConnections: Sendable, ConnectionGroup {
    /// A connection with its event loop.
    private struct Member {
        let connection: NIOLoopBound<any OpenConnection>
        let eventLoop: any EventLoop

        func perform(_ work: @escaping @Sendable (any OpenConnection) -> Void) {
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

    /// Registers a connection; every connection must be removed at its end.
    func enter(_ connection: any OpenConnection, on eventLoop: any EventLoop) -> ConnectionStateMachine.Entry {
        let member = Self.member(connection, eventLoop)
        return state.withLock { state in
            if state.members.count >= limit { return .refused }
            state.members[ObjectIdentifier(connection)] = member
            return state.isDraining ? .draining : .served
        }
    }

    private static func member(_ connection: any OpenConnection, _ eventLoop: any EventLoop) -> Member {
        Member(connection: NIOLoopBound(connection, eventLoop: eventLoop), eventLoop: eventLoop)
    }

    /// Replaces a connection by another on the same channel; true when the listener drains.
    func replace(_ old: any OpenConnection, with new: any OpenConnection, on eventLoop: any EventLoop) -> Bool {
        let member = Self.member(new, eventLoop)
        return state.withLock { state in
            state.members[ObjectIdentifier(old)] = nil
            state.members[ObjectIdentifier(new)] = member
            return state.isDraining
        }
    }

    func leave(_ connection: any OpenConnection) {
        let waiting = state.withLock { state in
            state.members[ObjectIdentifier(connection)] = nil
            guard state.members.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Lets every connection finish its requests in flight, and returns when all are closed.
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

    /// Closes every connection at once, in any state.
    func cutOff() {
        for member in state.withLock({ Array($0.members.values) }) { member.perform { $0.cutOff() } }
    }
}

// MARK: - TLS

extension TLSConfig {
    /// Reads the certificates.
    ///
    /// - Parameter content: Reads a file; its error says why the file cannot be read.
    /// - Throws: ``StartError`` that names the file.
    package func context(reading content: (_ path: String) throws -> [UInt8]) throws(StartError) -> NIOSSLContext {
        let chain = try Self.read(certFile, "the certificate", content) { try NIOSSLCertificate.fromPEMBytes($0) }
        guard !chain.isEmpty else { throw Self.failure(certFile, "the certificate", "it holds none") }
        let key = try Self.read(keyFile, "the private key", content) { try NIOSSLPrivateKey(bytes: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.minimumTLSVersion = minVersion == .tls13 ? .tlsv13 : .tlsv12
        configuration.maximumTLSVersion = maxVersion == .tls12 ? .tlsv12 : nil
        if !clientCAFile.isEmpty {
            let authorities = try Self.read(clientCAFile, "the authorities of clients", content) {
                try NIOSSLCertificate.fromPEMBytes($0)
            }
            guard !authorities.isEmpty else {
                throw Self.failure(clientCAFile, "the authorities of clients", "it holds no certificate")
            }
            configuration.trustRoots = .certificates(authorities)
            // Client certificates have no host name to verify.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw StartError(
                .configuration,
                "the certificate \(certFile) and the key \(keyFile) cannot be used together: \(error)"
            )
        }
    }

    private static func read<Content>(
        _ file: ConfigPath,
        _ name: String,
        _ content: (String) throws -> [UInt8],
        _ parse: ([UInt8]) throws -> Content
    ) throws(StartError) -> Content {
        let bytes: [UInt8]
        do {
            bytes = try content(file.path)
        } catch {
            throw failure(file, name, "\(error)")
        }
        do {
            return try parse(bytes)
        } catch {
            throw failure(file, name, "it is no PEM file of that kind")
        }
    }

    private static func failure(_ file: ConfigPath, _ name: String, _ reason: String) -> StartError {
        StartError(.inputOutput, "\(name) \(file) cannot be used: \(reason)")
    }
}
