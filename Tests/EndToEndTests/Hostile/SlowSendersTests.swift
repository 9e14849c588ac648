// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Testing

/// Senders that reserve memory without using it.
struct SlowSendersTests {
    private let sandbox: Sandbox
    private static let post = "POST /v1/logs"
    private static let type = "Content-Type: application/json\r\n"

    init() throws {
        sandbox = try Sandbox()
    }

    @Test func `a stated length without a body holds no memory`() async throws {
        let program = try await sandbox.collect()
        var holders: [HeldConnection] = []
        for _ in 0..<8 {
            let holder = try HeldConnection(program)
            try holder.begin(Self.post, Self.type + "Content-Length: 67108864\r\n", body: [0x7B])
            holders.append(holder)
        }
        for _ in 0..<5 * HostileRounds.count {
            #expect(try await program.post("/v1/logs", Data("{}".utf8)).status == 200)
            let event = Data(#"{"sessionId":"s"}"#.utf8)
            #expect(try await program.post("/api/telemetry/ingest", event).status == 202)
        }
        #expect(try await program.get("/api/health").json()["status"] as? String == "ok")
        let memory = try await program.get("/api/telemetry/pipelines").json()["memory"] as? NSDictionary
        #expect((memory?["usedBytes"] as? Int).map { $0 < 1 << 20 } == true)
        withExtendedLifetime(holders) {}
    }

    @Test func `large bodies that do not end leave room for small ones, and health says that others are refused`()
        async throws
    {
        let program = try await sandbox.collect("--set", "service.memory_limit=24MiB")
        let (first, second) = (try HeldConnection(program), try HeldConnection(program))
        try first.begin(Self.post, Self.type + "Content-Length: 16000000\r\n", body: blanks(15_900_000))
        try await waitUntil { try await self.usedBytes(program) > 15_000_000 }
        try second.begin(Self.post, Self.type + "Content-Length: 16000000\r\n")
        #expect(second.read().hasPrefix("HTTP/1.1 503 "))
        for _ in 0..<5 * HostileRounds.count {
            #expect(try await program.post("/v1/logs", Data("{}".utf8)).status == 200)
        }
        #expect(try await program.get("/api/health").json()["status"] as? String == "degraded")
        #expect(try await program.get("/metrics").text.contains("\nhammurabi_memory_refusing 1\n"))
        // The memory of a sender is released as soon as it disconnects.
        first.endSending()
        #expect(first.read().contains(" 400 "))
        try await waitUntil { try await self.usedBytes(program) == 0 }
        withExtendedLifetime((first, second)) {}
    }

    @Test func `one sender cannot fill the memory with bodies that do not end`() async throws {
        let program = try await sandbox.collect("--set", "service.memory_limit=24MiB")
        var holders: [HeldConnection] = []
        for _ in 0..<4 {
            let holder = try HeldConnection(program)
            try? holder.begin(Self.post, Self.type + "Transfer-Encoding: chunked\r\n", body: Array("900000\r\n".utf8))
            // The connection ends when there is no memory for more.
            try? holder.send(blanks(9_000_000))
            holders.append(holder)
        }
        #expect(try await usedBytes(program) <= 18 << 20)
        #expect(try await program.post("/v1/logs", Data("{}".utf8)).status == 200)
        withExtendedLifetime(holders) {}
    }

    private func blanks(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x20, count: count) }

    private func usedBytes(_ program: RunningProgram) async throws -> Int {
        let memory = try await program.get("/api/telemetry/pipelines").json()["memory"] as? NSDictionary
        return try #require(memory?["usedBytes"] as? Int)
    }
}
