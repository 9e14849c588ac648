// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Usage

/// One request and its answer: access, memory, body and route.
///
/// It does not know the transport. An HTTP/1.1 connection has one at a time; an HTTP/2 connection can have one for each stream. Must be
/// used on the event loop of its connection.
final class Exchange {
    /// The number of the request on its connection.
    let number: Int
    let request: HTTPRequest
    let limits: ListenerLimits
    /// Whether the answer is a gRPC answer.
    let isRPC: Bool
    /// Why the request is refused because of its head alone.
    private(set) var rejection: RequestError?
    private(set) var body = IncomingBody()
    private let service: ExchangeService
    private let site: ServedSite
    private let match: RouteTable.Match
    private let statedLength: Int?
    private let client: SocketAddress?
    /// The route of the request, once it has been passed to it.
    private var route: Route?
    /// The permissions of its key; all when no keys are required.
    private var permissions = Permissions.all
    /// The memory that it holds.
    private var memory: MemoryShare?
    /// The incoming part of a large body; nil for other bodies.
    private var incoming: IncomingShare?
    private var received = 0

    /// Finds the route of a request and decides whether it is answered; its share of the memory begins then.
    ///
    /// - Parameter client: The address of the sender.
    init(_ number: Int, _ head: RequestHead, from client: SocketAddress?, at service: ExchangeService) {
        (self.number, self.client, self.service) = (number, client, service)
        (request, statedLength) = (head.request, head.statedLength)
        // A configuration that is loaded now applies from the next request on.
        site = service.site
        limits = site.limits
        match = site.table.match(head.request.method, head.request.path ?? "/")
        isRPC = head.isHTTP2 && GRPC.isCall(head.request)
        rejection = accessRejection() ?? memoryRejection()
        if rejection == nil, !head.isHTTP2, GRPC.isCall(head.request) { rejection = .rpcOverHTTP1 }
        if rejection == nil, let statedLength, statedLength <= limits.smallBody { body.expect(statedLength) }
    }

    // MARK: - Admission

    private func accessRejection() -> RequestError? {
        switch site.admission {
        case .everybody: return nil
        case .local(let rule): return rule.rejection(request, for: match.route)
        case .keys(let rule):
            guard let route = match.route else { return nil }
            switch rule.decision(request, for: route, from: client?.ipAddress) {
            case .denied(let rejection): return rejection
            case .admitted(let permissions): self.permissions = permissions
            }
            return nil
        }
    }

    private func memoryRejection() -> RequestError? {
        guard let budget = service.memory, statedLength != 0 else { return nil }
        let length = statedLength ?? 0
        if length > budget.largestBody { return .beyondMemory }
        guard budget.hasRoom(for: length, isLarge: length > limits.smallBody) else {
            budget.noteRefusal()
            return .noMemory(retryAfter: budget.retryAfter(for: length))
        }
        memory = MemoryShare(of: budget)
        return nil
    }

    /// Whether a request with an endless answer is still allowed: its key may have been revoked, or keys may be required since.
    var isStillPermitted: Bool {
        guard let route, case .keys(let rule) = service.site.admission else { return true }
        return rule.stillAdmits(request, for: route)
    }

    // MARK: - Body

    /// Accepts bytes of the body; returns the error when there is no memory for them.
    func take(_ buffer: ByteBuffer) -> RequestError? {
        guard takesMemory(for: buffer.readableBytes) else {
            if memory?.isBeyondLimit == true { return .beyondMemory }
            return .noMemory(retryAfter: service.memory?.retryAfter(for: buffer.readableBytes) ?? 1)
        }
        received += buffer.readableBytes
        body.append(buffer)
        return nil
    }

    private func takesMemory(for bytes: Int) -> Bool {
        guard let budget = service.memory, let memory else { return true }
        if received + bytes <= limits.smallBody { return memory.take(bytes) }
        if incoming == nil { incoming = IncomingShare(memory, of: budget, sender: sender) }
        return incoming?.take(bytes) == true
    }

    /// A hash of the sender: of its key, which has been checked by now, or else of its address.
    private var sender: UInt64 {
        var hash = StableHash(domain: "sender")
        let key = HTTPField.Name("X-Hammurabi-Api-Key").flatMap { request.headerFields[$0] }
        if case .keys = site.admission, let key = key ?? request.headerFields[.authorization] {
            hash.combine(key)
        } else {
            hash.combine(client?.ipAddress ?? "")
        }
        return hash.value
    }

    /// The body is complete.
    func endBody() {
        incoming = nil
        body.complete()
    }

    /// No more of the body will arrive; a reader of an incomplete body gets an error.
    func interruptBody() { body.fail(.interrupted) }

    /// Makes a handler wait for the body.
    func read(_ demand: IncomingBody.Demand, _ continuation: CheckedContinuation<IncomingBody.Outcome, Never>) {
        if case .whole(let limit) = demand, let statedLength, statedLength <= limit { body.expect(statedLength) }
        body.wait(for: demand, continuation)
    }

    // MARK: - Answer

    /// Has the request answered by its route: short work on the event loop, other work elsewhere.
    ///
    /// Work on a long body runs on separate threads, so that it blocks neither other connections nor clients that only query. The
    /// decompressed size is not known here: the handler moves to those threads when it is large.
    ///
    /// - Parameters:
    ///   - executor: The executor of the event loop.
    ///   - source: The source of the rest of the body.
    ///   - answer: Called once, on any thread.
    func handle(
        on executor: EventLoopExecutor,
        reading source: @autoclosure () -> any RequestBodySource,
        answer: @escaping @Sendable (ServerResponse) -> Void
    ) {
        guard case .route(let route, let parameters) = match else {
            return answer(service.missing(request, match, site.table))
        }
        self.route = route
        let isPost = request.method == .post
        let isShort = isPost && body.isComplete && body.bytes.count <= limits.smallBody
        let request = ServerRequest(
            head: request,
            parameters: parameters,
            body: body.isComplete
                ? RequestBody(bytes: body.bytes) : RequestBody(statedLength: statedLength, source: source()),
            memory: memory,
            permissions: permissions,
            shortWork: isShort ? ShortWork(bytes: limits.smallBody, workers: WorkerThreads.shared) : nil,
            client: context(of: request, route)
        )
        let service = service
        if isShort {
            Task.immediate(executorPreference: executor) { answer(await service.answer(request, route)) }
        } else if isPost {
            Task(executorPreference: WorkerThreads.shared) { answer(await service.answer(request, route)) }
        } else {
            Task { answer(await service.answer(request, route)) }
        }
    }

    /// What is known of the sender; the name of its key is looked up when it is asked for.
    private func context(of request: HTTPRequest, _ route: Route) -> ClientContext {
        let rule: KeyRule? = if case .keys(let rule) = site.admission { rule } else { nil }
        return ClientContext(fields: request.headerFields) { [client] in
            client?.ipAddress
        } keyName: {
            rule?.keyName(of: request, for: route)
        }
    }

    /// The answer that reports why no route answers.
    func answer(to error: RequestError) -> ServerResponse {
        // A request that was refused because of its head was not passed to its route.
        ErrorAnswer(request, route: rejection == nil ? route : match.route).response(error)
    }

    /// Counts the answer, and reports refused telemetry.
    func note(_ response: ServerResponse) { service.note(response, to: request, match.route) }
}

/// Measures how fast a body arrives.
struct BodyPace {
    private let began: NIODeadline
    /// Since when the sender has been waited for; nil while it is not.
    private var waitingSince: NIODeadline?
    /// How long it was waited for before that.
    private var waited = TimeAmount.zero
    /// How many bytes have arrived.
    var received = 0

    init(began: NIODeadline) {
        self.began = began
    }

    /// The time by which more must arrive: before the pause or the total is too long, or the average too slow.
    mutating func deadline(_ limits: ListenerLimits, at now: NIODeadline) -> NIODeadline {
        let since = waitingSince ?? now
        waitingSince = since
        let deadline = min(began + limits.bodyTime, now + limits.bodyPause)
        guard limits.bodyRate > 0 else { return deadline }
        let allowed = TimeAmount.milliseconds(Int64(clamping: received &* 1_000 / limits.bodyRate))
        return min(deadline, since + limits.bodyGrace + allowed - waited)
    }

    /// No more of the body is needed for now.
    mutating func pause(at now: NIODeadline) {
        guard let since = waitingSince else { return }
        waited = waited + (now - since)
        waitingSince = nil
    }
}

/// The body of a request: the bytes that have arrived and are not read yet, and the waiting reader.
struct IncomingBody {
    /// The result for a reader: bytes, or nil after the last.
    typealias Outcome = Result<[UInt8]?, BodyError>

    /// The demand of a reader.
    enum Demand {
        /// The next bytes.
        case piece
        /// The whole body, up to this many bytes.
        case whole(limit: Int)
    }

    private(set) var bytes: [UInt8] = []
    private(set) var isComplete = false
    private var failure: BodyError?
    private var waiting: (demand: Demand, continuation: CheckedContinuation<Outcome, Never>)?

    /// Whether a reader waits.
    var isWanted: Bool { waiting != nil }

    /// The length that the sender stated.
    private var stated = 0
    /// The largest buffer that is reserved for a body before any of it has arrived.
    private static let firstRoom = 1 << 20

    /// Reserves a buffer for a body with a stated length; for a large one completely only once much of it has arrived.
    mutating func expect(_ length: Int) {
        stated = length
        bytes.reserveCapacity(min(length, Self.firstRoom))
    }

    mutating func append(_ buffer: ByteBuffer) {
        guard failure == nil else { return }
        let count = bytes.count + buffer.readableBytes
        if count > bytes.capacity, count <= stated, bytes.count >= Self.firstRoom / 2 { bytes.reserveCapacity(stated) }
        buffer.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
        settle()
    }

    mutating func complete() {
        isComplete = true
        settle()
    }

    /// Ends the body early; a waiting reader gets the error.
    mutating func fail(_ error: BodyError) {
        guard !isComplete, failure == nil else { return }
        failure = error
        bytes = []
        settle()
    }

    /// Makes a reader wait until its demand is met.
    mutating func wait(for demand: Demand, _ continuation: CheckedContinuation<Outcome, Never>) {
        guard waiting == nil else {
            continuation.resume(returning: .failure(.interrupted))
            return
        }
        waiting = (demand, continuation)
        settle()
    }

    private mutating func settle() {
        guard let (demand, continuation) = waiting, let outcome = outcome(demand) else { return }
        waiting = nil
        continuation.resume(returning: outcome)
    }

    private mutating func outcome(_ demand: Demand) -> Outcome? {
        if let failure { return .failure(failure) }
        switch demand {
        case .piece where !bytes.isEmpty: return .success(taken())
        case .piece: return isComplete ? .success(nil) : nil
        case .whole(let limit) where bytes.count > limit:
            failure = .tooLarge
            bytes = []
            return .failure(.tooLarge)
        case .whole: return isComplete ? .success(taken()) : nil
        }
    }

    private mutating func taken() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }
}

/// Lets a handler on any thread read a body that is still arriving.
struct ComingBody: RequestBodySource {
    /// Passes a demand to the event loop of the connection.
    let demand: @Sendable (IncomingBody.Demand, CheckedContinuation<IncomingBody.Outcome, Never>) -> Void

    var pieces: any AsyncSequence<[UInt8], any Error> & Sendable { Pieces(body: self) }

    func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        try await take(.whole(limit: limit)) ?? []
    }

    private func take(_ demand: IncomingBody.Demand) async throws(BodyError) -> [UInt8]? {
        try await withCheckedContinuation { self.demand(demand, $0) }.get()
    }

    private struct Pieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
        let body: ComingBody

        func makeAsyncIterator() -> Pieces { self }

        func next() async throws -> [UInt8]? { try await body.take(.piece) }
    }
}

/// The parts that all exchanges of a listener share: routes, and counters of answers.
///
/// Safe to use from any thread.
final class ExchangeService: Sendable {
    /// The memory of requests; nil without a limit.
    let memory: MemoryBudget?
    private let logger: Logger
    private let intake: IntakeLog
    private let answers: ListenerLog
    private let present: Mutex<ServedSite>

    init(
        _ site: ServedSite,
        memory: MemoryBudget? = nil,
        intake: IntakeLog,
        address: String,
        logger: Logger
    ) {
        self.memory = memory
        self.intake = intake
        answers = intake.listener(address)
        self.logger = logger
        present = Mutex(site)
    }

    /// The present routes and settings; a request whose head was read before a reload keeps the old ones.
    var site: ServedSite {
        get { present.withLock { $0 } }
        set { present.withLock { $0 = newValue } }
    }

    /// The answer of a route; an error of the route becomes an answer, too.
    func answer(_ request: ServerRequest, _ route: Route) async -> ServerResponse {
        do {
            return try await route.handler(request)
        } catch {
            logger.error("a request could not be answered", metadata: ["path": "\(route.path)", "error": "\(error)"])
            return ErrorAnswer(request.head, route: route)
                .response(.internalServerError, "the request could not be answered; see the log")
        }
    }

    /// The answer to a request without a route.
    func missing(_ request: HTTPRequest, _ match: RouteTable.Match, _ table: RouteTable) -> ServerResponse {
        var others: [Route] = []
        if case .otherMethods(let routes) = match { others = routes }
        let answer = ErrorAnswer(request, route: others.first)
        guard !others.isEmpty else {
            var response = answer.response(
                .notFound,
                "nothing is answered here; there is \(table.paths(like: request.path ?? "/").joined(separator: ", "))"
            )
            // The paths help the sender; the log does not need them.
            response.rejection = Rejection(.unknownPath, "nothing answers this path")
            return response
        }
        let allowed = others.map(\.method.rawValue).sorted().joined(separator: ", ")
        return answer.response(
            .methodNotAllowed,
            "\(request.method) is not answered here; use \(allowed)",
            [.allow: allowed]
        )
    }

    // MARK: - What became of requests

    /// Counts an answer, and reports refused telemetry.
    ///
    /// - Parameters:
    ///   - request: The request; nil for bytes that are not a request.
    ///   - route: A route of the path; nil when there is none.
    func note(_ response: ServerResponse, to request: HTTPRequest?, _ route: Route?) {
        let code = response.head.status.code
        answers.answered(code, at: route?.path)
        guard code >= 400 || response.rejection != nil, request.map({ Self.bringsTelemetry($0, route) }) ?? true else {
            return
        }
        let rejection = response.rejection ?? Rejection(.init(status: code), response.head.status.reasonPhrase)
        intake.note(
            rejection.code,
            request?.path ?? "",
            client: request?.headerFields[.userAgent],
            status: code,
            reason: rejection.reason,
            logger: logger
        )
    }

    /// Whether a request carries telemetry, or is a browser's preflight for one; senders of other requests see a refusal themselves.
    private static func bringsTelemetry(_ request: HTTPRequest, _ route: Route?) -> Bool {
        guard route?.takesTelemetry ?? true else { return false }
        switch request.method {
        case .post, .put, .patch: return true
        case .options: return request.headerFields[.accessControlRequestMethod] != nil
        default: return false
        }
    }

    /// Reports a connection whose client violates HTTP/2 or exceeds its limits.
    func noteHTTP2(_ reason: String) {
        intake.note(.http2, "", reason: "the client does not keep the rules of HTTP/2: \(reason)", logger: logger)
    }

    /// Reports a connection without TLS to an encrypted listener.
    func noteNotEncrypted() {
        intake.note(.notEncrypted, "", reason: "the client did not complete the TLS handshake", logger: logger)
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

/// Runs long requests on separate threads, so that neither event loops nor the threads that answer short queries wait for them.
///
/// The threads start with the first such request and live as long as the process. Safe to use from any thread.
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
