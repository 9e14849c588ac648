// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import FoundationNetworking
import Glibc
import PostgresServer
import Synchronization
import Testing

/// The collector is killed under load repeatedly: every acknowledged call exists afterwards, once.
///
/// `HAMMURABI_KILL_ROUNDS` says how often, for a long run; the tests alone do a few rounds.
@Suite(.serialized)
struct DurabilityTests {
    private static let rounds = ProcessInfo.processInfo.environment["HAMMURABI_KILL_ROUNDS"].flatMap(Int.init) ?? 3

    private static let stores =
        ["sqlite", "jsonl"] + (PostgresServer.isInstalled ? ["postgresql", "postgresql/queue"] : [])

    @Test(arguments: stores)
    func `no acknowledged call is lost or doubled when the collector is killed under load`(store: String) async throws {
        let sandbox = try Sandbox()
        try sandbox.write(try await Self.config(store), to: "config.yaml")
        let ledger = SentCalls()
        for round in 0..<Self.rounds {
            let program = try await sandbox.collect("--config", "config.yaml")
            try await expect(ledger, in: program)
            let address = try program.address()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<4 {
                    group.addTask {
                        await Self.send(as: sender, round: round, to: address, ledger)
                        ledger.finish()
                    }
                }
                // The kill comes at another moment of the load in each round.
                let enough = ledger.acknowledgedCount + 20 + round * 37 % 150
                while ledger.acknowledgedCount < enough, ledger.finishedCount < 4 * (round + 1) {
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(ledger.acknowledgedCount >= enough, "\(program.errorText)")
                program.send(SIGKILL)
                try await group.waitForAll()
            }
            #expect(try await program.outcome().exitCode == -SIGKILL)
        }
        let program = try await sandbox.collect("--config", "config.yaml")
        try await expect(ledger, in: program)
        #expect(ledger.acknowledgedCount >= 20 * Self.rounds)
        #expect(try await program.stop().exitCode == 0)
    }

    private static func config(_ store: String) async throws -> String {
        var place = "path: ./store.\(store)"
        if store.hasPrefix("postgresql") {
            place =
                "datasource: \(try await PostgresServer.shared.value.datasource), schema: s\(UInt32.random(in: 0 ... .max))"
        }
        if store.hasSuffix("/queue") { place += ", sending_queue: { enabled: true, batch: { flush_timeout: 20ms } }" }
        return """
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" } } } }
            processors: { tokens: , pricing: }
            exporters: { \(store): { \(place) } }
            extensions: { hub: { endpoint: "127.0.0.1:4318", store: \(store) } }
            service:
              extensions: [hub]
              pipelines:
                logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [\(store)] }
            """
    }

    /// Sends one call after the other, each in its own session, until the collector is killed; half of them twice.
    private static func send(as sender: Int, round: Int, to address: String, _ ledger: SentCalls) async {
        for number in 0..<10_000 {
            let id = "r\(round)-s\(sender)-\(number)"
            ledger.send(id)
            for _ in 0...number % 2 {
                guard let url = URL(string: address + "/v1/logs") else { return }
                var request = URLRequest(url: url)
                request.httpMethod = "POST"
                request.setValue("application/json", forHTTPHeaderField: "Content-Type")
                request.httpBody = Data(record(id).utf8)
                guard let (_, response) = try? await URLSession.shared.data(for: request),
                    (response as? HTTPURLResponse)?.statusCode == 200
                else { return }
                ledger.acknowledge(id)
            }
        }
    }

    private static func record(_ id: String) -> String {
        let texts = [
            "event.name": "api_request", "session.id": id, "request_id": "req_\(id)-0123456789abcdef",
            "model": "claude-opus-4-8",
        ]
        let numbers = ["input_tokens": 7, "output_tokens": 11]
        let attributes =
            texts.map { #"{"key":"\#($0.key)","value":{"stringValue":"\#($0.value)"}}"# }
            + numbers.map { #"{"key":"\#($0.key)","value":{"intValue":"\#($0.value)"}}"# }
        return #"""
            {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]},
            "scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},"logRecords":[{"timeUnixNano":"1795334400000000000",
            "body":{"stringValue":"claude_code.api_request"},"attributes":[\#(attributes.joined(separator: ","))]}]}]}]}
            """#
    }

    /// Every acknowledged session exists with one call, and there is no session that was never sent.
    private func expect(_ ledger: SentCalls, in program: RunningProgram) async throws {
        // What was acknowledged may still be in a queue.
        try await waitUntil {
            let status = try await program.get("/api/telemetry/pipelines").json()
            let queues = (status["components"] as? [NSDictionary] ?? []).compactMap { $0["queue"] as? NSDictionary }
            return queues.allSatisfy { $0["batches"] as? Int == 0 }
        }
        var calls: [String: Int] = [:]
        var cursor: String?
        repeat {
            let path = "/api/telemetry/sessions?limit=1000" + (cursor.map { "&cursor=\($0)" } ?? "")
            let page = try await program.get(path).json()
            for session in page["sessions"] as? [NSDictionary] ?? [] {
                calls[try #require(session["sessionId"] as? String)] = session["calls"] as? Int
            }
            cursor = page["nextCursor"] as? String
        } while cursor != nil
        let (sent, acknowledged) = ledger.state
        #expect(acknowledged.filter { calls[$0] != 1 } == [])
        #expect(calls.filter { !sent.contains($0.key) || $0.value != 1 }.isEmpty)
        let summary = try await program.get("/api/telemetry/summary?from=2026-11-22&to=2026-11-22").json()
        #expect(summary["callCount"] as? Int == calls.count)
        #expect(summary["totalOutputTokens"] as? Int == calls.count * 11)
    }
}

/// The calls that were sent and those that the collector acknowledged.
private final class SentCalls: Sendable {
    private let calls = Mutex((sent: Set<String>(), acknowledged: Set<String>()))
    private let finished = Mutex(0)

    /// How many senders have stopped.
    var finishedCount: Int { finished.withLock { $0 } }

    func finish() { finished.withLock { $0 += 1 } }

    var state: (sent: Set<String>, acknowledged: Set<String>) { calls.withLock { $0 } }

    var acknowledgedCount: Int { calls.withLock { $0.acknowledged.count } }

    func send(_ id: String) { calls.withLock { _ = $0.sent.insert(id) } }

    func acknowledge(_ id: String) { calls.withLock { _ = $0.acknowledged.insert(id) } }
}
