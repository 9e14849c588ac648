// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import Synchronization
import Testing
import TokensProcessor
import Usage

/// A home folder of its own, removed with it.
final class TestHome: Sendable {
    private let folder: TemporaryFolder
    var path: String { folder.path }

    init() throws { folder = try TemporaryFolder() }

    /// Writes a file below the home.
    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func append(_ text: String, to name: String) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path).appending(path: name))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    func move(_ name: String, to other: String) throws {
        let target = URL(filePath: path).appending(path: other)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try FileManager.default.moveItem(atPath: path + "/" + name, toPath: target.path)
    }

    /// Unpacks the session files of a recorded scenario below `.claude` or `.codex`.
    func unpack(_ scenario: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(scenario)")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".gz") }
        #expect(!names.isEmpty)
        for name in names {
            let bytes = try Gzip.inflate([UInt8](Data(contentsOf: folder.appending(path: name))), limit: 1 << 24)
            try write(bytes, to: "." + name.dropLast(3))
        }
    }
}

/// The end of a pipeline: finds the calls in what comes and keeps them in a ledger.
final class Books: Consumer {
    private let tokens: any Processor
    private let settings: ComponentSettings
    private let state = Mutex(State())

    struct State {
        var ledger = MemoryLedger()
        var sessions: [String: SessionUpdate] = [:]
        var batchSizes: [Int] = []
        var refusal: ConsumeError?
        /// What it gives itself out to be.
        var identity = UInt64(1)
    }

    init() throws {
        var settings = try testSettings("tokens", home: "/nowhere")
        // Soon after the lines of the tests: a limit of months ago is forgotten.
        settings.now = { Timestamp(nanoseconds: 1_790_850_000_000_000_000) }
        self.settings = settings
        tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings)
    }

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
        var batch = batch
        try tokens.process(&batch)
        let result: Result<Delivery, any Error> = state.withLock { [batch] state in
            state.batchSizes.append(batch.otlp.recordCount)
            for update in batch.sessions + batch.observations.compactMap(\.sessionUpdate) {
                if state.sessions[update.id] == nil { state.sessions[update.id] = update }
                state.sessions[update.id]?.merge(update)
            }
            return Result {
                let calls = try state.ledger.absorb(batch.observations).newCallCount()
                return Delivery { calls }
            }
        }
        switch result {
        case .success(let delivery): return delivery
        case .failure(let error): throw .permanent("\(error)")
        }
    }

    var identity: UInt64 { state.withLock { $0.identity } }

    /// Becomes an empty store of another identity.
    func begin(as identity: UInt64) {
        state.withLock { state in
            (state.ledger, state.sessions, state.identity) = (MemoryLedger(), [:], identity)
        }
    }

    func refuse(_ error: ConsumeError?) { state.withLock { $0.refusal = error } }

    func absorb(_ observations: [Observation]) throws { try state.withLock { _ = try $0.ledger.absorb(observations) } }

    var calls: [Call] { state.withLock { $0.ledger.calls }.sorted { ($0.time, $0.id) < ($1.time, $1.id) } }

    var sessions: [String: SessionUpdate] { state.withLock { $0.sessions } }

    /// Limits of subscriptions, by agent, account, machine and name.
    var limits: [UsageLimit] { settings.shared.limits(in: settings.home).limits(now: settings.now()) }

    var batchSizes: [Int] { state.withLock { $0.batchSizes } }

    /// Calls, uncached input, cache reads, cache writes, output.
    var figures: [Int64] {
        calls.filter(\.isCounted).reduce([0, 0, 0, 0, 0]) { sum, call in
            let counts = call.counts
            let more = [1, counts.uncachedInput, counts.cacheRead, counts.cacheWrite, counts.output]
            return zip(sum, more).map(+)
        }
    }
}

func testSettings(_ id: String, home: String) throws -> ComponentSettings {
    ComponentSettings(
        id: try #require(ComponentID(id)),
        logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() },
        home: home,
        now: { Timestamp(nanoseconds: 1_800_000_000_000_000_000) }
    )
}

/// A receiver that is asked, with the books it writes into.
struct Scene {
    let home: TestHome
    let books: Books
    private let receiver: any Receiver
    private let scanner: any SessionScanner

    init(
        _ home: TestHome,
        books: Books? = nil,
        environment: [String: String] = [:],
        starts: Bool = true,
        change: (inout AgentSessionsConfig) -> Void = { _ in }
    ) async throws {
        self.home = home
        self.books = try books ?? Books()
        var config = AgentSessionsConfig()
        config.pollInterval = ConfigDuration(seconds: 0)
        change(&config)
        let environment = ["HOME": home.path].merging(environment) { $1 }
        receiver = try ComponentFactory.agentSessions(environment: environment, machine: "desk").makeReceiver(
            config,
            testSettings("agent_sessions", home: home.path + "/hub"),
            next: SignalConsumers([.logs: self.books], stores: { [books = self.books] _ in [books.identity] })
        )
        scanner = try #require(receiver.sessionScanner)
        if starts { try await receiver.start() }
    }

    @discardableResult
    func scan() async throws -> ScanReport { try await scanner.scan(progress: nil) }

    /// What the files have.
    var faults: ScanReport? { scanner.standingFaults }

    func shutdown() async { await receiver.shutdown() }
}

/// The result of one scan of a home by a receiver without memory.
func scanned(_ home: TestHome) async throws -> (books: Books, report: ScanReport) {
    let scene = try await Scene(home)
    let report = try await scene.scan()
    await scene.shutdown()
    return (scene.books, report)
}
