// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Dispatch
import Files
import Logging
import OTLP
import Synchronization
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads the session files of agents, from time to time and when asked, and hands on what they hold as log records.
///
/// How far a file was read is remembered after the pipeline has taken what was read, so that nothing is lost; what is read twice
/// after a crash or without its checkpoint is known again by the ids of the calls.
final class AgentSessionsReceiver: Receiver, SessionScanner {
    private let config: AgentSessionsConfig
    private let settings: ComponentSettings
    private let options: ScanPass.Options
    private let file: CheckpointFile
    private let behind: SignalConsumers
    private let state = Mutex(State())

    private struct State {
        var isRunning = false
        var poll: Task<Void, Never>?
        var scan: Task<Result<ScanReport, ConsumeError>, Never>?
        var listeners: [@Sendable (ScanProgress) -> Void] = []
        /// Nil until the first scan has read the file.
        var checkpoint: Checkpoint?
        var problems: Set<ScanProblem> = []
    }

    /// Faults that one scan writes into the log; the report names more.
    private static let problemsLogged = 3

    /// Requests after which the checkpoint is written in the middle of a long scan.
    private static let stepsBetweenSaves = 64

    init(
        _ config: AgentSessionsConfig,
        _ settings: ComponentSettings,
        environment: [String: String],
        machine: String?,
        next behind: SignalConsumers
    ) {
        self.config = config
        self.settings = settings
        self.behind = behind
        file = CheckpointFile(
            path: config.checkpoint.isEmpty ? settings.home + "/agent_sessions.checkpoint" : config.checkpoint.path
        )
        options = ScanPass.Options(
            folders: SessionFolders(config, environment: environment),
            machine: machine,
            home: environment["HOME"]
        )
    }

    func start() async throws(StartError) {
        do throws(FileError) {
            try file.refuseOthers()
        } catch {
            throw StartError(.inputOutput, "\(settings.id): the checkpoint \(error)")
        }
        state.withLock { state in
            state.isRunning = true
            guard config.pollInterval.nanoseconds > 0 else { return }
            state.poll = Task { await self.poll() }
        }
    }

    func shutdown() async {
        let tasks = state.withLock { state in
            state.isRunning = false
            defer { state.poll = nil }
            return (state.poll, state.scan)
        }
        tasks.0?.cancel()
        tasks.1?.cancel()
        await tasks.0?.value
        _ = await tasks.1?.value
    }

    private func poll() async {
        while !Task.isCancelled {
            do throws(ConsumeError) {
                _ = try await scan(progress: nil)
            } catch {
                settings.logger.warning("a scan was cut short", metadata: ["reason": "\(error.message)"])
            }
            try? await Task.sleep(for: config.pollInterval.duration)
        }
    }

    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport {
        let task = state.withLock { state -> Task<Result<ScanReport, ConsumeError>, Never>? in
            guard state.isRunning else { return nil }
            if let progress { state.listeners.append(progress) }
            if let scan = state.scan { return scan }
            let scan = Task { await self.scanOnce() }
            state.scan = scan
            return scan
        }
        guard let task else { throw .retryable("the receiver of agent sessions is not running") }
        switch await task.value {
        case .success(let report): return report
        case .failure(let error): throw error
        }
    }

    var standingFaults: ScanReport? { (state.withLock { $0.checkpoint } ?? file.load())?.faults }

    private func scanOnce() async -> Result<ScanReport, ConsumeError> {
        let begun = settings.now()
        var report = ScanReport()
        let result: Result<ScanReport, ConsumeError>
        do throws(ConsumeError) {
            try await run(&report)
            report.durationMilliseconds = max(0, settings.now().milliseconds - begun.milliseconds)
            result = .success(report)
        } catch {
            result = .failure(error)
        }
        log(report)
        state.withLock { state in
            state.scan = nil
            state.listeners = []
        }
        return result
    }
}

// MARK: - One scan

extension AgentSessionsReceiver {
    private func run(_ report: inout ScanReport) async throws(ConsumeError) {
        var (checkpoint, isNew) = remembered()
        let stores = await behind.stores(behind: .logs)
        var hasChanged = isNew || stores != checkpoint.stores
        // A store that is new to us has nothing of what was read: all of it goes there, too.
        if !stores.isSubset(of: checkpoint.stores), config.startAt == .beginning { checkpoint.marks = [:] }
        checkpoint.stores = stores
        var options = options
        options.skipsUnknown = isNew && config.startAt == .end
        let worker = ScanWorker(options, known: checkpoint.marks)
        let gone = await worker.begin()
        for key in gone { checkpoint.marks[key] = nil }
        hasChanged = hasChanged || !gone.isEmpty
        var isDone = false
        defer {
            // A first look that only marks what is there counts when it is complete; else the rest would be taken for new.
            if isDone || !options.skipsUnknown {
                if hasChanged { save(checkpoint) }
                keep(checkpoint)
            }
        }
        var (step, steps) = (await worker.step(), 0)
        while true {
            // The next request is read while this one is taken in.
            let isLast = step.isLast
            async let following = isLast ? nil : worker.step()
            if let request = step.request {
                report.ingested += try await hand(request, step.recordCount) ?? step.report.calls
            }
            report.add(step.report)
            hasChanged = hasChanged || !step.marks.isEmpty
            checkpoint.marks.merge(step.marks) { $1 }
            if let unreadable = step.unreadable, unreadable != checkpoint.unreadable {
                checkpoint.unreadable = unreadable
                hasChanged = true
            }
            var progress = step.progress
            progress.calls = report.calls
            for listener in state.withLock({ $0.listeners }) { listener(progress) }
            guard let next = await following else { break }
            step = next
            steps += 1
            if !options.skipsUnknown, steps.isMultiple(of: Self.stepsBetweenSaves) {
                save(checkpoint)
                hasChanged = false
            }
            if Task.isCancelled { throw .retryable("the collector is stopping") }
        }
        isDone = true
    }

    /// What is remembered, and whether this is the first time.
    private func remembered() -> (Checkpoint, isNew: Bool) {
        if let known = state.withLock({ $0.checkpoint }) { return (known, false) }
        if let known = file.load() { return (known, false) }
        if file.exists {
            settings.logger.warning(
                "the checkpoint is damaged; session files are looked at as if for the first time",
                metadata: ["file": "\(file.path)"]
            )
        }
        return (Checkpoint(), true)
    }

    private func keep(_ checkpoint: Checkpoint) { state.withLock { $0.checkpoint = checkpoint } }

    /// Hands a request on.
    ///
    /// - Returns: How many of its calls were new; nil when no store has said so.
    private func hand(_ request: [UInt8], _ count: Int) async throws(ConsumeError) -> Int? {
        guard let next = behind[.logs] else {
            throw .retryable(
                "no logs pipeline takes what \(settings.id) reads; add one with it as a receiver",
                after: 60
            )
        }
        let batch: Batch
        do throws(OTLPError) {
            batch = Batch(try OTLPBatch(signal: .logs, protobuf: request), receivedAt: settings.now())
        } catch {
            throw .permanent("a request of the receiver's own cannot be read: \(error)")
        }
        do throws(ConsumeError) {
            return try await next.consume(batch).newCalls
        } catch {
            guard !error.isRetryable else { throw error }
            // To send it again would not help, and must not keep what comes after from being read.
            settings.logger.error(
                "records were refused",
                metadata: ["count": "\(count)", "reason": "\(error.message)"]
            )
            return 0
        }
    }

    private func save(_ checkpoint: Checkpoint) {
        do throws(FileStream.Failure) {
            try file.save(checkpoint)
        } catch {
            settings.logger.warning(
                "the checkpoint cannot be written; after a restart everything is read again",
                metadata: ["path": "\(file.path)", "reason": "\(error.message)"]
            )
        }
    }

    /// Says once what cannot be read, and briefly what was.
    private func log(_ report: ScanReport) {
        let new = state.withLock { state in
            defer { state.problems = Set(report.problems.filter { $0.line == nil }) }
            return report.problems.filter { !state.problems.contains($0) }
        }
        for problem in new.prefix(Self.problemsLogged) {
            settings.logger.warning("a session file has a fault", metadata: ["fault": "\(problem)"])
        }
        guard report.scanned > 0 else { return }
        settings.logger.info(
            "scanned session files",
            metadata: [
                "files": "\(report.scanned)", "calls": "\(report.calls)", "new": "\(report.ingested)",
                "faults": "\(report.skippedLines)",
            ]
        )
    }
}

extension ComponentFactory {
    /// Reads the session files of agents, which become log records; nothing is opened before the start.
    ///
    /// - Parameters:
    ///   - environment: Says where agents keep their files (`HOME`, `XDG_CONFIG_HOME`, `CLAUDE_CONFIG_DIR`, `CODEX_HOME`).
    ///   - machine: The name of this machine, which calls carry; nil to leave it out.
    public static func agentSessions(environment: [String: String] = [:], machine: String? = nil) -> ComponentFactory {
        .receiver(
            "agent_sessions",
            AgentSessionsConfig.self,
            signals: [.logs],
            summary: "reads what coding agents keep of their sessions on this machine"
        ) { config, settings, next in
            AgentSessionsReceiver(config, settings, environment: environment, machine: machine, next: next)
        }
    }
}

/// Runs a pass on a thread of its own, because it waits for the disk.
final class ScanWorker: Sendable {
    private let pass: Mutex<Box>
    private let queue = DispatchQueue(label: "agent_sessions")

    private struct Box {
        var pass: ScanPass
    }

    init(_ options: ScanPass.Options, known: [String: FileMark]) {
        pass = Mutex(Box(pass: ScanPass(options, known: known)))
    }

    /// Looks which files there are; returns the keys of those that are there no more.
    func begin() async -> [String] { await run { $0.begin() } }

    /// Reads on.
    func step() async -> ScanPass.Step { await run { $0.step() } }

    private func run<Result: Sendable>(_ body: @escaping @Sendable (ScanPass) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.pass.withLock { body($0.pass) }) }
        }
    }
}

/// Keeps a checkpoint on the disk.
struct CheckpointFile: Sendable {
    let path: String

    /// A checkpoint has some hundred bytes for each session file.
    private static let largest = 1 << 30

    private var draft: String { path + ".new" }

    /// What is kept; nothing when there is no file, or when it is damaged or no regular file.
    func load() -> Checkpoint? {
        guard let bytes = try? OwnFile.content(path, largest: Self.largest) else { return nil }
        return Checkpoint(bytes)
    }

    /// Whether there is a file at all.
    var exists: Bool { access(path, F_OK) == 0 }

    /// Refuses what is no regular file where the checkpoint is read and written; a rename would remove a link without a word.
    func refuseOthers() throws(FileError) {
        try OwnFile.refuseOthers(path)
        try OwnFile.refuseOthers(draft)
    }

    /// Replaces the file as a whole: after a crash there is the old one or the new one.
    ///
    /// - Throws: ``FileStream/Failure``; the old file is still there then.
    func save(_ checkpoint: Checkpoint) throws(FileStream.Failure) {
        try makeFolder()
        do throws(FileError) {
            try refuseOthers()
            try FileReplacement.replace(path, with: checkpoint.encoded)
        } catch {
            throw FileStream.Failure(error.reason)
        }
    }

    private func makeFolder() throws(FileStream.Failure) {
        do throws(FileError) {
            try DurableFolder.make(DurableFolder.containing(path))
        } catch {
            throw FileStream.Failure("its folder cannot be made")
        }
    }
}
