// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A plugin that runs: it is started, fed, restarted when it ends, and killed with all its children at the end.
///
/// One thread starts the program, reads what it says and waits for it: the system kills the program when that thread ends, however the
/// collector ends. A batch is written to the socket by the task that submits it, as far as there is room. Safe to use from many tasks.
final class PluginProcess: Sendable {
    /// Takes a batch that a receiver emits, and calls back with its answer.
    typealias Take = @Sendable (Signal, [UInt8]) async -> PluginAnswer

    private let command: PluginCommand
    private let terms: PluginSession.Terms
    private let host: String
    private let logger: Logger
    private let note: @Sendable (String) -> Void
    private let started: @Sendable (_ again: Bool) -> Void
    private let take: Take?
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    /// The most frames that wait to be sent: a plugin that asks and does not read could make more without end.
    private static let mostFrames = 4_096

    /// A pipe that wakes the thread.
    private let wakeup: Int32
    private let waker: Int32

    private struct State {
        var session: PluginSession?
        /// The answers that are awaited, by the batch.
        var awaited: [UInt64: CheckedContinuation<PluginAnswer, Never>] = [:]
        var outgoing: [[UInt8]] = []
        /// How much of the first of them is sent.
        var sent = 0
        /// Our end of the socket; -1 while nothing runs.
        var socket: Int32 = -1
        /// Until when the thread sleeps if nothing happens.
        var sleepsUntil = Duration.zero
        var run = 0
        var isStarted = false
        var isStopping = false
        var hasFailed = false
        var hasEnded = false
        var trouble: String?
        /// What the plugin says against its configuration.
        var rejection: String?
        var wantsCalls = false
        var lateAnswers = 0
        var firstOutcome: CheckedContinuation<Void, Never>?
        var hasFirstOutcome = false
        var ends: [CheckedContinuation<Void, Never>] = []
    }

    /// Creates a plugin; starts nothing.
    ///
    /// - Parameters:
    ///   - note: Receives why a run has ended.
    ///   - started: Is called at each start of the program, and whether it was started before.
    ///   - take: Takes what a receiver emits.
    init(
        _ command: PluginCommand,
        _ terms: PluginSession.Terms,
        host: String,
        logger: Logger,
        note: @escaping @Sendable (String) -> Void = { _ in },
        started: @escaping @Sendable (_ again: Bool) -> Void = { _ in },
        take: Take? = nil
    ) {
        self.command = command
        self.terms = terms
        self.host = host
        self.logger = logger
        self.note = note
        self.started = started
        self.take = take
        var ends: [Int32] = [-1, -1]
        if PluginCommand.makePipe(&ends) { for end in ends { Self.makeNonblocking(end) } }
        wakeup = ends[0]
        waker = ends[1]
    }

    deinit {
        for end in [wakeup, waker] where end >= 0 { close(end) }
    }

    private var now: Duration { ContinuousClock.now - start }

    /// Why the plugin does not work; nil while it does.
    var trouble: String? { state.withLock { $0.trouble } }

    /// Whether it wants the calls beside the records; known once it is open.
    var wantsCalls: Bool { state.withLock { $0.wantsCalls } }

    /// How often it was started again, and how many answers came to batches that had one.
    var counts: (restarts: Int, lateAnswers: Int) { state.withLock { (max(0, $0.run - 1), $0.lateAnswers) } }

    // MARK: - For components

    /// Starts the plugin and waits until it is open, or has failed for the first time; it is tried again then.
    ///
    /// - Throws: ``StartError`` when its files may not be run, or it does not take its configuration; it is to be stopped then.
    func open() async throws(StartError) {
        try command.check()
        guard wakeup >= 0 else { throw StartError(.inputOutput, "no descriptor is left for the plugin") }
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        guard Self.runThread({ self.supervise() }) else {
            state.withLock { $0.hasEnded = true }
            throw StartError(.inputOutput, "no thread is left for the plugin")
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasFirstOutcome { state.firstOutcome = continuation }
                return state.hasFirstOutcome
            }
            if isOver { continuation.resume() }
        }
        if let rejection = state.withLock({ $0.rejection }) { throw StartError(.configuration, rejection) }
    }

    /// Gives the plugin a batch and waits for its answer, which always comes.
    func submit(_ frame: [UInt8]) async -> PluginAnswer {
        await withCheckedContinuation { continuation in
            var mustWake = false
            let refusal = state.withLock { state -> PluginAnswer? in
                guard var session = state.session.take() else {
                    return .unanswered(state.trouble ?? "the plugin is not running")
                }
                let (id, actions) = session.submit(frame, at: now)
                state.session = session
                guard let id else {
                    return .unanswered(
                        session.isRunning
                            ? "the plugin has too much to do" : state.trouble ?? "the plugin is not running"
                    )
                }
                state.awaited[id] = continuation
                for case .send(let bytes) in actions { state.outgoing.append(bytes) }
                Self.flush(&state)
                mustWake = !state.outgoing.isEmpty || (session.nextDeadline ?? .zero) < state.sleepsUntil
                return nil
            }
            if let refusal { return continuation.resume(returning: refusal) }
            if mustWake { wake() }
        }
    }

    /// Sends until the socket is full; a plugin that does not read is met by its deadlines.
    private static func flush(_ state: inout State) {
        guard state.socket >= 0 else { return }
        while let frame = state.outgoing.first {
            let sent = state.sent
            let count = frame.withUnsafeBytes { bytes in
                systemSend(state.socket, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if count > 0 {
                state.sent += count
                guard state.sent == frame.count else { continue }
                state.outgoing.removeFirst()
                state.sent = 0
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // It is gone; what it said before is still read, up to the end.
                state.outgoing = []
                state.sent = 0
            }
        }
    }

    /// Lets the plugin finish what it has, and ends it; returns when it is gone.
    func stop() async {
        let isRunning = state.withLock { state in
            state.isStopping = true
            return state.isStarted && !state.hasEnded
        }
        guard isRunning else { return }
        wake()
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasEnded { state.ends.append(continuation) }
                return state.hasEnded
            }
            if isOver { continuation.resume() }
        }
    }

    private func wake() {
        var byte: UInt8 = 0
        _ = write(waker, &byte, 1)
    }

    // MARK: - The thread

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func runThread(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            },
            body.toOpaque()
        )
        guard code == 0 else {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func supervise() {
        var policy = terms.restarts
        while !state.withLock({ $0.isStopping }) {
            let began = now
            let reason: String
            do throws(StartError) {
                // The file may have changed since the last run.
                try command.check()
                reason = try run(policy: &policy)
            } catch {
                reason = error.description
            }
            if state.withLock({ $0.isStopping }) { break }
            let wait = policy.ended(startedAt: began, at: now)
            logger.error(
                "the plugin has ended; it is started again",
                metadata: ["reason": "\(reason)", "after": "\(wait)"]
            )
            let hasFailed = policy.hasFailed
            state.withLock { $0.hasFailed = hasFailed }
            note(reason)
            outcome(trouble: (policy.hasFailed ? "the plugin fails again and again: " : "") + reason)
            sleep(wait)
        }
        outcome(trouble: nil)
        let ends = state.withLock { state in
            state.hasEnded = true
            defer { state.ends = [] }
            return state.ends
        }
        for end in ends { end.resume() }
    }

    /// Notes whether the plugin works, and lets the start go on.
    private func outcome(trouble: String?) {
        let continuation = state.withLock { state in
            state.trouble = trouble
            state.hasFirstOutcome = true
            defer { state.firstOutcome = nil }
            return state.firstOutcome
        }
        continuation?.resume()
    }

    /// Waits, unless the plugin is to stop.
    private func sleep(_ wait: Duration) {
        let end = now + wait
        while now < end, !state.withLock({ $0.isStopping }) {
            var watched = pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, Self.milliseconds(end - now))
            drainWakeup()
        }
    }

    private func drainWakeup() {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { bytes in
            _ = systemRead(wakeup, bytes.baseAddress, bytes.count)
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int32 {
        let whole = duration / .milliseconds(1)
        return Int32(min(max(0, whole.rounded(.up)), 3_600_000))
    }

    // MARK: - One run

    /// The descriptors of a run on our side, and what is under way on them.
    private struct Pipes: ~Copyable {
        let socket: Int32
        let output: Int32
        let errors: Int32
        var outputLog = LineLog()
        var errorLog = LineLog()
        var isOutputOpen = true
        var isErrorsOpen = true
        /// Where what is read lies until it is taken in.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)

        init(socket: Int32, output: Int32, errors: Int32) {
            self.socket = socket
            self.output = output
            self.errors = errors
        }

        deinit {
            close(socket)
            close(output)
            close(errors)
            buffer.deallocate()
        }

        /// Reads what is there; nothing when there is nothing now.
        func read(_ descriptor: Int32) -> (bytes: UnsafeRawBufferPointer, isOpen: Bool) {
            let count = systemRead(descriptor, buffer.baseAddress, buffer.count)
            let isOpen = count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
            return (UnsafeRawBufferPointer(rebasing: buffer[..<max(0, count)]), isOpen)
        }
    }

    /// The descriptors for which there is something to do.
    private struct Ready {
        var socket = false
        var output = false
        var errors = false
    }

    /// Starts the program and works with it until it has ended; returns why it did.
    private func run(policy: inout RestartPolicy) throws(StartError) -> String {
        let began = now
        var theirs: [Int32] = []
        var pipes = try makePipes(&theirs)
        let spawned: Result<pid_t, StartError>
        do throws(StartError) {
            spawned = .success(try command.spawn(protocol: theirs[0], output: theirs[1], errors: theirs[2]))
        } catch {
            spawned = .failure(error)
        }
        for descriptor in theirs { close(descriptor) }
        let child = try spawned.get()
        let isAgain = state.withLock { state in
            let session = PluginSession(terms, at: now)
            state.outgoing = [session.greeting(host: host)]
            state.session = session
            state.socket = pipes.socket
            state.sent = 0
            defer { state.run += 1 }
            return state.run > 0
        }
        started(isAgain)
        var reason: String?
        while reason == nil {
            if policy.hasFailed, policy.isStable(startedAt: began, at: now) {
                policy.forget()
                state.withLock { $0.hasFailed = false }
                outcome(trouble: nil)
            }
            let ready = wait(pipes)
            reason = transfer(&pipes, ready)
            if reason == nil { reason = react { $0.expire(at: $1) } }
            if reason == nil, state.withLock({ $0.isStopping && $0.session?.isDraining == false }) {
                reason = react { $0.drain(at: $1) }
            }
        }
        // The group goes while its leader is not yet reaped, so that no other group can have its number.
        kill(-child, SIGKILL)
        kill(child, SIGKILL)
        readLogs(Ready(output: true, errors: true), &pipes)
        log(pipes.outputLog.finish())
        log(pipes.errorLog.finish())
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        state.withLock { state in
            state.session = nil
            state.outgoing = []
            state.socket = -1
        }
        return reason ?? ""
    }

    /// Makes the descriptors of a run; `theirs` becomes those of the plugin for 3, 1 and 2.
    private func makePipes(_ theirs: inout [Int32]) throws(StartError) -> Pipes {
        var pair: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        let isMade =
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0
            && PluginCommand.makePipe(&output) && PluginCommand.makePipe(&errors)
        guard isMade else {
            let number = errno
            for descriptor in pair + output + errors where descriptor >= 0 { close(descriptor) }
            throw StartError(.inputOutput, "no descriptors for the plugin: \(String(cString: strerror(number)))")
        }
        for descriptor in [pair[0], output[0], errors[0]] {
            Self.makeNonblocking(descriptor)
        }
        theirs = [pair[1], output[1], errors[1]]
        return Pipes(socket: pair[0], output: output[0], errors: errors[0])
    }

    /// Waits until something can be done; returns the descriptors for which there is.
    private func wait(_ pipes: borrowing Pipes) -> Ready {
        let (end, isSending) = state.withLock { state in
            let latest = now + .seconds(60)
            state.sleepsUntil = min((state.session?.nextDeadline).flatMap(\.self) ?? latest, latest)
            return (state.sleepsUntil, !state.outgoing.isEmpty)
        }
        let timeout = Self.milliseconds(end - now)
        let (socket, output, errors) = (
            pipes.socket, pipes.isOutputOpen ? pipes.output : -1, pipes.isErrorsOpen ? pipes.errors : -1
        )
        return withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 4) { watched in
            watched.initializeElement(at: 0, to: pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0))
            let wanted = Int16(POLLIN | (isSending ? POLLOUT : 0))
            watched.initializeElement(at: 1, to: pollfd(fd: socket, events: wanted, revents: 0))
            watched.initializeElement(at: 2, to: pollfd(fd: output, events: Int16(POLLIN), revents: 0))
            watched.initializeElement(at: 3, to: pollfd(fd: errors, events: Int16(POLLIN), revents: 0))
            guard poll(watched.baseAddress, nfds_t(watched.count), timeout) > 0 else { return Ready() }
            if watched[0].revents != 0 { drainWakeup() }
            return Ready(
                socket: watched[1].revents != 0,
                output: watched[2].revents != 0,
                errors: watched[3].revents != 0
            )
        }
    }

    /// Reads and writes what can be; returns why the run is over, nil while it is not.
    private func transfer(_ pipes: inout Pipes, _ ready: Ready) -> String? {
        readLogs(ready, &pipes)
        if ready.socket {
            let (block, isOpen) = pipes.read(pipes.socket)
            if !block.isEmpty, let reason = react({ $0.received(block, at: $1) }) { return reason }
            if !isOpen { return react { session, _ in session.closed() } ?? "the plugin ended by itself" }
        }
        state.withLock { Self.flush(&$0) }
        return nil
    }

    private static func makeNonblocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Works on the session and carries out what it asks for; returns why the run is over, nil while it is not.
    private func react(_ work: (inout PluginSession, Duration) -> [PluginSession.Action]) -> String? {
        var resumed: [(CheckedContinuation<PluginAnswer, Never>, PluginAnswer)] = []
        var emissions: [(UInt64, Signal, [UInt8])] = []
        var isOpened = false
        var reason: String?
        // A plugin that has failed is trusted again only when it has run for a while.
        var failure: String?
        let run = state.withLock { state -> Int in
            failure = state.hasFailed ? state.trouble : nil
            // Taken out and put back, so that its buffers are not copied.
            guard var session = state.session.take() else { return state.run }
            for action in work(&session, now) {
                switch action {
                case .send(let bytes): state.outgoing.append(bytes)
                case .answer(let id, let answer):
                    if let continuation = state.awaited.removeValue(forKey: id) {
                        resumed.append((continuation, answer))
                    }
                case .emitted(let id, let signal, let request): emissions.append((id, signal, request))
                case .lateAnswer: state.lateAnswers += 1
                case .opened(let offer):
                    isOpened = true
                    state.wantsCalls = offer.wantsCalls
                    state.rejection = nil
                case .rejected(let path, let message):
                    let text = "the plugin refuses its configuration: \(path.isEmpty ? "" : path + ": ")\(message)"
                    state.rejection = text
                    reason = text
                case .end(let text): reason = reason ?? text ?? ""
                }
            }
            state.session = session
            if state.outgoing.count > Self.mostFrames { reason = reason ?? "the plugin does not read what it asks for" }
            return state.run
        }
        if isOpened { outcome(trouble: failure) }
        for (continuation, answer) in resumed { continuation.resume(returning: answer) }
        for (id, signal, request) in emissions {
            Task { await hand(id, signal, request, run: run) }
        }
        return reason
    }

    private func hand(_ id: UInt64, _ signal: Signal, _ request: [UInt8], run: Int) async {
        let answer = await take?(signal, request) ?? .refused("no pipeline takes it")
        state.withLock { state in
            guard state.run == run, var session = state.session.take() else { return }
            for case .send(let bytes) in session.acknowledge(id, answer) { state.outgoing.append(bytes) }
            state.session = session
            Self.flush(&state)
        }
        wake()
    }

    // MARK: - What it prints

    private func readLogs(_ ready: Ready, _ pipes: inout Pipes) {
        if ready.output, pipes.isOutputOpen {
            let (block, isOpen) = pipes.read(pipes.output)
            log(pipes.outputLog.append(block, at: now))
            pipes.isOutputOpen = isOpen
        }
        if ready.errors, pipes.isErrorsOpen {
            let (block, isOpen) = pipes.read(pipes.errors)
            log(pipes.errorLog.append(block, at: now))
            pipes.isErrorsOpen = isOpen
        }
    }

    private func log(_ printed: LineLog.Printed) {
        if printed.suppressed > 0 {
            logger.warning(
                "the plugin prints too much; lines are left out",
                metadata: ["lines": "\(printed.suppressed)"]
            )
        }
        for line in printed.lines { logger.info("the plugin printed a line", metadata: ["line": "\(line)"]) }
    }
}

/// A method of the same name hides the system's `read`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

/// A method of the same name hides the system's `send`; it neither waits nor ends the program by a signal.
private func systemSend(_ socket: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    send(socket, bytes, count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
}
