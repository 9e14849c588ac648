// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// One connection: takes requests one after the other, has each answered, and keeps to the limits.
///
/// A request whose body is small is handled once it is whole, mostly in the very call that read it; a handler of a larger one asks for
/// the body itself, and nothing is read before it does. Belongs to its event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// The request that is being received or answered.
    struct Exchange {
        let number: Int
        let head: RequestHead
        /// What it meets, by its method and path.
        let match: RouteTable.Match
        let began: NIODeadline
        var body = IncomingBody()
        /// Where the request belongs, once it has been handed there.
        var route: Route?
        /// Whether somebody works on the answer.
        var isHandled = false
        /// Whether an answer in pieces has begun.
        var isStreaming = false
        /// Whether it is a feed of events, which has no end of its own.
        var isEndless = false
        var hasSaidGoOn = false
        /// Why it is not answered, to be told when all of it is there.
        var denial: Admission.Denial?
        /// What its key allows; everything where no keys are asked for.
        var permissions = Permissions.all
        /// What it holds of the memory.
        var memory: MemoryShare?
        /// How many bytes of the body have come.
        var received = 0
        /// When the body was first waited for.
        var bodyBegan: NIODeadline?
        /// What of a large body is still coming; nil for others.
        var incoming: IncomingShare?
    }

    /// How long the connection lasts.
    enum Phase {
        case open
        /// The present request is the last.
        case ending
        /// The last answer is written; what still comes is thrown away.
        case closing
    }

    let service: ConnectionService
    /// What was answered when the present request began.
    var site: ServedSite
    var limits: ListenerLimits
    var context: ChannelHandlerContext?
    var executor: EventLoopExecutor?
    var phase = Phase.open
    var exchange: Exchange?
    var exchangeCount = 0
    /// Parts of requests that came before their turn.
    var early = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// Whether requests were thrown away because too many came at once; the connection ends after those before them.
    var isCutShort = false
    var isAdvancing = false
    /// What is wrong with the bytes that follow.
    var fault: RequestHead.Refusal?
    var timing = ConnectionTiming()
    var streaming: Task<Void, Never>?
    private(set) var isInputClosed = false
    private(set) var isReading = false
    /// Whether the client and this side are still agreeing on a key.
    private(set) var isEncrypting: Bool
    private var hasSeenPart = false

    init(_ service: ConnectionService, _ site: ServedSite) {
        self.service = service
        self.site = site
        limits = site.limits
        isEncrypting = site.tls != nil
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        executor = EventLoopExecutor(context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        switch service.connections.enter(self, on: context.eventLoop) {
        case .served:
            expectFirst()
            readOn()
        case .draining: drain()
        case .refused: refuse(.tooManyConnections)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        service.connections.leave(self)
        phase = .closing
        exchange?.body.fail(.interrupted)
        exchange = nil
        early = []
        streaming?.cancel()
        timing.end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        hasSeenPart = true
        guard phase != .closing else { return }
        let part = unwrapInboundIn(data)
        if early.isEmpty, takesParts, !isCutShort { take(part) } else { keep(part) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if phase == .open, exchange == nil, !hasSeenPart, timing.reason != .head {
            expect(.head, within: limits.headTime)
        }
        hasSeenPart = false
        if let exchange, !exchange.isHandled, !isSmall(exchange.head) { handle() }
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        if timing.reason == .reader { timing.stop() }
        guard exchange == nil, !early.isEmpty else { return readOn() }
        // Not here: this may be told in the midst of a flush.
        context.eventLoop.assumeIsolated().execute {
            self.advance()
            self.flush()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.handshakeCompleted) = event as? TLSUserEvent {
            isEncrypting = false
            if timing.reason == .request { expectFirst() }
        }
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        isInputClosed = true
        exchange?.body.fail(.interrupted)
        // A client that has said all it has to say may still listen.
        if timing.reason == .rest { return cutOff() }
        if let exchange { if !exchange.isHandled { close() } } else if early.isEmpty { close() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            if isEncrypting, case .some(.handshakeFailed) = error as? NIOSSLError { service.noteNotEncrypted() }
            context.close(promise: nil)
            return
        }
        guard phase != .closing, fault == nil else { return }
        if error == .paused {
            service.noteHTTP2()
            context.close(promise: nil)
            return
        }
        let fault = RequestHead.Refusal(error)
        self.fault = fault
        guard let exchange else { return refuse(fault) }
        guard !exchange.body.isComplete else { return }
        self.exchange?.body.fail(.interrupted)
        if exchange.isHandled { phase = .ending } else { refuse(fault) }
    }
}
