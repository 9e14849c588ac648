// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A stop ends within its deadline, whatever clients do: slow clients are disconnected after two seconds, so that nothing remains at
/// the deadline.
struct StopInTimeTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    private func stop(_ program: RunningProgram) async throws {
        let outcome = try await program.stop()
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors.contains("draining"))
        #expect(!outcome.errors.contains("cut off"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("given up"), "\(outcome.errors)")
    }

    @Test func `answers that are not read`() async throws {
        let program = try await sandbox.collect()
        var readers: [HeldConnection] = []
        for _ in 0..<4 {
            let reader = try HeldConnection(program)
            let line = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try reader.send(Array(repeatElement(line, count: 200).joined().utf8))
            readers.append(reader)
        }
        #expect(try await program.get("/api/health").status == 200)
        try await stop(program)
        withExtendedLifetime(readers) {}
    }

    @Test func `a tap and a stream of events that are not read`() async throws {
        let program = try await sandbox.collect()
        let (tap, stream) = (try HeldConnection(program), try HeldConnection(program))
        try tap.begin("GET /api/telemetry/tap/otlp?limit=10000")
        try stream.begin("GET /api/telemetry/stream")
        // The tap is open when its head has arrived; nothing more of it is read.
        #expect(tap.read().contains(" 200 "))
        let text = String(repeating: "a", count: 900_000)
        let body = Data(
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"\(text)\"}}]}]}]}".utf8
        )
        // More than all buffers in between hold; a tap shows ten batches a second.
        for _ in 0..<14 {
            #expect(try await program.post("/v1/logs", body).status == 200)
            try await Task.sleep(for: .milliseconds(110))
        }
        try await stop(program)
        withExtendedLifetime((tap, stream)) {}
    }

    @Test func `bodies that do not end`() async throws {
        let program = try await sandbox.collect()
        var senders: [HeldConnection] = []
        for length in [100, 1_000_000] {
            let sender = try HeldConnection(program)
            let fields = "Content-Type: application/json\r\nContent-Length: \(length)\r\n"
            try sender.begin("POST /v1/logs", fields, body: [0x7B])
            senders.append(sender)
        }
        #expect(try await program.get("/api/health").status == 200)
        try await stop(program)
        withExtendedLifetime(senders) {}
    }
}
