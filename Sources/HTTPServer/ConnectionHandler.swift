// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS
import Usage

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
        var rejection: AccessPolicy.Rejection?
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

    private let service: ConnectionService
    /// What was answered when the present request began.
    private var site: ServedSite
    var limits: ListenerLimits
    var context: ChannelHandlerContext?
    private var executor: EventLoopExecutor?
    private var phase = Phase.open
    private var exchange: Exchange?
    private var exchangeCount = 0
    /// Parts of requests that came before their turn.
    private var early = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// Whether requests were thrown away because too many came at once; the connection ends after those before them.
    private var isCutShort = false
    private var isAdvancing = false
    /// What is wrong with the bytes that follow.
    private var fault: RequestHead.Refusal?
    var timing = ConnectionTiming()
    private var streaming: Task<Void, Never>?
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

// MARK: - AccessPolicy

extension ConnectionHandler {
    /// Why the present request is not answered; nil when it is, and its share of the memory is opened then.
    private func rejection(_ head: RequestHead, _ match: RouteTable.Match) -> AccessPolicy.Rejection? {
        switch site.admission {
        case .everybody: break
        case .local(let rule):
            if let rejection = rule.rejection(head.request, allowsOrigin: match.route?.allowsOrigin) {
                return rejection
            }
        case .keys(let rule):
            guard let route = match.route else { break }
            switch rule.decision(head.request, for: route, from: context?.channel.remoteAddress?.ipAddress) {
            case .denied(let rejection): return rejection
            case .admitted(let permissions): exchange?.permissions = permissions
            }
        }
        return memoryRejection(head)
    }

    /// How often an answer without an end asks whether its key still allows it.
    private static let permissionInterval = TimeAmount.milliseconds(250)

    /// Ends an answer without an end when its key does not allow it any more, or keys are asked for since and it has none.
    private func watchPermission(_ number: Int) {
        guard let context, let exchange, exchange.number == number, let route = exchange.route else { return }
        if case .keys(let rule) = service.site.admission, !rule.stillAdmits(exchange.head.request, for: route) {
            return cutOff()
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.permissionInterval) { self.watchPermission(number) }
    }

    private func memoryRejection(_ head: RequestHead) -> AccessPolicy.Rejection? {
        guard let budget = service.memory, head.statedLength != 0 else { return nil }
        let length = head.statedLength ?? 0
        if length > budget.largestBody {
            return AccessPolicy.Rejection(
                code: .tooLarge,
                status: .contentTooLarge,
                message: "the body has more bytes than service.memory_limit allows at all; send smaller batches"
            )
        }
        if budget.hasRoom(for: length, isLarge: length > limits.smallBody) {
            exchange?.memory = MemoryShare(of: budget)
            return nil
        }
        budget.noteRefusal()
        return AccessPolicy.Rejection(
            code: .noMemory,
            status: .serviceUnavailable,
            message: "too much is being taken in at the moment; send it again later",
            fields: [.retryAfter: "\(budget.retryAfter(for: length))"]
        )
    }

    /// Takes memory for bytes of the body that have come; false when there is none.
    private func takesMemory(for bytes: Int) -> Bool {
        guard let budget = service.memory, let exchange, let memory = exchange.memory else { return true }
        if exchange.received + bytes <= limits.smallBody { return memory.take(bytes) }
        if exchange.incoming == nil {
            self.exchange?.incoming = IncomingShare(memory, of: budget, sender: sender(of: exchange.head.request))
        }
        return self.exchange?.incoming?.take(bytes) == true
    }

    /// A hash of who sends: of its key, which has been checked by now, or else of its address.
    private func sender(of request: HTTPRequest) -> UInt64 {
        var hash = StableHash(domain: "sender")
        let key = HTTPField.Name("X-Hammurabi-Api-Key").flatMap { request.headerFields[$0] }
        if case .keys = site.admission, let key = key ?? request.headerFields[.authorization] {
            hash.combine(key)
        } else {
            hash.combine(context?.channel.remoteAddress?.ipAddress ?? "")
        }
        return hash.value
    }

    /// Answers without the body; a request that has none keeps its connection.
    private func deny(_ rejection: AccessPolicy.Rejection) {
        exchange?.rejection = rejection
        guard let exchange, exchange.head.statedLength != 0 else { return }
        self.exchange?.isHandled = true
        answer(rejection)
    }

    /// Answers now, or after the time for which wrong keys are held back.
    private func answer(_ rejection: AccessPolicy.Rejection) {
        guard let exchange, let eventLoop = context?.eventLoop else { return }
        let response = ErrorAnswer(exchange.head.request, route: exchange.match.route)
            .response(rejection.status, rejection.message, rejection.fields, because: rejection.code)
        guard rejection.delay > .zero else { return finish(response, exchange.number) }
        eventLoop.assumeIsolated().scheduleTask(in: rejection.delay) { self.finish(response, exchange.number) }
    }
}

// MARK: - Answers

extension ConnectionHandler {
    /// Writes the answer to a request, unless that has been answered already.
    private func finish(_ response: ServerResponse, _ number: Int) {
        guard let exchange, exchange.number == number, !exchange.isStreaming else { return }
        service.note(response, to: exchange.head.request, exchange.match.route)
        if !exchange.body.isComplete || response.endsConnection { phase = .ending }
        let isHeadOnly = exchange.head.request.method == .head
        switch response.body {
        case .bytes(let bytes):
            write(response.head, isHeadOnly ? .headOnly(length: bytes.count) : .whole(bytes))
            endExchange()
        case .stream where isHeadOnly:
            write(response.head, .headOnly(length: nil))
            endExchange()
        case .stream(let pieces):
            self.exchange?.isStreaming = true
            let type = response.head.headerFields[.contentType] ?? ""
            self.exchange?.isEndless = type.hasPrefix("text/event-stream") || type == "application/x-ndjson"
            if exchange.head.isOld { phase = .ending }
            write(response.head, exchange.head.isOld ? .untilClose : .chunked)
            flush()
            stream(pieces, number)
            if self.exchange?.isEndless == true { watchPermission(number) }
        }
    }

    private func endExchange() {
        let isWhole = exchange?.body.isComplete == true && early.isEmpty
        exchange?.body.fail(.interrupted)
        exchange = nil
        if phase == .ending {
            close(lingers: !isWhole)
        } else {
            advance()
            flush()
        }
    }

    private func write(_ head: HTTPResponse, _ framing: ResponseBytes.Framing) {
        guard let context else { return }
        var capacity = 256
        if case .whole(let bytes) = framing { capacity += bytes.count }
        var buffer = context.channel.allocator.buffer(capacity: capacity)
        let connection = phase == .open ? (exchange?.head.isOld == true ? "keep-alive" : nil) : "close"
        ResponseBytes.answer(head, framing, connection: connection, in: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
    }

    /// Tells a client that its body is welcome.
    private func sayGoOn() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: ResponseBytes.goOn)), promise: nil)
    }

    /// Sends what is written, unless the end of the present read does, and reads on.
    private func flush() {
        guard !isReading else { return }
        context?.flush()
        readOn()
    }

    /// Answers what is no request, and ends the connection.
    func refuse(_ refusal: RequestHead.Refusal) {
        let answer = exchange.map { ErrorAnswer($0.head.request, route: $0.route) } ?? ErrorAnswer()
        let response = answer.response(refusal.status, refusal.message, refusal.fields, because: refusal.code)
        service.note(response, to: exchange?.head.request, exchange?.match.route)
        phase = .ending
        exchange?.body.fail(.interrupted)
        exchange = nil
        if case .bytes(let bytes) = response.body { write(response.head, .whole(bytes)) }
        close(lingers: true)
    }

    /// Ends the connection once everything written has been sent.
    ///
    /// - Parameter lingers: Whether the client may still be sending; that is thrown away for a while then.
    func close(lingers: Bool = false) {
        guard let context, phase != .closing || lingers else { return }
        phase = .closing
        early = []
        context.flush()
        expect(.reader, within: limits.answerTime)
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.close(mode: .output, promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            guard lingers, !self.isInputClosed else { return self.cutOff() }
            self.expect(.rest, within: self.limits.lingerTime)
            self.readOn()
        }
    }

    /// Answers what has begun, and then ends the connection.
    func drain() {
        limits = limits.draining
        // What is waited for already ends sooner, too.
        switch timing.reason {
        case .reader, .rest: expect(.reader, by: min(timing.deadline, .now() + limits.answerTime))
        case .body: expect(.body, by: min(timing.deadline, .now() + limits.bodyPause))
        case .request, .head, nil: break
        }
        guard phase == .open || phase == .ending else { return }
        guard let exchange else { return phase == .open ? close() : () }
        phase = .ending
        // A feed of events has no end of its own, also where the connection is to end with it (HTTP/1.0). One whose client does not
        // read cannot be told so.
        guard exchange.isEndless else { return }
        streaming?.cancel()
        expect(.reader, within: limits.answerTime)
    }

    /// Ends the connection now.
    func cutOff() { context?.close(promise: nil) }
}

extension ConnectionHandler {
    /// Sends pieces as they come, each when the one before it has been sent.
    private func stream(_ pieces: any AsyncSequence<[UInt8], any Error> & Sendable, _ number: Int) {
        guard let eventLoop = context?.eventLoop else { return }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        streaming = Task {
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
            eventLoop.execute { [isWhole] in connection.value.endStream(number, isWhole: isWhole) }
        }
    }

    private func send(_ piece: [UInt8], of number: Int, _ sent: EventLoopPromise<Void>) {
        guard let context, let exchange, exchange.number == number else {
            return sent.fail(ChannelError.ioOnClosedChannel)
        }
        var buffer = context.channel.allocator.buffer(capacity: piece.count + 16)
        if exchange.head.isOld { buffer.writeBytes(piece) } else { ResponseBytes.chunk(piece, in: &buffer) }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: sent)
        readOn()
    }

    /// Ends an answer in pieces; one that is not whole must not look as if it were.
    private func endStream(_ number: Int, isWhole: Bool) {
        guard let context, let exchange, exchange.number == number else { return }
        streaming = nil
        guard isWhole else { return cutOff() }
        if !exchange.head.isOld {
            context.write(wrapOutboundOut(ByteBuffer(string: ResponseBytes.lastChunk)), promise: nil)
        }
        endExchange()
    }
}

extension ServerResponse {
    /// Whether the handler wants the connection to end, because the rest of the body is not worth reading.
    fileprivate var endsConnection: Bool { head.headerFields[.connection]?.lowercased() == "close" }
}

// MARK: - Requests

extension ConnectionHandler {
    /// As many parts as wait for their turn: what one read brings could be a thousand requests, each ten times as large once it is parsed.
    private static let mostEarly = 256

    /// Keeps a part for its turn, or throws away a whole request and those after it: a client sends again what was not answered.
    private func keep(_ part: HTTPServerRequestPart) {
        if case .head = part, early.count >= Self.mostEarly { isCutShort = true }
        if !isCutShort { early.append(part) }
    }

    /// Whether the next part is wanted now: more of the present request, or a new one from a client that reads its answers.
    private var takesParts: Bool { exchange.map { !$0.body.isComplete } ?? (context?.channel.isWritable == true) }

    /// Takes the next part of the present request, or the first of a new one.
    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let buffer): append(buffer)
        case .end:
            exchange?.incoming = nil
            exchange?.body.complete()
            // How long an answer takes is not for the client to answer for.
            if timing.reason == .body { timing.stop() }
            if exchange?.isHandled == false { handle() }
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        timing.stop()
        do throws(RequestHead.Refusal) {
            let head = try RequestHead(head)
            let present = service.site
            if present !== site { (site, limits) = (present, present.limits) }
            exchangeCount += 1
            let match = site.table.match(head.request.method, head.request.path ?? "/")
            exchange = Exchange(number: exchangeCount, head: head, match: match, began: .now())
            if !head.keepsAlive || !limits.keepsAlive { phase = .ending }
            if let rejection = rejection(head, match) { return deny(rejection) }
            if let length = head.statedLength, length <= limits.smallBody { exchange?.body.expect(length) }
        } catch {
            refuse(error)
        }
    }

    /// Counts what comes.
    private func append(_ buffer: ByteBuffer) {
        guard takesMemory(for: buffer.readableBytes) else {
            if exchange?.memory?.isBeyondLimit == true { return refuse(.beyondMemory) }
            return refuse(.noMemory(retryAfter: service.memory?.retryAfter(for: buffer.readableBytes) ?? 1))
        }
        exchange?.received += buffer.readableBytes
        exchange?.body.append(buffer)
    }

    /// Whether a request is handled when its body is whole, and no sooner.
    private func isSmall(_ head: RequestHead) -> Bool {
        !head.expectsContinue && head.statedLength.map { $0 <= limits.smallBody } == true
    }

    /// Hands the present request to its route.
    private func handle() {
        guard let context, let exchange else { return }
        self.exchange?.isHandled = true
        // The client does not answer for the time until its body is asked for.
        self.exchange?.bodyBegan = nil
        timing.stop()
        if let rejection = exchange.rejection { return answer(rejection) }
        let request = exchange.head.request
        switch exchange.match {
        case .route(let route, let parameters):
            self.exchange?.route = route
            run(route, parameters, exchange, context.eventLoop)
        case .otherMethods(let routes): finish(service.missing(request, others: routes, site.table), exchange.number)
        case .nothing: finish(service.missing(request, others: [], site.table), exchange.number)
        }
    }

    /// Starts short work at once on the event loop, and other work elsewhere.
    ///
    /// Work on a long body has threads of its own, so that it holds up neither other connections nor clients that only ask. What a compressed body inflates to is not known here: its handler goes over to
    /// those threads when it is much.
    private func run(_ route: Route, _ parameters: [String: String], _ exchange: Exchange, _ eventLoop: any EventLoop) {
        let (service, number) = (service, exchange.number)
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        let isPost = exchange.head.request.method == .post
        let isShort = isPost && exchange.body.isComplete && exchange.body.bytes.count <= limits.smallBody
        let request = ServerRequest(
            head: exchange.head.request,
            parameters: parameters,
            body: body(of: exchange, connection, eventLoop),
            memory: exchange.memory,
            permissions: exchange.permissions,
            shortWork: isShort ? ShortWork(bytes: limits.smallBody, workers: WorkerThreads.shared) : nil
        )
        let work: @Sendable () async -> Void = {
            let response = await service.answer(request, route)
            if eventLoop.inEventLoop {
                connection.value.finish(response, number)
            } else {
                eventLoop.execute { connection.value.finish(response, number) }
            }
        }
        if isShort {
            Task.immediate(executorPreference: executor) { await work() }
        } else if isPost {
            Task(executorPreference: WorkerThreads.shared) { await work() }
        } else {
            Task { await work() }
        }
    }

    private func body(
        of exchange: Exchange,
        _ connection: NIOLoopBound<ConnectionHandler>,
        _ eventLoop: any EventLoop
    ) -> RequestBody {
        if exchange.body.isComplete { return RequestBody(bytes: exchange.body.bytes) }
        let source = ConnectionBody(connection: connection, eventLoop: eventLoop, number: exchange.number)
        return RequestBody(statedLength: exchange.head.statedLength, source: source)
    }

    /// Lets a handler wait for the body of its request.
    func demand(
        _ demand: IncomingBody.Demand,
        of number: Int,
        _ continuation: CheckedContinuation<IncomingBody.Outcome, Never>
    ) {
        guard let exchange, exchange.number == number else {
            continuation.resume(returning: .failure(.interrupted))
            return
        }
        if exchange.head.expectsContinue, !exchange.hasSaidGoOn {
            self.exchange?.hasSaidGoOn = true
            sayGoOn()
        }
        if case .whole(let limit) = demand, let length = exchange.head.statedLength, length <= limit {
            self.exchange?.body.expect(length)
        }
        self.exchange?.body.wait(for: demand, continuation)
        readOn()
    }

    /// Goes on with what came early, after an answer.
    private func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while phase != .closing, takesParts, let part = early.popFirst() { take(part) }
        if let exchange, !exchange.isHandled, !isSmall(exchange.head) { handle() }
        // What is left in turn comes when answers have been read.
        guard phase == .open, exchange == nil, early.isEmpty else { return }
        if let fault {
            refuse(fault)
        } else if isInputClosed || isCutShort {
            close(lingers: isCutShort)
        } else {
            expect(.request, within: limits.idleTime)
        }
    }

    /// Until when more of a body must come: before the pause is too long, the whole too long, or the average too slow.
    private func bodyDeadline(_ exchange: Exchange) -> NIODeadline {
        let deadline = min(exchange.began + limits.bodyTime, .now() + limits.bodyPause)
        guard limits.bodyRate > 0 else { return deadline }
        let allowed = TimeAmount.milliseconds(Int64(clamping: exchange.received &* 1_000 / limits.bodyRate))
        return min(deadline, (exchange.bodyBegan ?? .now()) + limits.bodyGrace + allowed)
    }

    /// Reads on when there is use for what comes.
    private func readOn() {
        guard let context else { return }
        if phase == .closing { return context.read() }
        guard context.channel.isWritable else { return expect(.reader, within: limits.answerTime) }
        guard let exchange else {
            if early.isEmpty { context.read() }
            return
        }
        if exchange.body.isComplete {
            // Also to learn that the client goes away; what it sends early is kept, but no more is read then.
            if early.isEmpty { context.read() }
        } else if !exchange.isHandled || exchange.body.isWanted {
            if exchange.bodyBegan == nil { self.exchange?.bodyBegan = .now() }
            expect(.body, by: bodyDeadline(exchange))
            context.read()
        }
    }
}

/// Runs tasks on the event loop of a connection, so that a short request never changes threads.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Runs requests whose work is long on threads of their own, so that neither event loops nor the threads that answer short questions
/// wait for them.
///
/// The threads begin with the first such request and live as long as the process. Safe to use from any thread.
final class WorkerThreads: TaskExecutor {
    static let shared = WorkerThreads()

    private let threads: NIOThreadPool

    private init() {
        threads = NIOThreadPool(numberOfThreads: max(2, System.coreCount))
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
