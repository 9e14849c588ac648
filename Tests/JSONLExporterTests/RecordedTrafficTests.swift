// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import PricingProcessor
import StoreFixtures
import Testing
import TokensProcessor
import Usage

@testable import JSONLExporter

/// What real agents sent, through the processors of the default pipeline.
struct RecordedTrafficTests {
    @Test func `recorded traffic gives the answers of every other store`() async throws {
        let bench = try await Bench(start: false)
        let batches = try Self.batches()
        #expect(batches.count > 10 && batches.contains { !$0.observations.isEmpty })
        let suite = UsageStoreConformance(home: bench.folder.path) { folder, settings in
            var config = JSONLConfig()
            config.path = ConfigPath("\(folder)/t.jsonl")
            return try ComponentFactory.jsonl.makeExporter(config, settings)
        }
        #expect(await suite.violations(ofMaterial: batches).prefix(3) == [])
    }

    /// The recordings of some agents as batches with observations and prices.
    private static func batches() throws -> [Batch] {
        let id = try #require(ComponentID("recorded"))
        let settings = ComponentSettings(
            id: id,
            logger: Logger(label: "recorded") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { morning }
        )
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings)
        let pricing = try ComponentFactory.pricing.makeProcessor(PricingConfig(), settings)
        let scenarios = [
            "cc-2.1.330-retry-json", "cc-2.1.330-subagent-protobuf", "py-openai-v2", "py-traceloop-anthropic",
        ]
        return try scenarios.flatMap(Self.recordings).map { path in
            let bytes = try Gzip.inflate([UInt8](try Data(contentsOf: path)), limit: 1 << 22)
            let name = path.lastPathComponent
            let signal = try #require(Signal.allCases.first { name.contains($0.rawValue) })
            let otlp =
                name.contains(".json")
                ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
            var batch = Batch(otlp, receivedAt: morning)
            try tokens.process(&batch)
            try pricing.process(&batch)
            return batch
        }
    }

    /// The recordings are those of the tests of `tokens`.
    private static func recordings(of scenario: String) throws -> [URL] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.appending(path: "TokensProcessorTests/Fixtures/\(scenario)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }
}
