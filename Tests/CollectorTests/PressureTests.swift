// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import NIOCore
import OTLP
import RawHTTP
import Testing

@testable import Collector
@testable import HTTPServer

/// The memory limit of requests in flight.
struct PressureTests {
    @Test func `a body that finds no memory is put off before it is read`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        hub.sink.hold()
        let first = try await hub.collector.connect()
        try await first.post("/v1/logs", try padded(600_000), OTLPEncoding.json.fields)
        #expect(await eventually { hub.sink.heldCount == 1 })
        let second = try await hub.collector.connect()
        let head = "POST /v1/logs HTTP/1.1\nHost: localhost\nContent-Type: application/json\n"
        try second.send(head + "Content-Length: 600000\n\n")
        let putOff = try await second.answer()
        #expect(putOff.status == 503)
        #expect(putOff.fields["retry-after"] == "1")
        let chunked = try await hub.collector.connect()
        try chunked.send(head + "Transfer-Encoding: chunked\n\n927C0\n")
        try? await chunked.send([UInt8](repeating: 32, count: 600_000))
        #expect(try await chunked.answer().status == 503)
        let never = try await hub.collector.connect()
        try never.send(head + "Content-Length: 2000000\n\n")
        #expect(try await never.answer().status == 413)
        #expect(hub.collector.status.memory.usedBytes >= 600_000)
        hub.sink.release()
        #expect(try await first.answer().status == 200)
        let answers = hub.collector.status.requests.map { "\($0.path) \($0.code) \($0.count)" }
        #expect(answers == ["/v1/logs 200 1", "/v1/logs 413 1", "/v1/logs 503 2"])
        let problems = hub.collector.status.intakeProblems.map { "\($0.code.rawValue) \($0.count)" }
        #expect(Set(problems) == ["no_memory 2", "too_large 1"])
        #expect(await eventually { hub.collector.status.memory.usedBytes == 0 })
        #expect(try await hub.post(.logs, try padded(600_000), OTLPEncoding.json.fields).status == 200)
        try await hub.end()
    }

    @Test func `the decompressed size of a body is counted`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        let fields = OTLPEncoding.json.fields.merging(["Content-Encoding": "gzip"]) { $1 }
        // 4 MiB of spaces, compressed with gzip: 4 KiB.
        let answer = try await hub.post(.logs, Gzipped.blanks(mebibytes: 4), fields)
        // It would not fit even if nothing else were held, so a retry is useless.
        #expect(answer.status == 413)
        #expect(await eventually { hub.collector.status.memory.usedBytes == 0 })
        try await hub.end()
    }

    @Test(arguments: [("256", 1), ("1KiB", 1), ("1MiB", 0), ("2GiB", 0), ("much", 1)])
    func `the limit is a size`(text: String, errors: Int) {
        let config = """
            receivers: { otlp: }
            exporters: { sqlite: }
            service:
              memory_limit: \(text)
              pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } }
            """
        #expect(LoadedConfig(config).codes.count == errors)
    }

    /// A request of one record followed by spaces.
    private func padded(_ count: Int) throws -> [UInt8] {
        try OTLPEncoding.json.twoRecords(.logs) + [UInt8](repeating: 32, count: count)
    }
}

/// Bodies in gzip, written by hand with stored repetitions.
enum Gzipped {
    /// Spaces.
    static func blanks(mebibytes: Int) -> [UInt8] {
        // One member for each MiB; the reader joins them.
        (0..<mebibytes).flatMap { _ in member }
    }

    /// 1 MiB of spaces, as `gzip -9n` writes it.
    private static let member: [UInt8] =
        [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 49, 1, 0, 0, 0, 194, 160, 42, 235, 159, 210, 16, 190, 64, 1]
        + [UInt8](repeating: 0, count: 1_015) + [124, 6, 167, 2, 3, 241, 0, 0, 16, 0]
}
