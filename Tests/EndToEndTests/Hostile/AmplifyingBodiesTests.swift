// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Bodies that need a thousand times their size in memory: the program stays within `service.memory_limit` and its usual memory.
@Suite(.serialized) struct AmplifyingBodiesTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    /// The limit, in MiB, and the size of bodies; with a small limit small bodies show the same.
    private static let (limit, size) = HostileRounds.isLong ? (256, 60 << 20) : (32, 4 << 20)

    /// The memory of the program without requests, in MiB: 64 in a release, 40 more in a debug build; sanitizers multiply all memory.
    private static let own = RunningProgram.sanitizerOptions.isEmpty ? 104 : 1_024

    private func collect() async throws -> RunningProgram {
        try await sandbox.collect("--set", "service.memory_limit=\(Self.limit)MiB")
    }

    /// Posts a body several times at once; returns the statuses.
    private func post(_ body: HostileBody, gzip: Bool, times: Int, to program: RunningProgram) async throws -> Set<Int>
    {
        let bytes = Data(gzip ? try body.compressed() : body.bytes)
        return try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<times {
                group.addTask {
                    let fields = gzip ? ["Content-Encoding": "gzip"] : [:]
                    // A refusal may end the connection while the body is still being sent.
                    return try? await program.request("POST", body.path, bytes, type: body.type, fields: fields).status
                }
            }
            return try await group.reduce(into: []) { if let status = $1 { $0.insert(status) } }
        }
    }

    @Test(arguments: [(false, 1), (true, 1), (false, 16), (true, 16)])
    func `memory stays within its limit, whatever bodies unfold to`(gzip: Bool, times: Int) async throws {
        let program = try await collect()
        // 16 at once are the same bodies, each of a smaller size.
        let size = HostileRounds.isLong || times == 1 ? Self.size : 512 << 10
        for body in HostileBody.all(size: size) {
            try program.forgetPeakMemory()
            let statuses = try await post(body, gzip: gzip, times: times, to: program)
            #expect(statuses.isSubset(of: [200, 202, 400, 413, 503]), "\(body.name): \(statuses)")
            let peak = try program.peakMemory() >> 20
            #expect(peak <= Self.limit + Self.own, "\(body.name), gzip \(gzip), \(times) at once: \(peak) MiB")
        }
        // All memory was released, and a usual request is accepted.
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        let memory = try await program.get("/api/telemetry/pipelines").json()["memory"] as? NSDictionary
        #expect(memory?["usedBytes"] as? Int == 0, "\(String(describing: memory))")
    }

    @Test func `a request of too many records is refused as a whole, with the way out`() async throws {
        let program = try await sandbox.collect("--set", "receivers.otlp.protocols.http.max_request_records=1000")
        func records(_ count: Int) -> Data {
            let records = repeatElement("{\"timeUnixNano\":\"1795334400000000000\"}", count: count).joined(
                separator: ","
            )
            return Data("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[\(records)]}]}]}".utf8)
        }
        #expect(try await program.post("/v1/logs", records(1_000)).status == 200)
        let refused = try await program.post("/v1/logs", records(1_001))
        #expect(refused.status == 413)
        // RESOURCE_EXHAUSTED
        #expect(try refused.json()["code"] as? Int == 8)
        #expect(refused.text.contains("more than 1000 records") && refused.text.contains("max_request_records"))
    }

    @Test func `a request that never fits is 413, so that its sender does not try again`() async throws {
        let program = try await sandbox.collect("--set", "service.memory_limit=4MiB")
        let body = HostileBody(
            name: "",
            path: "/v1/logs",
            type: "application/x-protobuf",
            bytes: HostileBody.scope(
                HostileBody.field(
                    2,
                    (0..<200_000).flatMap { _ in HostileBody.field(6, []) }
                )
            )
        )
        #expect(try await post(body, gzip: true, times: 1, to: program) == [413])
        #expect(try await program.get("/api/health").json()["status"] as? String == "ok")
    }

    @Test func `a request whose calls never fit is 413, too, and half of it is taken`() async throws {
        let program = try await sandbox.collect("--set", "service.memory_limit=16MiB")
        func calls(_ count: Int) -> Data {
            let record = """
                {"attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}},\
                {"key":"gen_ai.usage.input_tokens","value":{"intValue":"1"}}]}
                """
            let records = repeatElement(record, count: count).joined(separator: ",")
            return Data("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[\(records)]}]}]}".utf8)
        }
        let refused = try await program.post("/v1/logs", calls(6_000))
        #expect(refused.status == 413)
        #expect(refused.text.contains("the calls of this request"), "\(refused.text)")
        #expect(try await program.post("/v1/logs", calls(1_500)).status == 200)
        #expect(try await program.stop().exitCode == 0)
    }
}
