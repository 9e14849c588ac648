// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// An HTTP/2 connection: its streams, each handled like an HTTP/1.1 connection with one request, and its end.
///
/// An end is announced (GOAWAY) and waits for the streams in progress. The resources that one client can use are limited: its streams
/// and their windows, the bytes of its heads, and how often it resets streams or sends frames that only require an answer. Must be used
/// on its event loop.
final class HTTP2Connection: ChannelInboundHandler, OpenConnection, ConnectionGroup {
    typealias InboundIn = HTTP2Frame

    private let service: ExchangeService
    private let connections: OpenConnections
    private let limits: ListenerLimits
    private var context: ChannelHandlerContext?
    private var streams: [ObjectIdentifier: any OpenConnection] = [:]
    private var isDraining = false
    /// Whether the connection is closed with its last stream.
    private var endsWhenIdle = false
    /// Since when there has been no stream.
    private var idleSince = NIODeadline.now()
    /// Whether there has been a stream.
    private var hasServed = false
    private var idleTimer: Scheduled<Void>?
    private var timers: [Scheduled<Void>] = []
    private let output = ConnectionOutput()

    /// How many bytes may arrive on a stream before they are read, and on all streams of a connection together.
    private static let streamWindow = 1 << 20
    private static let connectionWindow = 4 << 20
    /// The limit of control frames in half a minute: gRPC clients ping up to ten times a second to measure the connection.
    private static let controlFrames = 1_000
    /// How many frames a head may take; its bytes have a limit of their own.
    private static let continuations = 64

    init(_ service: ExchangeService, _ connections: OpenConnections, _ limits: ListenerLimits) {
        (self.service, self.connections, self.limits) = (service, connections, limits)
    }

    /// Replaces the HTTP/1.1 connection that the channel was before its first bytes arrived.
    func replace(_ connection: ConnectionHandler, on eventLoop: any EventLoop) {
        isDraining = connections.replace(connection, with: self, on: eventLoop)
    }

    /// Adds the HTTP/2 handlers to a channel.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let eventLoop = pipeline.eventLoop
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streams),
            // A longer head ends the connection, because the table of fields depends on it; one that is only longer than allowed is refused.
            HTTP2Setting(parameter: .maxHeaderListSize, value: 2 * limits.headBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.streamWindow),
        ]
        connection.targetWindowSize = Self.connectionWindow
        connection.controlFrameRateLimit.maximumCount = Self.controlFrames
        connection.maximumBufferedControlFrames = Self.controlFrames
        connection.maximumSequentialContinuationFrames = Self.continuations
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = Self.streamWindow
        stream.outboundBufferSizeHighWatermark = 64 << 10
        stream.outboundBufferSizeLowWatermark = 32 << 10
        let ending = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: eventLoop,
            configuration: .init(
                maxIdleTime: nil,
                maxAge: nil,
                maxGraceTime: nil,
                keepalive: limits.pingInterval.map { .init(pingInterval: $0, ackTimeout: limits.pingTimeout) }
            )
        )
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let handler = NIOHTTP2Handler(
            mode: .server,
            eventLoop: eventLoop,
            connectionConfiguration: connection,
            streamConfiguration: stream,
            streamDelegate: ending.http2StreamDelegate
        ) { channel in
            channel.eventLoop.makeCompletedFuture { try bound.value.begin(channel) }
        }
        try pipeline.addHandler(output)
        try pipeline.addHandler(handler)
        try pipeline.addHandler(ending)
        try pipeline.addHandler(self)
    }

    /// Starts to serve a new stream.
    private func begin(_ channel: any Channel) throws {
        // Data of a stream is read on demand; until then its window limits the client.
        try channel.syncOptions?.setOption(.autoRead, value: false)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(StreamFrames())
        try pipeline.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try pipeline.addHandler(ConnectionHandler(service, streamOf: self, service.site.limits))
    }

    // MARK: - Streams

    func enter(_ stream: any OpenConnection, on eventLoop: any EventLoop) -> ConnectionStateMachine.Entry {
        streams[ObjectIdentifier(stream)] = stream
        hasServed = true
        // A client may open streams until it has read the announcement of the end; they are answered.
        if isDraining { eventLoop.assumeIsolated().execute { stream.drain() } }
        return .served
    }

    func leave(_ stream: any OpenConnection) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        idleSince = .now()
        // Not at once: the end of the last answer is being written.
        if endsWhenIdle { context?.eventLoop.assumeIsolated().execute { self.finish() } }
    }

    // MARK: - Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // The frames of all streams arrive on this connection, so it is always read.
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        context.read()
        watchIdleness(at: idleSince + min(limits.headTime, limits.idleTime))
        if isDraining { drain() }
        watchAge()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        connections.leave(self)
        idleTimer?.cancel()
        for timer in timers { timer.cancel() }
        timers = []
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            // The client may still read: what it has asked for is answered first.
            endsWhenIdle = true
            finish()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? any NIOHTTP2Error else { return cutOff() }
        let isOver = output.hasFailed || Self.endsConnection(error)
        // A frame of a stream that has just ended is no fault of the client.
        if isOver || !(error is NIOHTTP2Errors.NoSuchStream || error is NIOHTTP2Errors.StreamClosed) {
            service.noteHTTP2(Self.description(of: error))
        }
        // The stream has been reset, and the others continue (RFC 9113 §5.4.2).
        if isOver { cutOff() }
    }

    /// Whether an error is one of the connection although it was not announced.
    private static func endsConnection(_ error: any NIOHTTP2Error) -> Bool {
        switch error {
        // The announcement itself fails when the end has been announced before.
        case is NIOHTTP2Errors.RaisedGoawayLastStreamID, is NIOHTTP2Errors.UnableToSerializeFrame,
            is NIOHTTP2Errors.BadClientMagic, is NIOHTTP2Errors.MissingPreface:
            true
        default: false
        }
    }

    /// What a client did, in a few words; the library's own texts name its types and files.
    private static func description(of error: any NIOHTTP2Error) -> String {
        switch error {
        case is NIOHTTP2Errors.BadClientMagic, is NIOHTTP2Errors.MissingPreface:
            "it begins without the preface and settings of HTTP/2"
        case is NIOHTTP2Errors.ExcessiveRSTFrames: "it resets one stream after the other"
        case is NIOHTTP2Errors.ExcessiveStreamErrors: "one stream after the other fails"
        case is NIOHTTP2Errors.ExcessiveControlFrames: "it sends settings or pings one after the other"
        case is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering: "it asks for answers faster than it reads them"
        case is NIOHTTP2Errors.ExcessiveEmptyDataFrames: "it sends one empty frame after the other"
        case is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock, is NIOHTTP2Errors.ExcessiveContinuationFrames:
            "the head of a request is too long"
        case is NIOHTTP2Errors.ExcessiveNumberOfGlitches: "it sends one useless frame after the other"
        case is NIOHTTP2Errors.UnableToParseFrame: "a frame cannot be read"
        case is NIOHTTP2Errors.FlowControlViolation, is NIOHTTP2Errors.InvalidFlowControlWindowSize,
            is NIOHTTP2Errors.InvalidWindowIncrementSize:
            "it does not keep to the windows of flow control"
        case is NIOHTTP2Errors.InvalidSetting, is NIOHTTP2Errors.ReceivedBadSettings: "a setting is out of range"
        case is NIOHTTP2Errors.MaxStreamsViolation: "it opens more streams than are allowed at once"
        case is NIOHTTP2Errors.StreamIDTooSmall, is NIOHTTP2Errors.InvalidStreamIDForPeer:
            "the number of a stream is not one that may come next"
        case is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.DuplicatePseudoHeader,
            is NIOHTTP2Errors.MissingPseudoHeader, is NIOHTTP2Errors.UnknownPseudoHeader,
            is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader, is NIOHTTP2Errors.UnsupportedPseudoHeader,
            is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName, is NIOHTTP2Errors.ForbiddenHeaderField,
            is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue,
            is NIOHTTP2Errors.EmptyPathHeader:
            "the head of a request has a field that it may not have, or lacks one"
        case is NIOHTTP2Errors.ContentLengthViolated, is NIOHTTP2Errors.ContentLengthHeadersMismatch,
            is NIOHTTP2Errors.ContentLengthHeaderNegative, is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
            "a body has another length than its head says"
        default: "a frame came that is not allowed there"
        }
    }

    // MARK: - The end

    func drain() {
        isDraining = true
        end()
        for stream in streams.values { stream.drain() }
    }

    func cutOff() { context?.close(promise: nil) }

    /// Closes the connection if it has no streams, once all that was written has been sent.
    private func finish() {
        guard streams.isEmpty, let context else { return }
        context.flush()
        let sent = context.eventLoop.makePromise(of: Void.self)
        output.wait(for: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in if self.streams.isEmpty { self.cutOff() } }
        // A client that does not read delays it for a while at most.
        after(limits.answerTime) { if $0.streams.isEmpty { $0.cutOff() } }
    }

    /// Announces the end; the connection is closed even if the client does not confirm it.
    private func end() {
        context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        after(limits.drainTime) {
            $0.endsWhenIdle = true
            $0.finish()
        }
    }

    /// Ends a connection without streams; one timer serves all idle periods, so a stream needs none.
    private func watchIdleness(at deadline: NIODeadline) {
        idleTimer = context?.eventLoop.assumeIsolated()
            .scheduleTask(deadline: deadline) {
                let due = (self.streams.isEmpty ? self.idleSince : .now()) + self.limits.idleTime
                if due <= .now() || !self.hasServed { self.end() } else { self.watchIdleness(at: due) }
            }
    }

    /// A connection that has reached its age ends; not at the same moment as all that began with it.
    private func watchAge() {
        guard let age = limits.connectionAge else { return }
        let spread = Int64(Double(age.nanoseconds) * Double.random(in: 0.9...1.1))
        after(.nanoseconds(spread)) { connection in
            connection.end()
            if let grace = connection.limits.connectionGrace { connection.after(grace) { $0.cutOff() } }
        }
    }

    private func after(_ time: TimeAmount, _ work: @escaping (HTTP2Connection) -> Void) {
        guard let eventLoop = context?.eventLoop else { return }
        timers.append(eventLoop.assumeIsolated().scheduleTask(in: time) { work(self) })
    }
}

/// The bytes of all frames that are sent: whether they say that the connection has failed, and when they have been sent.
///
/// The library reports an error of a stream like one of the connection; before the latter it sends GOAWAY with a code (RFC 9113 §5.4.1).
private final class ConnectionOutput: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Whether GOAWAY with the code of an error was sent.
    private(set) var hasFailed = false
    /// How many bytes of the present frame are still to be written.
    private var rest = 0
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Completes a promise when all that was written has been sent, or cannot be.
    func wait(for sent: EventLoopPromise<Void>) {
        guard let context else { return sent.fail(ChannelError.ioOnClosedChannel) }
        // Closing the output would not wait when the client has closed the input.
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .byteBuffer(let buffer) = unwrapOutboundIn(data) { note(buffer) }
        context.write(data, promise: promise)
    }

    /// Reads the head of a frame, which begins a buffer of its own: length, type, flags and stream in 9 bytes (RFC 9113 §4.1).
    private func note(_ buffer: ByteBuffer) {
        guard rest == 0 else {
            rest = max(0, rest - buffer.readableBytes)
            return
        }
        let start = buffer.readerIndex
        guard let head = buffer.getInteger(at: start, as: UInt32.self) else { return }
        rest = max(0, 9 + Int(head >> 8) - buffer.readableBytes)
        // The code of GOAWAY follows the last stream (RFC 9113 §6.8).
        if head & 0xFF == 7, let code = buffer.getInteger(at: start + 13, as: UInt32.self), code != 0 {
            hasFailed = true
        }
    }
}

/// The frames of a stream between the library and the codec, which knows less than the protocol.
///
/// A request may leave out fields that the codec asks for. A call that fails is answered with a single frame, its head, which ends the
/// stream ("Trailers-Only" of gRPC's specification). A client whose request was answered before it was whole gets a reset that says that
/// its rest is not wanted, and that this is no failure (RFC 9113 §8.1).
private final class StreamFrames: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private var hasAnswered = false
    private var hasRequest = false
    private var hasHead = false
    /// Whether the library has not yet announced the stream, whose first frames are read in the meantime.
    private var isBeginning = false
    /// The head of a call's answer that says by itself how the call ended; it waits for the end, with which it is sent.
    private var head: (frame: HTTP2Frame.FramePayload.Headers, promise: EventLoopPromise<Void>?)?

    func channelActive(context: ChannelHandlerContext) {
        isBeginning = true
        context.fireChannelActive()
        isBeginning = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        if Self.ends(frame) { hasRequest = true }
        if !hasHead, case .headers(let head) = frame {
            hasHead = true
            context.fireChannelRead(wrapInboundOut(.headers(Self.completed(head))))
        } else {
            context.fireChannelRead(data)
        }
    }

    /// What a request may leave out: the authority if it has a Host field, the rest for CONNECT (RFC 9113 §8.3.1 and §8.5).
    private static let optional = [(":authority", ""), (":scheme", "http"), (":path", "/")]

    private static func completed(_ head: HTTP2Frame.FramePayload.Headers) -> HTTP2Frame.FramePayload.Headers {
        var head = head
        for (name, value) in optional where !head.headers.contains(name: name) {
            head.headers.add(name: name, value: value)
        }
        return head
    }

    private static func ends(_ frame: HTTP2Frame.FramePayload) -> Bool {
        switch frame {
        case .headers(let headers): headers.endStream
        case .data(let data): data.endStream
        default: false
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame = unwrapOutboundIn(data)
        if Self.ends(frame) { hasAnswered = true }
        if case .headers(let headers) = frame, !headers.endStream, headers.headers.contains(name: "grpc-status") {
            head = (headers, promise)
            return
        }
        guard let (held, first) = head else { return context.write(data, promise: promise) }
        head = nil
        var headers = held
        guard Self.ends(frame) else {
            context.write(wrapOutboundOut(.headers(headers)), promise: first)
            return context.write(data, promise: promise)
        }
        headers.endStream = true
        let written = promise ?? first
        if promise != nil, let first { written?.futureResult.cascade(to: first) }
        context.write(wrapOutboundOut(.headers(headers)), promise: written)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if hasAnswered, !hasRequest { context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil) }
        guard isBeginning else { return context.close(mode: mode, promise: promise) }
        // The library must announce a stream before it announces its end.
        context.eventLoop.assumeIsolated().execute { context.close(mode: mode, promise: promise) }
    }
}
