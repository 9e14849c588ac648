// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// Performs the decisions of the state machine on a channel: that of an HTTP/1.1 connection or of an HTTP/2 stream.
///
/// A small request is answered in the same call that read the end of its body. Must be used on its event loop.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler, OpenConnection {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let service: ExchangeService
    private let group: any ConnectionGroup
    private let isStream: Bool
    private var machine: ConnectionStateMachine
    private var exchange: Exchange?
    private var context: ChannelHandlerContext?
    private var executor: EventLoopExecutor?
    private var timer: Scheduled<Void>?
    private var pieces: Task<Void, Never>?
    /// Succeeds when the latest piece has been sent.
    private var pieceSent: EventLoopPromise<Void>?
    private var isPerforming = false
    /// Succeeds when the end of a stream's answer has been sent.
    private var lastWritten: EventLoopFuture<Void>?

    /// How often an answer without an end checks whether its key is still valid.
    private static let permissionInterval = TimeAmount.milliseconds(250)

    /// Creates the handler of an HTTP/1.1 connection.
    init(_ service: ExchangeService, _ connections: OpenConnections, _ limits: ListenerLimits, isEncrypted: Bool) {
        (self.service, group, isStream) = (service, connections, false)
        machine = ConnectionStateMachine(limits, isEncrypted: isEncrypted)
    }

    /// Creates the handler of an HTTP/2 stream.
    init(_ service: ExchangeService, streamOf connection: HTTP2Connection, _ limits: ListenerLimits) {
        (self.service, group, isStream) = (service, connection, true)
        machine = ConnectionStateMachine(limits, isStream: true)
    }

    // MARK: - Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        executor = EventLoopExecutor(context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        machine.opened(group.enter(self, on: context.eventLoop), at: .now())
        perform()
    }

    func channelInactive(context: ChannelHandlerContext) {
        group.leave(self)
        close()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        machine.received(unwrapInboundIn(data), at: .now())
        perform()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        machine.readCompleted(at: .now())
        perform()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        machine.writabilityChanged(context.channel.isWritable)
        // Not performed here: this call may come in the middle of a flush.
        if !isPerforming { context.eventLoop.assumeIsolated().execute { self.perform() } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.handshakeCompleted) = event as? TLSUserEvent { machine.encrypted(at: .now()) }
        if case .some(.inputClosed) = event as? ChannelEvent {
            machine.inputClosed()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
        perform()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            machine.parsingFailed(error)
        } else if case .some(.handshakeFailed) = error as? NIOSSLError {
            machine.failed(inHandshake: true)
        } else {
            machine.failed(inHandshake: false)
        }
        perform()
    }

    private func close() {
        timer?.cancel()
        timer = nil
        machine.closed()
        perform()
    }

    /// Whether requests are still accepted.
    var isOpen: Bool { machine.isOpen }

    /// Passes the channel to an HTTP/2 connection, before any request.
    func yield(to successor: HTTP2Connection) {
        close()
        if let context { successor.replace(self, on: context.eventLoop) }
    }

    /// Finishes the requests in flight, then closes the connection.
    func drain() {
        machine.drain(at: .now())
        perform()
    }

    /// Closes the connection at once.
    func cutOff() { context?.close(promise: nil) }

    // MARK: - Actions

    /// Performs actions of the state machine until it waits for an event.
    private func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while let action = machine.next(at: .now()) { perform(action) }
    }

    private func perform(_ action: ConnectionStateMachine.Action) {
        switch action {
        case .admit(let head, let number): admit(head, number)
        case .deliver(let buffer): deliver(buffer)
        case .endBody: exchange?.endBody()
        case .interruptBody: exchange?.interruptBody()
        case .handle: handle()
        case .sayContinue: context?.writeAndFlush(wrapOutboundOut(.head(.continue)), promise: nil)
        case .answer(let response, let form): answer(response, form)
        case .writePiece(let piece): write(piece)
        case .endAnswer: writeEnd(nil)
        case .refuse(let error): refuse(error)
        case .cancelPieces: pieces?.cancel()
        case .watchPermission(let number): watchPermission(of: number)
        case .release:
            exchange?.interruptBody()
            (exchange, pieces) = (nil, nil)
        case .flush: context?.flush()
        case .read: context?.read()
        case .setTimer(let instant): setTimer(instant)
        case .closeOutput: closeOutput()
        case .close: cutOff()
        case .noteHTTP2: service.noteHTTP2("it began in the middle of a connection of HTTP/1.1")
        case .noteNotEncrypted: service.noteNotEncrypted()
        }
    }

    private func admit(_ head: RequestHead, _ number: Int) {
        let exchange = Exchange(number, head, from: context?.channel.remoteAddress, at: service)
        self.exchange = exchange
        machine.admitted(exchange.limits, isRejected: exchange.rejection != nil, at: .now())
    }

    private func deliver(_ buffer: ByteBuffer) {
        guard let exchange else { return }
        if let error = exchange.take(buffer) { return machine.refused(error, at: .now()) }
        machine.delivered(readerWaits: exchange.body.isWanted, at: .now())
    }

    private func handle() {
        guard let context, let executor, let exchange else { return }
        let (eventLoop, number) = (context.eventLoop, exchange.number)
        if let rejection = exchange.rejection {
            let response = exchange.answer(to: rejection)
            // Answers to wrong keys are delayed.
            guard rejection.delay > .zero else { return finish(response, number) }
            eventLoop.assumeIsolated().scheduleTask(in: rejection.delay) { self.finish(response, number) }
            return
        }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        exchange.handle(
            on: executor,
            reading: ComingBody { demand, continuation in
                eventLoop.execute { connection.value.read(demand, of: number, continuation) }
            },
            answer: { response in
                if eventLoop.inEventLoop {
                    connection.value.finish(response, number)
                } else {
                    eventLoop.execute { connection.value.finish(response, number) }
                }
            }
        )
    }

    private func finish(_ response: ServerResponse, _ number: Int) {
        machine.answered(number, with: response, at: .now())
        perform()
    }

    /// Makes a handler wait for the body of its request.
    private func read(
        _ demand: IncomingBody.Demand,
        of number: Int,
        _ continuation: CheckedContinuation<IncomingBody.Outcome, Never>
    ) {
        guard let exchange, exchange.number == number else {
            return continuation.resume(returning: .failure(.interrupted))
        }
        exchange.read(demand, continuation)
        machine.bodyWanted(by: number, readerWaits: exchange.body.isWanted)
        perform()
    }

    private func setTimer(_ instant: NIODeadline) {
        guard let eventLoop = context?.eventLoop else { return }
        timer?.cancel()
        timer = eventLoop.assumeIsolated()
            .scheduleTask(deadline: instant) {
                self.timer = nil
                self.machine.timerFired(at: .now())
                self.perform()
            }
    }

    private func watchPermission(of number: Int) {
        guard let context else { return }
        context.eventLoop.assumeIsolated()
            .scheduleTask(in: Self.permissionInterval) {
                guard let exchange = self.exchange, exchange.number == number else { return }
                if exchange.isStillPermitted { return self.watchPermission(of: number) }
                self.machine.permissionEnded(number)
                self.perform()
            }
    }

    private func closeOutput() {
        guard let context else { return }
        let closed = context.eventLoop.makePromise(of: Void.self)
        if isStream, let lastWritten {
            // A stream whose request was complete is closed by then.
            lastWritten.assumeIsolated().whenComplete { _ in
                context.eventLoop.assumeIsolated().execute { closed.succeed() }
            }
        } else {
            context.close(mode: .output, promise: closed)
        }
        closed.futureResult.assumeIsolated()
            .whenComplete { _ in
                self.machine.outputClosed(at: .now())
                self.perform()
            }
    }

    // MARK: - Writing

    private func answer(_ response: ServerResponse, _ form: ConnectionStateMachine.AnswerForm) {
        guard let exchange else { return }
        exchange.note(response)
        write(exchange.isRPC ? GRPC.answer(response) : response, form)
        guard case .stream(let pieces) = response.body, form.body == .chunked || form.body == .untilClose else {
            return
        }
        send(pieces, exchange.number)
    }

    /// Answers the present request, or bytes that are not a request, without a route.
    private func refuse(_ error: RequestError) {
        let response = exchange?.answer(to: error) ?? ErrorAnswer().response(error)
        if let exchange { exchange.note(response) } else { service.note(response, to: nil, nil) }
        let isRPC = exchange?.isRPC ?? machine.refusesCall
        write(isRPC ? GRPC.answer(response) : response, isStream ? .whole : .lastWhole)
    }

    private func write(_ response: ServerResponse, _ form: ConnectionStateMachine.AnswerForm) {
        guard let context else { return }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(response, form, hasTrailers: isStream && response.trailers != nil))),
            promise: nil
        )
        guard form.body != .chunked, form.body != .untilClose else { return }
        if form.body == .whole, case .bytes(let bytes) = response.body, !bytes.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: bytes)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        writeEnd(isStream ? response.trailers : nil)
    }

    private func writeEnd(_ trailers: HTTPFields?) {
        guard let context else { return }
        let fields = trailers.flatMap { trailers in
            trailers.isEmpty ? nil : HTTPHeaders(trailers.map { ($0.name.rawName, $0.value) })
        }
        guard isStream else { return context.write(wrapOutboundOut(.end(fields)), promise: nil) }
        let written = context.eventLoop.makePromise(of: Void.self)
        lastWritten = written.futureResult
        context.write(wrapOutboundOut(.end(fields)), promise: written)
    }

    private func write(_ piece: [UInt8]) {
        guard let context else { return }
        let buffer = context.channel.allocator.buffer(bytes: piece)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: pieceSent)
        pieceSent = nil
    }

    /// Sends pieces as they arrive, each when the previous one has been sent.
    private func send(_ pieces: any AsyncSequence<[UInt8], any Error> & Sendable, _ number: Int) {
        guard let eventLoop = context?.eventLoop else { return }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        self.pieces = Task {
            var isWhole = true
            do {
                for try await piece in pieces where !piece.isEmpty {
                    let sent = eventLoop.makePromise(of: Void.self)
                    eventLoop.execute { connection.value.send(piece, of: number, sent) }
                    try await sent.futureResult.get()
                }
                try Task.checkCancellation()
            } catch {
                isWhole = false
            }
            eventLoop.execute { [isWhole] in connection.value.endPieces(number, isWhole: isWhole) }
        }
    }

    private func send(_ piece: [UInt8], of number: Int, _ sent: EventLoopPromise<Void>) {
        pieceSent = sent
        machine.pieceCame(number, piece)
        perform()
        // Still set when the answer was cancelled.
        pieceSent?.fail(ChannelError.ioOnClosedChannel)
        pieceSent = nil
    }

    private func endPieces(_ number: Int, isWhole: Bool) {
        machine.piecesEnded(number, isWhole: isWhole, at: .now())
        perform()
    }
}

extension HTTPResponseHead {
    /// Asks a waiting client to send its body.
    fileprivate static let `continue` = HTTPResponseHead(version: .http1_1, status: .continue)

    /// The head of an answer with the fields that depend on the connection.
    fileprivate init(_ response: ServerResponse, _ form: ConnectionStateMachine.AnswerForm, hasTrailers: Bool) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(response.head.headerFields.count + 2)
        for field in response.head.headerFields where !Self.isFraming(field.name) {
            headers.add(name: field.name.rawName, value: field.value)
        }
        if let connection = form.connection { headers.add(name: "Connection", value: connection) }
        switch (form.body, response.body) {
        // The answer to a gRPC call contains its own length.
        case (.whole, .bytes) where hasTrailers: break
        case (.whole, .bytes(let bytes)): headers.add(name: "Content-Length", value: String(bytes.count))
        case (.none(let length?), _): headers.add(name: "Content-Length", value: String(length))
        case (.chunked, _): headers.add(name: "Transfer-Encoding", value: "chunked")
        default: break
        }
        let status = response.head.status
        // NIO's own phrases are those of an older RFC.
        self.init(
            version: .http1_1,
            status: .custom(code: UInt(clamping: status.code), reasonPhrase: status.reasonPhrase),
            headers: headers
        )
    }

    private static func isFraming(_ name: HTTPField.Name) -> Bool {
        name == .connection || name == .contentLength || name == .transferEncoding
    }
}
