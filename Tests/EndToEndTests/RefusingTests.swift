// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct RefusingTests {
    private static let small = ["--set", "receivers.otlp.protocols.http.max_request_body_size=1KiB"]

    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    @Test func `the answer to a bad request says what is wrong`() async throws {
        let program = try await sandbox.collect(Self.small[0], Self.small[1])
        let json = try await program.post(
            "/v1/logs",
            Data(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":7}]}]}"#.utf8)
        )
        #expect(json.status == 400)
        #expect(try json.json()["code"] as? Int == 3)
        let message = try #require(try json.json()["message"] as? String)
        #expect(message.contains("resourceLogs[0].scopeLogs[0].logRecords"), "\(message)")

        let protobuf = try await program.post("/v1/logs", Data([0x0A, 0xFF, 0x01]), type: "application/x-protobuf")
        #expect(protobuf.status == 400)
        #expect(protobuf.fields["content-type"] == "application/x-protobuf")
        #expect(protobuf.body.starts(with: [0x08, 3, 0x12]))

        let large = try await program.post("/v1/logs", try claudeCodeLogs())
        #expect(large.status == 413)
        #expect(
            large.text
                == #"{"code":3,"message":"the body has more than 1024 bytes; send smaller batches or raise max_request_body_size"}"#
        )

        for type in [nil, "application/protobuf", "text/plain"] {
            let wrong = try await program.request("POST", "/v1/logs", Data("{}".utf8), type: type)
            #expect(wrong.status == 415)
            #expect(wrong.fields["content-type"] == "application/json")
            #expect(
                try wrong.json()["message"] as? String
                    == "the Content-Type must be application/x-protobuf or application/json"
            )
        }
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a path or method that is not there is answered`() async throws {
        let program = try await sandbox.collect()
        let path = try await program.post("/v1/log", Data("{}".utf8))
        #expect(path.status == 404)
        let message = try #require(try path.json()["message"] as? String)
        #expect(try path.json()["code"] as? Int == 5)
        for known in ["/v1/logs", "/v1/metrics", "/v1/traces"] { #expect(message.contains(known)) }

        let method = try await program.get("/v1/logs/")
        #expect(method.status == 405)
        #expect(method.fields["allow"] == "POST")
        #expect(try method.json()["code"] as? Int == 12)

        let plain = try await program.get("/nothing")
        #expect(plain.status == 404)
        #expect(try plain.json()["status"] as? Int == 404)
        #expect(try await program.get("/api/health").status == 200)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a signal without a pipeline is named to its sender and once in the log`() async throws {
        try sandbox.write(
            """
            receivers: { otlp: }
            exporters: { sqlite: { path: telemetry.db } }
            extensions: { hub: }
            service: { extensions: [hub], pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """,
            to: "config.yaml"
        )
        let program = try await sandbox.collect()
        for _ in 0..<2 {
            let reply = try await program.post("/v1/metrics", Data("{}".utf8))
            #expect(reply.status == 404)
            #expect(try reply.json()["message"] as? String == "no pipeline for metrics is configured")
        }
        let outcome = try await program.stop()
        #expect(outcome.errors.split(separator: "\n").filter { $0.contains("reason=no_pipeline") }.count == 1)
    }

    @Test func `an address in use is one sentence and exit 74`() async throws {
        let program = try await sandbox.collect()
        let endpoint = try program.address().dropFirst("http://".count)
        let second = try await sandbox.run(
            "--set",
            "receivers.otlp.protocols.http.endpoint=\(endpoint)",
            "--set",
            "extensions.hub.endpoint=\(endpoint)"
        )
        #expect(second.exitCode == 74)
        #expect(second.output == "")
        #expect(
            second.errors
                == "hammurabi: \(endpoint) is in use by another program; stop it, or write another endpoint in the configuration\n"
                + "  help: a Telemetry Hub already runs at \(endpoint); `hammurabi status` shows it\n"
        )
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a database that cannot be made is one sentence`() async throws {
        try sandbox.write("", to: "file")
        let path = sandbox.folder.appending(path: "file/telemetry.db").path
        for command in ["run", "summary"] {
            let outcome = try await sandbox.run(
                [command] + Sandbox.anyPort + ["--set", "exporters.sqlite.path=\(path)"]
            )
            #expect([74, 77].contains(outcome.exitCode))
            #expect(outcome.output == "")
            #expect(outcome.errors.hasPrefix("hammurabi: sqlite: "), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        }
    }

    @Test func `a file that is no database is one sentence`() async throws {
        try sandbox.write(String(repeating: "no database. ", count: 500), to: "telemetry.db")
        let path = sandbox.folder.appending(path: "telemetry.db").path
        for command in ["run", "summary"] {
            let outcome = try await sandbox.run(
                [command] + Sandbox.anyPort + ["--set", "exporters.sqlite.path=\(path)"]
            )
            #expect(outcome.exitCode == 74)
            #expect(outcome.errors.hasPrefix("hammurabi: sqlite: "), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        }
    }
}
