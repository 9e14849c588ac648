// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import SinkServer
import Testing

/// The output of `hammurabi queue` and `hammurabi config print` for a forwarding exporter.
struct QueueCommandTests {
    @Test func `a refused batch is listed with its reason and can be printed`() async throws {
        let sink = try await SinkServer.start { _ in
            SinkServer.Reply(403, [("Content-Type", "application/json")], Array(#"{"message":"wrong tenant"}"#.utf8))
        }
        let forwarder = try Forwarder(
            to: sink.address,
            exporter: #"headers: { X-Key: "do-not-show" }, sending_queue: { batch: { flush_timeout: 10ms } }"#
        )
        let program = try await forwarder.sandbox.serve()
        #expect(await post(logRequest(["one", "two"]), to: forwarder.address + "/v1/logs") == 200)
        func run(_ words: String...) async throws -> Outcome {
            try await forwarder.sandbox.run(["queue"] + words + ["--config", "config.yaml"])
        }
        try await waitUntil {
            try await run("show").output.contains("the destination answered 403: wrong tenant")
        }
        let letters = try #require(
            try await run("show", "otlp_http", "--json").json()["deadLetters"] as? [NSDictionary]
        )
        #expect(letters.count == 1)
        #expect(letters[0]["records"] as? Int == 2)
        #expect(letters[0]["signal"] as? String == "logs")
        let printed = try await run("show", "--number", "1")
        #expect(try OTLPBatch(signal: .logs, json: Array(printed.output.utf8)).recordCount == 2)
        #expect(try await run("show", "--number", "2").exitCode == 66)
        #expect(try await run("show", "otlp_http/other").exitCode == 78)
        #expect(try await run("show", "--signal", "logs").exitCode == 64)
        #expect(try await run("replay").exitCode == 74)
        #expect(try await program.stop().exitCode == 0)
        #expect(try await run("replay").output == "Put 1 batch with 2 records back into the queue of otlp_http.\n")
        let waiting = try await run("show", "--signal", "logs", "--number", "1")
        #expect(waiting.output == printed.output)
        #expect(try await run("list").output.contains("otlp_http\tlogs\t1\t2\t"))
        let shown = try await forwarder.sandbox.run("config", "print", "--config", "config.yaml")
        #expect(shown.exitCode == 0)
        let everything = [shown.output, program.errorText, printed.output, printed.errors]
        #expect(!everything.contains { $0.contains("do-not-show") })
        await sink.stop()
    }

    @Test func `two exporters have two queues, and a configuration without any has none`() async throws {
        let sandbox = try Sandbox()
        try sandbox.write(
            """
            receivers: { otlp: }
            exporters:
              otlphttp: { endpoint: "http://127.0.0.1:9" }
              otlp_http/second: { endpoint: "http://127.0.0.1:9" }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [otlphttp, otlp_http/second] } } }
            """,
            to: "config.yaml"
        )
        let list = try await sandbox.run("queue", "--json", "--config", "config.yaml")
        let queues = try #require(try list.json()["queues"] as? [NSDictionary])
        #expect(Set(queues.compactMap { $0["exporter"] as? String }) == ["otlphttp", "otlp_http/second"])
        #expect(queues.count == 8)
        let ambiguous = try await sandbox.run("queue", "replay", "--config", "config.yaml")
        #expect(ambiguous.exitCode == 78)
        #expect(ambiguous.errors.contains("otlp_http/second"))
        let none = try await Sandbox().run("queue", "list", "--json")
        #expect(none.output == "{\"queues\":[]}\n")
    }
}
