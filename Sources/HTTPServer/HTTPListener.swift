// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import Glibc
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

/// What is answered at one address, to whom and how; exchanged as a whole when the configuration changes.
package final class ServedSite: Sendable {
    package let table: RouteTable
    let limits: ListenerLimits
    let admission: AccessPolicy
    /// For new connections; nil for plain HTTP.
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

/// What one listener lets its clients take up: connections, memory and time.
package struct ListenerLimits: Sendable {
    /// How many connections may be open at once; one more is told to come back.
    var connections = 1_024
    /// The longest head of a request: its target and all names and values of its fields, in bytes.
    var headBytes = 32 << 10
    /// The most fields of one request, those after its body included.
    var headFields = 100
    /// Bodies of at most this many bytes are waited for before a request is handled, which begins on the event loop then.
    ///
    /// To index so many takes a tenth of a millisecond, as long as the changes of thread that are saved.
    var smallBody = 256 << 10
    /// How many requests a connection of HTTP/2 may have under way at once.
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
    /// How long the head of a request may take from its first byte on; how long a new connection may take to encrypt, and to begin.
    var headTime = TimeAmount.seconds(10)
    /// How long a client may pause within a body that is waited for.
    var bodyPause = TimeAmount.seconds(30)
    /// How long a body may take in all.
    var bodyTime = TimeAmount.seconds(600)
    /// How many bytes a second a body must bring on average; 0 for no least rate.
    ///
    /// As Apache's mod_reqtimeout has it (`body=20,MinRate=500`): a client that sends slower than that mostly means to hold memory.
    var bodyRate = 500
    /// After how long the average counts.
    var bodyGrace = TimeAmount.seconds(20)
    /// How long an answer may take to be read.
    var answerTime = TimeAmount.seconds(60)
    /// How long what a client still sends is read and thrown away after an answer that ends the connection.
    ///
    /// To close with unread data would reset the connection, and the client might never see the answer (RFC 9112 §9.6).
    var lingerTime = TimeAmount.seconds(2)
    /// How long a client may let a connection wait once the listener drains: for its request, or to read an answer.
    var drainTime = TimeAmount.seconds(2)
    /// Whether a connection may serve more than one request.
    var keepsAlive = true
}

extension ListenerLimits {
    /// The limits with what components ask for.
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
            // A component that grants a body so much time leaves it to the client how to use it.
            bodyPause = bodyTime
        }
    }

    /// The limits of a listener that drains: a client that lets it wait does not hold up the end.
    var draining: ListenerLimits {
        var limits = self
        limits.answerTime = min(answerTime, drainTime)
        limits.bodyPause = min(bodyPause, drainTime)
        return limits
    }
}

/// An address that is to be opened, and everything that is answered there.
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
                    // Without descriptors left, accepting pauses instead of spinning.
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

    /// Builds the generic types of the handlers, once in a process.
    ///
    /// Must be done before two event loops accept: when two threads build them at the same moment, the Swift runtime reads
    /// the metadata that the other one has not finished and crashes (seen with 6.3.1 as a fault at address 0 in
    /// `swift_checkMetadataState`; the races of swiftlang/swift#37656 and #61276 are of the same kind).
    private static func prepareDecoder() { _ = decoderIsBuilt }

    private static let decoderIsBuilt = {
        _ = ByteToMessageHandler(HTTPRequestDecoder())
        return true
    }()

    /// Makes a new channel a connection of this listener.
    private static func addHandlers(
        to pipeline: ChannelPipeline.SynchronousOperations,
        _ service: ExchangeService,
        _ connections: OpenConnections
    ) throws {
        let site = service.site
        let limits = site.limits
        if let tls = site.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        // How an answer is framed is decided with the connection.
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

    /// The endpoint with the port that was really opened.
    var address: Endpoint { Endpoint(host: endpoint.host, port: channel.localAddress?.port ?? endpoint.port) }

    /// Where requests are answered, as a URL.
    var url: String { "\(service.site.tls == nil ? "http" : "https")://\(address)" }

    /// Answers everything that begins from now on in another way; no connection notices.
    package func serve(_ site: ServedSite) { service.site = site }

    /// Takes no more connections, answers what has begun, and returns when everything is closed.
    func drain() async {
        await close()
        await connections.drain()
    }

    /// Closes everything at once.
    func cutOff() async {
        await close()
        connections.cutOff()
    }

    /// An address that is closed already is no trouble.
    private func close() async { try? await channel.close() }
}

/// All open addresses of a collector.
package struct HTTPServer: Sendable {
    package private(set) var listeners: [OpenListener] = []

    package init(listeners: [OpenListener] = []) {
        self.listeners = listeners
    }

    /// Two threads serve every address: more of them do not make a collector faster, and each costs memory.
    ///
    /// They live as long as the process: a handler that outlasts the drain must still find its event loop.
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

    /// Divides the addresses into those that stay and those that go.
    package func divided(keeping endpoints: Set<Endpoint>) -> (staying: HTTPServer, going: HTTPServer) {
        (
            HTTPServer(listeners: listeners.filter { endpoints.contains($0.endpoint) }),
            HTTPServer(listeners: listeners.filter { !endpoints.contains($0.endpoint) })
        )
    }

    /// Takes no more connections, answers what has begun, and returns when everything is closed.
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

/// What a listener drains: a connection of HTTP/1.1 or HTTP/2.
///
/// Belongs to its event loop.
protocol OpenConnection: AnyObject {
    /// Answers what has begun, and then ends the connection.
    func drain()
    /// Ends the connection now.
    func cutOff()
}

/// Where a connection, or a stream of one, is entered for as long as it is open.
protocol ConnectionGroup: AnyObject {
    func enter(_ connection: any OpenConnection, on eventLoop: any EventLoop) -> ConnectionStateMachine.Entry
    func leave(_ connection: any OpenConnection)
}

/// The connections of one listener, from their first byte to the drain.
final class OpenConnections: Sendable, ConnectionGroup {
    /// A connection and the only place where it may be touched.
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

    /// Enters a connection; every connection also leaves.
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

    /// Puts a connection in the place of another on the same channel; true when the listener drains.
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

// MARK: - TLS

extension TLSConfig {
    /// Reads the certificates.
    ///
    /// - Parameter content: Reads a file; what it throws says why it cannot.
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
            // Clients have certificates without a name that could be checked.
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
