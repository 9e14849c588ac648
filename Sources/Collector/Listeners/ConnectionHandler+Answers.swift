// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore

extension ConnectionHandler {
    /// Writes the answer to a request, unless that has been answered already.
    func finish(_ response: ServerResponse, _ number: Int) {
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
    func sayGoOn() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: ResponseBytes.goOn)), promise: nil)
    }

    /// Sends what is written, unless the end of the present read does, and reads on.
    func flush() {
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
