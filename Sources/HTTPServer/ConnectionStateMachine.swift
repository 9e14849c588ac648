// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1

/// The decisions of one HTTP/1.1 connection: which request is taken when, what is read, how it is answered, when the connection ends.
///
/// A stream of HTTP/2 is like a connection with a single request, whose ends the frames mark.
///
/// A value without a channel, a clock or a task. Its owner reports events, and performs what ``next(at:)`` returns until that is nil; an
/// event may be reported in the middle of performing. Requests are answered one after the other, in the order in which they came. What one
/// request is (route, access, memory, body) belongs to its ``Exchange``, which does not know the connection.
struct ConnectionStateMachine {
    /// What is to be done next.
    enum Action {
        /// Open an exchange for a request whose head has come; report ``admitted(_:isRejected:at:)``.
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
        /// Count a refusal of the present request, or of bytes that are no request, and write it.
        indirect case refuse(RequestError)
        /// Take no more pieces of the present answer.
        case cancelPieces
        /// See from time to time whether the key of a request still allows its answer; report ``permissionEnded(_:)``.
        case watchPermission(number: Int)
        /// Forget the present exchange.
        case release
        case flush
        case read
        /// Report ``timerFired(at:)`` at this instant, instead of at the one that was asked for before.
        case setTimer(NIODeadline)
        /// Close the direction to the client once everything is written; report ``outputClosed(at:)``.
        case closeOutput
        /// Close the connection now.
        case close
        /// Count a client that speaks HTTP/2.
        case noteHTTP2
        /// Count a connection whose TLS handshake failed.
        case noteNotEncrypted
    }

    /// How an answer is framed.
    struct AnswerForm: Equatable {
        enum Body: Equatable {
            /// All of it, with its length.
            case whole
            /// None; the length is that of the body that GET would get, nil for a status or a stream that has none.
            case none(length: Int?)
            /// Pieces follow, each with its length.
            case chunked
            /// Pieces follow until the connection ends, for clients of HTTP/1.0.
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

    /// Whether a new connection is served.
    enum Entry {
        case served
        /// There are as many as are allowed.
        case refused
        /// The listener is closing.
        case draining
    }

    private enum Phase {
        case open
        /// The last answer is written; what still comes is thrown away.
        ///
        /// - Parameter lingers: Whether the client may still be sending.
        case closing(lingers: Bool)
        case closed
    }

    /// What a connection waits for.
    private enum Wait {
        /// The next request.
        case request
        /// The rest of a head.
        case head
        /// More of a body.
        case body
        /// That an answer is read.
        case reader
        /// That the client stops sending after the last answer.
        case rest
    }

    /// The request that is being received or answered.
    private struct Request {
        enum Stage: Equatable {
            /// It is not answered yet, because not enough of it has come.
            case waiting
            /// Its answer is being made.
            case handled
            /// Its answer has begun and comes in pieces; an endless one is a feed, which has no end of its own.
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
        /// Whether no more of its body will come.
        var isInterrupted = false
        /// Whether its handler waits for more of the body.
        var readerWaits = false
        /// Whether it is handed to its route when its body is whole, and no sooner.
        var isSmall = false
    }

    private var limits: ListenerLimits
    private var todo = CircularBuffer<Action>(initialCapacity: 4)
    private var phase = Phase.open
    private var request: Request?
    private var requestCount = 0
    /// Whether the present request is the last.
    private var isLast = false
    /// Parts of requests that came before their turn.
    private var early = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// Whether requests were thrown away because too many came at once; the connection ends after those before them.
    private var isCutShort = false
    /// What is wrong with the bytes that follow.
    private var fault: RequestError?
    private var isDraining = false
    private var isEncrypting: Bool
    private let isStream: Bool
    private var isWritable = true
    private var isInputClosed = false
    /// Whether parts are coming of one read: what follows of them is done when all have come.
    private var isReading = false
    private var hasSeenPart = false
    /// Whether an answer has ended since the next request was waited for.
    private var expectsNext = false
    private var needsFlush = false
    /// Whether something happened after which more may be wanted of the client.
    private var wantsRead = false
    private var awaited: Wait?
    private var deadline = NIODeadline.distantFuture
    /// When the timer fires that is set.
    private var firing = NIODeadline.distantFuture

    /// As many parts wait for their turn: what one read brings could be a thousand requests, each ten times as large once it is parsed.
    private static let mostEarly = 256

    /// - Parameters:
    ///   - isEncrypted: Whether TLS is to be agreed on first.
    ///   - isStream: Whether this is a stream of HTTP/2.
    init(_ limits: ListenerLimits, isEncrypted: Bool = false, isStream: Bool = false) {
        self.limits = limits
        isEncrypting = isEncrypted
        self.isStream = isStream
        isLast = isStream
    }

    /// Returns what is to be done next; nil when nothing is until another event.
    ///
    /// - Parameter now: The present; asked for only where it is needed.
    mutating func next(at now: @autoclosure () -> NIODeadline) -> Action? {
        if let action = todo.popFirst() { return action }
        decide { now() }
        return todo.popFirst()
    }

    /// Decides what follows from the present state, when everything that was decided before is done.
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

    /// Whether requests are still taken.
    var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// Whether the next part is wanted now: more of the present request, or a new one from a client that reads its answers.
    private var takesParts: Bool { request.map { !$0.isComplete } ?? isWritable }

    /// Ends what cannot go on, because the client has closed its direction or has sent bytes that are no HTTP.
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

    /// Reads on when there is use for what comes.
    private mutating func readOn(at now: NIODeadline) {
        if case .closing = phase { return todo.append(.read) }
        guard isWritable else { return wait(for: .reader, by: now + limits.answerTime) }
        guard let request, !request.isComplete else {
            // Also to learn that the client goes away; what it sends early is kept, but no more is read then.
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

    /// TLS is agreed on.
    mutating func encrypted(at now: NIODeadline) {
        isEncrypting = false
        if awaited == .request { awaitFirst(at: now) }
    }

    /// A part of a request has come.
    mutating func received(_ part: HTTPServerRequestPart, at now: NIODeadline) {
        isReading = true
        hasSeenPart = true
        guard case .open = phase else { return }
        if early.isEmpty, takesParts, !isCutShort { take(part, at: now) } else { keep(part) }
    }

    /// All parts of one read have come.
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
    ///   - limits: Those in force for the request.
    ///   - isRejected: Whether its head alone says that it is not answered as it wants.
    mutating func admitted(_ limits: ListenerLimits, isRejected: Bool, at now: @autoclosure () -> NIODeadline) {
        self.limits = isDraining ? limits.draining : limits
        guard let request else { return }
        if !limits.keepsAlive { isLast = true }
        let length = request.statedLength
        // A call of gRPC does not state its length; its body is small until more of it has come.
        let isSmall = length.map { $0 <= limits.smallBody } ?? isStream
        self.request?.isSmall = !request.expectsContinue && isSmall
        self.request?.isRejected = isRejected
        // A rejection does not wait for a body; a request that has none keeps its connection.
        if isRejected, length != 0 { handle(at: now()) }
    }

    /// Bytes of a body were taken in.
    ///
    /// - Parameter readerWaits: Whether the handler of the request wants more of them.
    mutating func delivered(readerWaits: Bool, at now: @autoclosure () -> NIODeadline) {
        request?.readerWaits = readerWaits
        guard !readerWaits, request?.stage == .handled else { return }
        // The client is not responsible for the time until more is asked for.
        request?.pace.pause(at: now())
        if awaited == .body { awaited = nil }
    }

    /// There is no memory for bytes of a body.
    mutating func refused(_ error: RequestError, at now: NIODeadline) {
        guard case .open = phase, let request else { return }
        // An answer that has begun cannot become another one.
        if case .streaming = request.stage { return cutOff() }
        refuse(error, at: now)
    }

    /// The handler of a request asks for its body.
    mutating func bodyWanted(by number: Int, readerWaits: Bool) {
        guard let request, request.number == number else { return }
        if request.expectsContinue, request.stage == .handled { todo.append(.sayContinue) }
        self.request?.expectsContinue = false
        self.request?.readerWaits = readerWaits
        wantsRead = true
    }

    /// Takes the next part of the present request, or the first of a new one.
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
            // The client is not responsible for the time that an answer takes.
            if awaited == .body { awaited = nil }
            if request?.stage == .waiting { handle(at: now) }
        }
    }

    private mutating func begin(_ head: HTTPRequestHead, at now: NIODeadline) {
        awaited = nil
        expectsNext = false
        do throws(RequestError) {
            // The parser of HTTP/1.1 has counted them before; that of HTTP/2 limits their bytes alone.
            if isStream, head.headers.count > limits.headFields { throw RequestError(.headerOverflow) }
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
            refuse(error, at: now)
        }
    }

    private mutating func handle(at now: NIODeadline) {
        request?.stage = .handled
        // The client is not responsible for the time until its body is asked for.
        request?.pace.pause(at: now)
        awaited = nil
        todo.append(.handle)
    }

    /// Keeps a part for its turn, or throws away a whole request and those after it: a client sends again what was not answered.
    private mutating func keep(_ part: HTTPServerRequestPart) {
        if case .head = part, early.count >= Self.mostEarly { isCutShort = true }
        if !isCutShort { early.append(part) }
    }
}

// MARK: - Answers

extension ConnectionStateMachine {
    /// The answer to a request is there; ignored unless that is the present one and has none yet.
    mutating func answered(_ number: Int, with response: ServerResponse, at now: NIODeadline) {
        guard case .open = phase, let request, request.number == number, request.stage == .handled else { return }
        if !request.isComplete || response.endsConnection { isLast = true }
        // RFC 9110 §8.6: these have neither a body nor a length.
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

    /// A piece of the answer to a request is there.
    mutating func pieceCame(_ number: Int, _ piece: [UInt8]) {
        guard isStreaming(number) else { return }
        todo.append(.writePiece(piece))
        wantsRead = true
    }

    /// The answer to a request has no more pieces; one that is not whole must not look as if it were.
    mutating func piecesEnded(_ number: Int, isWhole: Bool, at now: NIODeadline) {
        guard isStreaming(number) else { return }
        guard isWhole else { return cutOff() }
        todo.append(.endAnswer)
        endExchange(at: now)
    }

    /// The key of a request does not allow its answer any more.
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
    /// The client reads its answers again, or does not keep up with them.
    mutating func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
        guard isWritable else { return }
        // What is written last must be read to its end.
        if case .open = phase, awaited == .reader {
            awaited = nil
            expectsNext = request == nil
        }
        wantsRead = true
    }

    /// The client sends no more, and may still read.
    mutating func inputClosed() {
        // The end of a stream is the end of its request.
        if isStream { return }
        isInputClosed = true
        if awaited == .rest { cutOff() }
    }

    /// What came is no HTTP/1.1.
    mutating func parsingFailed(_ error: HTTPParserError) {
        guard case .open = phase, fault == nil else { return }
        if error == .paused {
            todo.append(.noteHTTP2)
            return cutOff()
        }
        fault = RequestError(error)
    }

    /// The connection broke.
    ///
    /// - Parameter inHandshake: Whether TLS was not agreed on.
    mutating func failed(inHandshake: Bool) {
        if inHandshake, isEncrypting { todo.append(.noteNotEncrypted) }
        cutOff()
    }

    /// The connection is to end after the answer that has begun.
    mutating func drain(at now: NIODeadline) {
        isDraining = true
        limits = limits.draining
        // What is waited for already ends sooner, too.
        switch awaited {
        case .reader, .rest: wait(for: .reader, by: min(deadline, now + limits.answerTime))
        case .body: wait(for: .body, by: min(deadline, now + limits.bodyPause))
        case .request, .head, nil: break
        }
        guard case .open = phase else { return }
        guard let request else { return close(lingers: false, at: now) }
        isLast = true
        // A feed has no end of its own, and a client that does not read cannot be told of one.
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
        // Without a key nothing can be said to the client.
        case .request where isEncrypting: cutOff()
        case .request: close(lingers: false, at: now)
        case .reader, .rest: cutOff()
        }
    }

    /// Everything is written, and the direction to the client is closed.
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

    /// Ends the connection now.
    private mutating func cutOff() {
        if case .closed = phase { return }
        phase = .closed
        awaited = nil
        todo.append(.close)
    }

    /// Answers the present request, or what is none, without its route, and ends the connection.
    private mutating func refuse(_ error: RequestError, at now: NIODeadline) {
        todo.append(.refuse(error))
        close(lingers: true, at: now)
    }

    /// Ends the connection once everything written has been sent.
    ///
    /// - Parameter lingers: Whether the client may still be sending; that is thrown away for a while then.
    private mutating func close(lingers: Bool, at now: NIODeadline) {
        guard case .open = phase else { return }
        // To reset a stream disturbs no answer that has been sent (RFC 9113 §8.1).
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

    /// A client has as long for its first request, and for the handshake before it, as for the head of a request.
    private mutating func awaitFirst(at now: NIODeadline) {
        wait(for: .request, by: now + min(limits.headTime, limits.idleTime))
    }

    /// Waits for something.
    ///
    /// One timer serves all waits: it is only ever set to an earlier instant, and when it fires there may be nothing left to wait for. So a
    /// request that is answered in time costs no timer.
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
    /// Whether the handler wants the connection to end, because the rest of the body is not worth reading.
    fileprivate var endsConnection: Bool { head.headerFields[.connection]?.lowercased() == "close" }
}
