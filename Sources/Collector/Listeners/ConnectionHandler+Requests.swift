// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1

extension ConnectionHandler {
    /// As many parts as wait for their turn: what one read brings could be a thousand requests, each ten times as large once it is parsed.
    private static let mostEarly = 256

    /// Keeps a part for its turn, or throws away a whole request and those after it: a client sends again what was not answered.
    func keep(_ part: HTTPServerRequestPart) {
        if case .head = part, early.count >= Self.mostEarly { isCutShort = true }
        if !isCutShort { early.append(part) }
    }

    /// Whether the next part is wanted now: more of the present request, or a new one from a client that reads its answers.
    var takesParts: Bool { exchange.map { !$0.body.isComplete } ?? (context?.channel.isWritable == true) }

    /// Takes the next part of the present request, or the first of a new one.
    func take(_ part: HTTPServerRequestPart) {
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
            if let denial = denial(head, match) { return deny(denial) }
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
    func isSmall(_ head: RequestHead) -> Bool {
        !head.expectsContinue && head.statedLength.map { $0 <= limits.smallBody } == true
    }

    /// Hands the present request to its route.
    func handle() {
        guard let context, let exchange else { return }
        self.exchange?.isHandled = true
        // The client does not answer for the time until its body is asked for.
        self.exchange?.bodyBegan = nil
        timing.stop()
        if let denial = exchange.denial { return answer(denial) }
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
    func advance() {
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
    func readOn() {
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
