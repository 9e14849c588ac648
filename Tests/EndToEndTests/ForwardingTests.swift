// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import Glibc
import OTLP
import SinkServer
import Synchronization
import Testing

/// Client → collector → collector → sink, and whatever can happen between them.
///
/// `HAMMURABI_FORWARD_ROUNDS` says how often something is killed or stopped, for a long run; the tests alone do a few rounds.
@Suite(.serialized)
struct ForwardingTests {
    private static let rounds = ProcessInfo.processInfo.environment["HAMMURABI_FORWARD_ROUNDS"].flatMap(Int.init) ?? 6
    /// As many records as a request has at most, and as many requests as are under way at once.
    private static let (requestSize, consumers) = (50, 2)
    private static let exporter = """
        timeout: 30s, compression: none, sending_queue: { num_consumers: 2, batch: { flush_timeout: 20ms, max_size: 50 } },
        retry_on_failure: { initial_interval: 50ms, max_interval: 400ms }
        """

    @Test func `no acknowledged record is lost or changed whatever is killed, and few come twice`() async throws {
        let moody = MoodySink()
        let sink = try await SinkServer.start(keeping: false) { moody.answer($0) }
        let second = try Forwarder(to: sink.address, exporter: Self.exporter)
        let first = try Forwarder(to: second.address, exporter: Self.exporter)
        var programs = [try await first.sandbox.serve(), try await second.sandbox.serve()]
        let clients = Clients(address: first.address)
        let load = Task { await clients.run() }
        var kills = 0
        var random = SystemRandomNumberGenerator()
        for round in 0..<Self.rounds {
            let goal = clients.acknowledged.count + 30
            try await eventually { clients.acknowledged.count >= goal }
            let victim = round % 2
            let isKill = round % 3 != 2
            programs[victim].send(isKill ? SIGKILL : SIGTERM)
            kills += isKill ? 1 : 0
            let code = try await programs[victim].outcome().exitCode
            #expect(code == (isKill ? -SIGKILL : 0))
            try await Task.sleep(for: .milliseconds(.random(in: 0...300, using: &random)))
            programs[victim] = try await [first, second][victim].sandbox.serve()
        }
        clients.stop()
        await load.value
        moody.calm()
        #expect(try await programs[0].stop().exitCode == 0)
        programs[0] = try await first.sandbox.serve()
        try await Self.replay(second, &programs[1])
        let expected = clients.acknowledged
        try await eventually { moody.missing(from: expected).isEmpty }
        #expect(moody.missing(from: expected).sorted().prefix(5) == [])
        #expect(moody.strangers(to: clients.sent) == [])
        let underWay = Self.requestSize * Self.consumers
        #expect(moody.duplicates <= kills * 2 * underWay + moody.lostAnswers * Self.requestSize)
        for program in programs { #expect(try await program.stop().exitCode == 0) }
        await sink.stop()
    }

    /// What the sink refused for good lies among the dead letters: puts it back, which only works while nothing runs.
    private static func replay(_ forwarder: Forwarder, _ program: inout RunningProgram) async throws {
        let held = try await forwarder.sandbox.run("queue", "replay", "--config", "config.yaml")
        let list = try await forwarder.sandbox.run("queue", "list", "--json", "--config", "config.yaml")
        let queues = try #require(list.json()["queues"] as? [NSDictionary])
        let dead = try #require(queues.first { $0["queue"] as? String == "dead-letters" }?["records"] as? Int)
        if dead > 0 {
            #expect(held.exitCode == 74)
            #expect(held.errors.contains("a running collector has the queue"))
        }
        #expect(try await program.stop().exitCode == 0)
        let replayed = try await forwarder.sandbox.run("queue", "replay", "--config", "config.yaml")
        #expect(replayed.exitCode == 0, "\(replayed.errors)")
        #expect(replayed.output.contains("with \(dead) records"), "\(replayed.output)")
        program = try await forwarder.sandbox.serve()
    }

    @Test func `while a backend is down the disk fills and memory does not, and it gets everything when it is back`()
        async throws
    {
        let received = Mutex(Set<String>())
        let port = try freePort()
        let forwarder = try Forwarder(
            to: "http://127.0.0.1:\(port)",
            exporter: "compression: none, retry_on_failure: { initial_interval: 100ms, max_interval: 1s }"
        )
        let program = try await forwarder.sandbox.serve()
        let filler = String(repeating: "x", count: 4_000)
        func send(_ range: Range<Int>) async {
            for number in range {
                let body = logRequest((0..<20).map { "\(number)-\($0)-\(filler)" })
                #expect(await post(body, to: forwarder.address + "/v1/logs") == 200)
            }
        }
        await send(0..<100)
        let before = try program.residentMemory()
        await send(100..<900)
        let growth = try program.residentMemory() - before
        #expect(growth < 24 << 20, "64 MB waiting took \(growth >> 20) MiB more memory")
        let list = try await forwarder.sandbox.run("queue", "list", "--config", "config.yaml")
        #expect(
            list.output.split(separator: "\n").contains { $0.hasPrefix("otlp_http\tlogs\t900\t18000\t") },
            "\(list.output)"
        )
        let sink = try await SinkServer.start(port: port, keeping: false) { request in
            let texts = (try? request.texts()) ?? []
            received.withLock { $0.formUnion(texts.map { String($0.dropLast(4_000)) }) }
            return SinkServer.Reply(200)
        }
        try await eventually { received.withLock { $0.count } == 18_000 }
        #expect(try program.residentMemory() - before < 96 << 20)
        #expect(try await program.stop().exitCode == 0)
        await sink.stop()
    }

    @Test(arguments: [false, true])
    func `a call that comes forwarded and directly counts once, with the same figures`(writesUsage: Bool) async throws {
        let bodies = try Self.recordings()
        #expect(bodies.count > 30)
        let hub = try Sandbox()
        let port = try freePort()
        try hub.write(Self.hubConfig(port), to: "config.yaml")
        let reference = try Sandbox()
        let forwarder = try Forwarder(
            to: "http://127.0.0.1:\(port)",
            exporter: "usage_attributes: \(writesUsage), sending_queue: { batch: { flush_timeout: 20ms } }",
            processors: "tokens, pricing"
        )
        let (direct, program) = (try await reference.collect(), try await hub.serve())
        let way = try await forwarder.sandbox.serve()
        for (signal, body) in bodies {
            #expect(await post(body, to: try direct.address() + "/v1/\(signal)") == 200)
            #expect(await post(body, to: forwarder.address + "/v1/\(signal)") == 200)
        }
        #expect(try await way.stop().exitCode == 0)
        let expected = try await Self.figures(direct)
        #expect((expected["callCount"] as? Int ?? 0) > 5)
        #expect(try await Self.figures(program) == expected)
        for (signal, body) in bodies {
            #expect(await post(body, to: try program.address() + "/v1/\(signal)") == 200)
        }
        #expect(try await Self.figures(program) == expected)
        #expect(try await program.stop().exitCode == 0)
        #expect(try await direct.stop().exitCode == 0)
    }

    @Test func `a session that two machines have read and one has forwarded counts once`() async throws {
        let port = try freePort()
        let hub = try Sandbox()
        try hub.write(Self.hubConfig(port), to: "config.yaml")
        let laptop = try Sandbox()
        try laptop.write(
            """
            receivers: { agent_sessions: { poll_interval: 0s } }
            processors: { tokens: , pricing: }
            exporters: { otlp_http: { endpoint: "http://127.0.0.1:\(port)", usage_attributes: true } }
            service: { pipelines: { logs: { receivers: [agent_sessions], processors: [tokens, pricing], exporters: [otlp_http] } } }
            """,
            to: "config.yaml"
        )
        for sandbox in [hub, laptop] { try Self.copySessions(to: sandbox) }
        let program = try await hub.serve()
        // Nothing runs there: the command sends what it has read before it ends.
        let scan = try await laptop.run("scan", "--config", "config.yaml")
        #expect(scan.exitCode == 0, "\(scan.errors)")
        try await eventually { try await Self.figures(program)["callCount"] as? Int ?? 0 > 0 }
        let forwarded = try await Self.figures(program)
        #expect(try await hub.run("scan", "--config", "config.yaml").exitCode == 0)
        #expect(try await Self.figures(program) == forwarded)
        for (signal, body) in try Self.recordings("cc-2.1.330-two-models-fork") {
            #expect(await post(body, to: try program.address() + "/v1/\(signal)") == 200)
        }
        #expect(try await Self.figures(program)["callCount"] as? Int == forwarded["callCount"] as? Int)
        #expect(try await program.stop().exitCode == 0)
    }

    private static func copySessions(to sandbox: Sandbox) throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/forwarding-sessions"
        )
        let target = sandbox.folder.appending(path: ".claude")
        for name in try FileManager.default.subpathsOfDirectory(atPath: source.path) where name.hasSuffix(".gz") {
            let bytes = [UInt8](try Data(contentsOf: source.appending(path: name)))
            let file = target.appending(path: String(name.dropLast(3)))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(Gzip.inflate(bytes, limit: 1 << 24)).write(to: file)
        }
    }

    private static func hubConfig(_ port: Int) -> String {
        """
        receivers:
          otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } }
          agent_sessions: { poll_interval: 0s }
        processors: { tokens: , pricing: , retention: , redaction: }
        exporters: { sqlite: { path: ./store.db } }
        extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: sqlite } }
        service:
          extensions: [hub]
          pipelines:
            traces: { receivers: [otlp], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
            logs: { receivers: [otlp, agent_sessions], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
            metrics: { receivers: [otlp], processors: [tokens, pricing, retention, redaction], exporters: [sqlite] }
        """
    }

    /// What must not depend on the way that records took.
    private static func figures(_ program: RunningProgram) async throws -> NSDictionary {
        let summary = try await program.get("/api/telemetry/summary?from=2026-01-01&to=2027-01-01").json()
        let keys = [
            "totalCost", "totalInputTokens", "totalOutputTokens", "totalCacheReadTokens", "totalCacheWriteTokens",
            "totalReasoningTokens", "callCount", "sessionCount", "unpricedCalls", "byModel", "byAgent",
        ]
        return NSDictionary(dictionary: Dictionary(uniqueKeysWithValues: keys.map { ($0, summary[$0] ?? "none") }))
    }

    /// What real clients sent, in the order of their recording.
    private static func recordings(_ scenario: String = "") throws -> [(Signal, [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/forwarding/\(scenario)"
        )
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted().filter { $0.hasSuffix(".gz") }
            .map { name in
                let file = [UInt8](try Data(contentsOf: folder.appending(path: name)))
                let signal = try #require(Signal.allCases.first { name.contains("-\($0).") })
                return (signal, try Gzip.inflate(file, limit: 1 << 24))
            }
    }
}

/// Senders that go on whatever happens, each record once.
private final class Clients: Sendable {
    private let address: String
    private let state = Mutex((sent: Set<String>(), acknowledged: Set<String>(), isStopped: false))

    init(address: String) { self.address = address + "/v1/logs" }

    var acknowledged: Set<String> { state.withLock { $0.acknowledged } }
    var sent: Set<String> { state.withLock { $0.sent } }

    func stop() { state.withLock { $0.isStopped = true } }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<4 { group.addTask { await self.run(client) } }
        }
    }

    private func run(_ client: Int) async {
        var number = 0
        while !state.withLock({ $0.isStopped }) {
            let texts = (0...number % 5).map {
                "c\(client)-\(number)-\($0):" + String(repeating: "\(number)", count: number % 17)
            }
            number += 1
            state.withLock { $0.sent.formUnion(texts) }
            if await post(logRequest(texts), to: address) == 200 {
                state.withLock { $0.acknowledged.formUnion(texts) }
            } else {
                try? await Task.sleep(for: .milliseconds(30))
            }
        }
    }
}

/// A destination in all moods: takes, puts off, refuses, hangs up and stalls.
private final class MoodySink: Sendable {
    private let state = Mutex(State())

    private struct State {
        var counts: [String: Int] = [:]
        var requests = 0
        var lostAnswers = 0
        var isCalm = false
    }

    func calm() { state.withLock { $0.isCalm = true } }

    /// How many records came more than once, each time but the first counted.
    var duplicates: Int { state.withLock { $0.counts.values.reduce(0) { $0 + $1 - 1 } } }
    /// How many requests were taken without the sender hearing of it.
    var lostAnswers: Int { state.withLock { $0.lostAnswers } }

    func missing(from texts: Set<String>) -> Set<String> { state.withLock { texts.subtracting($0.counts.keys) } }

    func strangers(to texts: Set<String>) -> [String] {
        state.withLock { $0.counts.keys.filter { !texts.contains($0) } }
    }

    func answer(_ request: SinkServer.Request) -> SinkServer.Reply {
        guard let texts = try? request.texts() else { return SinkServer.Reply(400) }
        return state.withLock { state in
            state.requests += 1
            func take() { for text in texts { state.counts[text, default: 0] += 1 } }
            switch state.isCalm ? 0 : state.requests % 20 {
            case 3: return SinkServer.Reply(429, [("Retry-After", "1")])
            case 6, 12: return SinkServer.Reply(503)
            case 9: return SinkServer.Reply(500)
            case 14: return .reset
            case 17:
                take()
                state.lostAnswers += 1
                return .reset
            case 19:
                take()
                return SinkServer.Reply(200, delay: .milliseconds(700))
            default:
                take()
                return SinkServer.Reply(200)
            }
        }
    }
}
