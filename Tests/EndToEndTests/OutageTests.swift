// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import SinkServer
import Synchronization
import Testing

/// A destination that is down while 10,000 records a second come in.
///
/// `HAMMURABI_OUTAGE_SECONDS` is the duration for a long run; by default the destination is down for a moment.
@Suite(.serialized)
struct OutageTests {
    private static let seconds =
        ProcessInfo.processInfo.environment["HAMMURABI_OUTAGE_SECONDS"].flatMap(Int.init) ?? 2
    private static let requestsPerSecond = 100
    private static let recordsPerRequest = 100

    @Test func `memory stays flat while the backend is down, and everything is delivered when it is back`()
        async throws
    {
        let port = try freePort()
        let forwarder = try Forwarder(
            to: "http://127.0.0.1:\(port)",
            exporter:
                "retry_on_failure: { initial_interval: 100ms, max_interval: 1s }, sending_queue: { queue_size: 64GiB }"
        )
        let program = try await forwarder.sandbox.serve()
        let filler = String(repeating: "x", count: 300)
        var (early, highest) = (0, 0)
        let start = ContinuousClock.now
        let total = Self.seconds * Self.requestsPerSecond
        for number in 0..<total {
            // Never faster than the rate; a slower machine takes longer.
            try await Task.sleep(until: start + .milliseconds(number * 1_000 / Self.requestsPerSecond))
            let body = logRequest((0..<Self.recordsPerRequest).map { "\(number)-\($0)-\(filler)" })
            #expect(await post(body, to: forwarder.address + "/v1/logs") == 200)
            guard number % Self.requestsPerSecond == Self.requestsPerSecond - 1 else { continue }
            let memory = try program.residentMemory()
            if early == 0 { early = memory }
            highest = max(highest, memory)
        }
        #expect(highest - early < 32 << 20, "it grew from \(early >> 20) to \(highest >> 20) MiB")
        let received = Mutex([Int](repeating: 0, count: total))
        let sink = try await SinkServer.start(port: port, keeping: false) { request in
            let texts = (try? request.texts()) ?? []
            received.withLock { counts in
                for text in texts { if let number = Int(text.prefix { $0 != "-" }) { counts[number] += 1 } }
            }
            return SinkServer.Reply(200)
        }
        try await waitUntil { received.withLock { $0.allSatisfy { $0 >= Self.recordsPerRequest } } }
        #expect(received.withLock { $0.allSatisfy { $0 == Self.recordsPerRequest } })
        #expect(try program.residentMemory() < 256 << 20)
        #expect(try await program.stop().exitCode == 0)
        await sink.stop()
    }
}
