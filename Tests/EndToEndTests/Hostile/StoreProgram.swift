// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// How often a generated attack is repeated: a few times, or as often as `HOSTILE_ROUNDS` says.
let hostileRounds = HostileRounds.asked ?? 3

/// A collector with one store in the folder `data`, which receives events and answers queries on one port.
struct StoreProgram {
    let sandbox: Sandbox
    let store: String

    init(_ store: String, more: String = "") throws {
        self.store = store
        sandbox = try Sandbox()
        let port = try freePort()
        let config = """
            receivers: { events: { endpoint: "127.0.0.1:\(port)" } }
            processors: { tokens: , pricing: }
            exporters: { \(store): { path: ./data/store.\(store) } }
            extensions:
              hub: { endpoint: "127.0.0.1:\(port)", store: \(store) }
              health_check: { endpoint: "127.0.0.1:\(port)", path: /health }
            service:
              extensions: [hub, health_check]
              pipelines: { logs: { receivers: [events], processors: [tokens, pricing], exporters: [\(store)] } }
            """
        try sandbox.write(config, to: "config.yaml")
    }

    /// The folder of the store's files.
    var data: URL { sandbox.folder.appending(path: "data") }

    /// The path of the store's main file.
    var path: String { data.appending(path: "store.\(store)").path }

    /// Fills the store with calls of ten sessions, half of them a week old, and stops it.
    func fill(_ calls: Int) async throws {
        let program = try await sandbox.serve()
        for start in stride(from: 0, to: calls, by: 50) {
            #expect(
                try await program.post("/api/telemetry/ingest", Self.events(start..<min(calls, start + 50))).status
                    == 202
            )
        }
        #expect(try await program.stop().exitCode == 0)
    }

    /// Calls with ids of their own.
    static func events(_ numbers: Range<Int>) -> Data {
        let now = Int(Date().timeIntervalSince1970) * 1_000
        let events = numbers.map { number in
            let time = now - (number.isMultiple(of: 2) ? 7 * 86_400_000 : 60_000) - number * 1_000
            return
                #"{"sessionId":"session-\#(number % 10)","id":"call-\#(number)","event":"token_usage","model":"claude-sonnet-4-5","#
                + #""inputTokens":\#(100 + number),"outputTokens":7,"project":"p\#(number % 3)","timestamp":\#(time)}"#
        }
        return Data("[\(events.joined(separator: ","))]".utf8)
    }
}

extension RunningProgram {
    /// Sends every query and every change that a store supports.
    ///
    /// - Returns: The status of each answer, by request.
    func askEverything() async throws -> [String: Int] {
        var answers: [String: Int] = [:]
        let sessions = (0..<10).map { "/api/telemetry/sessions/session-\($0)" }
        let questions = [
            "/api/telemetry/summary?period=30d", "/api/telemetry/summary?period=today&series=project",
            "/api/telemetry/summary?period=90d&project=p1", "/api/telemetry/sessions",
            "/api/telemetry/sessions?q=session-3",
            "/api/telemetry/sessions?sort=cost&order=asc&limit=3", "/api/telemetry/quality?period=30d",
            "/api/telemetry/prices",
        ]
        for path in questions + sessions {
            let reply = try await get(path)
            answers["GET \(path)"] = reply.status
            if reply.status == 503 {
                #expect((try reply.json()["error"] as? String)?.isEmpty == false, "\(path): \(reply.text)")
            }
        }
        answers["ingest"] = try await post("/api/telemetry/ingest", StoreProgram.events(100_000..<100_003)).status
        for path in ["/api/telemetry/reprice", "/api/telemetry/compact"] {
            answers[path] = try await post(path, Data()).status
        }
        return answers
    }
}
