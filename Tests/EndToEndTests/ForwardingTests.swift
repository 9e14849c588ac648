// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import OTLP
import SinkServer
import Synchronization
import Testing

/// Client → collector → collector → sink, with all failures between them.
///
/// `HAMMURABI_FORWARD_ROUNDS` says how often something is killed or stopped, for a long run; the tests alone do a few rounds.
@Suite(.serialized)
struct ForwardingTests {
    private static let rounds = ProcessInfo.processInfo.environment["HAMMURABI_FORWARD_ROUNDS"].flatMap(Int.init) ?? 6
    /// The largest number of records in a request, and of requests in flight.
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
            try await waitUntil { clients.acknowledged.count >= goal }
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
        try await waitUntil { moody.missing(from: expected).isEmpty }
        #expect(moody.missing(from: expected).sorted().prefix(5) == [])
        #expect(moody.unknownTypes(to: clients.sent) == [])
        let underWay = Self.requestSize * Self.consumers
        #expect(moody.duplicates <= kills * 2 * underWay + moody.lostAnswers * Self.requestSize)
        for program in programs { #expect(try await program.stop().exitCode == 0) }
        await sink.stop()
    }

    /// Replays the dead letters, which works only while the collector is stopped.
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
        try await waitUntil { received.withLock { $0.count } == 18_000 }
        #expect(try program.residentMemory() - before < 96 << 20)
        #expect(try await program.stop().exitCode == 0)
        await sink.stop()
    }
}
