// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// The files of a store are deleted while the collector runs: everything acknowledged exists afterwards, and the loss is reported.
@Suite(.serialized)
struct LostStoreTests {
    @Test(arguments: ["sqlite", "jsonl"])
    func `a store that was deleted is begun again at once, and what is acknowledged is in it`(store: String)
        async throws
    {
        let sandbox = try Sandbox()
        try sandbox.write(try Self.config(store), to: "config.yaml")
        let data = sandbox.folder.appending(path: "data")
        let program = try await sandbox.serve()
        var kept: Set<String> = []
        func send(_ name: String) async throws -> Int {
            let event = #"{"sessionId":"\#(name)","id":"\#(name)","inputTokens":5,"outputTokens":1,"model":"m"}"#
            let reply = try await program.post("/api/telemetry/ingest", Data(event.utf8))
            if reply.status == 202 { kept.insert(name) } else { #expect(reply.fields["retry-after"] != nil) }
            return reply.status
        }
        for number in 0..<3 { #expect(try await send("before-\(number)") == 202) }
        kept = []
        try FileManager.default.removeItem(at: data.appending(path: "store.\(store)"))
        for number in 0..<3 { #expect(try await send("deleted-\(number)") == 202) }
        #expect(program.errorText.contains("was deleted, moved"), "\(program.errorText)")
        #expect(try await program.get("/health").status == 200)
        kept = []
        try FileManager.default.removeItem(at: data)
        for number in 0..<3 { #expect(try await send("without-folder-\(number)") == 503) }
        #expect(try await program.get("/health").status == 503)
        #expect(program.errorText.split(separator: "\n").count { $0.contains("cannot be written") } == 1)
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        for number in 0..<3 { #expect(try await send("after-\(number)") == 202) }
        #expect(try await program.get("/health").status == 200)
        program.send(SIGKILL)
        _ = try await program.outcome()
        let again = try await sandbox.serve()
        let page = try await again.get("/api/telemetry/sessions?limit=100").json()
        let sessions = (page["sessions"] as? [NSDictionary] ?? []).compactMap { $0["sessionId"] as? String }
        #expect(kept.count == 3 && Set(sessions).isSuperset(of: kept))
        #expect(try await again.stop().exitCode == 0)
    }

    private static func config(_ store: String) throws -> String {
        let port = try freePort()
        return """
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
    }
}
