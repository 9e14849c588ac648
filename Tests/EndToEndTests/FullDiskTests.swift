// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Glibc
import SinkServer
import Synchronization
import Testing

/// A full disk, under a queue and under each store.
///
/// The tests need permission to mount a file system, such as root outside of most containers; elsewhere they are disabled and say so.
/// Other tests simulate a full disk for each component.
@Suite(.serialized, .enabled(if: SmallDisk.isAllowed, "no file system may be mounted here (unshare --mount)"))
struct FullDiskTests {
    private static let exporters = [
        "sqlite": "path: DISK/store.db, records: all", "jsonl": "path: DISK/store.jsonl",
        "otlp_http": "endpoint: \"SINK\", compression: none, sending_queue: { directory: DISK/queue }, "
            + "retry_on_failure: { initial_interval: 50ms, max_interval: 200ms }",
    ]

    @Test(arguments: ["sqlite", "jsonl", "otlp_http"])
    func `a full disk is 503 and logged once, is used again when it has room, and nothing acknowledged is lost`(
        exporter: String
    ) async throws {
        let received = Mutex(Set<String>())
        let isUp = Mutex(false)
        let sink = try await SinkServer.start(keeping: false) { request in
            guard isUp.withLock({ $0 }) else { return SinkServer.Reply(503) }
            received.withLock { $0.formUnion((try? request.texts()) ?? []) }
            return SinkServer.Reply(200)
        }
        let disk = try SmallDisk(mebibytes: 4)
        try disk.sandbox.write(try Self.config(exporter, disk, sink.address), to: "config.yaml")
        let program = try await disk.serve()
        var kept: Set<String> = []
        func send(_ name: String) async throws -> Int {
            let ids = (0..<20).map { "\(name)-\($0)" }
            let reply = try await program.post("/v1/logs", Data(Self.request(ids).utf8))
            if reply.status == 200 { kept.formUnion(ids) } else { #expect(reply.fields["retry-after"] == "10") }
            return reply.status
        }
        var number = 0
        while try await send("fits-\(number)") == 200 {
            number += 1
            try #require(number < 1_000, "the disk is never full")
        }
        for number in 0..<20 { #expect(try await send("full-\(number)") == 503) }
        #expect(try await program.get("/health").status == 503)
        try disk.grow(to: 12)
        for number in 0..<3 { #expect(try await send("room-\(number)") == 200) }
        #expect(program.errorText.split(separator: "\n").count { $0.contains("cannot be written") } == 1)
        #expect(program.errorText.contains("can be written again"), "\(program.errorText)")
        program.send(SIGKILL)
        _ = try await program.outcome()
        isUp.withLock { $0 = true }
        let again = try await disk.serve()
        if exporter == "otlp_http" {
            try await waitUntil { received.withLock { $0.count } >= kept.count }
            #expect(received.withLock { $0 } == kept)
        } else {
            #expect(try await Self.sessions(of: again) == kept)
        }
        #expect(try await again.stop().exitCode == 0)
        await sink.stop()
    }

    private static func config(_ exporter: String, _ disk: SmallDisk, _ sink: String) throws -> String {
        let (port, isStore) = (try freePort(), exporter != "otlp_http")
        let keys = try #require(exporters[exporter]).replacing("DISK", with: disk.folder).replacing("SINK", with: sink)
        return """
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } } }
            processors: { tokens: , pricing: }
            exporters: { \(exporter): { \(keys) } }
            extensions:
              health_check: { endpoint: "127.0.0.1:\(port)", path: /health }
              \(isStore ? "hub: { endpoint: \"127.0.0.1:\(port)\", store: \(exporter) }" : "")
            service:
              extensions: [health_check\(isStore ? ", hub" : "")]
              pipelines: { logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [\(exporter)] } }
            """
    }

    /// A call for each id, in a session of that name, with a text of 2 KB: the disk becomes full in the middle of a batch.
    private static func request(_ ids: [String]) -> String {
        let records = ids.map { id in
            let texts = [
                "event.name": "api_request", "session.id": id, "request_id": "req_\(id)", "model": "claude-opus-4-8",
                "filler": String(repeating: id, count: 2_000 / id.count),
            ]
            let attributes =
                texts.map { #"{"key":"\#($0.key)","value":{"stringValue":"\#($0.value)"}}"# }
                + ["input_tokens", "output_tokens"].map { #"{"key":"\#($0)","value":{"intValue":"7"}}"# }
            return
                #"{"timeUnixNano":"1795334400000000000","body":{"stringValue":"\#(id)"},"attributes":[\#(attributes.joined(separator: ","))]}"#
        }
        return #"""
            {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]},
            "scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},"logRecords":[\#(records.joined(separator: ","))]}]}]}
            """#
    }

    /// The names of all sessions, each of which must have one call.
    private static func sessions(of program: RunningProgram) async throws -> Set<String> {
        var names: Set<String> = []
        var cursor: String?
        repeat {
            let path = "/api/telemetry/sessions?limit=1000" + (cursor.map { "&cursor=\($0)" } ?? "")
            let page = try await program.get(path).json()
            for session in page["sessions"] as? [NSDictionary] ?? [] {
                #expect(session["calls"] as? Int == 1)
                names.insert(try #require(session["sessionId"] as? String))
            }
            cursor = page["nextCursor"] as? String
        } while cursor != nil
        return names
    }
}
