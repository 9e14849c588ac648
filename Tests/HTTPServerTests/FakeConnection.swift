// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1

@testable import HTTPServer

/// A connection without a socket: records the actions of the state machine, and checks that they are allowed.
final class FakeConnection {
    /// The events of one request.
    struct Fate {
        var head: HTTPRequest?
        var isRejected = false
        var isHandled = false
        var hasContinued = false
        var bodyEnded = false
        var delivered = 0
        /// How many answers were begun.
        var answers = 0
        var isStreaming = false
        var isReleased = false
    }

    private var machine: ConnectionStateMachine
    private let service: ExchangeService
    private var exchange: Exchange?
    /// The actions since they were last taken.
    private var steps: [String] = []
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private(set) var fates: [Int: Fate] = [:]
    private(set) var timer: NIODeadline?
    private(set) var isOutputClosed = false
    private(set) var isClosed = false
    /// The actions that were not allowed.
    private(set) var breaches: [String] = []
    /// The answer that is given in the call that passes the request on; nil for later.
    var answersAtOnce: ServerResponse?
    /// How many bytes of a streamed body its handler still wants.
    var wanted = 0
    private let epoch: NIODeadline

    let memory: MemoryBudget

    init(
        _ limits: ListenerLimits = ListenerLimits(),
        memory: Int = 1 << 30,
        isEncrypted: Bool = false
    ) throws {
        self.memory = MemoryBudget(limit: memory)
        machine = ConnectionStateMachine(limits, isEncrypted: isEncrypted)
        let site = ServedSite(try RouteTable([]), limits, .local(LocalRule(port: 1)))
        service = ExchangeService(site, memory: self.memory, intake: IntakeLog(), address: "", logger: .silent)
        epoch = now
    }

    // MARK: - Events

    /// Returns the actions since the last call.
    func taken() -> [String] {
        defer { steps = [] }
        return steps
    }

    func open(_ entry: ConnectionStateMachine.Entry = .served) { event { $0.opened(entry, at: now) } }

    /// One read with parts of requests.
    func read(_ parts: HTTPServerRequestPart...) { read(parts) }

    func read(_ parts: [HTTPServerRequestPart]) {
        for part in parts { event { $0.received(part, at: now) } }
        event { $0.readCompleted(at: now) }
    }

    func answer(_ number: Int, _ response: ServerResponse = ServerResponse(.ok)) {
        event { $0.answered(number, with: response, at: now) }
    }

    func piece(_ number: Int, _ count: Int) { event { $0.pieceCame(number, [UInt8](repeating: 65, count: count)) } }

    func endPieces(_ number: Int, isWhole: Bool = true) {
        event { $0.piecesEnded(number, isWhole: isWhole, at: now) }
    }

    /// The handler requests this many bytes of the body.
    func want(_ number: Int, _ count: Int = 1) {
        wanted = count
        event { $0.bodyWanted(by: number, readerWaits: count > 0) }
    }

    /// Advances the time, at most to the timer, which then fires.
    func wait(_ amount: TimeAmount) {
        now = min(now + amount, timer ?? .distantFuture)
        guard let timer, timer <= now else { return }
        self.timer = nil
        event { $0.timerFired(at: now) }
    }

    func event(_ report: (inout ConnectionStateMachine) -> Void) {
        report(&machine)
        while let action = machine.next(at: now) { perform(action) }
    }

    /// The channel reports that it is closed.
    func end() {
        timer = nil
        isClosed = true
        event { $0.closed() }
    }

    // MARK: - Actions

    private func perform(_ action: ConnectionStateMachine.Action) {
        switch action {
        case .admit(let head, let number): admit(head, number)
        case .deliver(let buffer): deliver(buffer)
        case .endBody:
            note("end body")
            exchange?.endBody()
            present { $0.bodyEnded = true }
        case .interruptBody:
            note("interrupt body")
            exchange?.interruptBody()
            present { $0.bodyEnded = true }
        case .handle: handle()
        case .sayContinue:
            note("continue")
            present { fate in
                check(!fate.hasContinued && fate.answers == 0, "100 Continue twice or after the answer")
                fate.hasContinued = true
            }
            check(!isOutputClosed, "100 Continue after the end")
        case .answer(let response, let form): answer(response, form)
        case .writePiece(let piece):
            note("piece \(piece.count)")
            check(exchange.map { fates[$0.number]?.isStreaming } == true, "a piece without an answer in pieces")
        case .endAnswer:
            note("end answer")
            present { fate in
                check(fate.isStreaming, "the end of no answer in pieces")
                fate.isStreaming = false
            }
        case .refuse(let error):
            note("refuse \(error.status.code)")
            check(!isOutputClosed, "a refusal after the end")
            present { fate in
                check(fate.answers == 0, "a refusal after an answer")
                fate.answers += 1
            }
        case .cancelPieces: note("cancel pieces")
        case .watchPermission(let number): note("watch \(number)")
        case .release:
            note("release")
            exchange?.interruptBody()
            present { $0.isReleased = true }
            exchange = nil
        case .flush: note("flush")
        case .read: note("read")
        case .setTimer(let instant):
            note("timer \((instant - epoch).nanoseconds / 1_000_000_000)")
            timer = instant
        case .closeOutput:
            note("close output")
            check(!isOutputClosed, "the output is closed twice")
            isOutputClosed = true
        case .close:
            note("close")
            isClosed = true
        case .noteHTTP2: note("HTTP/2")
        case .noteNotEncrypted: note("not encrypted")
        }
    }

    private func admit(_ head: RequestHead, _ number: Int) {
        note("admit \(number)")
        check(exchange == nil && number == fates.count + 1, "request \(number) is admitted out of turn")
        check(!isOutputClosed, "a request is admitted after the end")
        let exchange = Exchange(number, head, from: nil, at: service)
        self.exchange = exchange
        fates[number] = Fate(head: head.request, isRejected: exchange.rejection != nil)
        machine.admitted(exchange.limits, isRejected: exchange.rejection != nil, at: now)
    }

    private func deliver(_ buffer: ByteBuffer) {
        note("deliver \(buffer.readableBytes)")
        guard let exchange, let fate = fates[exchange.number] else { return check(false, "bytes of no request") }
        check(!fate.isRejected && fate.answers == 0 || fate.isStreaming, "bytes after a refusal")
        check(!fate.bodyEnded, "bytes after the end of the body")
        if let error = exchange.take(buffer) { return machine.refused(error, at: now) }
        present { $0.delivered += buffer.readableBytes }
        wanted = max(0, wanted - buffer.readableBytes)
        machine.delivered(readerWaits: wanted > 0, at: now)
    }

    private func handle() {
        note("handle")
        guard let exchange, let fate = fates[exchange.number] else { return check(false, "no request to handle") }
        check(!fate.isHandled, "a request is handled twice")
        present { $0.isHandled = true }
        wanted = 0
        if let rejection = exchange.rejection {
            machine.answered(exchange.number, with: exchange.answer(to: rejection), at: now)
        } else if let answersAtOnce {
            machine.answered(exchange.number, with: answersAtOnce, at: now)
        }
    }

    private func answer(_ response: ServerResponse, _ form: ConnectionStateMachine.AnswerForm) {
        let body =
            switch form.body {
            case .whole: "whole"
            case .none(let length): length.map { "none of \($0)" } ?? "none"
            case .chunked: "chunked"
            case .untilClose: "until close"
            }
        let status = response.head.status.code
        note("answer \(status) \(body)" + (form.connection.map { ", \($0)" } ?? ""))
        check(!isOutputClosed, "an answer after the end")
        present { fate in
            check(fate.isHandled && fate.answers == 0, "an answer too many")
            let isBodiless = fate.head?.method == .head || status < 200 || status == 204 || status == 304
            check(!isBodiless || body.hasPrefix("none"), "a body where there is none")
            fate.answers += 1
            fate.isStreaming = form.body == .chunked || form.body == .untilClose
        }
        // Requests are answered in the order of their arrival.
        check(fates.filter { $0.key < exchange?.number ?? 0 }.allSatisfy(\.value.isReleased), "an answer out of turn")
    }

    private func present(_ change: (inout Fate) -> Void) {
        guard let number = exchange?.number else { return }
        change(&fates[number, default: Fate()])
    }

    private func note(_ step: String) { steps.append(step) }

    private func check(_ isRight: Bool, _ breach: String) { if !isRight { breaches.append(breach) } }
}

extension Logger {
    static let silent = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
}

extension HTTPHeaders {
    /// Fields because of which a request is refused by its head alone.
    static let foreign: HTTPHeaders = ["Origin": "https://evil.example"]
}

extension HTTPServerRequestPart {
    /// The head of a request with a body of this size; nil for chunks.
    static func post(_ length: Int?, _ more: HTTPHeaders = [:], version: HTTPVersion = .http1_1) -> Self {
        var headers: HTTPHeaders = ["Host": "localhost"]
        if let length { headers.add(name: "Content-Length", value: "\(length)") }
        if length == nil { headers.add(name: "Transfer-Encoding", value: "chunked") }
        headers.add(contentsOf: more)
        return .head(HTTPRequestHead(version: version, method: .POST, uri: "/a", headers: headers))
    }

    /// The head of a request without a body.
    static func get(_ more: HTTPHeaders = [:], method: HTTPMethod = .GET, version: HTTPVersion = .http1_1) -> Self {
        var headers: HTTPHeaders = ["Host": "localhost"]
        headers.add(contentsOf: more)
        return .head(HTTPRequestHead(version: version, method: method, uri: "/a", headers: headers))
    }

    static func bytes(_ count: Int) -> Self { .body(ByteBuffer(repeating: 65, count: count)) }

    static let end = Self.end(nil)
}

extension ServerResponse {
    /// An answer in pieces.
    static func pieces(_ type: String = "text/plain", status: HTTPResponse.Status = .ok) -> Self {
        ServerResponse(status, [.contentType: type], body: .stream(AsyncThrowingStream { $0.finish() }))
    }

    static func text(_ text: String, _ status: HTTPResponse.Status = .ok) -> Self {
        ServerResponse(status, body: .bytes(Array(text.utf8)))
    }
}
