// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Decides for one HTTP/1.1 connection which request is processed when, what is read, how it is answered, and when the connection ends.
///
/// An HTTP/2 stream is treated as a connection with a single request, whose end the frames mark.
///
/// It is a value without a channel, a clock or a task. Its owner reports events and performs the actions of ``next(at:)`` until that
/// returns nil; an event may be reported while an action is performed. Requests are answered one after the other, in the order of their
/// arrival. The processing of one request (route, access, memory, body) belongs to its ``Exchange``, which does not know the connection.
struct ConnectionStateMachine {
    /// An action for the owner.
    enum Action {
        /// Open an exchange for a request whose head has arrived; report ``admitted(_:isRejected:at:)``.
        indirect case admit(RequestHead, number: Int)
        /// Add bytes to the body of the present exchange; report ``delivered(readerWaits:at:)`` or ``refused(_:at:)``.
        case deliver(ByteBuffer)
        /// The body is complete.
        case endBody
        /// No more of the body will come.
        case interruptBody
        /// Have the present request answered by its route, or by its rejection; report ``answered(_:with:at:)``.
        case handle
        /// Write and flush `100 Continue`.
        case sayContinue
        /// Count an answer and write it; with a body in pieces also begin to take these.
        indirect case answer(ServerResponse, AnswerForm)
        /// Write and flush a piece of the present answer.
        case writePiece([UInt8])
        /// End an answer in pieces.
        case endAnswer
        /// Count a refusal of the present request, or of bytes that are not a request, and write it.
        indirect case refuse(RequestError)
        /// Take no more pieces of the present answer.
        case cancelPieces
        /// Check from time to time whether the key of a request is still valid for its answer; report ``permissionEnded(_:)``.
        case watchPermission(number: Int)
        /// Forget the present exchange.
        case release
        case flush
        case read
        /// Report ``timerFired(at:)`` at this time, in place of the time requested before.
        case setTimer(NIODeadline)
        /// Close the output once everything is written; report ``outputClosed(at:)``.
        case closeOutput
        /// Close the connection now.
        case close
        /// Count a client that uses HTTP/2 wrongly.
        case noteHTTP2
        /// Count a connection whose TLS handshake failed.
        case noteNotEncrypted
    }

    /// How an answer is framed.
    struct AnswerForm: Equatable {
        enum Body: Equatable {
            /// The whole body, with its length.
            case whole
            /// No body; the length is that of the body for GET, nil for a status or a stream that has none.
            case none(length: Int?)
            /// Pieces follow, each with its length.
            case chunked
            /// Pieces follow until the connection ends, for HTTP/1.0 clients.
            case untilClose
        }

        let body: Body
        /// The value of the Connection field.
        let connection: String?

        /// A whole answer.
        static let whole = AnswerForm(body: .whole, connection: nil)
        /// A whole answer after which the connection ends.
        static let lastWhole = AnswerForm(body: .whole, connection: "close")
    }

    /// Whether a new connection is accepted.
    enum Entry {
        case served
        /// The limit of connections is reached.
        case refused
        /// The listener is closing.
        case draining
    }

    private enum Phase {
        case open
        /// The last answer is written; further input is discarded.
        ///
        /// - Parameter lingers: Whether the client may still be sending.
        case closing(lingers: Bool)
        case closed
    }

    /// The reasons for which a connection waits.
    private enum Wait {
        /// The next request.
        case request
        /// The rest of a head.
        case head
        /// More of a body.
        case body
        /// The client to read an answer.
        case reader
        /// The client to stop sending after the last answer.
        case rest
    }

    /// The request that is being received or answered.
    private struct Request {
        enum Stage: Equatable {
            /// Not answered yet, because not enough of it has arrived.
            case waiting
            /// Its answer is being created.
            case handled
            /// Its answer has begun and is sent in pieces; an endless one is a feed.
            case streaming(isEndless: Bool)
        }

        let number: Int
        let statedLength: Int?
        let isHead: Bool
        let isOld: Bool
        var expectsContinue: Bool
        var stage = Stage.waiting
        var pace: BodyPace
        var isComplete = false
        /// Whether it is answered without its body.
        var isRejected = false
        /// Whether no more of its body will arrive.
        var isInterrupted = false
        /// Whether its handler waits for more of the body.
        var readerWaits = false
        /// Whether it is passed to its route only when its body is complete.
        var isSmall = false
    }

    private var limits: ListenerLimits
    private var todo = CircularBuffer<Action>(initialCapacity: 4)
    private var phase = Phase.open
    private var request: Request?
    private var requestCount = 0
    /// Whether the present request is the last.
    private var isLast = false
    /// Parts of further requests that arrived early.
    private var early = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// Whether requests were discarded because too many arrived at once; the connection ends after the earlier ones.
    private var isCutShort = false
    /// What is wrong with the following bytes.
    private var fault: RequestError?
    private var isDraining = false
    private var isEncrypting: Bool
    private let isStream: Bool
    /// Whether a request whose head is refused is a gRPC call.
    private(set) var refusesCall = false
    private var isWritable = true
    private var isInputClosed = false
    /// Whether parts of one read are still arriving; they are processed when all have arrived.
    private var isReading = false
    private var hasSeenPart = false
    /// Whether an answer has ended since the connection last waited for a request.
    private var expectsNext = false
    private var needsFlush = false
    /// Whether an event has happened after which more input may be needed.
    private var wantsRead = false
    private var awaited: Wait?
    private var deadline = NIODeadline.distantFuture
    /// The time of the timer that is set.
    private var firing = NIODeadline.distantFuture

    /// The most parts that are kept: one read could contain a thousand requests, each ten times as large once it is parsed.
    private static let mostEarly = 256

    /// - Parameters:
    ///   - isEncrypted: Whether a TLS handshake comes first.
    ///   - isStream: Whether this is an HTTP/2 stream.
    init(_ limits: ListenerLimits, isEncrypted: Bool = false, isStream: Bool = false) {
        self.limits = limits
        isEncrypting = isEncrypted
        self.isStream = isStream
        isLast = isStream
    }

    /// Returns the next action; nil when there is none until another event.
    ///
    /// - Parameter now: The present time; evaluated only when needed.
    mutating func next(at now: @autoclosure () -> NIODeadline) -> Action? {
        if let action = todo.popFirst() { return action }
        decide { now() }
        return todo.popFirst()
    }

    /// Decides the next actions when all earlier ones are done.
    private mutating func decide(at now: () -> NIODeadline) {
        switch phase {
        case .closed: return
        case .closing: break
        case .open:
            while todo.isEmpty, takesParts, let part = early.popFirst() { take(part, at: now()) }
            if todo.isEmpty, early.isEmpty { endInput(at: now) }
            guard todo.isEmpty, !isReading else { return }
            if let request, request.stage == .waiting, !request.isSmall { return handle(at: now()) }
            if expectsNext, request == nil, early.isEmpty { wait(for: .request, by: now() + limits.idleTime) }
        }
        if needsFlush { todo.append(.flush) }
        needsFlush = false
        if wantsRead, !isReading {
            wantsRead = false
            readOn(at: now())
        }
    }

    /// Whether requests are still accepted.
    var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// Whether the next part is needed now: more of the present request, or a new one from a client that reads its answers.
    private var takesParts: Bool { request.map { !$0.isComplete } ?? isWritable }

    /// Ends the input when the client has closed it or has sent bytes that are not HTTP.
    private mutating func endInput(at now: () -> NIODeadline) {
        guard let request else {
            if let fault { return refuse(fault, at: now()) }
            if isInputClosed || isCutShort { close(lingers: isCutShort, at: now()) }
            return
        }
        guard fault != nil || isInputClosed, !request.isComplete, !request.isInterrupted else { return }
        self.request?.isInterrupted = true
        todo.append(.interruptBody)
        if request.stage != .waiting {
            isLast = true
        } else if let fault {
            refuse(fault, at: now())
        } else {
            close(lingers: false, at: now())
        }
    }

    /// Reads on when more input can be used.
    private mutating func readOn(at now: NIODeadline) {
        if case .closing = phase { return todo.append(.read) }
        guard isWritable else { return wait(for: .reader, by: now + limits.answerTime) }
        guard let request, !request.isComplete else {
            // Reading also detects a disconnected client; early input is kept, but no more is read then.
            if early.isEmpty { todo.append(.read) }
            return
        }
        guard request.stage == .waiting || request.readerWaits, !request.isInterrupted else { return }
        let deadline = self.request?.pace.deadline(limits, at: now) ?? now
        wait(for: .body, by: deadline)
        todo.append(.read)
    }
}

// MARK: - Requests

extension ConnectionStateMachine {
    /// The connection is open.
    mutating func opened(_ entry: Entry, at now: NIODeadline) {
        switch entry {
        case .served:
            awaitFirst(at: now)
            wantsRead = true
        case .draining: drain(at: now)
        case .refused: refuse(.tooManyConnections, at: now)
        }
    }

    /// The TLS handshake is complete.
    mutating func encrypted(at now: NIODeadline) {
        isEncrypting = false
        if awaited == .request { awaitFirst(at: now) }
    }

    /// A part of a request has arrived.
    mutating func received(_ part: HTTPServerRequestPart, at now: NIODeadline) {
        isReading = true
        hasSeenPart = true
        guard case .open = phase else { return }
        if early.isEmpty, takesParts, !isCutShort { take(part, at: now) } else { keep(part) }
    }

    /// All parts of one read have arrived.
    mutating func readCompleted(at now: NIODeadline) {
        isReading = false
        if case .open = phase, request == nil, !hasSeenPart, awaited != .head {
            wait(for: .head, by: now + limits.headTime)
        }
        hasSeenPart = false
        wantsRead = true
    }

    /// The exchange of the present request is open.
    ///
    /// - Parameters:
    ///   - limits: The limits for the request.
    ///   - isRejected: Whether the request is refused because of its head alone.
    mutating func admitted(_ limits: ListenerLimits, isRejected: Bool, at now: @autoclosure () -> NIODeadline) {
        self.limits = isDraining ? limits.draining : limits
        guard let request else { return }
        if !limits.keepsAlive { isLast = true }
        let length = request.statedLength
        // A call of gRPC does not state its length; its body is small until more of it has come.
        let isSmall = length.map { $0 <= limits.smallBody } ?? isStream
        self.request?.isSmall = !request.expectsContinue && isSmall
        self.request?.isRejected = isRejected
        // A rejection does not wait for a body; a request without one keeps its connection.
        if isRejected, length != 0 { handle(at: now()) }
    }

    /// Bytes of a body were accepted.
    ///
    /// - Parameter readerWaits: Whether the handler of the request needs more of them.
    mutating func delivered(readerWaits: Bool, at now: @autoclosure () -> NIODeadline) {
        request?.readerWaits = readerWaits
        guard !readerWaits, request?.stage == .handled else { return }
        // The time until the handler asks for more does not count for the client.
        request?.pace.pause(at: now())
        if awaited == .body { awaited = nil }
    }

    /// There is no memory for bytes of a body.
    mutating func refused(_ error: RequestError, at now: NIODeadline) {
        guard case .open = phase, let request else { return }
        // An answer that has begun cannot be replaced.
        if case .streaming = request.stage { return cutOff() }
        refuse(error, at: now)
    }

    /// The handler of a request waits for its body.
    mutating func bodyWanted(by number: Int, readerWaits: Bool) {
        guard let request, request.number == number else { return }
        if request.expectsContinue, request.stage == .handled { todo.append(.sayContinue) }
        self.request?.expectsContinue = false
        self.request?.readerWaits = readerWaits
        wantsRead = true
    }

    /// Processes the next part of the present request, or the first of a new one.
    private mutating func take(_ part: HTTPServerRequestPart, at now: NIODeadline) {
        switch part {
        case .head(let head): begin(head, at: now)
        case .body(let buffer):
            guard let request, !request.isRejected, !request.isInterrupted else { return }
            self.request?.pace.received += buffer.readableBytes
            if let pace = self.request?.pace, pace.received > limits.smallBody { self.request?.isSmall = false }
            todo.append(.deliver(buffer))
        case .end:
            guard request != nil else { return }
            request?.isComplete = true
            todo.append(.endBody)
            // The time that an answer takes does not count for the client.
            if awaited == .body { awaited = nil }
            if request?.stage == .waiting { handle(at: now) }
        }
    }

    private mutating func begin(_ head: HTTPRequestHead, at now: NIODeadline) {
        awaited = nil
        expectsNext = false
        do throws(RequestError) {
            // The HTTP/1.1 parser has counted before; that of HTTP/2 cannot refuse a single request.
            if isStream, isTooLong(head) { throw RequestError(.headerOverflow) }
            let head = try RequestHead(head)
            requestCount += 1
            request = Request(
                number: requestCount,
                statedLength: head.statedLength,
                isHead: head.request.method == .head,
                isOld: head.isOld,
                expectsContinue: head.expectsContinue,
                pace: BodyPace(began: now)
            )
            if !head.keepsAlive { isLast = true }
            todo.append(.admit(head, number: requestCount))
        } catch {
            refusesCall =
                isStream && head.headers.first(name: "content-type").map { GRPC.isCall(contentType: $0) } == true
            refuse(error, at: now)
        }
    }

    /// Whether a head has more fields or bytes than is allowed.
    private func isTooLong(_ head: HTTPRequestHead) -> Bool {
        var bytes = head.uri.utf8.count
        for (name, value) in head.headers { bytes += name.utf8.count + value.utf8.count }
        return head.headers.count > limits.headFields || bytes > limits.headBytes
    }

    private mutating func handle(at now: NIODeadline) {
        request?.stage = .handled
        // The time until its body is requested does not count for the client.
        request?.pace.pause(at: now)
        awaited = nil
        todo.append(.handle)
    }

    /// Keeps an early part, or discards a whole request and all later ones: a client repeats requests without an answer.
    private mutating func keep(_ part: HTTPServerRequestPart) {
        if case .head = part, early.count >= Self.mostEarly { isCutShort = true }
        if !isCutShort { early.append(part) }
    }
}

// MARK: - Answers

extension ConnectionStateMachine {
    /// The answer to a request is ready; ignored unless it is for the present request and the first one.
    mutating func answered(_ number: Int, with response: ServerResponse, at now: NIODeadline) {
        guard case .open = phase, let request, request.number == number, request.stage == .handled else { return }
        if !request.isComplete || response.endsConnection { isLast = true }
        // RFC 9110 §8.6: answers with these status codes have neither a body nor a length.
        let status = response.head.status
        let mayHaveBody = status.code >= 200 && status != .noContent && status != .notModified
        switch response.body {
        case .bytes(let bytes):
            let length = mayHaveBody ? bytes.count : nil
            answer(response, mayHaveBody && !request.isHead ? .whole : .none(length: length), request)
            endExchange(at: now)
        case .stream where request.isHead || !mayHaveBody:
            answer(response, .none(length: nil), request)
            endExchange(at: now)
        case .stream:
            let type = response.head.headerFields[.contentType] ?? ""
            let isEndless = type.hasPrefix("text/event-stream") || type == "application/x-ndjson"
            self.request?.stage = .streaming(isEndless: isEndless)
            if request.isOld { isLast = true }
            answer(response, request.isOld || isStream ? .untilClose : .chunked, request)
            wantsRead = true
            if isEndless { todo.append(.watchPermission(number: number)) }
        }
    }

    /// A piece of the answer to a request is ready.
    mutating func pieceCame(_ number: Int, _ piece: [UInt8]) {
        guard isStreaming(number) else { return }
        todo.append(.writePiece(piece))
        wantsRead = true
    }

    /// The answer to a request has no more pieces; an incomplete one must not look complete.
    mutating func piecesEnded(_ number: Int, isWhole: Bool, at now: NIODeadline) {
        guard isStreaming(number) else { return }
        guard isWhole else { return cutOff() }
        todo.append(.endAnswer)
        endExchange(at: now)
    }

    /// The key of a request is no longer valid for its answer.
    mutating func permissionEnded(_ number: Int) {
        if isStreaming(number) { cutOff() }
    }

    private func isStreaming(_ number: Int) -> Bool {
        guard case .open = phase, let request, request.number == number, case .streaming = request.stage else {
            return false
        }
        return true
    }

    private mutating func answer(_ response: ServerResponse, _ body: AnswerForm.Body, _ request: Request) {
        let connection = isStream ? nil : isLast ? "close" : request.isOld ? "keep-alive" : nil
        todo.append(.answer(response, AnswerForm(body: body, connection: connection)))
        needsFlush = true
    }

    private mutating func endExchange(at now: NIODeadline) {
        let isWhole = request?.isComplete == true && early.isEmpty
        request = nil
        todo.append(.release)
        needsFlush = true
        guard !isLast else { return close(lingers: !isWhole, at: now) }
        expectsNext = true
        wantsRead = true
    }
}

// MARK: - The end

extension ConnectionStateMachine {
    /// The client reads its answers again, or has stopped reading.
    mutating func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
        guard isWritable else { return }
        // The client must be able to read the last answer to its end.
        if case .open = phase, awaited == .reader {
            awaited = nil
            expectsNext = request == nil
        }
        wantsRead = true
    }

    /// The client has closed its direction and may still read.
    mutating func inputClosed() {
        // The end of a stream is the end of its request.
        if isStream { return }
        isInputClosed = true
        if awaited == .rest { cutOff() }
    }

    /// The input is not HTTP/1.1.
    mutating func parsingFailed(_ error: HTTPParserError) {
        guard case .open = phase, fault == nil else { return }
        if error == .paused {
            todo.append(.noteHTTP2)
            return cutOff()
        }
        fault = RequestError(error)
    }

    /// The connection failed.
    ///
    /// - Parameter inHandshake: Whether it failed before the TLS handshake was complete.
    mutating func failed(inHandshake: Bool) {
        if inHandshake, isEncrypting { todo.append(.noteNotEncrypted) }
        cutOff()
    }

    /// The connection is to end after the answer in progress.
    mutating func drain(at now: NIODeadline) {
        isDraining = true
        limits = limits.draining
        // A wait in progress gets a shorter limit, too.
        switch awaited {
        case .reader, .rest: wait(for: .reader, by: min(deadline, now + limits.answerTime))
        case .body: wait(for: .body, by: min(deadline, now + limits.bodyPause))
        case .request, .head, nil: break
        }
        guard case .open = phase else { return }
        guard let request else { return close(lingers: false, at: now) }
        isLast = true
        // A feed has no end of its own, and a client that does not read cannot be informed.
        guard request.stage == .streaming(isEndless: true) else { return }
        todo.append(.cancelPieces)
        wait(for: .reader, by: now + limits.answerTime)
    }

    /// The timer that was set has fired.
    mutating func timerFired(at now: NIODeadline) {
        firing = .distantFuture
        guard let reason = awaited else { return }
        guard deadline <= now else { return setTimer(deadline) }
        awaited = nil
        switch reason {
        case .head: refuse(.slowHead, at: now)
        case .body: refused(.slowBody, at: now)
        // Without an encrypted connection no answer can be sent.
        case .request where isEncrypting: cutOff()
        case .request: close(lingers: false, at: now)
        case .reader, .rest: cutOff()
        }
    }

    /// Everything is written, and the output is closed.
    mutating func outputClosed(at now: NIODeadline) {
        guard case .closing(let lingers) = phase else { return }
        guard lingers, !isInputClosed else { return cutOff() }
        wait(for: .rest, by: now + limits.lingerTime)
        wantsRead = true
    }

    /// The connection is closed.
    mutating func closed() {
        phase = .closed
        (awaited, early) = (nil, [])
        if request != nil { todo.append(contentsOf: [.interruptBody, .cancelPieces, .release]) }
        request = nil
    }

    /// Closes the connection at once.
    private mutating func cutOff() {
        if case .closed = phase { return }
        phase = .closed
        awaited = nil
        todo.append(.close)
    }

    /// Answers the present request, or invalid bytes, without a route, and ends the connection.
    private mutating func refuse(_ error: RequestError, at now: NIODeadline) {
        todo.append(.refuse(error))
        close(lingers: true, at: now)
    }

    /// Ends the connection once everything written has been sent.
    ///
    /// - Parameter lingers: Whether the client may still be sending; its data is discarded for a while.
    private mutating func close(lingers: Bool, at now: NIODeadline) {
        guard case .open = phase else { return }
        // Resetting a stream does not affect an answer that has been sent (RFC 9113 §8.1).
        phase = .closing(lingers: lingers && !isStream)
        early = []
        if request != nil { todo.append(.release) }
        request = nil
        needsFlush = false
        todo.append(.flush)
        wait(for: .reader, by: now + limits.answerTime)
        todo.append(.closeOutput)
    }

    // MARK: - Time

    /// The first request, with the handshake before it, has the time limit of a head.
    private mutating func awaitFirst(at now: NIODeadline) {
        wait(for: .request, by: now + min(limits.headTime, limits.idleTime))
    }

    /// Waits for an event.
    ///
    /// One timer serves all waits: it is only ever moved to an earlier time, and when it fires there may be nothing left to wait for. So a
    /// request that is answered in time needs no timer.
    private mutating func wait(for reason: Wait, by deadline: NIODeadline) {
        if reason == .request { expectsNext = false }
        (awaited, self.deadline) = (reason, deadline)
        if deadline < firing { setTimer(deadline) }
    }

    private mutating func setTimer(_ instant: NIODeadline) {
        firing = instant
        todo.append(.setTimer(instant))
    }
}

extension ServerResponse {
    /// Whether the handler ends the connection, because the rest of the body is not read.
    fileprivate var endsConnection: Bool { head.headerFields[.connection]?.lowercased() == "close" }
}
