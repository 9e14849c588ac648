// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Usage

/// One request and its answer: whether it may ask, what it holds of the memory, its body, its route.
///
/// Knows nothing of what carries it. A connection of HTTP/1.1 has one at a time; a connection of HTTP/2 can have one for each stream.
/// Belongs to the event loop of its connection.
final class Exchange {
    /// The number of the request on its connection.
    let number: Int
    let request: HTTPRequest
    let limits: ListenerLimits
    /// Whether the answer is one of gRPC.
    let isRPC: Bool
    /// Why the head alone says that the request is not answered as it wants.
    private(set) var rejection: RequestError?
    private(set) var body = IncomingBody()
    private let service: ExchangeService
    private let site: ServedSite
    private let match: RouteTable.Match
    private let statedLength: Int?
    private let client: SocketAddress?
    /// Where the request belongs, once it has been handed there.
    private var route: Route?
    /// What its key allows; everything where no keys are asked for.
    private var permissions = Permissions.all
    /// What it holds of the memory.
    private var memory: MemoryShare?
    /// What of a large body is still coming; nil for others.
    private var incoming: IncomingShare?
    private var received = 0

    /// Finds the route of a request and decides whether it is answered; its share of the memory is opened then.
    ///
    /// - Parameter client: The address of the sender.
    init(_ number: Int, _ head: RequestHead, from client: SocketAddress?, at service: ExchangeService) {
        (self.number, self.client, self.service) = (number, client, service)
        (request, statedLength) = (head.request, head.statedLength)
        // A configuration that is loaded now is in force from the next request on.
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

    /// Whether a request whose answer has no end still may ask: its key may have been revoked, or keys are asked for since.
    var isStillPermitted: Bool {
        guard let route, case .keys(let rule) = service.site.admission else { return true }
        return rule.stillAdmits(request, for: route)
    }

    // MARK: - Body

    /// Takes bytes of the body in; the reason when there is no memory for them.
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

    /// A hash of who sends: of its key, which has been checked by now, or else of its address.
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

    /// The body is whole.
    func endBody() {
        incoming = nil
        body.complete()
    }

    /// No more of the body will come; its reader, if it is not whole, learns that.
    func interruptBody() { body.fail(.interrupted) }

    /// Lets a handler wait for the body.
    func read(_ demand: IncomingBody.Demand, _ continuation: CheckedContinuation<IncomingBody.Outcome, Never>) {
        if case .whole(let limit) = demand, let statedLength, statedLength <= limit { body.expect(statedLength) }
        body.wait(for: demand, continuation)
    }

    // MARK: - Answer

    /// Has the request answered by its route: short work at once on the event loop, other work elsewhere.
    ///
    /// Work on a long body has threads of its own, so that it holds up neither other connections nor clients that only ask. What a
    /// compressed body inflates to is not known here: its handler goes over to those threads when it is much.
    ///
    /// - Parameters:
    ///   - executor: That of the event loop.
    ///   - source: Where the handler reads the rest of the body.
    ///   - answer: Is called once, on any thread.
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

    /// The answer that says why no route answers.
    func answer(to error: RequestError) -> ServerResponse {
        // A request that was rejected by its head alone was not handed to its route.
        ErrorAnswer(request, route: rejection == nil ? route : match.route).response(error)
    }

    /// Counts the answer, and reports telemetry that it refuses.
    func note(_ response: ServerResponse) { service.note(response, to: request, match.route) }
}

/// How long a body may take, as it comes.
struct BodyPace {
    private let began: NIODeadline
    /// Since when the sender is waited for; nil while it is not.
    private var waitingSince: NIODeadline?
    /// For how long it was waited for before.
    private var waited = TimeAmount.zero
    /// How many bytes have come.
    var received = 0

    init(began: NIODeadline) {
        self.began = began
    }

    /// Until when more must come: before the pause is too long, the whole too long, or the average too slow.
    mutating func deadline(_ limits: ListenerLimits, at now: NIODeadline) -> NIODeadline {
        let since = waitingSince ?? now
        waitingSince = since
        let deadline = min(began + limits.bodyTime, now + limits.bodyPause)
        guard limits.bodyRate > 0 else { return deadline }
        let allowed = TimeAmount.milliseconds(Int64(clamping: received &* 1_000 / limits.bodyRate))
        return min(deadline, since + limits.bodyGrace + allowed - waited)
    }

    /// No more of the body is wanted for now.
    mutating func pause(at now: NIODeadline) {
        guard let since = waitingSince else { return }
        waited = waited + (now - since)
        waitingSince = nil
    }
}

/// The body of a request: what has come and is not taken yet, and the reader that waits for it.
struct IncomingBody {
    /// What a reader is handed: bytes, or nil after the last.
    typealias Outcome = Result<[UInt8]?, BodyError>

    /// What a reader waits for.
    enum Demand {
        /// Whatever comes next.
        case piece
        /// All of it, unless that is more than so many bytes.
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
    /// As much room is made for a body before any of it has come.
    private static let firstRoom = 1 << 20

    /// Makes room for a body whose length is stated; for all of a large one only once so much has come that it is really being sent.
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

    /// Ends the body early; a reader that waits for it learns that.
    mutating func fail(_ error: BodyError) {
        guard !isComplete, failure == nil else { return }
        failure = error
        bytes = []
        settle()
    }

    /// Lets a reader wait until there is what it wants.
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

/// Lets a handler on any thread read a body that is still coming.
struct ComingBody: RequestBodySource {
    /// Hands a demand to the event loop of the connection.
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

/// What all exchanges of a listener share: what is answered, and where answers are counted.
///
/// Safe to use from any thread.
final class ExchangeService: Sendable {
    /// What requests hold; nil without a limit.
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

    /// What is answered now; requests whose head was read before an exchange keep what they found.
    var site: ServedSite {
        get { present.withLock { $0 } }
        set { present.withLock { $0 = newValue } }
    }

    /// The answer of a route, whatever happens in it.
    func answer(_ request: ServerRequest, _ route: Route) async -> ServerResponse {
        do {
            return try await route.handler(request)
        } catch {
            logger.error("a request could not be answered", metadata: ["path": "\(route.path)", "error": "\(error)"])
            return ErrorAnswer(request.head, route: route)
                .response(.internalServerError, "the request could not be answered; see the log")
        }
    }

    /// The answer to a request for which there is no route.
    func missing(_ request: HTTPRequest, _ match: RouteTable.Match, _ table: RouteTable) -> ServerResponse {
        var others: [Route] = []
        if case .otherMethods(let routes) = match { others = routes }
        let answer = ErrorAnswer(request, route: others.first)
        guard !others.isEmpty else {
            var response = answer.response(
                .notFound,
                "nothing is answered here; there is \(table.paths(like: request.path ?? "/").joined(separator: ", "))"
            )
            // The paths help the sender; a line of the log needs them not.
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

    /// Counts an answer, and reports telemetry that it refuses.
    ///
    /// - Parameters:
    ///   - request: What was asked; nil for bytes that are no request.
    ///   - route: One that has the path; nil where nothing answers.
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

    /// Whether a request brings telemetry, or asks for a browser whether it may: what else is refused, its sender sees by itself.
    private static func bringsTelemetry(_ request: HTTPRequest, _ route: Route?) -> Bool {
        guard route?.takesTelemetry ?? true else { return false }
        switch request.method {
        case .post, .put, .patch: return true
        case .options: return request.headerFields[.accessControlRequestMethod] != nil
        default: return false
        }
    }

    /// Reports a connection whose client does not keep the rules of HTTP/2, or asks too much of them.
    func noteHTTP2(_ reason: String) {
        intake.note(.http2, "", reason: "the client does not keep the rules of HTTP/2: \(reason)", logger: logger)
    }

    /// Reports a connection that was to be encrypted and was not.
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
