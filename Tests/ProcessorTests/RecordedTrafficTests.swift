// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import OTLP
import RedactionProcessor
import Testing
import TokensProcessor
import Usage

/// Requests of real programs: messages are removed, figures stay.
@Suite struct RecordedTrafficTests {
    static let recordings = [
        "claude-logs.json", "claude-traces.json", "claude-metrics.json", "codex-logs.json", "codex-old-traces.json",
        "pydantic-traces.pb", "openinference-traces.pb", "traceloop-traces.pb",
    ]

    /// Pieces of the prompts, answers and tool calls in these recordings.
    static let messages = [
        "List the files", "Let me look", "Look at the project", "ls -la", "You are a helper", "broken lines",
        "buffers lines", "directory listing", "skips those", "one offset per file", "total 24", "run_shell\\\",",
    ]

    @Test(arguments: recordings)
    func `no message of a recording is left`(_ name: String) throws {
        var batch = try Self.batch(name)
        let before = batch.otlp.recordCount
        try redaction().process(&batch)
        let sent = try batch.otlp.sent()
        for message in Self.messages { #expect(!sent.contains(message), "\(name) still says \"\(message)\"") }
        #expect(batch.otlp.recordCount == before)
    }

    @Test func `the recordings do carry messages`() throws {
        let all = try Self.recordings.map { try Self.batch($0).otlp.sent() }.joined()
        for message in Self.messages.dropLast() { #expect(all.contains(message), "\(message)") }
    }

    @Test(arguments: recordings)
    func `calls are the same with redaction before, behind and nowhere`(_ name: String) throws {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        var plain = try Self.batch(name)
        var before = plain
        try tokens.process(&plain)
        var behind = plain
        try redaction().process(&before)
        try tokens.process(&before)
        try redaction().process(&behind)
        #expect(before.observations.map(Self.figures) == plain.observations.map(Self.figures))
        #expect(behind.observations.map(Self.figures) == plain.observations.map(Self.figures))
        // Spans with equal scope and name stay equal, whatever their names become.
        let kinds = zip(plain.observations, before.observations).map { ($0.trace.kind, $1.trace.kind) }
        #expect(Set(kinds.map(\.0)).count == Set(kinds.map { "\($0)" }).count)
        #expect(Set(kinds.map(\.1)).count == Set(kinds.map(\.0)).count)
        #expect(before.sessions == plain.sessions)
        if !name.contains("metrics"), name != "codex-old-traces.json" { #expect(!plain.observations.isEmpty) }
    }

    @Test(arguments: recordings)
    func `a wide pattern spares the figures`(_ name: String) throws {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        var plain = try Self.batch(name)
        var redacted = plain
        try tokens.process(&plain)
        var config = RedactionConfig()
        config.dropAttributes = ["gen_ai.*", "llm.*", "a*", "c*", "e*", "i*", "m*", "o*", "r*", "s*", "t*", "u*"]
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&redacted)
        try tokens.process(&redacted)
        #expect(redacted.observations.map(Self.figures) == plain.observations.map(Self.figures))
    }

    @Test(arguments: recordings)
    func `redaction twice is redaction once`(_ name: String) throws {
        var batch = try Self.batch(name)
        try redaction().process(&batch)
        let once = batch.otlp.encoded()
        try redaction().process(&batch)
        #expect(batch.otlp.encoded() == once)
        var again = Batch(try OTLPBatch(signal: batch.signal, protobuf: once), receivedAt: arrival)
        try redaction().process(&again)
        #expect(again.otlp.encoded() == once)
    }

    /// An observation without the hashes of its span's name and its resource, and without the words of its error.
    private static func figures(_ observation: Observation) -> Observation {
        var figures = observation
        figures.trace.kind = 0
        figures.intervalKey = 0
        figures.error = observation.error == nil ? nil : "error"
        return figures
    }

    private func redaction() throws -> any Processor {
        try ComponentFactory.redaction.makeProcessor(RedactionConfig(), try settings("redaction"))
    }

    static func batch(_ name: String) throws -> Batch {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        let bytes = try Gzip.inflate(
            [UInt8](try Data(contentsOf: folder.appending(path: name + ".gz"))),
            limit: 1 << 22
        )
        let signal = try #require(Signal.allCases.first { name.contains($0.rawValue) })
        let otlp =
            name.hasSuffix(".json")
            ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
        return Batch(otlp, receivedAt: arrival)
    }
}
