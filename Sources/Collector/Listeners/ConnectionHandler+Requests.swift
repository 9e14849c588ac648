// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1

extension ConnectionHandler {
    /// Takes the next part of the present request, or the first of a new one.
    func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let buffer): exchange?.body.append(buffer)
        case .end:
            exchange?.body.complete()
            if exchange?.isHandled == false { handle() }
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        timing.stop()
        do throws(RequestHead.Refusal) {
            let head = try RequestHead(head)
            exchangeCount += 1
            exchange = Exchange(number: exchangeCount, head: head, began: .now())
            if let length = head.statedLength, length <= limits.smallBody { exchange?.body.reserve(length) }
            if !head.keepsAlive || !limits.keepsAlive { phase = .ending }
        } catch {
            refuse(error)
        }
    }

    /// Whether a request is handled when its body is whole, and no sooner.
    func isSmall(_ head: RequestHead) -> Bool {
        !head.expectsContinue && head.statedLength.map { $0 <= limits.smallBody } == true
    }

    /// Hands the present request to its route.
    func handle() {
        guard let context, let exchange else { return }
        self.exchange?.isHandled = true
        timing.stop()
        switch service.table.match(exchange.head.request.method, exchange.head.request.path ?? "/") {
        case .route(let route, let parameters):
            self.exchange?.route = route
            run(route, parameters, exchange, context.eventLoop)
        case .otherMethods(let routes): finish(service.missing(exchange.head.request, others: routes), exchange.number)
        case .nothing: finish(service.missing(exchange.head.request, others: []), exchange.number)
        }
    }

    /// Short work starts at once on the event loop and comes back to it; the rest must not hold up other connections.
    private func run(_ route: Route, _ parameters: [String: String], _ exchange: Exchange, _ eventLoop: any EventLoop) {
        let (service, number) = (service, exchange.number)
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        let request = ServerRequest(
            head: exchange.head.request,
            parameters: parameters,
            body: body(of: exchange, connection, eventLoop)
        )
        let work: @Sendable () async -> Void = {
            let response = await service.answer(request, route)
            if eventLoop.inEventLoop {
                connection.value.finish(response, number)
            } else {
                eventLoop.execute { connection.value.finish(response, number) }
            }
        }
        let isShort = exchange.body.isComplete && exchange.body.bytes.count <= limits.smallBody
        if isShort, exchange.head.request.method == .post {
            Task.immediate(executorPreference: executor) { await work() }
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
            self.exchange?.body.reserve(length)
        }
        self.exchange?.body.wait(for: demand, continuation)
        readOn()
    }

    /// Goes on with what came early, after an answer.
    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while phase != .closing, exchange?.body.isComplete != true, let part = early.popFirst() { take(part) }
        if let exchange, !exchange.isHandled, !isSmall(exchange.head) { handle() }
        guard phase == .open, exchange == nil else { return }
        if let fault {
            refuse(fault)
        } else if isInputClosed {
            close()
        } else {
            expect(.request, within: limits.idleTime)
        }
    }

    /// Reads on when there is use for what comes.
    func readOn() {
        guard let context else { return }
        if phase == .closing { return context.read() }
        guard context.channel.isWritable else { return expect(.reader, within: limits.answerTime) }
        guard let exchange else { return context.read() }
        if exchange.body.isComplete {
            // Also to learn that the client goes away; what it sends early is kept, but no more is read then.
            if early.isEmpty { context.read() }
        } else if !exchange.isHandled || exchange.body.isWanted {
            expect(.body, by: min(exchange.began + limits.bodyTime, .now() + limits.bodyPause))
            context.read()
        }
    }
}
