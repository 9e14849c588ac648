// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import SinkServer
import Testing

/// With `redaction` no sentence of what clients send leaves a collector, by any way, and all answers are the same as without it.
@Suite(.serialized)
struct RedactedTextTests {
    @Test(arguments: [("sqlite", false), ("jsonl", false), ("sqlite", true), ("jsonl", true)])
    func `nothing that leaves a collector holds a sentence, and figures stay`(store: String, comesFirst: Bool)
        async throws
    {
        let bodies = try Self.recordings()
        let sentences = try bodies.reduce(into: Set<String>()) { $0.formUnion(try Self.sentences(in: $1)) }
        #expect(sentences.count > 30, "\(sentences.count)")
        let (plain, _) = try await Self.leave(bodies, store, "tokens, pricing", taps: false)
        let order = comesFirst ? "redaction, tokens, pricing" : "tokens, pricing, redaction"
        let (answers, ways) = try await Self.leave(bodies, store, order, taps: true)
        #expect(answers == plain)
        for (way, text) in ways {
            #expect(!text.isEmpty || way == "log", "\(way)")
            for sentence in sentences { #expect(!text.contains(sentence), "\(way) says: \(sentence)") }
        }
    }

    /// The answers of a collector, and everything that it wrote, sent and logged.
    private static func leave(
        _ bodies: [(Signal, [UInt8])],
        _ store: String,
        _ processors: String,
        taps: Bool
    ) async throws -> (answers: NSDictionary, ways: [(String, String)]) {
        let sink = try await SinkServer.start()
        let sandbox = try Sandbox()
        let port = try freePort()
        try sandbox.write(config(port, store, processors, sink.address), to: "config.yaml")
        let program = try await sandbox.serve()
        let address = try program.address()
        let tap = taps ? try StreamReader("\(address)/api/telemetry/tap/\(store)?limit=10000") : nil
        try await tap?.waitForStart()
        for (signal, body) in bodies { #expect(await post(body, to: "\(address)/v1/\(signal)") == 200) }
        let period = "from=2026-01-01&to=2027-12-31"
        var said: [String] = []
        for path in ["summary?\(period)&series=day", "sessions?\(period)&limit=200", "quality?\(period)", "prices"] {
            said.append(try await program.get("/api/telemetry/\(path)").text)
        }
        let sessions = try await program.get("/api/telemetry/sessions?\(period)&limit=200").json()
        let list = (sessions["sessions"] ?? sessions["items"]) as? [[String: Any]] ?? []
        for id in list.compactMap({ $0["sessionId"] as? String }) {
            let name = id.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            said.append(try await program.get("/api/telemetry/sessions/\(name)").text)
            said.append(try await program.get("/api/telemetry/sessions/\(name)/events?limit=1000").text)
        }
        try await waitUntil { sink.requests.count >= 3 }
        let summary = try await program.get("/api/telemetry/summary?\(period)").json()
        let outcome = try await program.stop()
        var ways = [("API", said.joined(separator: "\n")), ("log", outcome.errors + outcome.output)]
        let sent = try sink.requests.map { request in
            let isPacked = request.fields["content-encoding"] == "gzip"
            return String(
                decoding: isPacked ? try Gzip.inflate(request.body, limit: 1 << 28) : request.body,
                as: UTF8.self
            )
        }
        ways.append(("forwarded", sent.joined(separator: "\n")))
        for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.folder.path)
        where name.hasPrefix("store") {
            let bytes = try Data(contentsOf: sandbox.folder.appending(path: name))
            ways.append((name, String(decoding: bytes, as: UTF8.self) + " "))
        }
        if let tap { ways.append(("tap", tap.received)) }
        await sink.stop()
        let keys = [
            "totalCost", "totalInputTokens", "totalOutputTokens", "totalCacheReadTokens", "totalCacheWriteTokens",
            "totalReasoningTokens", "callCount", "sessionCount", "unpricedCalls", "byModel", "byAgent", "byProject",
            "byUser",
        ]
        let answers = Dictionary(uniqueKeysWithValues: keys.map { ($0, summary[$0] ?? "none") })
        return (NSDictionary(dictionary: answers), ways)
    }

    private static func config(_ port: Int, _ store: String, _ processors: String, _ sink: String) -> String {
        """
        receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } } }
        processors: { tokens: , pricing: , redaction: }
        exporters: { \(store): { path: ./store.\(store) }, otlp_http: { endpoint: "\(sink)" } }
        extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: \(store) } }
        service:
          extensions: [hub]
          pipelines:
            traces: { receivers: [otlp], processors: [\(processors)], exporters: [\(store), otlp_http] }
            logs: { receivers: [otlp], processors: [\(processors)], exporters: [\(store), otlp_http] }
            metrics: { receivers: [otlp], processors: [\(processors)], exporters: [\(store), otlp_http] }
        """
    }

    /// Requests of real clients, and examples of others with their own attributes.
    static func recordings() throws -> [(Signal, [UInt8])] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folders = ["ProcessorTests/Fixtures", "EndToEndTests/Fixtures/forwarding/py-traceloop-anthropic"]
        return try folders.flatMap { folder in
            let path = tests.appending(path: folder)
            return try FileManager.default.contentsOfDirectory(atPath: path.path).sorted().map { name in
                let file = [UInt8](try Data(contentsOf: path.appending(path: name)))
                let bytes = file.starts(with: [0x1f, 0x8b]) ? try Gzip.inflate(file, limit: 1 << 24) : file
                let signal = try #require(Signal.allCases.first { name.contains($0.rawValue) })
                let isJSON = bytes.first == UInt8(ascii: "{")
                return (signal, isJSON ? try OTLPBatch(signal: signal, json: bytes).bytes : bytes)
            }
        }
    }

    /// The beginnings of all texts of four words or more.
    private static func sentences(in request: (Signal, [UInt8])) throws -> Set<String> {
        let json = try OTLPBatch(signal: request.0, protobuf: request.1).json()
        var found: Set<String> = []
        var values: [Any] = [try JSONSerialization.jsonObject(with: Data(json))]
        while let value = values.popLast() {
            if let members = value as? [String: Any] { values += Array(members.values) + Array(members.keys) }
            if let list = value as? [Any] { values += list }
            guard let text = value as? String else { continue }
            for line in text.split(whereSeparator: { $0.isNewline || "\"'\\{}[]".contains($0) }) {
                let words = line.split(separator: " ")
                guard words.count >= 4, words.contains(where: { $0.contains(where: \.isLetter) }) else { continue }
                found.insert(words.prefix(6).joined(separator: " "))
            }
        }
        return found
    }
}
