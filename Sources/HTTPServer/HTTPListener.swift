// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import Glibc
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// An address that is to be opened, and everything that is answered there.
package struct HTTPListener: Sendable {
    let endpoint: Endpoint
    let site: ServedSite
    let memory: MemoryBudget?
    let intake: IntakeLog
    let logger: Logger

    package init(
        endpoint: Endpoint,
        site: ServedSite,
        memory: MemoryBudget? = nil,
        intake: IntakeLog = IntakeLog(),
        logger: Logger
    ) {
        self.endpoint = endpoint
        self.site = site
        self.memory = memory
        self.intake = intake
        self.logger = logger
    }

    /// Opens the address.
    ///
    /// - Throws: ``StartError`` when the address cannot be used.
    func open(on eventLoops: MultiThreadedEventLoopGroup) async throws(StartError) -> OpenListener {
        let service = ConnectionService(
            site,
            memory: memory,
            intake: intake,
            address: endpoint.description,
            logger: logger
        )
        ConnectionService.prepareDecoder()
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
                channel.eventLoop.makeCompletedFuture { try service.addHandlers(to: channel.pipeline.syncOperations) }
            }
        do {
            let channel = try await bootstrap.bind(host: endpoint.host, port: endpoint.port).get()
            return OpenListener(endpoint: endpoint, channel: channel, service: service)
        } catch {
            throw startError(error)
        }
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
    private let channel: any Channel
    private let service: ConnectionService

    init(endpoint: Endpoint, channel: any Channel, service: ConnectionService) {
        self.endpoint = endpoint
        self.channel = channel
        self.service = service
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
        await service.connections.drain()
    }

    /// Closes everything at once.
    func cutOff() async {
        await close()
        service.connections.cutOff()
    }

    /// An address that is closed already is no trouble.
    private func close() async { try? await channel.close() }
}
